"""The folder of the built blog: only changed bytes are written, and nothing stale stays.

New bytes are staged first and moved into place last, so that a full disk or a kill while
rendering leaves the blog as it was.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ledger.database import Ledger
from ledger.errors import DefinedbyError
from publisher import claims
from publisher.files import friendly_file_errors, read_if_there, remove_file, walk
from publisher.holding import Holding
from publisher.report import Progress
from publisher.site import Output

MARKER = ".definedby-site"
STAGING = ".definedby-staging"
NAME = "The folder of the blog"
MARKER_TEXT = b"Made by 'definedby publish', which removes whatever it did not put here.\n"
#: From so many files on, one sync of everything is cheaper than one for each.
SYNC_EACH = 64


@dataclass
class Staged:
    """`moves` are (staged file, place in the site); `hashes` holds every file of the blog."""

    moves: list[tuple[Path, Path]] = field(default_factory=list)
    hashes: dict[str, str] = field(default_factory=dict)
    unchanged: int = 0


def prepare(folder: Path) -> None:
    """Make the folder ours. Raises DefinedbyError when it holds somebody's files."""
    with friendly_file_errors(folder, NAME):
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / MARKER).exists():
            if any(path.name != STAGING for path in folder.iterdir()):
                raise DefinedbyError(
                    f"The folder {folder} holds files that are not of this blog.",
                    "Name an empty folder in DEFINEDBY_SITE, or empty this one: publishing "
                    "removes whatever it did not put there.",
                )
            (folder / MARKER).write_bytes(MARKER_TEXT)


def clear_staging(folder: Path) -> None:
    shutil.rmtree(folder / STAGING, ignore_errors=True)


def stage(
    ledger: Ledger, holding: Holding, outputs: Iterable[Output], expected: int, progress: Progress
) -> Staged:
    """Write what differs from the site beside it. Raises DefinedbyError, the site untouched."""
    folder = ledger.settings.site_folder
    staged = Staged()
    with friendly_file_errors(folder, NAME):
        clear_staging(folder)  # an earlier round may have been given up
        (folder / STAGING).mkdir()
        for done, (path, content) in enumerate(outputs):
            progress("render", done, max(expected, done))
            holding.keep()
            if path in staged.hashes:
                raise AssertionError(f"two pages want the address {path}")
            staged.hashes[path] = claims.hash_of(ledger.keys, content)
            place = folder / path
            if place.is_symlink() or read_if_there(place) != content:
                aside = folder / STAGING / str(done)
                aside.write_bytes(content)
                staged.moves.append((aside, place))
            else:
                staged.unchanged += 1
        _sync([aside for aside, _ in staged.moves])
    return staged


def _sync(paths: list[Path]) -> None:
    if len(paths) > SYNC_EACH:
        os.sync()
        return
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def put_in_place(
    ledger: Ledger, holding: Holding, staged: Staged, progress: Progress, check: Callable[[], bool]
) -> int | None:
    """Remove what is stale, then move what is new; how many files went.

    `check` is asked right before anything is moved: when what was rendered no longer stands,
    only the removals happen and None comes back.
    """
    folder = ledger.settings.site_folder
    with friendly_file_errors(folder, NAME):
        with holding.write() as connection:
            before = claims.claimed(connection, content=False)
        removed = _sweep(folder, staged)
        if not check():
            return None
        for done, (aside, place) in enumerate(staged.moves):
            progress("write", done, len(staged.moves))
            holding.keep()
            _move(aside, place, folder)
        clear_staging(folder)
    with holding.write() as connection:
        claims.change_claims(connection, before, staged.hashes)
    return removed


def _sweep(folder: Path, staged: Staged) -> int:
    removed = 0
    for name, path in list(walk(folder)):
        if name not in staged.hashes and name != MARKER and not name.startswith(f"{STAGING}/"):
            removed += remove_file(path, folder)
    for place, names, _ in os.walk(folder, topdown=False):
        for name in names:
            path = Path(place, name)
            if path.is_symlink():
                path.unlink()
            elif path.name != STAGING and not any(path.iterdir()):
                path.rmdir()
    return removed


def _move(aside: Path, place: Path, folder: Path) -> None:
    """Give a staged file its place, even where a folder or a file stands in the way."""
    for parent in reversed(place.relative_to(folder).parents):
        above = folder / parent
        if above != folder and above.exists() and not above.is_dir():
            above.unlink()
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    aside.replace(place)
