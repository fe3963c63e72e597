"""The publish gate on a real record: it opens for what was granted, and says why for all else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import update

from ledger import gate, tables
from ledger.consent_state import ConsentEvent, ConsentState, EventKind, Grant, fold
from ledger.database import Ledger
from ledger.model import Campaign, Credit, NameForm, Use
from ledger.offers import OFFERED
from tests.people import ADA, agree, answer, asked, define

WORDS = "listening before you speak"
GRANT = Grant("g", "2026-01-05", "r", WORDS, ADA, frozenset({Use.POST}))


@pytest.fixture
def granted(ledger: Ledger, campaign: Campaign) -> str:
    """A definition with a live grant for all uses."""
    question = asked(ledger, campaign, WORDS)
    agree(ledger, question, WORDS)
    return question.request.definition_id


def hold_source(ledger: Ledger, state: str = "gone") -> None:
    with ledger.write() as connection:
        connection.execute(update(tables.replies).values(source_state=state))


def ask_gate(
    ledger: Ledger, definition_id: str, text: str = WORDS, credit: Credit = ADA, use: Use = Use.POST
) -> Grant | str:
    with ledger.read() as connection:
        return gate.may_publish(connection, ledger.keys, definition_id, text, credit, use)


def test_p01_the_gate_opens_for_exactly_what_was_granted(ledger: Ledger, granted: str) -> None:
    found = ask_gate(ledger, granted)
    assert isinstance(found, Grant)
    assert (found.text, found.credit) == (WORDS, ADA)
    assert isinstance(ask_gate(ledger, granted, use=Use.EDITION), Grant)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"text": WORDS + "."}, "The words are not the words"),
        ({"credit": Credit(NameForm.ANONYMOUS)}, "The credit is not the credit"),
    ],
)
def test_p02_the_gate_stays_shut_for_anything_else(
    ledger: Ledger, granted: str, change: dict[str, object], reason: str
) -> None:
    found = ask_gate(ledger, granted, **change)  # type: ignore[arg-type]
    assert isinstance(found, str)
    assert found.startswith(reason)


def test_the_gate_names_a_use_that_was_not_granted(ledger: Ledger, campaign: Campaign) -> None:
    question = asked(ledger, campaign, WORDS)
    agree(ledger, question, WORDS, uses=frozenset({Use.POST}))
    found = ask_gate(ledger, question.request.definition_id, use=Use.EDITION)
    assert found == "Its author has not granted this use (edition)."


def test_p38_the_gate_holds_back_what_lost_its_source(ledger: Ledger, granted: str) -> None:
    for state in ("gone", "protected"):
        hold_source(ledger, state)
        assert ask_gate(ledger, granted) == gate.HELD
        assert ask_gate(ledger, granted, text="other") != gate.HELD
    hold_source(ledger, OFFERED)
    assert ask_gate(ledger, granted) == gate.UNCHOSEN
    hold_source(ledger, "edited")
    assert isinstance(ask_gate(ledger, granted), Grant)


def test_the_gate_trusts_no_record_that_was_tampered_with(ledger: Ledger, granted: str) -> None:
    with ledger.write() as connection:
        connection.execute(update(tables.events).values(at="2020-01-01T00:00:00+00:00"))
    assert ask_gate(ledger, granted) == gate.UNREADABLE


def test_the_gate_knows_nothing_of_what_is_not_there(ledger: Ledger, campaign: Campaign) -> None:
    assert ask_gate(ledger, "f" * 32) == gate.UNKNOWN
    definition = define(ledger, answer(ledger, campaign, WORDS))
    assert ask_gate(ledger, definition.id) == "Its author has not granted it."


# ------------------------------------------------------------------ for whoever reads many
def test_the_gate_composes_from_the_live_grant() -> None:
    state = ConsentState(grant=GRANT)
    assert gate.standing(state, "", Use.POST) == GRANT
    assert gate.standing(state, "edited", Use.POST) == GRANT
    assert gate.standing(state, "", Use.EDITION) == "Its author has not granted this use (edition)."
    assert gate.standing(state, "protected", Use.POST) == gate.HELD
    assert gate.standing(ConsentState(), "", Use.POST) == "Its author has not granted it."
    withdrawn = fold([ConsentEvent(EventKind.WITHDRAWN), ConsentEvent(EventKind.RETRACTED)])
    assert gate.standing(withdrawn, "gone", Use.POST) == "Its author has withdrawn it."


def test_the_gate_passes_exactly_what_is_shown() -> None:
    state = ConsentState(grant=GRANT)
    assert gate.passes(state, "", WORDS, ADA, Use.POST) == GRANT
    assert gate.passes(state, "gone", WORDS, ADA, Use.POST) == gate.HELD
    assert "words" in str(gate.passes(state, "gone", "other", ADA, Use.POST))


def test_what_is_rendered_is_cleared_by_its_grant() -> None:
    assert gate.clears(GRANT, WORDS, ADA, Use.POST) == ""
    assert "words" in gate.clears(GRANT, WORDS + " ", ADA, Use.POST)
    assert "credit" in gate.clears(GRANT, WORDS, replace(ADA, role=""), Use.POST)
    assert "use (edition)" in gate.clears(GRANT, WORDS, ADA, Use.EDITION)
