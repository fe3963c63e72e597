"""What contributors read from us, in their language: templates/words/<language>.toml.

An English sentence is its own key, so a page can be read where it is written. A sentence without
a translation is said in English; tests demand that none is missing.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

WORDS = Path(__file__).parent.parent / "templates" / "words"
ENGLISH = "en"
#: Written from right to left (Unicode script property of their letters: Arabic, Hebrew).
RIGHT_TO_LEFT = frozenset({"ar", "he"})


@cache
def languages() -> dict[str, str]:
    """The languages there are, each by its own name, English first."""
    found = {file.stem: _of(file.stem)["name"] for file in sorted(WORDS.glob("*.toml"))}
    return {ENGLISH: found.pop(ENGLISH), **found}


def spoken(*wanted: str) -> str:
    """The first of these languages that we speak, else English. Regions are left aside.

    >>> spoken("pt-BR")
    'pt'
    """
    bases = (one.replace("_", "-").partition("-")[0].lower() for one in wanted)
    return next((base for base in bases if base in languages()), ENGLISH)


def best_of(accepted: Iterable[str]) -> str:
    """The first of a browser's languages that we speak, or "" when it is none of them."""
    wanted = list(accepted)
    found = spoken(*wanted)
    is_named = any(one.lower().startswith(ENGLISH) for one in wanted)
    return found if found != ENGLISH or is_named else ""


def sentence(lang: str, english: str) -> str:
    """A sentence of ours in this language; its {placeholders} are not filled in."""
    found: str = _of(spoken(lang)).get("words", {}).get(english, english)
    return found


def say(lang: str, english: str, **values: Any) -> str:
    """A sentence in this language as plain text, its placeholders filled in."""
    return sentence(lang, english).format(**values)


def day(lang: str, when: datetime | str) -> str:
    """A date in words, as it is written there; UTC.

    >>> day("de", "2026-03-09T23:30:00+00:00")
    '9. März 2026'
    """
    found = datetime.fromisoformat(when) if isinstance(when, str) else when
    found = found.astimezone(UTC)
    date = _of(spoken(lang))["date"]
    month = date["months"][found.month - 1]
    shown: str = date["pattern"].format(day=found.day, month=month, year=found.year)
    return shown


@cache
def _of(lang: str) -> Mapping[str, Any]:
    return tomllib.loads((WORDS / f"{lang}.toml").read_text(encoding="utf-8"))
