"""Commands for messages in the operator's own words; and the doctor, who looks at those as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ledger.cli import report_findings
from ledger.command_line import example, json_option, show, with_settings
from ledger.errors import Exit
from ledger.settings import Settings

if TYPE_CHECKING:
    from ledger.clock import Clock
    from ledger.doctor import Found


@click.group()
def messages() -> None:
    """The messages that ask, remind, thank and confirm, in words of your own."""


@messages.command("list", epilog=example("definedby messages list --json"))
@json_option
@with_settings
def list_command(settings: Settings, *, as_json: bool) -> None:
    """Your own messages, and whether they can be used. Exit code 1 when one can't."""
    from consent.own_messages import own_files

    found = own_files(settings)
    rows = [
        {"file": str(file), "usable": error is None, "reason": str(error or "")}
        for file, error in found
    ]
    if as_json or rows:
        show(rows, as_json=as_json)
    else:
        click.echo("You have none: what is sent is worded as it came with the program.")
        click.echo("Begin one with: definedby messages start ask --lang en")
    if any(error for _, error in found):
        click.get_current_context().exit(Exit.FAILED)


@messages.command(
    "start",
    epilog=example(
        "definedby messages start ask --lang de", "definedby messages start thanks --channel email"
    ),
)
@click.argument("name")
@click.option("--lang", default="en", help="The language; English if you name none.")
@click.option("--channel", default="", help="For this channel only; by default for all.")
@with_settings
def start_command(settings: Settings, name: str, *, lang: str, channel: str) -> None:
    """Put a copy of a message into the instance folder, for you to change."""
    from consent.own_messages import placeholders, start

    file = start(settings, name, lang, channel)
    _, required = placeholders(name)
    click.echo(f"Change {file}: it is what is sent from now on.")
    click.echo(f"These have to stay in it: {', '.join(sorted(required))}.")


@click.command("doctor", epilog=example("definedby doctor --json"))
@json_option
def doctor_command(*, as_json: bool) -> None:
    """Look at everything the instance needs, and say how to mend what is wrong."""
    report_findings(_messages, as_json=as_json)


def _messages(settings: Settings, _clock: Clock) -> Found:
    from consent.own_messages import own_files
    from ledger.doctor import Finding, Health

    found = own_files(settings)
    for _, error in found:
        if error is not None:
            yield Finding("messages", Health.FAIL, error.what, error.next_step)
    if not any(error for _, error in found):
        yield Finding("messages", Health.OK, f"{len(found)} messages of your own, none faulty.")
