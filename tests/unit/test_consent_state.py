"""Every pair of state and event, in one table; and what a grant covers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ledger.consent_state import (
    ABOUT_CONTRIBUTOR,
    ConsentEvent,
    ConsentState,
    EventKind,
    Grant,
    IllegalEventError,
    OpenRequest,
    apply,
    check,
    fold,
    publishable,
)
from ledger.model import Credit, NameForm, Use

WORDS = "carrying the lamp"
ADA = Credit(NameForm.NAME, name="Ada Sample", handle="@ada")
BOTH = frozenset({Use.POST, Use.EDITION})

REQUEST = ConsentEvent(EventKind.REQUESTED, request_id="r1", text=WORDS, credit=ADA, uses=BOTH)
GRANT = replace(REQUEST, kind=EventKind.GRANTED, hash="g1")
AGAIN = replace(REQUEST, request_id="r2")

#: Name of a state -> the events that lead to it.
STATES = {
    "new": [],
    "asked": [REQUEST],
    "granted": [REQUEST, GRANT],
    "published": [REQUEST, GRANT, ConsentEvent(EventKind.PUBLISHED, request_id="g1")],
    "refused": [REQUEST, ConsentEvent(EventKind.REFUSED, request_id="r1")],
    "proposed": [REQUEST, ConsentEvent(EventKind.PROPOSED, request_id="r1", text="other words")],
    "withdrawn": [REQUEST, GRANT, ConsentEvent(EventKind.WITHDRAWN)],
    "asked again": [REQUEST, GRANT, AGAIN],
    "expired": [REQUEST, ConsentEvent(EventKind.EXPIRED, request_id="r1")],
    "postponed": [REQUEST, ConsentEvent(EventKind.POSTPONED, request_id="r1")],
}
#: For every kind: the states in which it may follow. Everything else is refused.
ALLOWED = {
    EventKind.REQUESTED: set(STATES) - {"asked", "asked again"},
    EventKind.GRANTED: {"asked", "asked again"},
    EventKind.REFUSED: {"asked", "asked again"},
    EventKind.PROPOSED: {"asked", "asked again"},
    EventKind.CANCELLED: {"asked", "asked again"},
    EventKind.EXPIRED: {"asked", "asked again"},
    EventKind.POSTPONED: {"asked", "asked again"},
    EventKind.REVISED: set(STATES),
    EventKind.WITHDRAWN: set(STATES),
    EventKind.INVALIDATED: set(STATES),
    EventKind.RETRACTED: set(STATES),
    EventKind.PUBLISHED: {"granted", "published", "asked again"},
    EventKind.STOPPED: set(),
    EventKind.ERASED: set(),
}


def fitting(kind: EventKind, state: str) -> ConsentEvent:
    """The event of this kind that fits best."""
    request = "r2" if state == "asked again" else "r1"
    match kind:
        case EventKind.REQUESTED:
            return replace(REQUEST, request_id="r3")
        case EventKind.GRANTED:
            return replace(GRANT, request_id=request, hash="g2")
        case EventKind.PUBLISHED:
            return ConsentEvent(kind, request_id="g1")
        case EventKind.PROPOSED:
            return ConsentEvent(kind, request_id=request, text="yet other words")
        case _:
            return ConsentEvent(kind, request_id=request)


def test_the_table_is_complete() -> None:
    assert set(ALLOWED) == set(EventKind)


@pytest.mark.parametrize("kind", EventKind)
@pytest.mark.parametrize("name", STATES)
def test_every_pair_of_state_and_event(name: str, kind: EventKind) -> None:
    state, event = fold(STATES[name]), fitting(kind, name)
    if name in ALLOWED[kind]:
        check(state, event)
        assert fold([*STATES[name], event]) == apply(state, event) != ConsentState()
    else:
        with pytest.raises(IllegalEventError):
            check(state, event)
        assert fold([*STATES[name], event]) == state, "an event that can't follow changes nothing"


@pytest.mark.parametrize("name", STATES)
def test_withdrawing_ends_every_grant_and_question(name: str) -> None:
    state = fold([*STATES[name], ConsentEvent(EventKind.WITHDRAWN)])
    assert state.grant is None
    assert state.request is None
    assert state.last is EventKind.WITHDRAWN


def test_a_late_yes_to_a_withdrawn_question_grants_nothing() -> None:
    events = [REQUEST, ConsentEvent(EventKind.WITHDRAWN), GRANT]
    assert publishable(events, WORDS, ADA, Use.POST) == "Its author has withdrawn it."


@pytest.mark.parametrize(
    "change",
    [
        {"text": "carrying the lamp."},
        {"text": "Carrying the lamp"},
        {"text": ""},
        {"credit": None},
        {"credit": Credit(NameForm.NAME)},
        {"credit": Credit(NameForm.PSEUDONYM, name=" \u200b ")},
        {"uses": frozenset()},
        {"request_id": "r2"},
        {"request_id": ""},
    ],
)
def test_a_grant_is_for_what_was_shown(change: dict[str, object]) -> None:
    with pytest.raises(IllegalEventError):
        check(fold([REQUEST]), replace(GRANT, **change))


def test_a_grant_may_not_allow_more_uses_than_were_asked_for() -> None:
    asked = replace(REQUEST, uses=frozenset({Use.POST}))
    with pytest.raises(IllegalEventError, match="no others"):
        check(fold([asked]), GRANT)
    check(fold([REQUEST]), replace(GRANT, uses=frozenset({Use.EDITION})))


def test_the_contributor_may_choose_another_credit_than_was_suggested() -> None:
    alias = Credit(NameForm.PSEUDONYM, name="Lamp")
    state = fold([REQUEST, replace(GRANT, credit=alias)])
    assert state.grant is not None
    assert state.grant.credit == alias


@pytest.mark.parametrize(
    "change",
    [{"text": " "}, {"credit": None}, {"request_id": ""}, {"uses": frozenset({Use.EDITION})}],
)
def test_a_request_shows_all_that_it_asks_for(change: dict[str, object]) -> None:
    with pytest.raises(IllegalEventError):
        check(ConsentState(), replace(REQUEST, **change))


def test_a_proposal_needs_words() -> None:
    with pytest.raises(IllegalEventError, match="words"):
        check(fold([REQUEST]), ConsentEvent(EventKind.PROPOSED, request_id="r1", text=" \n"))


def test_only_the_live_grant_can_be_published() -> None:
    events = [REQUEST, GRANT, AGAIN, replace(GRANT, request_id="r2", hash="g2")]
    with pytest.raises(IllegalEventError):
        check(fold(events), ConsentEvent(EventKind.PUBLISHED, request_id="g1"))
    check(fold(events), ConsentEvent(EventKind.PUBLISHED, request_id="g2"))


@pytest.mark.parametrize("kind", sorted(ABOUT_CONTRIBUTOR))
def test_events_about_a_contributor_are_not_about_a_definition(kind: EventKind) -> None:
    with pytest.raises(IllegalEventError, match="contributor"):
        check(fold([REQUEST, GRANT]), ConsentEvent(kind))


def test_a_grant_covers_exactly_one_text_credit_and_its_uses() -> None:
    granted = publishable([REQUEST, GRANT], WORDS, ADA, Use.POST)
    assert isinstance(granted, Grant)
    assert granted.covers(WORDS, ADA, Use.EDITION)
    assert not granted.covers(WORDS + " ", ADA, Use.POST)
    assert not granted.covers(WORDS, replace(ADA, role="editor"), Use.POST)
    assert not replace(granted, uses=frozenset({Use.POST})).covers(WORDS, ADA, Use.EDITION)


def test_two_spellings_of_one_character_are_the_same_words() -> None:
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    events = [replace(REQUEST, text=composed), replace(GRANT, text=decomposed)]
    assert isinstance(publishable(events, composed, ADA, Use.POST), Grant)


@pytest.mark.parametrize(
    ("events", "text", "credit", "use", "reason"),
    [
        ([REQUEST], WORDS, ADA, Use.POST, "Its author has not granted it."),
        ([], WORDS, ADA, Use.POST, "Its author has not granted it."),
        (STATES["withdrawn"], WORDS, ADA, Use.POST, "Its author has withdrawn it."),
        ([REQUEST, GRANT], "other", ADA, Use.POST, "The words are not the words that were granted"),
        ([REQUEST, GRANT], WORDS, replace(ADA, name="B"), Use.POST, "The credit is not the credit"),
        (
            [REQUEST, replace(GRANT, uses=frozenset({Use.POST}))],
            *(WORDS, ADA, Use.EDITION, "has not granted this use (edition)"),
        ),
    ],
)
def test_the_reason_why_nothing_is_published(
    events: list[ConsentEvent], text: str, credit: Credit, use: Use, reason: str
) -> None:
    found = publishable(events, text, credit, use)
    assert isinstance(found, str)
    assert reason in found


def test_each_event_leads_to_exactly_this_state() -> None:
    asked = fold([REQUEST])
    assert asked == ConsentState(
        request=OpenRequest("r1", WORDS, ADA, REQUEST.uses), last=EventKind.REQUESTED
    )
    dated = replace(GRANT, at="2026-01-05", hash="g1")
    grant = Grant("g1", "2026-01-05", "r1", WORDS, ADA, GRANT.uses)
    granted = ConsentState(grant=grant, last=EventKind.GRANTED)
    assert fold([REQUEST, dated]) == granted
    steps = {
        EventKind.REVISED: replace(granted, last=EventKind.REVISED),
        EventKind.WITHDRAWN: ConsentState(last=EventKind.WITHDRAWN, withdrawn=True),
        EventKind.INVALIDATED: ConsentState(last=EventKind.INVALIDATED),
        EventKind.RETRACTED: replace(granted, last=EventKind.RETRACTED),
    }
    for kind, expected in steps.items():
        assert fold([REQUEST, dated, ConsentEvent(kind)]) == expected, kind
    published = ConsentEvent(EventKind.PUBLISHED, request_id="g1")
    assert fold([REQUEST, dated, published]) == replace(
        granted, published=True, last=EventKind.PUBLISHED
    )
    assert fold([REQUEST, dated, published, ConsentEvent(EventKind.RETRACTED)]) == replace(
        granted, last=EventKind.RETRACTED
    )


@pytest.mark.parametrize(
    "kind", [EventKind.REVISED, EventKind.WITHDRAWN, EventKind.INVALIDATED, EventKind.EXPIRED]
)
def test_an_open_question_is_closed_by_whatever_overtakes_it(kind: EventKind) -> None:
    assert fold([REQUEST, ConsentEvent(kind, request_id="r1")]).request is None


def test_a_proposal_lasts_until_it_is_taken_up() -> None:
    proposal = ConsentEvent(EventKind.PROPOSED, request_id="r1", text="hearing")
    proposed = fold([REQUEST, proposal])
    assert proposed == ConsentState(proposal="hearing", last=EventKind.PROPOSED)
    again = replace(REQUEST, request_id="r2")
    assert fold([REQUEST, proposal, again]).proposal == ""
    assert fold([REQUEST, proposal, ConsentEvent(EventKind.REVISED)]).proposal == ""
    assert fold([REQUEST, proposal, ConsentEvent(EventKind.REFUSED)]).proposal == "hearing"
    assert fold([REQUEST, proposal, ConsentEvent(EventKind.WITHDRAWN)]).proposal == "hearing"
    yes = replace(GRANT, request_id="r2")
    assert fold([REQUEST, proposal, again, yes]).proposal == ""


def test_a_new_yes_after_a_withdrawal_is_no_withdrawn_one() -> None:
    again = [replace(REQUEST, request_id="r2"), replace(GRANT, request_id="r2", hash="g2")]
    state = fold([REQUEST, GRANT, ConsentEvent(EventKind.WITHDRAWN), *again])
    assert state.withdrawn is False
    gone = fold([REQUEST, GRANT, ConsentEvent(EventKind.WITHDRAWN), *again][:-1])
    assert gone.withdrawn is True
    invalid = fold([REQUEST, GRANT, ConsentEvent(EventKind.INVALIDATED)])
    assert invalid.withdrawn is False


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        (replace(GRANT, request_id="r9"), "This question is not open any more."),
        (replace(GRANT, text="x"), "The words are not the words that were shown."),
        (replace(GRANT, credit=None), "A grant names its credit."),
        (
            replace(GRANT, uses=frozenset()),
            "A grant allows some of the uses that were asked for, and no others.",
        ),
        (
            replace(REQUEST, request_id="r2"),
            "This person has been asked already and has not answered yet.",
        ),
        (ConsentEvent(EventKind.REFUSED), "This question is not open any more."),
        (
            ConsentEvent(EventKind.PROPOSED, request_id="r1", text=" "),
            "A proposal needs words.",
        ),
        (ConsentEvent(EventKind.PUBLISHED), "Only what has a live grant can be published."),
        (
            ConsentEvent(EventKind.STOPPED),
            "This event is about a contributor, not about a definition.",
        ),
    ],
)
def test_an_objection_is_a_whole_sentence(event: ConsentEvent, sentence: str) -> None:
    with pytest.raises(IllegalEventError) as caught:
        check(fold([REQUEST]), event)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"text": ""}, "A consent request shows its words and its credit."),
        (
            {"uses": frozenset({Use.EDITION})},
            "A consent request asks for a post or an interview at least.",
        ),
    ],
)
def test_an_objection_to_a_request_is_a_whole_sentence(
    change: dict[str, object], sentence: str
) -> None:
    with pytest.raises(IllegalEventError) as caught:
        check(ConsentState(), replace(REQUEST, **change))
    assert str(caught.value) == sentence
