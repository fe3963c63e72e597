"""Commands for consent: what somebody allowed, and taking it back on their word."""

from __future__ import annotations

import click

from ledger.command_line import example, json_option, show, with_ledger
from ledger.database import Ledger


@click.group()
def consent() -> None:
    """What people allowed: show it, or take it back on their word."""


@consent.command("show", epilog=example("definedby consent show 0f3a… --json"))
@click.argument("definition")
@json_option
@with_ledger
def show_consent(ledger: Ledger, definition: str, *, as_json: bool) -> None:
    """The signed record of one definition."""
    from consent.receipts import receipt

    record = receipt(ledger, definition)
    if as_json:
        show(record, as_json=True)
        return
    wanted = ("status", "text", "credit_line", "purposes")
    shown = {name: record[name] for name in wanted}
    show({**shown, "purposes": ", ".join(record["purposes"])})
    show([{"at": event["at"], "event": event["kind"]} for event in record["events"]])


@consent.command(
    "withdraw", epilog=example('definedby consent withdraw 0f3a… --because "asked by telephone"')
)
@click.argument("definition")
@click.option("--because", required=True, help="How its author told you; kept as evidence.")
@with_ledger
def withdraw_consent(ledger: Ledger, definition: str, because: str) -> None:
    """Take a definition back because its author asked you to, by whatever way."""
    from consent.decisions import withdraw

    withdraw(ledger, definition, {"channel": "editor", "quoted": because})
    click.echo("Taken back. Its page is gone at once, its lists as soon as the worker has run.")


@consent.command("expire", epilog=example("definedby consent expire"))
@with_ledger
def expire(ledger: Ledger) -> None:
    """Close the questions that nobody answered in time (the worker does so every hour)."""
    from consent.requests import expire_overdue

    click.echo(f"Closed: {expire_overdue(ledger)}")


@consent.command("corrections", epilog=example("definedby consent corrections"))
@with_ledger
def corrections(ledger: Ledger) -> None:
    """Print the answers that editors corrected, one JSON object a line, as labelled test rows.

    They hold what people wrote. Replace words, names and handles before you share them.
    """
    import json

    from consent.answering import labelled_corrections

    for row in labelled_corrections(ledger):
        click.echo(json.dumps(row, ensure_ascii=False))
