"""Commands for consent: what somebody allowed, why it may stand, and taking it back."""

from __future__ import annotations

import contextlib
from pathlib import Path

import click

from ledger.command_line import example, json_option, show, with_ledger, with_settings
from ledger.database import Ledger
from ledger.errors import DefinedbyError, Exit
from ledger.settings import Settings


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


@click.command(
    "why",
    epilog=example(
        "definedby why https://blog.example/courage/carrying-the-lamp-0f3a91c2/",
        "definedby why content/posts/courage/carrying-the-lamp-0f3a91c2.md --json",
    ),
)
@click.argument("place", metavar="URL-OR-FILE")
@json_option
@with_ledger
def why_command(ledger: Ledger, place: str, *, as_json: bool) -> None:
    """Why what stands at an address, or in a file, may be published.

    It ends with exit code 1 unless there is a live grant for everything there. Of what was
    withdrawn it says that and nothing else.
    """
    from consent.why import why
    from consent.why_words import in_words

    answers = why(ledger, place)
    if as_json:
        show(answers, as_json=True)
    else:
        for number, answer in enumerate(answers):
            click.echo("\n" * bool(number) + "\n".join(in_words(answer)))
    if not answers or any(answer["status"] != "granted" for answer in answers):
        click.get_current_context().exit(Exit.FAILED)


@click.group()
def receipt() -> None:
    """Receipts that people kept: are they genuine?"""


FilePath = click.Path(path_type=Path, dir_okay=False, exists=True)


@receipt.command(
    "verify", epilog=example("definedby receipt verify consent-0f3a91c2.json --key key.json")
)
@click.argument("file", type=FilePath)
@click.option("--key", type=FilePath, help="The blog's public keys, saved from its key page.")
@json_option
@with_settings
def verify_command(settings: Settings, file: Path, *, key: Path | None, as_json: bool) -> None:
    """Whether a receipt is what was signed; works offline, and without an instance.

    Without --key it is compared with the keys of the instance here. Where there is none, only
    that nothing was changed can be told, and not whose key it is.
    """
    from consent.receipt_check import verify_receipt
    from ledger.keys import read_keys
    from ledger.public_keys import read_key_set

    trusted: tuple[str, ...] = ()
    if key is not None:
        trusted = read_key_set(key)
    else:
        with contextlib.suppress(DefinedbyError):
            trusted = read_keys(settings.home).public_keys
    found = verify_receipt(file, trusted)
    facts = {name: found.record[name] for name in ("record_id", "status", "public_key")}
    if as_json:
        show({**facts, "genuine": True, "known_key": found.known_key}, as_json=True)
        return
    click.echo("Nothing in it was changed since it was signed.")
    if not found.known_key:
        click.echo("Whose key that is, nothing here can tell: give the blog's with --key.")
    show(facts)
