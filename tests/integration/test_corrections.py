"""Corrections made at the desk come out as labelled rows, without who said it."""

from __future__ import annotations

import io
import json

import pytest

from collector.corrections import anonymous, write_corrections
from collector.read import read_new
from evaluation.replies import score
from ledger.database import Ledger
from ledger.model import Campaign, Reading, ReplyKind
from ledger.replies import save_reading
from tests.people import answer

TEXT = (
    "@asker_example Ada here (ada@sample.example, +44 20 5550 0123). A lamp left on. "
    "Best, Ada Sample https://ada.example/me"
)


def test_a_correction_is_a_row_that_can_be_measured(ledger: Ledger, campaign: Campaign) -> None:
    reply = answer(ledger, campaign, TEXT)
    answer(ledger, campaign, "untouched", address="bo@sample.example")
    read_new(ledger)
    start = TEXT.index("A lamp")
    marked = Reading(
        ReplyKind.DEFINITION, "An editor has marked this.", 1.0, ((start, start + 15),)
    )
    with ledger.write() as connection:
        save_reading(connection, reply.id, marked, corrected=True)
    read_new(ledger)
    out = io.StringIO()
    assert write_corrections(ledger, out) == 1
    (row,) = map(json.loads, out.getvalue().splitlines())
    assert row["kind"] == "definition"
    assert row["definition"] == "A lamp left on."
    assert row["definition"] in row["text"]
    assert row["prompt"] == "Thought leadership is ___?"
    for told in ("ada@", "Ada", "5550 0123", "asker", "ada.example"):
        assert told not in json.dumps(row)
    assert score([row]).rows == 1


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("write to me@a.example now", "write to someone@mail.example now"),
        ("@bo@town.example hi", "@someone_example hi"),
        ("see https://x.example/a?b=c.", "see https://site.example"),
        ("1/2 listening, 1/2 patience", "1/2 listening, 1/2 patience"),
        ("in 2026 we met 3 times", "in 2026 we met 3 times"),
        ("Ada, not Adams", "Sample, not Adams"),
    ],
)
def test_stand_ins(text: str, left: str) -> None:
    assert anonymous(text, "Ada Lovely") == left
