"""Files that are whole or not there, readable by a web server that runs as somebody else."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from ledger import durable
from ledger.errors import DefinedbyError, TemporaryError

#: Short, because a name may be as long as the file system allows already.
TEMPORARY = ".definedby-"


def replace_file(path: Path, content: bytes) -> None:
    """Write `path` beside itself, sync, rename. Raises OSError; the old file then stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f"{TEMPORARY}{secrets.token_hex(8)}.part"
    try:
        temporary.write_bytes(content)
        durable.put(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def walk(folder: Path) -> Iterator[tuple[str, Path]]:
    """All files below `folder` with their relative paths; links to folders are not followed."""
    for place, names, files in os.walk(folder):
        names.sort()
        for name in sorted(files):
            path = Path(place, name)
            yield path.relative_to(folder).as_posix(), path


def remove_file(path: Path, top: Path) -> bool:
    """Remove a file and the folders that it leaves empty, up to `top`; False if it was gone."""
    try:
        path.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return False
    remove_empty_folders(path.parent, top)
    return True


def remove_empty_folders(folder: Path, top: Path) -> None:
    inside, below = str(folder), f"{top}/"
    while inside.startswith(below):
        try:
            os.rmdir(inside)  # noqa: PTH106 - a Path for each step costs more than the call
        except OSError:
            return
        inside = inside.rpartition("/")[0]


def read_if_there(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


@contextlib.contextmanager
def friendly_file_errors(folder: Path, name: str) -> Iterator[None]:
    """Say in a sentence what an operator can mend; `name` says what the folder is for."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise TemporaryError(
                f"The disk is full: {name} ({folder}) could not be written.",
                "Free some space; nothing is lost, and publishing goes on by itself.",
            ) from error
        if error.errno in {errno.EEXIST, errno.ENOTDIR}:
            raise DefinedbyError(
                f"{name} ({error.filename or folder}) is not a folder: a file stands in its place.",
                "Move that file away; nothing is lost, and publishing goes on by itself.",
            ) from error
        raise DefinedbyError(
            f"{name} ({error.filename or folder}) can't be used: {error.strerror}.",
            "Give the user that runs definedby the right to write there; nothing is lost, and "
            "publishing goes on by itself.",
        ) from error
