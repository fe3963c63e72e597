"""Words that somebody else has given already: editors are told, on both pages."""

from __future__ import annotations

import time

import pytest
from flask import Flask

from collector.alike import Taken
from collector.read import read_new
from ledger.database import Ledger
from ledger.definitions import WordsTaken
from ledger.model import Campaign
from tests.people import answer, define
from tests.visiting import Visitor, application, owner

WORDS = "Thought leadership is listening in a room full of megaphones."


@pytest.fixture
def editor(ledger: Ledger) -> Visitor:
    app: Flask = application(ledger)
    return owner(app, ledger)


def taken(*rows: tuple[str, str]) -> Taken:
    return Taken(
        [WordsTaken(text, frozenset([who]), text) for who, text in rows], "Thought leadership is "
    )


@pytest.mark.parametrize(
    ("words", "same"),
    [
        (WORDS, True),
        (WORDS.upper().rstrip("."), True),
        ("listening in a room full of megaphones", True),
        ("Listening in a room that is full of megaphones!", False),
        ("listning in a room full of megafones", False),
    ],
)
def test_the_same_and_nearly_the_same_words_are_found(words: str, *, same: bool) -> None:
    found = taken(("ada", WORDS)).alike(words, ["bo"])
    assert found is not None
    assert found.is_same is same


@pytest.mark.parametrize("words", ["", "…", "megaphones", "a quiet room and a good book"])
def test_other_words_are_not(words: str) -> None:
    assert taken(("ada", WORDS), ("cy", "microphones")).alike(words, ["bo"]) is None


def test_nobody_copies_themselves() -> None:
    assert taken(("ada", WORDS)).alike(WORDS, ["x", "ada"]) is None


def test_ten_thousand_definitions_are_no_burden() -> None:
    many = taken(
        *((f"{n}", f"{n} lamps left on for person {n * 7} of {n % 13}") for n in range(10_000))
    )
    began = time.process_time()
    for n in range(50):
        many.alike(f"{n} lamps were left on for somebody {n * 7} of {n % 13}", ["bo"])
    assert time.process_time() - began < 5


def test_the_desk_links_to_the_other_words(
    editor: Visitor, ledger: Ledger, campaign: Campaign
) -> None:
    first = define(ledger, answer(ledger, campaign, WORDS))
    answer(ledger, campaign, WORDS.upper(), name="Bo Sample", address="bo@sample.example")
    read_new(ledger)
    page = editor.go("/desk")
    assert "The same words by somebody else" in page
    assert f"/desk/definitions/{first.id}" in page
    second = define(ledger, answer(ledger, campaign, WORDS, name="Cy", address="cy@sample.example"))
    assert f'href="/desk/definitions/{first.id}"' in editor.go(f"/desk/definitions/{second.id}")
    assert second.text == WORDS  # told, not decided
