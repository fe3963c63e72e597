"""Commands of the collector: poll, import, account."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from ledger.command_line import example, json_option, show, with_ledger
from ledger.database import Ledger
from ledger.errors import DefinedbyError, Exit, SettingError
from ledger.model import Account, Channel, IncomingReply


@click.command(epilog=example("definedby poll", "definedby poll --account letters --json"))
@click.option("--account", "name", default="", help="Only the account with this name.")
@json_option
@with_ledger
def poll(ledger: Ledger, name: str, *, as_json: bool) -> int:
    """Read all accounts now, due or not, and read what their replies say.

    Exit code 3 when some accounts could not be read, 4 when all of those may work later.
    """
    from collector.poll import poll_all
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
    from collector.import_file import import_file
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


@click.group()
def account() -> None:
    """The mailboxes that are read, and how they fare."""


@account.command("list", epilog=example("definedby account list"))
@json_option
@with_ledger
def list_accounts(ledger: Ledger, *, as_json: bool) -> None:
    """All accounts: last read, next read, what went wrong and how to mend it."""
    from ledger.accounts import all_accounts

    with ledger.read() as connection:
        known = all_accounts(connection, ledger.keys)
    shown = ("channel", "name", "last_read_at", "next_poll_at", "stored", "skipped", "last_error")
    show(
        [{name: getattr(account, name) for name in shown} for account in known],
        as_json=as_json,
        empty="No account yet. Add one with 'definedby account add email'.",
    )


@account.command("test", epilog=example("definedby account test letters"))
@click.argument("name")
@json_option
@with_ledger
def try_account_command(ledger: Ledger, name: str, *, as_json: bool) -> None:
    """Sign in to an account live and show the answer."""
    from collector.accounts import try_account
    from ledger.accounts import all_accounts

    with ledger.read() as connection:
        known = [a for a in all_accounts(connection, ledger.keys) if a.name == name]
    if not known:
        raise SettingError(
            f"There is no account named '{name}'.", "'definedby account list' lists them."
        )
    for each in known:
        show({"channel": each.channel, "answer": try_account(each)}, as_json=as_json)


@account.command(
    "add",
    epilog=example(
        "definedby account add email",
        "definedby account add email --name letters --address letters@blog.example \\",
        "    --imap imap.blog.example:993 --smtp smtp.blog.example:465",
    ),
)
@click.argument("channel", type=click.Choice([Channel.EMAIL.value]))
@click.option("--campaign", "slug", default="", help="The campaign whose answers arrive there.")
@click.option("--name", default="", help="What to call the account; else its address.")
@click.option("--address", prompt="E-mail address", help="The mailbox's own address.")
@click.option("--sender-name", default="", help="Name shown as the sender; else the asker.")
@click.option(
    "--imap", prompt="IMAP server (host:port, see your provider's help)", help="Reading: host:port."
)
@click.option(
    "--imap-security", type=click.Choice(["ssl", "starttls", "none"]), help="Else by the port."
)
@click.option("--smtp", prompt="SMTP server (host:port, same page)", help="Sending: host:port.")
@click.option(
    "--smtp-security", type=click.Choice(["ssl", "starttls", "none"]), help="Else by the port."
)
@click.option("--user", default="", help="Login name; else the address.")
@click.option(
    "--password",
    prompt="Password (an app password, made in your provider's security settings)",
    hide_input=True,
    envvar="MAILBOX_PASSWORD",
    help="Asked for when not given; MAILBOX_PASSWORD in the environment works too.",
)
@click.option("--folder", default="INBOX", show_default=True, help="Folder that is read.")
@click.option("--replace", is_flag=True, help="Change the account of that name; keep its replies.")
@json_option
@with_ledger
def add(ledger: Ledger, channel: str, slug: str, name: str, **given: Any) -> None:
    """Add a mailbox: asks for what is needed, signs in, and keeps it if that worked."""
    from collector.accounts import keep_account
    from ledger.campaigns import need_campaign

    with ledger.read() as connection:
        campaign = need_campaign(connection, slug)
    options = {
        **_server("imap", given["imap"], given["imap_security"], {993: "ssl", 143: "starttls"}),
        **_server("smtp", given["smtp"], given["smtp_security"], {465: "ssl", 587: "starttls"}),
        "address": given["address"],
        "user": given["user"] or given["address"],
        "sender_name": given["sender_name"] or ledger.settings.asker,
        "folder": given["folder"],
    }
    kept, answer = keep_account(
        ledger,
        campaign,
        Channel(channel),
        name or given["address"],
        options,
        given["password"],
        replace=given["replace"],
    )
    show(
        {"account": kept.name, "campaign": campaign.slug, "answer": answer},
        as_json=given["as_json"],
    )


def _server(kind: str, given: str, security: str | None, usual: dict[int, str]) -> dict[str, Any]:
    host, colon, port = given.rpartition(":")
    if not colon:
        host, port = given, str(next(iter(usual)))
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise SettingError(
            f"'{given}' is not a server address.",
            f"Write it as host:port, e.g. {kind}.blog.example:{next(iter(usual))}.",
        )
    if security is None and int(port) not in usual:
        raise DefinedbyError(
            f"Port {port} does not say how the connection is kept secret.",
            f"Add --{kind}-security ssl or --{kind}-security starttls.",
        )
    return {
        f"{kind}_host": host.strip("[]"),
        f"{kind}_port": int(port),
        f"{kind}_security": security or usual[int(port)],
    }
