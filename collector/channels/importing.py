"""Import: replies from a file that somebody exported elsewhere (CSV, JSON Lines, mbox).

Each row gets an id that depends on its content only, so the same file again, or with rows
added or moved, brings nothing twice. How it is done is in collector/imports/: a file's shape in
shape.py, its rows in records.py and rows.py, reading on in place.py.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from collector.connector import ChannelError, Connector, Context, OutgoingMessage
from collector.imports.mails import read_mail
from collector.imports.place import cursor_at, place_of
from collector.imports.records import Record
from collector.imports.rows import RowProblem, choose_columns, row_reader
from collector.imports.shape import FileShape, look_at
from collector.unpolled import Unpolled
from ledger.errors import SettingError
from ledger.model import Account, IncomingReply, Page, Skipped


def open_connector(account: Account, _context: Context | None = None) -> Connector:
    """What stands for import accounts between imports: nothing to poll, nobody to answer."""
    return Unpolled(
        answer=f"Files are imported into '{account.name}' when somebody asks for it.",
        refusal="An import can't be answered.",
        mend="Write to the person yourself, on the channel the words came from.",
    )


def open_source(path: Path, *, format: str = "", mapping: Mapping[str, str]) -> ImportSource:  # noqa: A002 - named as the option --format is
    """Look at a file and settle which column is what. Nothing is read into memory as a whole.

    `format`: csv, jsonl or mbox; "" goes by the file's name. `mapping`: column by field (text,
    name, address, url, date, id, source_url, subject); fields left out go by usual names.
    Raises DefinedbyError for a file that can't be used, SettingError for a column not there.
    """
    shape = look_at(path, format)
    if shape.format == "mbox":
        if mapping:
            raise SettingError("An mbox has no columns.", "Leave --map out.")
        return ImportSource(path, shape, {}, read_mail)
    columns = choose_columns(shape.columns, mapping)
    read = row_reader(columns)
    return ImportSource(path, shape, columns, lambda record: read(record.row or {}, record.raw))


def preview(source: ImportSource, limit: int = 5) -> list[IncomingReply | Skipped]:
    """The first rows as they would be stored, or why not; nothing moves. Raises ChannelError."""
    with contextlib.closing(source.items("")) as items:
        return [item for item, _ in islice(items, limit)]


class ImportSource:
    """A file of replies as a connector. `mapping` is in force; `position` counts bytes read.

    A cursor names a place in the file (byte, line) and a fingerprint of what stands at the
    start and right before that place. Rows may be added at the end; a file that was changed
    before the place is read again from its start, which the ids make harmless.
    """

    def __init__(
        self,
        path: Path,
        shape: FileShape,
        mapping: dict[str, str],
        read: Callable[[Record], IncomingReply | Skipped],
    ) -> None:
        self.path = path
        self.format = shape.format
        self.columns = shape.columns
        self.mapping = mapping
        self.total_bytes = path.stat().st_size
        self.position = 0
        self._shape = shape
        self._read = read

    def fetch(self, cursor: str, limit: int) -> Page:
        with contextlib.closing(self.items(cursor)) as items:
            found = list(islice(items, max(limit, 1)))
        if not found:
            self.position = self.total_bytes
            return Page((), cursor)
        last = found[-1][1]
        self.position = last.next_offset
        with self._opened() as file:
            next_cursor = cursor_at(file, last.next_offset, last.next_line)
        return Page(
            tuple(item for item, _ in found if isinstance(item, IncomingReply)),
            next_cursor,
            more=len(found) >= limit and last.next_offset < self.total_bytes,
            skipped=tuple(item for item, _ in found if isinstance(item, Skipped)),
        )

    def items(self, cursor: str) -> Generator[tuple[IncomingReply | Skipped, Record], None, None]:
        """Each reply or problem after the cursor, with its place. Raises ChannelError."""
        with self._opened() as file:
            offset, line = place_of(file, cursor, self._shape)
            file.seek(offset)
            for record in self._shape.read(file, line):
                yield self._item(record), record

    def send(self, message: OutgoingMessage) -> str:  # noqa: ARG002 - what every connector takes
        raise ChannelError(
            "An import can't be answered.",
            permanent=True,
            mend="Write to the person yourself, on the channel the words came from.",
        )

    def check(self) -> str:
        """One sentence on the file. Raises ChannelError when it can't be opened."""
        with self._opened():
            return f"The file {self.path.name} can be read ({self.total_bytes:,} bytes)."

    def _item(self, record: Record) -> IncomingReply | Skipped:
        if record.problem:
            return Skipped(f"line {record.line}", record.problem, record.kind)
        try:
            item = self._read(record)
        except RowProblem as problem:
            return Skipped(f"line {record.line}", str(problem), problem.kind)
        if isinstance(item, Skipped):
            return Skipped(f"line {record.line}", item.reason, item.kind)
        return item

    @contextlib.contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        try:
            with self.path.open("rb") as file:
                yield file
        except OSError as error:
            raise ChannelError(
                f"The file {self.path} can't be read: {error.strerror}.",
                permanent=True,
                mend="Put it back, with the right to read it, and import it again.",
            ) from error
