"""The people of the demonstration, as replies.yaml tells of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from consent.credit import chosen_credit
from ledger.model import Credit, Use

FOLDER = Path(__file__).parent


class By(StrEnum):
    """How an answer came."""

    FORM = "form"
    LETTERS = "letters"
    CARDS = "cards"


class Fate(StrEnum):
    """What became of an answer."""

    NEW = "new"
    SET_ASIDE = "set_aside"
    SHORTLISTED = "shortlisted"
    ASKED = "asked"
    REFUSED = "refused"
    PROPOSED = "proposed"
    GRANTED = "granted"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Person:
    """One answer and its author. `ago` counts days; `words` is what they would rather say."""

    number: int
    name: str
    address: str
    by: By
    ago: float
    fate: Fate
    text: str
    lang: str = "en"
    subject: str = ""
    automatic: bool = False
    note: str = ""
    words: str = ""
    credit: Credit | None = None
    uses: frozenset[Use] = frozenset(Use)


def people() -> list[Person]:
    """All of them, in the order in which they wrote."""
    import yaml

    told = yaml.safe_load((FOLDER / "replies.yaml").read_text(encoding="utf-8"))
    return [_person(number, parts) for number, parts in enumerate(told)]


def prose(name: str) -> str:
    """The Markdown of an edition's introduction."""
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8")


def _person(number: int, parts: dict[str, Any]) -> Person:
    given = {**parts, "by": By(parts["by"]), "fate": Fate(parts["fate"])}
    if "credit" in parts:
        given["credit"] = chosen_credit(**{"name": parts["name"], **parts["credit"]})
    if "uses" in parts:
        given["uses"] = frozenset(Use(use) for use in parts["uses"])
    return Person(number, **given)
