"""The documented moves of the outbox are those that the code makes, all of them and no other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from ledger.accounts import add_account
from ledger.campaigns import add_campaign
from ledger.contributors import add_contributor
from ledger.courtesies import settle_held
from ledger.database import Ledger
from ledger.etiquette import Action
from ledger.handed_over import settle_by_hand
from ledger.model import Channel
from ledger.outbox import (
    Message,
    MessageState,
    abandon_claims,
    add_draft,
    approve,
    claim,
    hand_over,
    mark_failed,
    mark_sent,
    mark_unknown,
    postpone,
    refuse_messages,
    settle_unknown,
)
from ledger.outbox_moves import MEANINGS, MOVES
from ledger.sent import came_back, find_message
from tests.conftest import SteppingClock
from tests.watched_outbox import moves_seen, watch_moves

D, A, C = MessageState.DRAFT, MessageState.APPROVED, MessageState.CLAIMED
S, F, U = MessageState.SENT, MessageState.FAILED, MessageState.UNKNOWN


class Desk:
    """One message after the other to the same person."""

    def __init__(self, ledger: Ledger, clock: SteppingClock, connection: Connection) -> None:
        self.ledger, self.clock, self.connection = ledger, clock, connection
        self.count = 0
        campaign = add_campaign(connection, clock(), prompt="Courage is ___?")
        self.account = add_account(
            connection, ledger.keys, channel=Channel.EMAIL, name="a", campaign_id=campaign.id
        )
        self.ada = add_contributor(connection, ledger.keys, clock())

    def draft(self, purpose: Action = Action.ANSWER) -> int:
        self.count += 1
        return add_draft(
            self.connection,
            self.ledger.keys,
            self.clock(),
            account_id=self.account.id,
            contributor_id=self.ada,
            recipient="ada@sample.example",
            subject="A word",
            body="A word",
            domain="blog.example",
            purpose=purpose,
            once=f"thank:{self.count}" if purpose is Action.THANK else None,
        )

    def approved(self) -> int:
        made = self.draft()
        assert approve(self.connection, made, "Olu")
        return made

    def claimed(self) -> Message:
        self.approved()
        taken = claim(self.connection, self.ledger.keys, self.clock())
        assert taken is not None
        return taken

    def unknown(self) -> Message:
        taken = self.claimed()
        mark_unknown(self.connection, taken.id, "The line broke.")
        return taken

    def handed(self) -> Message:
        taken = self.claimed()
        hand_over(self.connection, self.ledger.keys, taken.id, "It leaves it.", "https://x.example")
        return taken


def _abandoned(desk: Desk) -> int:
    taken = desk.claimed()
    desk.clock.pass_time(hours=1)
    assert abandon_claims(desk.connection, desk.clock(), timedelta(minutes=5)) == 1
    return taken.id


def _then(make: Callable[[Desk], int | Message], do: Callable[[Desk, Message], object]):  # type: ignore[no-untyped-def]
    def scene(desk: Desk) -> int:
        made = make(desk)
        number = made if isinstance(made, int) else made.id
        known = find_message(desk.connection, number)
        assert known is not None
        assert do(desk, known) in (None, True)
        return number

    return scene


#: What makes each move, by the functions that the program calls for it.
SCENES: dict[tuple[MessageState | None, MessageState], Callable[[Desk], int]] = {
    (None, D): Desk.draft,
    (D, A): Desk.approved,
    (D, S): _then(
        lambda desk: desk.draft(Action.THANK),
        lambda desk, one: settle_held(desk.connection, one.id, desk.clock(), "Olu", sent=True),
    ),
    (D, F): _then(Desk.draft, lambda desk, _: refuse_messages(desk.connection, desk.ada)),
    (A, C): lambda desk: desk.claimed().id,
    (A, A): _then(
        Desk.approved,
        lambda desk, one: postpone(desk.connection, one.id, "It is night.", desk.clock()),
    ),
    (A, F): _then(Desk.approved, lambda desk, _: refuse_messages(desk.connection, desk.ada)),
    (C, S): _then(Desk.claimed, lambda desk, one: mark_sent(desk.connection, one.id, desk.clock())),
    (C, A): _then(
        Desk.claimed, lambda desk, one: postpone(desk.connection, one.id, "Later.", desk.clock())
    ),
    (C, F): lambda desk: desk.handed().id,
    (C, U): _abandoned,
    (U, S): _then(
        Desk.unknown,
        lambda desk, one: settle_unknown(desk.connection, one.id, desk.clock(), left=True),
    ),
    (U, A): _then(
        Desk.unknown,
        lambda desk, one: settle_unknown(desk.connection, one.id, desk.clock(), left=False),
    ),
    (U, F): _then(
        Desk.unknown, lambda desk, one: came_back(desk.connection, [one.message_id], 0, "No one.")
    ),
    (F, S): _then(
        Desk.handed,
        lambda desk, one: settle_by_hand(desk.connection, one.id, desk.clock(), sent=True),
    ),
    (F, F): _then(
        Desk.handed,
        lambda desk, one: settle_by_hand(desk.connection, one.id, desk.clock(), sent=False),
    ),
    (S, F): _then(
        lambda desk: SCENES[C, S](desk),
        lambda desk, one: came_back(desk.connection, [one.message_id], 0, "No one."),
    ),
}


def test_what_is_documented_is_what_there_is() -> None:
    assert set(MEANINGS) == set(MessageState)
    documented = [(move.before, move.after) for move in MOVES]
    assert len(documented) == len(set(documented))
    assert set(documented) == set(SCENES)
    assert {after for _, after in documented} == set(MessageState)


@pytest.mark.parametrize("move", SCENES, ids=lambda move: f"{move[0] or 'new'} to {move[1]}")
def test_each_move_is_made_by_the_code_and_none_that_is_not_documented(
    ledger: Ledger, clock: SteppingClock, move: tuple[MessageState | None, MessageState]
) -> None:
    watch_moves(ledger)
    with ledger.write() as connection:
        made = SCENES[move](Desk(ledger, clock, connection))
        known = find_message(connection, made)
    assert known is not None
    assert known.state is move[1]
    seen = moves_seen(ledger)
    assert move in seen
    assert seen <= {(one.before, one.after) for one in MOVES}


def test_a_draft_is_never_sent_by_the_program(any_ledger: Ledger, clock: SteppingClock) -> None:
    """And what has left is not claimed again, whoever tries."""
    watch_moves(any_ledger)
    with any_ledger.write() as connection:
        desk = Desk(any_ledger, clock, connection)
        desk.draft()
        for scene in ((C, S), (C, F), (C, U)):
            SCENES[scene](desk)
        mark_failed(connection, desk.claimed().id, "No.")
        assert claim(connection, any_ledger.keys, clock()) is None
    assert (D, C) not in moves_seen(any_ledger)
    assert {before for before, after in moves_seen(any_ledger) if after is C} == {A}
