"""The consent state machine: what may be published follows from events, and from nothing else.

Pure: standard library and the model only. `fold` computes the state of one definition from
its events in order; `check` says whether one more event may follow. A Grant is live until it
is withdrawn, invalidated or superseded by a newer Grant; it binds exactly one text, one credit
and a set of uses.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from ledger.model import Credit, Use, normal, thing_itself


class EventKind(StrEnum):
    REQUESTED = "requested"
    GRANTED = "granted"
    REFUSED = "refused"
    PROPOSED = "proposed"
    REVISED = "revised"
    WITHDRAWN = "withdrawn"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    POSTPONED = "postponed"
    INVALIDATED = "invalidated"
    PUBLISHED = "published"
    RETRACTED = "retracted"
    STOPPED = "stopped"
    ERASED = "erased"


#: Kinds whose subject is a contributor, not a definition; `fold` never sees them.
ABOUT_CONTRIBUTOR = frozenset({EventKind.STOPPED, EventKind.ERASED})


@dataclass(frozen=True)
class ConsentEvent:
    """One event of a definition, its payload opened. Empty fields where a kind has no use of them.

    `text` and `credit` are what was shown (REQUESTED), what was allowed (GRANTED) or what the
    author would rather say (PROPOSED).
    """

    kind: EventKind
    seq: int = 0
    at: str = ""
    hash: str = ""
    request_id: str = ""
    text: str = ""
    credit: Credit | None = None
    uses: frozenset[Use] = field(default_factory=frozenset)


@dataclass(frozen=True)
class OpenRequest:
    """A consent request that waits for its answer."""

    id: str
    text: str
    credit: Credit
    uses: frozenset[Use]


@dataclass(frozen=True)
class Grant:
    """What a contributor allowed: exactly these words, with this credit, for these uses."""

    event_hash: str
    at: str
    request_id: str
    text: str
    credit: Credit
    uses: frozenset[Use]

    def covers(self, text: str, credit: Credit, use: Use) -> bool:
        """True when `text` and `credit` equal what was granted, byte for byte after NFC."""
        return use in self.uses and normal(text) == normal(self.text) and credit == self.credit


@dataclass(frozen=True)
class ConsentState:
    """Where one definition stands. `last` is the latest answer or step, for display.

    `withdrawn`: its author took it back and has granted nothing since.
    """

    request: OpenRequest | None = None
    grant: Grant | None = None
    proposal: str = ""
    published: bool = False
    last: EventKind | None = None
    withdrawn: bool = False


class IllegalEventError(Exception):
    """This event can't follow those that are there."""


def check(state: ConsentState, event: ConsentEvent) -> None:
    """Raise IllegalEventError unless `event` may follow `state`.

    Withdrawing is never refused: it must win even when it arrives before what it withdraws.
    """
    reason = _objection(state, event)
    if reason:
        raise IllegalEventError(reason)


def _objection(state: ConsentState, event: ConsentEvent) -> str:
    match event.kind:
        case EventKind.REQUESTED:
            return _objection_to_request(state, event)
        case EventKind.GRANTED:
            return _objection_to_grant(state, event)
        case (
            EventKind.REFUSED
            | EventKind.PROPOSED
            | EventKind.CANCELLED
            | EventKind.EXPIRED
            | EventKind.POSTPONED
        ):
            if state.request is None or state.request.id != event.request_id:
                return "This question is not open any more."
            if event.kind is EventKind.PROPOSED and not event.text.strip():
                return "A proposal needs words."
        case EventKind.PUBLISHED:
            if state.grant is None or state.grant.event_hash != event.request_id:
                return "Only what has a live grant can be published."
        case EventKind.STOPPED | EventKind.ERASED:
            return "This event is about a contributor, not about a definition."
        case _:
            pass
    return ""


def _objection_to_request(state: ConsentState, event: ConsentEvent) -> str:
    if state.request is not None:
        return "This person has been asked already and has not answered yet."
    if not event.request_id or not event.text.strip() or event.credit is None:
        return "A consent request shows its words and its credit."
    if not thing_itself(event.uses):
        return "A consent request asks for a post or an interview at least."
    return ""


def _objection_to_grant(state: ConsentState, event: ConsentEvent) -> str:
    request = state.request
    if request is None or request.id != event.request_id:
        return "This question is not open any more."
    if normal(event.text) != normal(request.text):
        return "The words are not the words that were shown."
    if event.credit is None or not event.credit.display_name:
        return "A grant names its credit."
    if not event.uses or not event.uses <= request.uses:
        return "A grant allows some of the uses that were asked for, and no others."
    return ""


def apply(state: ConsentState, event: ConsentEvent) -> ConsentState:
    """The state after `event`, which `check` has let pass."""
    state = replace(state, last=event.kind)
    match event.kind:
        case EventKind.REQUESTED:
            assert event.credit is not None
            asked = OpenRequest(event.request_id, event.text, event.credit, event.uses)
            return replace(state, request=asked, proposal="")
        case EventKind.GRANTED:
            assert event.credit is not None
            grant = Grant(
                event.hash, event.at, event.request_id, event.text, event.credit, event.uses
            )
            return replace(state, request=None, grant=grant, proposal="", withdrawn=False)
        case EventKind.PROPOSED:
            return replace(state, request=None, proposal=event.text)
        case EventKind.REVISED:
            return replace(state, request=None, proposal="")
        case EventKind.REFUSED | EventKind.CANCELLED | EventKind.EXPIRED | EventKind.POSTPONED:
            return replace(state, request=None)
        case EventKind.WITHDRAWN:
            return replace(state, request=None, grant=None, withdrawn=True)
        case EventKind.INVALIDATED:
            return replace(state, request=None, grant=None)
        case EventKind.PUBLISHED:
            return replace(state, published=True)
        case EventKind.RETRACTED:
            return replace(state, published=False)
        case _:
            return state


def fold(events: Iterable[ConsentEvent]) -> ConsentState:
    """The state of one definition after all its events, in order of `seq`.

    An event that could not have followed the ones before it changes nothing: a forged or
    misplaced row can close doors, never open one.
    """
    state = ConsentState()
    for event in events:
        if not _objection(state, event):
            state = apply(state, event)
    return state


def publishable(events: Iterable[ConsentEvent], text: str, credit: Credit, use: Use) -> Grant | str:
    """The live Grant that covers exactly this, or the reason in words why there is none."""
    return judge(fold(events), text, credit, use)


def judge(state: ConsentState, text: str, credit: Credit, use: Use) -> Grant | str:
    """The same for a history that has been folded already."""
    grant = state.grant
    if grant is None:
        if state.withdrawn:
            return "Its author has withdrawn it."
        return "Its author has not granted it."
    if use not in grant.uses:
        return f"Its author has not granted this use ({use.words})."
    if normal(text) != normal(grant.text):
        return "The words are not the words that were granted."
    if credit != grant.credit:
        return "The credit is not the credit that was granted."
    return grant
