"""How far a file is read: the cursor of an import, and the place that it names."""

from __future__ import annotations

import hashlib
from typing import BinaryIO

from collector.imports.shape import FileShape

#: Bytes at the start of the file and before the cursor by which it is known again.
_WINDOW = 4096


def place_of(file: BinaryIO, cursor: str, shape: FileShape) -> tuple[int, int]:
    """Byte and line from which to read on; the file's start where the cursor does not fit it."""
    offset, _, rest = cursor.partition(":")
    line, _, _ = rest.partition(":")
    if offset.isdecimal() and line.isdecimal():
        place = int(offset), int(line)
        if place[0] >= shape.start and cursor_at(file, *place) == cursor:
            return place
    return shape.start, shape.first_line


def cursor_at(file: BinaryIO, offset: int, line: int) -> str:
    """This place, with a fingerprint of the file's start and of what stands right before it."""
    file.seek(0)
    seen = hashlib.sha256(file.read(min(_WINDOW, offset)))
    file.seek(max(0, offset - _WINDOW))
    seen.update(file.read(min(_WINDOW, offset)))
    return f"{offset}:{line}:{seen.hexdigest()[:32]}"
