"""Everything that is held about one person, in one zip: for programs, and to read (promise P34).

Which rows and columns those are is declared in ledger/whose.py. What is encrypted in the database
is opened; keys, and links that let whoever has them decide, are left out.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile

from sqlalchemy import Connection, Row, select

from consent.receipts import receipt
from consent.rights.export_page import export_page
from ledger import attachments, durable, tables
from ledger.database import Ledger
from ledger.errors import DefinedbyError
from ledger.pictures import open_picture
from ledger.said import open_words
from ledger.walk import links_of
from ledger.whose import LEFT_OUT, SEALED, WHOSE, Trace, trace

FORMAT = 1
EVERYTHING, PAGE, RECEIPTS, POSTS = "everything.json", "index.html", "receipts", "posts"
PICTURES = "pictures"
#: A personal link or a stop link, wherever it stands: whoever has one can decide for its owner.
_SECRET_LINK = re.compile(r"(/(?:p|unsubscribe)/)[\w-]{43}")
LEFT_OUT_HERE = "[left out]"
NOT_READABLE = "[can't be opened any more]"
#: Subjects whose events are opened together.
BATCH = 200

Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class ExportReport:
    """`rows` counts what is held, `files` what the zip holds."""

    people: tuple[str, ...]
    rows: int
    files: int


def export_file(ledger: Ledger, contributor_id: str, file: Path, lang: str = "en") -> ExportReport:
    """Write the export to a new `file`. Raises DefinedbyError when it exists already."""
    if file.exists():
        raise DefinedbyError(f"{file} exists already.", "Name a new file.")
    if not file.resolve().parent.is_dir():
        raise DefinedbyError(f"There is no folder {file.parent}.", "Make it, or name another.")
    with durable.beside(file) as temporary:
        with temporary.open("w+b") as opened:
            report = export(ledger, contributor_id, opened, lang)
        temporary.chmod(0o600)
        durable.put(temporary, file, new=True)
    return report


def export(ledger: Ledger, contributor_id: str, into: IO[bytes], lang: str = "en") -> ExportReport:
    """Write everything held about this person, whatever they are joined with, as a zip."""
    with ledger.read() as connection:
        of = trace(connection, ledger.keys, contributor_id)
        held = held_about(ledger, connection, of)
        pictures = _pictures(ledger, connection, held)
    stated = {
        "format": FORMAT,
        "made_at": ledger.clock().isoformat(timespec="seconds"),
        "publication": ledger.settings.title,
        "responsible": {"name": ledger.settings.asker, "contact": ledger.settings.contact},
        "contributors": list(of.person),
        "left_out": {table: dict(columns) for table, columns in LEFT_OUT.items()},
        "held": held,
    }
    with ZipFile(into, "w", ZIP_DEFLATED) as archive:
        archive.writestr(PAGE, export_page(lang, stated))
        archive.writestr(EVERYTHING, _json(stated))
        for definition_id in of.definitions:
            # A record that does not verify keeps nobody from the rest of what is theirs.
            with contextlib.suppress(DefinedbyError):
                record = receipt(ledger, definition_id)
                archive.writestr(f"{RECEIPTS}/{definition_id}.json", _json(record))
        for name, text in _posts(ledger, held):
            archive.writestr(f"{POSTS}/{name}", text)
        for name, content in pictures.items():
            archive.writestr(name, content)
        files = len(archive.namelist())
    return ExportReport(of.person, sum(map(len, held.values())), files)


def held_about(ledger: Ledger, connection: Connection, of: Trace) -> Rows:
    """All rows about a person by table, as JSON knows values, without secrets."""
    found: Rows = {}
    for name, whose in WHOSE.items():
        table = tables.metadata.tables[name]
        rows = connection.execute(select(table).where(whose(of)).order_by(*table.primary_key))
        found[name] = [_row(ledger, connection, name, row) for row in rows]
    opened = _payloads(ledger, connection, of)
    for row in found["event_payloads"]:
        row["payload"] = opened.get(row["seq"])
    return found


def _row(ledger: Ledger, connection: Connection, name: str, row: Row[Any]) -> dict[str, Any]:
    left_out, sealed = LEFT_OUT.get(name, {}), SEALED.get(name, ())
    values = {
        column: _plain(value)
        for column, value in row._mapping.items()
        if column not in left_out and column not in sealed
    }
    for column in sealed:
        opener = _OPENERS.get((name, column))
        if opener is not None and row._mapping[column]:
            values[column.removeprefix("sealed_")] = _opened(opener, ledger, connection, row)
    return values


def _opened(
    opener: Callable[[Ledger, Connection, Row[Any]], str],
    ledger: Ledger,
    connection: Connection,
    row: Row[Any],
) -> str:
    try:
        return without_links(opener(ledger, connection, row))
    except (ValueError, DefinedbyError):
        return NOT_READABLE


def _body(ledger: Ledger, _connection: Connection, row: Row[Any]) -> str:
    return ledger.keys.decrypt(row.sealed_body)


def _attachment(ledger: Ledger, _connection: Connection, row: Row[Any]) -> str:
    held = attachments.opened(ledger.keys, row.sealed_attachment)
    return held.content if held else ""


def _composer(ledger: Ledger, _connection: Connection, row: Row[Any]) -> str:
    return ledger.keys.decrypt(row.sealed_composer)


def _words(ledger: Ledger, connection: Connection, row: Row[Any]) -> str:
    return open_words(
        connection, ledger.keys, row.contributor_id, row.message_id, bytes(row.sealed_words)
    )


def _picture(_ledger: Ledger, _connection: Connection, row: Row[Any]) -> str:
    """The file beside the page that holds it."""
    return picture_file(row.hash)


def picture_file(name: str) -> str:
    """Where in the zip a picture lies."""
    return f"{PICTURES}/{name}.jpg"


def _pictures(ledger: Ledger, connection: Connection, held: Rows) -> dict[str, bytes]:
    """Their pictures by the files that hold them; one that can't be opened is left out."""
    found = {}
    for row in held["pictures"]:
        with contextlib.suppress(DefinedbyError):
            found[picture_file(row["hash"])] = open_picture(
                connection, ledger.keys, row["contributor_id"], row["hash"]
            )
    return found


def _post(ledger: Ledger, _connection: Connection, row: Row[Any]) -> str:
    return ledger.keys.decrypt(row.sealed_post)


_OPENERS: Mapping[tuple[str, str], Callable[[Ledger, Connection, Row[Any]], str]] = {
    ("outbox", "sealed_body"): _body,
    ("outbox", "sealed_attachment"): _attachment,
    ("outbox", "sealed_composer"): _composer,
    ("outbox", "sealed_words"): _words,
    ("pictures", "sealed_picture"): _picture,
    ("told_pages", "sealed_post"): _post,
}


def _payloads(ledger: Ledger, connection: Connection, of: Trace) -> dict[int, Any]:
    """What stands in their events, by the event's number; nothing where it can't be opened."""
    subjects = [*of.definitions, *of.person]
    found = {}
    for start in range(0, len(subjects), BATCH):
        for link in links_of(connection, ledger.keys, subjects[start : start + BATCH]):
            if link.stated is not None:
                found[link.seq] = _plain(link.payload)
    return found


def _plain(value: Any) -> Any:
    """A value as JSON knows it, with every secret link taken out."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, str):
        return without_links(value)
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {str(name): _plain(part) for name, part in value.items()}
    return value


def without_links(text: str) -> str:
    """The text without personal links: an export may lie where others find it."""
    return _SECRET_LINK.sub(rf"\1{LEFT_OUT_HERE}", text)


def _posts(ledger: Ledger, held: Rows) -> list[tuple[str, str]]:
    """The files that were composed from their words and stand now."""
    found = []
    for row in held["posts"]:
        file = ledger.settings.content / row["file"]
        if row["file"] and not row["gone_at"]:
            with contextlib.suppress(OSError):
                found.append((file.name, file.read_text(encoding="utf-8")))
    return found


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
