"""The consent state machine against a simple model of what people said.

The model keeps what was last shown and what was last allowed; whatever order events come in,
legal or not, the machine must never know of a grant that the model does not.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

from hypothesis import settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ledger.consent_state import (
    ConsentEvent,
    ConsentState,
    EventKind,
    Grant,
    IllegalEventError,
    apply,
    check,
    fold,
    publishable,
)
from ledger.model import Credit, NameForm, Use

TEXTS = ("a lamp", "a lamp.", "a l\u00e4mp", "a la\u0308mp", "")
CREDITS = (
    Credit(NameForm.NAME, name="Ada Sample"),
    Credit(NameForm.NAME, name="Ada Sample", role="editor"),
    Credit(NameForm.ANONYMOUS),
    Credit(NameForm.NAME),
    None,
)
USES = tuple(
    frozenset(uses) for size in range(3) for uses in itertools.combinations(tuple(Use), size)
)
IDS = ("r1", "r2", "")
HASHES = ("g1", "g2")

some_event = strategies.builds(
    ConsentEvent,
    kind=strategies.sampled_from(EventKind),
    hash=strategies.sampled_from(HASHES),
    request_id=strategies.sampled_from((*IDS, *HASHES)),
    text=strategies.sampled_from(TEXTS),
    credit=strategies.sampled_from(CREDITS),
    uses=strategies.sampled_from(USES),
)


class Consent(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.events: list[ConsentEvent] = []
        self.shown: ConsentEvent | None = None
        self.allowed: ConsentEvent | None = None

    @rule(event=some_event)
    def anything_arrives(self, event: ConsentEvent) -> None:
        self._arrives(event)

    @rule(
        text=strategies.sampled_from(TEXTS[:4]),
        credit=strategies.sampled_from(CREDITS[:3]),
        request_id=strategies.sampled_from(IDS[:2]),
    )
    def editor_asks(self, text: str, credit: Credit, request_id: str) -> None:
        self._arrives(
            ConsentEvent(
                EventKind.REQUESTED,
                request_id=request_id,
                text=text,
                credit=credit,
                uses=frozenset(Use),
            )
        )

    @rule(hash_=strategies.sampled_from(HASHES))
    def author_says_yes_to_what_was_shown(self, hash_: str) -> None:
        if self.shown is not None:
            self._arrives(replace(self.shown, kind=EventKind.GRANTED, hash=hash_))

    @rule()
    def author_withdraws(self) -> None:
        before = fold(self.events)
        withdrawal = ConsentEvent(EventKind.WITHDRAWN)
        check(before, withdrawal)
        self._arrives(withdrawal)
        for text, credit, use in itertools.product(TEXTS, CREDITS[:4], Use):
            assert credit is not None
            assert isinstance(publishable(self.events, text, credit, use), str)

    def _arrives(self, event: ConsentEvent) -> None:
        state = fold(self.events)
        try:
            check(state, event)
        except IllegalEventError:
            # Even when it got into the ledger all the same.
            assert fold([*self.events, event]) == state
            if len(self.events) < 60:
                self.events.append(event)
            return
        self.events.append(event)
        assert fold(self.events) == apply(state, event)
        self._remember(event)

    def _remember(self, event: ConsentEvent) -> None:
        if event.kind is EventKind.REQUESTED:
            assert self.shown is None, "nobody is asked twice at a time"
            self.shown = event
        elif event.kind is EventKind.GRANTED:
            assert self.shown is not None
            assert event.request_id == self.shown.request_id
            assert event.uses <= self.shown.uses
            self.shown, self.allowed = None, replace(event, text=self.shown.text)
        elif event.kind in (EventKind.WITHDRAWN, EventKind.INVALIDATED):
            self.shown = self.allowed = None
        elif event.kind in (EventKind.PUBLISHED, EventKind.RETRACTED):
            pass
        else:
            self.shown = None

    @invariant()
    def published_is_only_what_was_allowed(self) -> None:
        for text, credit, use in itertools.product(TEXTS, CREDITS[:4], Use):
            assert credit is not None
            found = publishable(self.events, text, credit, use)
            if isinstance(found, Grant):
                assert self.allowed is not None
                assert found.covers(self.allowed.text, credit, use)
                assert (credit, found.event_hash) == (self.allowed.credit, self.allowed.hash)
                assert use in self.allowed.uses

    @invariant()
    def what_was_allowed_can_be_published(self) -> None:
        if self.allowed is not None:
            assert self.allowed.credit is not None
            for use in self.allowed.uses:
                found = publishable(self.events, self.allowed.text, self.allowed.credit, use)
                assert isinstance(found, Grant)


Consent.TestCase.settings = settings(max_examples=80, stateful_step_count=20, deadline=None)
TestConsent = Consent.TestCase


def test_every_sequence_of_four_events() -> None:
    """Exhaustively: after a withdrawal, only a new question and a new yes publish again."""
    shown = ConsentEvent(
        EventKind.REQUESTED,
        request_id="r1",
        text="a lamp",
        credit=CREDITS[0],
        uses=frozenset({Use.POST}),
    )
    alphabet = [
        shown,
        replace(shown, kind=EventKind.GRANTED, hash="g1"),
        replace(shown, kind=EventKind.GRANTED, hash="g1", text="a lamp."),
        ConsentEvent(EventKind.PUBLISHED, request_id="g1"),
        *(ConsentEvent(kind, request_id="r1") for kind in set(EventKind) - {shown.kind}),
    ]
    credit = shown.credit
    assert credit is not None
    published = 0
    for length in range(5):
        for events in itertools.product(alphabet, repeat=length):
            found = publishable(events, "a lamp", credit, Use.POST)
            assert isinstance(found, Grant) == _may_publish(events)
            published += isinstance(found, Grant)
    assert published > 100
    assert fold(()) == ConsentState()


def _may_publish(events: tuple[ConsentEvent, ...]) -> bool:
    """Said once more, as plainly as can be: asked, then a fitting yes, then no taking back."""
    asked = granted = False
    for event in events:
        kind = event.kind
        if kind is EventKind.REQUESTED:
            asked = True
        elif kind is EventKind.GRANTED and asked and event.text == "a lamp":
            asked, granted = False, True
        elif kind in (EventKind.WITHDRAWN, EventKind.INVALIDATED):
            asked = granted = False
        elif kind in (
            *(EventKind.REFUSED, EventKind.CANCELLED),
            *(EventKind.EXPIRED, EventKind.POSTPONED, EventKind.REVISED),
        ):
            asked = False
    return granted
