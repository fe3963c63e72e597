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
