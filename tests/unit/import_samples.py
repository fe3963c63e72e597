"""Files to import, written and read back; shared by the tests of importing."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from collector.channels.importing import ImportSource, open_source
from ledger.model import IncomingReply, Page

HEADER = ["Answer", "Name", "Email"]


def csv_text(rows: Iterable[Sequence[str]], header: Sequence[str] = HEADER) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([header, *rows])
    return out.getvalue()


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def pages(source: ImportSource, limit: int = 500) -> list[Page]:
    found: list[Page] = []
    cursor = ""
    while True:
        found.append(source.fetch(cursor, limit))
        cursor = found[-1].next_cursor
        if not found[-1].more:
            return found


def read_all(
    path: Path, limit: int = 500, **mapping: str
) -> tuple[list[IncomingReply], dict[str, str]]:
    found = pages(open_source(path, mapping=mapping), limit)
    replies = [reply for page in found for reply in page.replies]
    return replies, {item.external_id: item.reason for page in found for item in page.skipped}


def replies_of(path: Path, content: str | bytes, **mapping: str) -> list[IncomingReply]:
    replies, skipped = read_all(written(path, content), 500, **mapping)
    assert skipped == {}
    return replies
