"""The folder of the demonstration: told apart from any other, made whole or again, removed."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path

from ledger.durable import write_file
from ledger.errors import DefinedbyError
from ledger.settings import FILE_NAME

#: Written last: a folder without it was left half-made.
MARK = "demonstration-is-complete"
ASKER = "Robin of The Blank (made up)"


def is_demo(home: Path) -> bool:
    """Whether the folder's own settings file says that it is a demonstration."""
    try:
        told = tomllib.loads((home / FILE_NAME).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        return False
    return told.get("demo") is True


def is_complete(home: Path) -> bool:
    """Whether a whole demonstration is there. Raises DefinedbyError for anything else."""
    if not is_demo(home) and _holds_anything(home):
        raise DefinedbyError(
            f"{home} is there already and is not a demonstration.",
            "Name another folder: definedby demo --home FOLDER",
        )
    return is_demo(home) and (home / MARK).exists()


def begin(home: Path) -> None:
    """An empty folder with the demonstration's settings; what was left half-made is removed."""
    if is_demo(home):
        shutil.rmtree(home)
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings = {
        "title": "The Blank",
        "asker": ASKER,
        "contact": "robin@theblank.example",
        "content": str(home.resolve() / "content"),
        "site": str(home.resolve() / "site"),
    }
    # JSON's texts are TOML's basic strings (TOML 1.0, "String").
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    write_file(home / FILE_NAME, "\n".join([*lines, "demo = true", ""]).encode())


def finish(home: Path) -> None:
    """Say that the demonstration is whole."""
    write_file(home / MARK, b"Made by 'definedby demo'; 'definedby demo --remove' removes it.\n")


def remove(home: Path) -> bool:
    """Remove the demonstration; False when there is none. Raises DefinedbyError for all else."""
    if not home.exists() and not home.is_symlink():
        return False
    if home.is_symlink() or not is_demo(home):
        raise DefinedbyError(
            f"{home} is not a demonstration, so nothing was removed.",
            "Name its folder: definedby demo --remove --home FOLDER",
        )
    shutil.rmtree(home)
    return True


def _holds_anything(home: Path) -> bool:
    """Whether somebody's files are there; our own first file, half-written, is not one of them."""
    if not home.is_dir():
        return home.exists() or home.is_symlink()
    return any(not path.name.startswith(f".{FILE_NAME}.") for path in home.iterdir())
