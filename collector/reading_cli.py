"""The command `definedby read`: readings for programs, and corrections as labelled rows."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ledger.command_line import example
from ledger.errors import DefinedbyError, Exit, SettingError


@click.command(
    epilog=example(
        "definedby read --jsonl replies.jsonl",
        "definedby read --corrections",
    )
)
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--jsonl", "as_stream", is_flag=True, help="Read replies, one JSON object a line.")
@click.option(
    "--corrections",
    is_flag=True,
    help="Write what editors corrected as labelled rows, without names and addresses.",
)
def read(file: Path | None, *, as_stream: bool, corrections: bool) -> int:
    """Say what replies seem to be: definition, question, thanks, stop, spam or other.

    Needs no instance with --jsonl; without FILE it reads standard input. A line that can't be
    read is answered by a line with "error"; the exit code is then 3.
    """
    if as_stream == corrections:
        raise SettingError("Say what to read.", "Give either --jsonl or --corrections.")
    if corrections:
        return _corrections()
    return _stream(file)


def _corrections() -> int:
    from collector.corrections import write_corrections
    from ledger.database import open_ledger
    from ledger.settings import load_settings

    ledger = open_ledger(load_settings())
    try:
        count = write_corrections(ledger, sys.stdout)
    finally:
        ledger.close()
    click.echo(f"Corrected replies: {count}", err=True)
    return Exit.DONE


def _stream(file: Path | None) -> int:
    from collector.reading.stream import readings_of, written

    failed = False
    try:
        source = sys.stdin.buffer if file is None or str(file) == "-" else file.open("rb")
    except OSError as error:
        raise DefinedbyError(
            f"{file} can't be read: {error.strerror}.", "Check its name and its place."
        ) from None
    with source:
        for answer in readings_of(source):
            failed = failed or "error" in answer
            sys.stdout.buffer.write(written(answer))
    return Exit.PARTLY if failed else Exit.DONE
