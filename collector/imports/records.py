"""The records of a file that replies are imported from, one at a time and from any place.

A record is a row of a CSV (RFC 4180), a line of a JSON Lines file or a message of an mbox
(RFC 4155). One record is in memory at a time; a bad one is reported and the rest goes on.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from ledger.model import SkipKind

#: No record of a table is larger, in bytes; a stray quote mark would swallow the whole file.
MOST_ROW_BYTES = 120_000
#: No message is larger, in bytes (promise P32).
MOST_MESSAGE_BYTES = 10 * 1024 * 1024
_TOO_LARGE_ROW = (
    f"It is larger than {MOST_ROW_BYTES:,} bytes; a quote mark may be missing its partner."
)
_UNEVEN = "Its quote marks don't match."
_NOT_UTF8 = "It is not UTF-8."
_HAS_NUL = "It holds a NUL character."
_NOT_JSON = "It is not JSON."
#: White space of RFC 8259, section 2. Without it around, this is all that `json.loads` does.
_JSON_SPACE = " \t\n\r"
_decode = json.JSONDecoder().raw_decode


class Record(NamedTuple):
    """One record: the line it starts on, the place after it, its values or what is wrong.

    For an mbox `message` holds the bytes instead; `raw` is a line of JSON as it stands there.
    """

    line: int
    next_offset: int
    next_line: int
    row: dict[str, object] | None
    problem: str = ""
    message: bytes = b""
    raw: str = ""

    @property
    def kind(self) -> SkipKind:
        """What kind of problem it is, where there is one."""
        return SkipKind.TOO_LARGE if self.problem in _TOO_LARGE else SkipKind.MALFORMED


class DecodedLines:
    """Decoded lines for the csv module, with the place reached and what was wrong on the way."""

    def __init__(self, file: BinaryIO, line: int) -> None:
        self._file = file
        self.offset = file.tell()
        self.line = line
        self.begin()

    def begin(self) -> None:
        """A new record starts here."""
        self.undecodable = self.has_nul = False
        self.quotes = 0
        self._left = MOST_ROW_BYTES
        self._second_line = -1
        self._first_is_whole = True

    def __iter__(self) -> DecodedLines:
        return self

    def __next__(self) -> str:
        raw = self._file.readline(MOST_ROW_BYTES + 1)
        if not raw:
            raise StopIteration
        self.offset += len(raw)
        self.line += 1
        if self._second_line < 0:
            self._second_line = self.offset
            self._first_is_whole = raw.endswith(b"\n")
        self._left -= len(raw)
        if self._left < 0:
            raise csv.Error(_TOO_LARGE_ROW)
        self.quotes += raw.count(b'"')
        if b"\0" in raw:
            self.has_nul = True
        try:
            return raw.decode()
        except UnicodeDecodeError:
            self.undecodable = True
            return raw.decode("utf-8", "replace")

    def back_to_second_line(self, first_line: int) -> None:
        """Go on with the line after the one the record started on."""
        self._file.seek(self._second_line)
        if not self._first_is_whole:
            while (part := self._file.readline(MOST_ROW_BYTES)) and not part.endswith(b"\n"):
                pass
        self.offset = self._file.tell()
        self.line = first_line + 1


def csv_records(
    file: BinaryIO, line: int, columns: tuple[str, ...], delimiter: str
) -> Iterator[Record]:
    """The rows from where `file` stands, which is on line number `line`.

    A stray quote mark makes one row of many. Such a row is given up, but only its first line:
    the next lines are read again, with suspicion, up to where it ended.
    """
    lines = DecodedLines(file, line)
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    suspect_until = 0
    while True:
        lines.begin()
        at, began = lines.line, lines.offset
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            row, problem = [], _csv_problem(str(error))
        else:
            if not any(map(str.strip, row)):
                continue
            problem = _row_problem(lines, row, columns, suspect=began < suspect_until)
        if not problem:
            yield Record(at, lines.offset, lines.line, dict(zip(columns, row, strict=True)))
            continue
        if lines.offset > began and len(row) != len(columns):
            suspect_until = max(suspect_until, lines.offset)
            lines.back_to_second_line(at)
            rows = csv.reader(lines, delimiter=delimiter, strict=True)
        yield Record(at, lines.offset, lines.line, None, problem)


def _csv_problem(error: str) -> str:
    if error == _TOO_LARGE_ROW or "field larger" in error:
        return _TOO_LARGE_ROW
    if "new-line" in error:
        return "It has a line end inside a field; put quote marks around the field."
    return _UNEVEN


def _row_problem(
    lines: DecodedLines, row: list[str], columns: tuple[str, ...], *, suspect: bool
) -> str:
    if len(row) != len(columns):
        return (
            f"It has {len(row)} columns and the first line has {len(columns)}; put quote marks "
            "around a text with the separator in it."
        )
    if suspect and lines.quotes % 2:
        return _UNEVEN
    if lines.has_nul:
        return _HAS_NUL
    return _NOT_UTF8 if lines.undecodable else ""


def json_records(file: BinaryIO, line: int) -> Iterator[Record]:
    """The lines from where `file` stands, each one JSON object."""
    offset = file.tell()
    while raw := file.readline(MOST_ROW_BYTES):
        offset += len(raw)
        is_whole = raw.endswith(b"\n") or len(raw) < MOST_ROW_BYTES
        part = raw
        while not part.endswith(b"\n") and (part := file.readline(MOST_ROW_BYTES)):
            offset += len(part)
            is_whole = False
        at, line = line, line + 1
        if is_whole and not raw.strip():
            continue
        row, problem, text = json_row(raw) if is_whole else (None, _TOO_LARGE_LINE, "")
        yield Record(at, offset, line, row, problem, b"", text)


_TOO_LARGE_LINE = f"It is larger than {MOST_ROW_BYTES:,} bytes."
_TOO_LARGE_MESSAGE = f"The message is larger than {MOST_MESSAGE_BYTES // 1024 // 1024} MiB."
_TOO_LARGE = frozenset({_TOO_LARGE_ROW, _TOO_LARGE_LINE, _TOO_LARGE_MESSAGE})


def json_row(raw: bytes) -> tuple[dict[str, object] | None, str, str]:
    """The object a line holds, what is wrong with it, and the line as text where nothing is."""
    try:
        text = raw.decode().strip(_JSON_SPACE)
    except UnicodeDecodeError:
        return None, _NOT_UTF8, ""
    try:
        row, end = _decode(text)
    except (ValueError, RecursionError):
        return None, _NOT_JSON, ""
    if end < len(text):
        return None, _NOT_JSON, ""
    if not isinstance(row, dict):
        return None, "It is not a JSON object.", ""
    problem = _escapes_problem(row) if "\\u" in text else ""
    return (None, problem, "") if problem else (row, "", text)


def _escapes_problem(row: dict[str, object]) -> str:
    """Escapes can spell what no database and no page can hold."""
    plain = json.dumps(row, ensure_ascii=False)
    try:
        plain.encode()
    except UnicodeEncodeError:
        return "It holds half a character."
    return _HAS_NUL if "\\u0000" in plain.replace("\\\\", "") else ""


def mbox_records(file: BinaryIO, line: int) -> Iterator[Record]:
    """The messages, which "From " at the start of a line after a blank one divides."""
    offset, at = file.tell(), line
    parts: list[bytes] = []
    size = 0
    is_open, after_blank = False, True
    while raw := file.readline(MOST_ROW_BYTES):
        if after_blank and raw.startswith(b"From "):
            if is_open:
                yield _message(at, offset, line, parts, size)
            parts, size, at, is_open = [], 0, line, True
        elif is_open:
            size += len(raw)
            if size <= MOST_MESSAGE_BYTES:
                parts.append(raw.removeprefix(b">") if _is_escaped(raw) else raw)
        offset += len(raw)
        line += raw.endswith(b"\n")
        after_blank = raw in (b"\n", b"\r\n")
    if is_open:
        yield _message(at, offset, line, parts, size)


def _is_escaped(raw: bytes) -> bool:
    return raw.startswith(b">") and raw.lstrip(b">").startswith(b"From ")


def _message(at: int, offset: int, line: int, parts: list[bytes], size: int) -> Record:
    if size > MOST_MESSAGE_BYTES:
        return Record(at, offset, line, None, _TOO_LARGE_MESSAGE)
    return Record(at, offset, line, None, "", b"".join(parts))
