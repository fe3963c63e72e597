"""Commands of the collector: poll, import."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from ledger.command_line import example, json_option, show, with_ledger
from ledger.database import Ledger
from ledger.errors import Exit, SettingError
from ledger.model import Account, IncomingReply


@click.command(epilog=example("definedby poll", "definedby poll --account letters --json"))
@click.option("--account", "name", default="", help="Only the account with this name.")
@json_option
@with_ledger
def poll(ledger: Ledger, name: str, *, as_json: bool) -> int:
    """Read all accounts now, due or not, and read what their replies say.

    Exit code 3 when some accounts could not be read, 4 when all of those may work later.
    """
    from collector.polling import poll_all
    from collector.read import read_new

    def announce(account: Account) -> None:
        if sys.stderr.isatty():
            click.echo(f"Reading {account.channel} {account.name} …", err=True)

    reports = poll_all(ledger, name, announce)
    if name and not reports:
        raise SettingError(
            f"There is no account named '{name}' to read.", "'definedby account list' lists them."
        )
    read_new(ledger)
    show(
        [vars(report) for report in reports],
        as_json=as_json,
        empty="There is no account to read yet. Add one with 'definedby account add email'.",
    )
    failed = [report for report in reports if report.error]
    if not failed:
        return Exit.DONE
    return Exit.PARTLY if any(report.permanent for report in failed) else Exit.TEMPORARY


@click.command(
    "import",
    epilog=example(
        "definedby import answers.csv --dry-run",
        'definedby import answers.csv --map text="Your answer" --map name=Who',
    ),
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--campaign", "slug", default="", help="The campaign these answers belong to.")
@click.option(
    "--format", "kind", default="", help="csv, jsonl or mbox; else known by the file's name."
)
@click.option(
    "--map", "pairs", multiple=True, metavar="FIELD=COLUMN", help="Which column holds a field."
)
@click.option("--dry-run", is_flag=True, help="Show how the file would be read; store nothing.")
@json_option
@with_ledger
def import_command(
    ledger: Ledger,
    file: Path,
    slug: str,
    kind: str,
    pairs: tuple[str, ...],
    *,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Take in answers from a CSV, JSON Lines or mbox FILE.

    Fields: text (needed), name, address, url, date, id, source_url, subject. Rows that can't be
    used are reported with their line and the rest is stored (exit code 3). Importing the same
    file again adds nothing, and never implies that anybody consented.
    """
    from collector.channels.importing import open_source
    from collector.imports.file import import_file
    from collector.read import read_new
    from ledger.campaigns import need_campaign

    with ledger.read() as connection:
        campaign = need_campaign(connection, slug)
    source = open_source(file, format=kind, mapping=_mapping(pairs))
    if dry_run:
        return _show_preview(source, as_json=as_json)
    with _progress(f"Importing {file.name}", source.total_bytes) as progress:
        report = import_file(ledger, campaign, source, file.name, progress)
    read_new(ledger)
    problems = [{"where": item.external_id, "reason": item.reason} for item in report.skipped]
    summary = {"stored": report.stored, "known": report.known, "skipped": len(problems)}
    if as_json:
        show({**summary, "problems": problems}, as_json=True)
    else:
        for problem in problems:
            click.echo(f"{problem['where']}: {problem['reason']}", err=True)
        show(summary)
    return Exit.PARTLY if problems else Exit.DONE


def _mapping(pairs: tuple[str, ...]) -> dict[str, str]:
    mapping = {}
    for pair in pairs:
        name, equals, column = pair.partition("=")
        if not equals or not column:
            raise SettingError(
                f"'{pair}' does not say which column holds a field.",
                'Write it as FIELD=COLUMN, for example --map text="Your answer".',
            )
        mapping[name] = column
    return mapping


def _show_preview(source: Any, *, as_json: bool) -> int:
    from collector.channels.importing import preview

    rows = []
    for item in preview(source):
        if isinstance(item, IncomingReply):
            row = {"text": item.text, "name": item.author_name, "address": item.address}
            rows.append({**row, "date": item.written_at, "problem": ""})
        else:
            empty = {"text": "", "name": "", "address": "", "date": None}
            rows.append({**empty, "problem": f"{item.external_id}: {item.reason}"})
    if as_json:
        show({"mapping": dict(source.mapping), "first_rows": rows}, as_json=True)
        return Exit.DONE
    shown = ", ".join(f"{name} = {column}" for name, column in source.mapping.items())
    click.echo(f"Read as: {shown}" if shown else "Read as it is.")
    show(rows, empty="The file holds no rows.")
    click.echo("Nothing was stored. Run it without --dry-run to import.")
    return Exit.DONE


@contextlib.contextmanager
def _progress(label: str, total: int) -> Iterator[Callable[[int], None] | None]:
    """A progress bar on a terminal, silence elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda done: bar.update(task, completed=done)


@click.command(epilog=example("definedby status --json"))
@json_option
@with_ledger
def status(ledger: Ledger, *, as_json: bool) -> None:
    """How each account fares: last and next read, what came, what went wrong, what it cost."""
    from collector.status import status as status_of

    rows = [one.as_dict() for one in status_of(ledger)]
    if as_json:
        show(rows, as_json=True)
        return
    wanted = ("channel", "name", "last_read_at", "next_poll_at", "replies", "replies_today")
    show(
        [
            {**{name: row[name] for name in (*wanted, "quiet")}, "error": row["last_error"]}
            for row in rows
        ],
        empty="No account yet. Add one with 'definedby account add email'.",
    )
