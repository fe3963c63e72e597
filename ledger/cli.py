"""The commands of the ledger: verify, head, backup, restore, resume, doctor, settings."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ledger.command_line import example, json_option, show, with_ledger, with_settings
from ledger.errors import DefinedbyError, Exit

if TYPE_CHECKING:
    from ledger.chain import Link
    from ledger.database import Ledger
    from ledger.doctor import Look
    from ledger.settings import Settings

#: From this many events on, a walk takes long enough to show how far it is.
MANY_EVENTS = 5000
_PASSWORD_OPTION = re.compile(r"([?&](?:\w*password)=)[^&]*", re.IGNORECASE)
FilePath = click.Path(path_type=Path, dir_okay=False)
FolderPath = click.Path(path_type=Path, file_okay=False, exists=True)


@click.group("ledger")
def ledger_group() -> None:
    """Check the consent record and export its signed head."""


@ledger_group.command(epilog=example("definedby ledger verify --heads /mnt/heads"))
@click.option(
    "--heads", type=FolderPath, help="Folder of exported heads; by default the instance's own."
)
@json_option
@with_ledger
def verify(ledger: Ledger, heads: Path | None, as_json: bool) -> None:  # noqa: FBT001 - click calls it by name
    """Walk the whole chain of consent events and check every link."""
    from ledger.archive import HEADS
    from ledger.chain import Break
    from ledger.heads import read_heads, verify_chain

    exported = read_heads(heads or ledger.settings.home / HEADS, ledger.keys)
    found = verify_chain(ledger, exported, None if as_json else _with_progress)
    holds = not isinstance(found, Break)
    result = {"holds": holds, "event": found.seq, "heads": len(exported)}
    if as_json:
        show({**result, "reason": found.reason if isinstance(found, Break) else ""}, as_json=True)
    elif isinstance(found, Break):
        click.echo(f"The chain is broken at event {found.seq}: {found.reason}.")
        click.echo("Keep a copy of this instance, then restore a backup: definedby restore FILE")
    else:
        click.echo(f"{found.seq} events and {len(exported)} exported heads were checked.")
        click.echo(f"The chain holds up to event {found.seq}.")
    if not holds:
        click.get_current_context().exit(Exit.BROKEN_LEDGER)


def _with_progress(links: Iterator[Link], count: int) -> Iterable[Link]:
    if count <= MANY_EVENTS or not sys.stderr.isatty():
        return links
    from rich.console import Console
    from rich.progress import track

    return track(links, "Checking", total=count, console=Console(stderr=True), transient=True)


@ledger_group.command(epilog=example("definedby ledger head"))
@json_option
@with_ledger
def head(ledger: Ledger, as_json: bool) -> None:  # noqa: FBT001 - click calls it by name
    """Export the signed head of the chain now (the worker does it daily)."""
    from ledger.heads import export_head
    from ledger.heads_git import keep_in_git

    path = export_head(ledger)
    git = keep_in_git(ledger.settings)
    if as_json:
        show({"file": path, "git": git}, as_json=True)
    else:
        click.echo(f"The head was written to {path}. Keep a copy on another machine.")
        if git:
            click.echo(git)


@click.command("backup", epilog=example("definedby backup", "definedby backup /mnt/monday.zip"))
@click.argument("file", required=False, type=FilePath)
@json_option
@with_ledger
def backup_command(ledger: Ledger, file: Path | None, as_json: bool) -> None:  # noqa: FBT001 - click calls it by name
    """Back up database, keys, content and heads into one new FILE."""
    from ledger.backup import backup

    report = backup(ledger, file)
    if as_json:
        show(asdict(report), as_json=True)
        return
    click.echo(f"{report.file}: {report.rows} rows, {report.events} consent events.")
    click.echo("It holds the keys: keep it private. Try it with:")
    click.echo(f"  definedby restore {report.file} --drill")


@click.command("restore", epilog=example("definedby restore backup.zip --drill"))
@click.argument("file", type=FilePath)
@click.option("--drill", "only_drill", is_flag=True, help="Prove the backup; change nothing.")
@click.option(
    "--stops",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    multiple=True,
    help="A stopped.json of the instance: who said stop since. Those near are found.",
)
@json_option
@with_settings
def restore_command(
    settings: Settings,
    file: Path,
    stops: tuple[Path, ...],
    *,
    only_drill: bool,
    as_json: bool,
) -> None:
    """Restore a backup where there is no instance yet; it starts paused."""
    from ledger.restore import drill, restore

    if only_drill:
        proven = drill(file)
        if as_json:
            show(asdict(proven), as_json=True)
        else:
            click.echo(f"{file} can be restored: {proven.rows} rows, {proven.events} events.")
        return
    report = restore(file, settings, stops)
    if as_json:
        show(asdict(report), as_json=True)
        return
    click.echo(f"Restored {report.drill.rows} rows and {report.drill.events} consent events.")
    for path in report.aside:
        click.echo(f"A different file stood in the way and is now {path}")
    for path in report.stop_lists:
        click.echo(f"Whoever said stop by {path} stays stopped.")
    if report.stopped:
        click.echo(f"{report.stopped} of them had said it after this backup was made.")
    if report.erased:
        click.echo(f"{report.erased} people were erased after this backup was made, and are again.")
    if not report.stop_lists:
        click.echo(
            "No stopped.json was found. Whoever said stop or was erased after this backup was made "
            "is as before: put the file of the old instance into this folder before you resume."
        )
    click.echo(f"Sending and publishing are paused. {report.paused}")


@click.command("resume", epilog=example("definedby resume"))
@with_ledger
def resume_command(ledger: Ledger) -> None:
    """Let a restored or copied instance send and publish again."""
    from ledger.paused import pause_when_moved, resume
    from ledger.reached import accept_reached
    from ledger.stop_list import sync_stops

    sync_stops(ledger)
    with ledger.write() as connection:
        was_paused = resume(connection)
    if ledger.engine.dialect.name == "sqlite":
        # Remembers where it stands now, so that the next copy is noticed.
        pause_when_moved(ledger)
    accept_reached(ledger)
    click.echo("Sending and publishing go on." if was_paused else "It was not paused.")


@click.command("doctor", epilog=example("definedby doctor --json"))
@json_option
def doctor_command(as_json: bool) -> None:  # noqa: FBT001 - click calls it by name
    """Look at everything the instance needs, and say how to mend what is wrong."""
    report_findings(as_json=as_json)


def report_findings(*more: Look, as_json: bool) -> None:
    """Examine the instance, also by looks of the stages; exit code 1 when something failed."""
    from ledger.doctor import Finding, Health, examine
    from ledger.settings import load_settings

    try:
        findings = examine(load_settings(), more=more)
    except DefinedbyError as error:
        findings = [Finding("settings", Health.FAIL, error.what, error.next_step)]
    if as_json:
        show([asdict(finding) for finding in findings], as_json=True)
    else:
        marks = {Health.OK: "  ok  ", Health.WARN: " warn ", Health.FAIL: " FAIL "}
        for finding in findings:
            click.echo(f"[{marks[finding.health]}] {finding.name}: {finding.sentence}")
            if finding.next_step:
                click.echo(f"           {finding.next_step}")
    if any(finding.health is Health.FAIL for finding in findings):
        click.get_current_context().exit(Exit.FAILED)


@click.command("settings", epilog=example("definedby settings --json"))
@json_option
def settings_command(as_json: bool) -> None:  # noqa: FBT001 - click calls it by name
    """List every setting: its value in force, where that comes from, and what it means."""
    from ledger.settings import PREFIX, load_settings, origins

    settings, origin = load_settings(), origins()
    rows: list[dict[str, Any]] = [
        {
            "name": f"{PREFIX}{name.upper()}",
            "value": _without_password(getattr(settings, name)),
            "from": origin[name],
            "description": field.description,
        }
        for name, field in type(settings).model_fields.items()
    ]
    show(rows, as_json=as_json)


def _without_password(value: Any) -> Any:
    """A URL keeps its user and host; nobody needs its password on a screen."""
    if not isinstance(value, str) or "://" not in value:
        return str(value) if isinstance(value, Path) else value
    scheme, _, rest = value.partition("://")
    login, at, host = rest.rpartition("@")
    user, colon, _ = login.partition(":")
    shown = f"{scheme}://{user}{':***' if colon else ''}{at}{host}"
    return _PASSWORD_OPTION.sub(r"\1***", shown)


@click.command(
    "rotate-keys", epilog=example("definedby rotate-keys", "definedby rotate-keys --signing")
)
@click.option(
    "--signing", is_flag=True, help="A new key to sign with instead; old ones still verify."
)
@with_ledger
def rotate_keys_command(ledger: Ledger, *, signing: bool) -> None:
    """Encrypt passwords, tokens and personal keys under a new key.

    Stop the web server and the worker first, and make a backup afterwards: older ones need the
    key file that is in them.
    """
    from ledger.rotation import rotate_keys, rotate_signing_key

    if signing:
        rotate_signing_key(ledger)
        click.echo("Receipts and heads are signed with a new key; the former ones stay public.")
    else:
        click.echo(f"Encrypted anew: {rotate_keys(ledger)}.")
    click.echo("Start the web server and the worker again.")
