"""The publish gate for interviews and endorsements: everybody in it, their credit, its own use.

The first half asks it of records made by hand, the second of a real one with two people in it.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import update

from ledger import gate, tables
from ledger.consent_state import ConsentEvent, ConsentState, EventKind, Grant, fold
from ledger.database import Ledger
from ledger.model import Campaign, Credit, Definition, NameForm, PostKind, Use
from ledger.offers import OFFERED
from tests.conversing import ADA, BEN, allow, interview

TEXT = "The whole of it."
FOR_IT = frozenset({Use.INTERVIEW})


def allows(credit: Credit, text: str = TEXT, uses: frozenset[Use] = FOR_IT) -> ConsentState:
    return ConsentState(grant=Grant("g" + credit.name, "2026-01-05", "r", text, credit, uses))


BOTH = (allows(ADA), [allows(BEN)])
NOTHING = ConsentState()
WITHDRAWN = fold([ConsentEvent(EventKind.WITHDRAWN)])


def asked_of(
    state: ConsentState = BOTH[0],
    others: list[ConsentState] = BOTH[1],
    source: str = "",
    kind: PostKind = PostKind.INTERVIEW,
    text: str = TEXT,
    credit: Credit = ADA,
    use: Use = Use.INTERVIEW,
) -> Grant | str:
    return gate.together(state, others, source, kind, text, credit, use)


def test_p01_a_piece_that_all_allow_passes_with_the_first_ones_grant() -> None:
    assert asked_of() == BOTH[0].grant
    assert asked_of(others=[]) == BOTH[0].grant
    assert asked_of(others=[allows(BEN), allows(replace(BEN, name="Cy Sample"))]) == BOTH[0].grant
    for_posts = frozenset({Use.POST})
    kind_words = allows(ADA, uses=for_posts), [allows(BEN, uses=for_posts)]
    kind, use = PostKind.ENDORSEMENT, Use.POST
    assert asked_of(*kind_words, kind=kind, use=use) == kind_words[0].grant
    assert asked_of(*kind_words, kind=kind) == gate.NOT_ITS_USE
    for source in ("edited", "there"):
        assert asked_of(source=source) == BOTH[0].grant


@pytest.mark.parametrize("use", sorted(set(Use) - {Use.INTERVIEW}))
def test_p01_a_piece_is_allowed_for_its_own_use_alone(use: Use) -> None:
    """Also where the record allows that other use: it was asked about as a piece."""
    everything = frozenset(Use)
    states = allows(ADA, uses=everything), [allows(BEN, uses=everything)]
    assert asked_of(*states, use=use) == gate.NOT_ITS_USE
    assert asked_of(*states) == states[0].grant


@pytest.mark.parametrize(
    "other",
    [
        NOTHING,
        WITHDRAWN,
        allows(BEN, text=TEXT + "."),
        allows(BEN, uses=frozenset({Use.POST})),
    ],
    ids=["no answer", "withdrawn", "other words", "another use"],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_p01_one_of_them_is_enough_to_hold_it_back(other: ConsentState, place: int) -> None:
    others = [allows(BEN), allows(replace(BEN, name="Cy Sample"))]
    others.insert(place, other)
    assert asked_of(others=others) == gate.NOT_ALL


def test_p02_the_first_one_is_asked_like_anybody() -> None:
    assert "words" in str(asked_of(text=TEXT + "."))
    assert "credit" in str(asked_of(credit=replace(ADA, name="Ada")))
    assert asked_of(NOTHING) == "Its author has not granted it."
    assert asked_of(WITHDRAWN) == "Its author has withdrawn it."
    assert asked_of(source="gone") == gate.HELD
    assert asked_of(source=OFFERED) == gate.UNCHOSEN


def test_what_is_composed_is_taken_from_the_first_ones_grant() -> None:
    def composed(*states: ConsentState, source: str = "") -> Grant | str:
        return gate.standing_together(states, source, PostKind.INTERVIEW)

    ada, ben = allows(ADA), allows(BEN)
    assert composed(ada, ben) == ada.grant
    assert composed(ben, ada) == ben.grant
    assert composed(ada) == ada.grant
    assert composed(ada, NOTHING) == gate.NOT_ALL
    assert composed(ada, ben, source="protected") == gate.HELD
    assert composed(NOTHING, ben) == "Its author has not granted it."
    assert composed(WITHDRAWN, ben) == "Its author has withdrawn it."
    for_posts = allows(ADA, uses=frozenset({Use.POST}))
    assert composed(for_posts, ben) == "Its author has not granted this use (interview)."
    # A record without a grant has neither words nor name to be compared with.
    empty = allows(Credit(NameForm.ANONYMOUS), text="")
    assert composed(NOTHING, empty) == "Its author has not granted it."


# ------------------------------------------------------------------ of a real record
@pytest.fixture
def pair(ledger: Ledger, campaign: Campaign) -> tuple[Definition, Definition]:
    """Ada and Ben in one endorsement, allowed by both; and another piece, which nobody allows."""
    interview(ledger, campaign, ("ada",), title="Something else")
    ada, ben = interview(ledger, campaign, ("ada", "ben", "ada"), PostKind.ENDORSEMENT)
    allow(ledger, ada, ADA)
    allow(ledger, ben, BEN)
    return ada, ben


def may(
    ledger: Ledger, share: Definition, credit: Credit, use: Use = Use.POST, more: str = ""
) -> Grant | str:
    text = share.text + more
    with ledger.read() as connection:
        return gate.may_publish(connection, ledger.keys, share.id, text, credit, use)


def test_p01_the_gate_reads_the_record_of_everybody_in_it(
    ledger: Ledger, pair: tuple[Definition, Definition]
) -> None:
    ada, ben = pair
    found = may(ledger, ada, ADA)
    assert isinstance(found, Grant)
    assert (found.text, found.credit, found.uses) == (ada.text, ADA, frozenset({Use.POST}))
    theirs = may(ledger, ben, BEN)
    assert isinstance(theirs, Grant)
    assert theirs.credit == BEN
    assert "credit" in str(may(ledger, ada, BEN))
    assert "words" in str(may(ledger, ada, ADA, more="."))
    assert may(ledger, ada, ADA, Use.INTERVIEW) == gate.NOT_ITS_USE

    with ledger.write() as connection:
        shares = gate._shares(connection, ada.piece_id)
        assert shares == [ada.id, ben.id]
        connection.execute(update(tables.replies).values(source_state="gone"))
    assert may(ledger, ada, ADA) == gate.HELD


@pytest.mark.parametrize("whose", [0, 1])
def test_one_record_that_was_tampered_with_holds_it_back_for_both(
    ledger: Ledger, pair: tuple[Definition, Definition], whose: int
) -> None:
    with ledger.write() as connection:
        connection.execute(
            update(tables.events)
            .where(tables.events.c.subject == pair[whose].id)
            .values(at="2020-01-01T00:00:00+00:00")
        )
    assert may(ledger, pair[0], ADA) == gate.UNREADABLE
    assert may(ledger, pair[1], BEN) == gate.UNREADABLE


def test_a_piece_that_one_of_them_has_not_allowed_yet_is_held_back(
    ledger: Ledger, campaign: Campaign
) -> None:
    ada, ben = interview(ledger, campaign, ("ada", "ben"), PostKind.ENDORSEMENT)
    allow(ledger, ada, ADA)
    assert may(ledger, ada, ADA) == gate.NOT_ALL
    assert may(ledger, ben, BEN) == "Its author has not granted it."
