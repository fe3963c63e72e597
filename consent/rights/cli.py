"""Commands for what people may ask about themselves; each on somebody's word, which is kept."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from ledger.command_line import example, json_option, show, with_ledger
from ledger.database import Ledger

NewFile = click.Path(path_type=Path, dir_okay=False)


@click.group()
def rights() -> None:
    """What people may ask about themselves: everything kept of them, or none of it any more.

    CONTRIBUTOR is an identifier, or an address or handle as the desk shows it.
    """


@rights.command("export", epilog=example("definedby rights export ada@sample.example --to ada.zip"))
@click.argument("contributor")
@click.option("--to", "file", type=NewFile, required=True, help="The new zip file.")
@click.option("--lang", default="en", help="Language of the page in it, such as de.")
@json_option
@with_ledger
def export_command(
    ledger: Ledger, contributor: str, *, file: Path, lang: str, as_json: bool
) -> None:
    """Everything held about a person in one zip, to read and for programs.

    Hand it to nobody else.
    """
    from consent.rights.export import export_file
    from consent.rights.whom import find_contributor

    with ledger.read() as connection:
        whom = find_contributor(connection, contributor)
    report = export_file(ledger, whom, file, lang)
    if as_json:
        show({"file": str(file), **asdict(report)}, as_json=True)
        return
    click.echo(f"{file}: {report.rows} rows in {report.files} files. Hand it to nobody else.")


@rights.command(
    "erase",
    epilog=example(
        'definedby rights erase ada@sample.example --because "asked by telephone" --yes'
    ),
)
@click.argument("contributor")
@click.option("--because", required=True, help="How they told you, without a name; it is kept.")
@click.option("--yes", "sure", is_flag=True, help="Don't ask again; it can't be undone.")
@with_ledger
def erase_command(ledger: Ledger, contributor: str, *, because: str, sure: bool) -> None:
    """Erase a person: posts, words, messages, addresses, and the key of their record.

    What stays is a keyed hash of each address, so that nobody writes to them or collects from
    them again, and that something was decided and when, without words.
    """
    from consent.rights.erasing import erase, what_goes
    from consent.rights.whom import find_contributor

    with ledger.read() as connection:
        whom = find_contributor(connection, contributor)
    going = what_goes(ledger, whom)
    show(
        {
            "answers": going.answers,
            "addresses": going.addresses,
            "messages": going.messages,
            "published": ", ".join(going.published) or "nothing",
        }
    )
    if not sure:
        click.confirm("Erase all of this for good?", abort=True)
    gone = erase(ledger, whom, {"channel": "command", "quoted": because})
    click.echo("Erased. Pages are gone at once; lists, feeds and the file's traces as soon as the")
    click.echo(
        "worker has run. Backups go by their own age: see 'definedby settings', backup_days."
    )
    if gone.editions:
        click.echo(f"They were in {len(gone.editions)} editions: look whether a text names them.")
