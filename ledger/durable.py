"""Files that are whole or not there: written aside, synced, then moved to their name."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


def write_file(path: Path, content: bytes, *, new: bool = False) -> Path:
    """Write `path`, readable by its owner only; with `new`, never over an existing file.

    Raises OSError; after any failure the file is what it was before.
    """
    with beside(path) as temporary:
        temporary.write_bytes(content)
        put(temporary, path, new=new)
    return path


@contextlib.contextmanager
def beside(path: Path) -> Iterator[Path]:
    """An empty file in the folder of `path` (mode 0600) to fill and `put`; gone afterwards."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    os.close(descriptor)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def put(temporary: Path, path: Path, *, new: bool = False) -> None:
    """Sync `temporary` and give it the name `path`; with `new`, raises FileExistsError."""
    descriptor = os.open(temporary, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if new:
        _put_new(temporary, path)
    else:
        temporary.replace(path)
    sync_folder(path.parent)


def _put_new(temporary: Path, path: Path) -> None:
    try:
        # A link is the one call that gives a name and never takes it from another file.
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links, such as that of most memory sticks
        if path.exists():
            raise FileExistsError(path) from None
        temporary.replace(path)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
