"""A look at a file before replies are imported from it: what it is, its columns, how to read it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from collector.imports.records import (
    DecodedLines,
    Record,
    csv_records,
    json_records,
    json_row,
    mbox_records,
)
from ledger.errors import DefinedbyError, SettingError
from ledger.model import normal

#: How much of a file is looked at to say what it is.
HEAD = 65_536
_LOOKED_AT_LINES = 200
_BOM = b"\xef\xbb\xbf"
SUFFIXES = {
    **dict.fromkeys((".csv", ".tsv", ".tab"), "csv"),
    **dict.fromkeys((".jsonl", ".ndjson", ".jsonlines", ".json"), "jsonl"),
    **dict.fromkeys((".mbox", ".mbx"), "mbox"),
}

_AS_CSV = "Open it in a spreadsheet program, save it as CSV (UTF-8) and import that file."
#: How foreign files begin, what they are, and what to do about it.
_FOREIGN: tuple[tuple[bytes, str, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "a PNG picture", "Give the file with the replies themselves."),
    (b"\xff\xd8\xff", "a JPEG picture", "Give the file with the replies themselves."),
    (b"GIF8", "a GIF picture", "Give the file with the replies themselves."),
    (b"%PDF", "a PDF document", "Copy its table into a spreadsheet and save that as CSV."),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file", _AS_CSV),
    (b"\x1f\x8b", "a gzip archive", "Unpack it (gunzip) and import what is inside."),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "Unpack it and import what is inside."),
    (b"SQLite format 3\x00", "an SQLite database", "Export its table as CSV and import that."),
    (b"{\\rtf", "a rich text document", "Save its table as CSV and import that."),
    (b"\xff\xfe", "a text in UTF-16", "Save it again with the encoding UTF-8."),
    (b"\xfe\xff", "a text in UTF-16", "Save it again with the encoding UTF-8."),
)


Reader = Callable[[BinaryIO, int], Iterator[Record]]


@dataclass(frozen=True)
class FileShape:
    """What was found out about a file: its format, its columns, and how to read on from a place.

    `start` and `first_line` are the place of its first record.
    """

    format: str
    columns: tuple[str, ...]
    start: int
    first_line: int
    read: Reader


def look_at(path: Path, format_name: str) -> FileShape:
    """Find out what the file is. Raises DefinedbyError, with the step that mends it."""
    chosen = format_name.lower() or SUFFIXES.get(path.suffix.lower(), "")
    if chosen not in _LOOKS:
        what = f"There is no format '{format_name}'." if format_name else ""
        raise SettingError(
            what or f"The name '{path.name}' does not say what the file is.",
            "Say it with --format csv, --format jsonl or --format mbox.",
        )
    head = _head(path)
    _refuse_foreign(path.name, head)
    start = len(_BOM) if head.startswith(_BOM) else 0
    return _LOOKS[chosen](path.name, head[start:], start)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except IsADirectoryError as error:
        raise SettingError(f"'{path}' is a folder.", "Name the file itself.") from error
    except FileNotFoundError as error:
        raise SettingError(f"There is no file '{path}'.", "Check its name and folder.") from error
    except OSError as error:
        raise DefinedbyError(
            f"The file '{path}' can't be read: {error.strerror}.",
            "Give the user that runs definedby the right to read it.",
        ) from error
    if not head.removeprefix(_BOM).strip():
        raise DefinedbyError(f"The file '{path}' is empty.", "Export it again, with its rows.")
    return head


def _refuse_foreign(name: str, head: bytes) -> None:
    for beginning, kind, next_step in _FOREIGN:
        if head.startswith(beginning):
            raise _not_that(name, kind, next_step)
    if head.startswith(b"PK\x03\x04"):
        raise _not_that(name, *_zip_kind(head))
    text = head.removeprefix(_BOM).lstrip()[:300].lower()
    if text.startswith((b"<!doctype html", b"<html")):
        raise _not_that(
            name, "a web page", "Download the file itself; you may have to sign in there first."
        )
    if text.startswith((b"<?xml", b"<")):
        raise _not_that(name, "XML", "Export the replies as CSV and import that.")


def _zip_kind(head: bytes) -> tuple[str, str]:
    if b"xl/" in head or b"[Content_Types].xml" in head:
        return "an Excel workbook", _AS_CSV
    if b"opendocument.spreadsheet" in head:
        return "an OpenDocument spreadsheet", _AS_CSV
    return "a ZIP archive", "Unpack it and import the file inside."


def _not_that(name: str, kind: str, next_step: str) -> DefinedbyError:
    return DefinedbyError(f"'{name}' seems to be {kind}.", next_step)


def _look_at_csv(name: str, head: bytes, start: int) -> FileShape:
    _refuse_other_text(name, head)
    header = head.lstrip(b"\r\n")
    blank = len(head) - len(header)
    delimiter = _delimiter(header)
    lines = DecodedLines(io.BytesIO(header), 1 + head[:blank].count(b"\n"))
    try:
        cells = next(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise DefinedbyError(
            f"The first line of '{name}' can't be read: its quote marks don't match.",
            "Put a line with the names of the columns there.",
        ) from error
    if lines.undecodable:
        raise DefinedbyError(
            f"The first line of '{name}' is not UTF-8.", "Save it as CSV with the encoding UTF-8."
        )
    columns = _unique(cells)
    read = partial(csv_records, columns=columns, delimiter=delimiter)
    return FileShape("csv", columns, start + blank + lines.offset, lines.line, read)


def _refuse_other_text(name: str, head: bytes) -> None:
    first_line = head.lstrip().split(b"\n", 1)[0]
    if first_line.startswith(b"{") and json_row(first_line)[0] is not None:
        raise _not_that(name, "JSON Lines", "Import it with --format jsonl.")
    if head.startswith(b"From ") and b"\nSubject:" in head:
        raise _not_that(name, "an mbox", "Import it with --format mbox.")
    if b"\r" in head and b"\n" not in head:
        kind = "a CSV with the line ends of old Macintoshes"
        raise _not_that(name, kind, "Save it again as CSV (UTF-8).")


def _delimiter(head: bytes) -> str:
    """The sign that makes most columns of the first line; one that nobody types for one column."""
    line = head.split(b"\n", 1)[0].decode("utf-8", "replace")
    counts = {}
    for sign in ",;\t":
        try:
            counts[sign] = len(next(csv.reader([line], delimiter=sign), []))
        except csv.Error:
            counts[sign] = 0
    best = max(counts, key=lambda sign: counts[sign])
    return best if counts[best] > 1 else "\x1f"


def _unique(cells: list[str]) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for number, cell in enumerate(cells, 1):
        wanted = normal(cell).strip() or f"column {number}"
        name, again = wanted, 2
        while name in names:
            name, again = f"{wanted} ({again})", again + 1
        names[name] = None
    return tuple(names)


def _look_at_jsonl(name: str, head: bytes, start: int) -> FileShape:
    if head.lstrip().startswith(b"["):
        raise _not_that(name, "a JSON array", "Write one object per line (jq -c '.[]' does it).")
    keys: dict[str, None] = {}
    objects = 0
    for line in head.splitlines()[:_LOOKED_AT_LINES]:
        row, _, _ = json_row(line)
        if row is not None:
            keys.update(dict.fromkeys(row))
            objects += 1
    if not objects:
        kind = "something other than JSON Lines"
        raise _not_that(name, kind, "Write one JSON object on each line.")
    return FileShape("jsonl", tuple(keys), start, 1, json_records)


def _look_at_mbox(name: str, head: bytes, start: int) -> FileShape:
    if not head.lstrip(b"\r\n").startswith(b"From "):
        raise _not_that(name, "something other than an mbox", "Export the mails as mbox.")
    return FileShape("mbox", (), start, 1, mbox_records)


_LOOKS = {"csv": _look_at_csv, "jsonl": _look_at_jsonl, "mbox": _look_at_mbox}
