"""The folder of the built site: only changed bytes are written, and nothing stale stays.

A few changes are staged and moved into place one by one. A whole site is built as a fresh tree
inside the folder, where nobody reads it, and then takes the old one's place: each entry at the
top of the folder is exchanged in one step (renameat2(2)), so that no page is ever missing.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ledger.errors import DefinedbyError
from ledger.keys import Keys
from publisher import claims
from publisher.files import friendly_file_errors, read_if_there, remove_file, walk

MARKER = ".definedby-site"
STAGING = ".definedby-staging"
FRESH = ".definedby-fresh"
BEFORE = ".definedby-before"
OURS = (MARKER, STAGING, FRESH, BEFORE)
NAME = "The folder of the blog"
MARKER_TEXT = b"Made by 'definedby publish', which removes whatever it did not put here.\n"
#: From so many files on, one sync of everything is cheaper than one for each.
SYNC_EACH = 64
AT_FDCWD = -100
RENAME_EXCHANGE = 2


def prepare(folder: Path) -> None:
    """Make the folder ours. Raises DefinedbyError when it holds somebody's files."""
    with friendly_file_errors(folder, NAME):
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / MARKER).exists():
            if any(path.name not in OURS for path in folder.iterdir()):
                raise DefinedbyError(
                    f"The folder {folder} holds files that are not of this blog.",
                    "Name an empty folder in DEFINEDBY_SITE, or empty this one: publishing "
                    "removes whatever it did not put there.",
                )
            (folder / MARKER).write_bytes(MARKER_TEXT)


def is_ours(folder: Path) -> bool:
    return os.path.exists(f"{folder}/{MARKER}")  # noqa: PTH110 - four times a second


def clear_staging(folder: Path) -> None:
    _clear(folder / STAGING)


def _clear(aside: Path) -> None:
    if os.path.lexists(aside):
        shutil.rmtree(aside, ignore_errors=True)


class Changes:
    """Files that are to be replaced: written beside the site now, moved into it by `place`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._moves: list[tuple[str, str]] = []
        clear_staging(folder)  # an earlier run may have been given up

    def put(self, path: str, content: bytes) -> None:
        if not self._moves:
            (self.folder / STAGING).mkdir()
        aside = f"{self.folder}/{STAGING}/{len(self._moves)}"
        _write_new(aside, content)
        self._moves.append((aside, path))

    def place(self, keep: Callable[[int, int], None]) -> None:
        """Give each file its place; `keep` is told how far this has come."""
        _sync([aside for aside, _ in self._moves])
        for done, (aside, place) in enumerate(self._moves):
            keep(done, len(self._moves))
            _move(aside, f"{self.folder}/{place}", self.folder)
        # What was there is no part of the tree before the last swap any more.
        forget_before(self.folder, [place for _, place in self._moves])
        if self._moves:
            with contextlib.suppress(OSError):
                (self.folder / STAGING).rmdir()  # quicker than to look what else is in it
        self.give_up()

    def give_up(self) -> None:
        if self._moves:
            clear_staging(self.folder)
            self._moves = []


def remove(folder: Path, path: str) -> bool:
    """Take one output off the site, and out of the tree before the last swap."""
    forget_before(folder, [path])
    return remove_file(folder / path, folder)


class Fresh:
    """A whole site in the making. A file that is as it was is linked, not written again.

    `hashes` holds every output, `written` counts the files that differ from those that stand.
    """

    def __init__(self, folder: Path, keys: Keys) -> None:
        self.folder = folder
        self.root = folder / FRESH
        self.hashes: dict[str, str] = {}
        self.written = 0
        self._keys = keys
        self._was_empty = all(path.name in OURS for path in folder.iterdir())
        self.give_up()
        self.root.mkdir()

    def give_up(self) -> None:
        _clear(self.root)

    def put(self, path: str, content: bytes) -> None:
        if path in self.hashes:
            raise AssertionError(f"two pages want the address {path}")
        self.hashes[path] = claims.hash_of(self._keys, content)
        self._write(path, content)

    def replace(self, path: str, content: bytes | None) -> None:
        """Put other bytes where `put` has put some, or nothing at all."""
        if self.hashes.pop(path, None) is not None:
            remove_file(self.root / path, self.root)
        if content is not None:
            self.put(path, content)

    def _write(self, path: str, content: bytes) -> None:
        aside = f"{self.root}/{path}"
        parent = aside.rpartition("/")[0]
        try:
            os.mkdir(parent)  # noqa: PTH102 - a Path for each page costs more than the call
        except FileExistsError:
            pass
        except FileNotFoundError:
            Path(parent).mkdir(parents=True, exist_ok=True)
        if not self._was_empty and self._as_it_was(path, content, aside):
            return
        _write_new(aside, content)
        self.written += 1

    def _as_it_was(self, path: str, content: bytes, aside: str) -> bool:
        place = self.folder / path
        if place.is_symlink() or read_if_there(place) != content:
            return False
        try:
            os.link(place, aside, follow_symlinks=False)
        except OSError:  # a file system without links
            return False
        return True

    def differs(self) -> bool:
        """Whether the site holds anything else than this tree."""
        if self.written or self._was_empty:
            return True
        found = 0
        for name, _ in site_files(self.folder):
            found += 1
            if name not in self.hashes:
                return True
        return found != len(self.hashes)

    def swap(self, *, keep_before: bool, forgotten: Iterable[str] = ()) -> None:
        """Take the old tree's place; with `keep_before` the old one is kept for `rollback`.

        `forgotten` are outputs of the old tree that show what may not be shown any more.
        """
        _sync_all()
        _exchange(self.root, self.folder)
        if keep_before and any(self.root.iterdir()):
            _clear(self.folder / BEFORE)
            self.root.rename(self.folder / BEFORE)
        forget_before(self.folder, forgotten)


def forget_before(folder: Path, paths: Iterable[str]) -> None:
    """Take outputs out of the tree before the last swap, which nobody reads."""
    if has_before(folder):
        for path in paths:
            remove_file(folder / BEFORE / path, folder / BEFORE)


def drop_before(folder: Path) -> None:
    """Keep no tree to go back to."""
    _clear(folder / BEFORE)


def has_before(folder: Path) -> bool:
    return os.path.isdir(f"{folder}/{BEFORE}")  # noqa: PTH112 - once for each output that goes


def roll_back(folder: Path, wanted: Iterable[str]) -> None:
    """Exchange the site with the tree before the last swap.

    Outputs of `wanted` that are not in it stay as they are.
    """
    before = folder / BEFORE
    for path in wanted:
        old, now = before / path, folder / path
        if old.exists() or not now.is_file():
            continue
        old.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(now, old)
        except OSError:  # a file system without links
            shutil.copyfile(now, old)
    _sync_all()
    _exchange(before, folder)


def site_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """All files of the site, and links; none of our own hidden ones."""
    for place, names, files in os.walk(folder):
        if Path(place) == folder:
            names[:] = [name for name in names if name not in OURS]
        links = [name for name in names if Path(place, name).is_symlink()]
        for name in (*files, *links):
            if name == MARKER and Path(place) == folder:
                continue
            yield Path(place, name).relative_to(folder).as_posix(), Path(place, name)


def _exchange(fresh: Path, folder: Path) -> None:
    """Afterwards `folder` holds what `fresh` held, and `fresh` what the site held before."""
    new = {path.name for path in fresh.iterdir()}
    old = {path.name for path in folder.iterdir() if path.name not in OURS}
    # Pages first, lists after them: whoever follows a link finds the page.
    for name in sorted(new, key=lambda name: (not (fresh / name).is_dir(), name)):
        if name not in old:
            (fresh / name).rename(folder / name)
        elif not _swap_names(fresh / name, folder / name):
            _merge(fresh / name, folder / name, folder)
    for name in sorted(old - new):
        (folder / name).rename(fresh / name)


def _swap_names(one: Path, other: Path) -> bool:
    """Exchange two names in one step; False where the system can't."""
    call = _renameat2()
    if call is None:
        return False
    return bool(
        call(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE) == 0
    )


def _renameat2() -> Callable[..., int] | None:
    try:
        found: Callable[..., int] = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return None
    return found


def _merge(fresh: Path, place: Path, folder: Path) -> None:
    """File by file, for systems that can't exchange names: each page is the old or the new one."""
    if not fresh.is_dir():
        _move(str(fresh), str(place), folder)
        return
    wanted = {name for name, _ in walk(fresh)}
    for name, path in list(walk(fresh)):
        _move(str(path), f"{place}/{name}", folder)
    for name, path in list(walk(place)):
        if name not in wanted:
            remove_file(path, folder)
    for inside, _, _ in os.walk(place, topdown=False):
        with contextlib.suppress(OSError):
            Path(inside).rmdir()


def _write_new(path: str, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        left = memoryview(content)
        while left:
            left = left[os.write(descriptor, left) :]
    finally:
        os.close(descriptor)


def _sync(paths: list[str]) -> None:
    if len(paths) > SYNC_EACH:
        _sync_all()
        return
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _sync_all() -> None:
    os.sync()


def _move(aside: str, to: str, folder: Path) -> None:
    """Give a staged file its place, even where a folder or a file stands in the way."""
    try:
        os.replace(aside, to)  # noqa: PTH105 - a Path for each page costs more than the call
        return
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        pass
    place = Path(to)
    for parent in reversed(place.relative_to(folder).parents):
        above = folder / parent
        if above != folder and (above.is_symlink() or (above.exists() and not above.is_dir())):
            above.unlink()
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    Path(aside).replace(place)
