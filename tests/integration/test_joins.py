"""Two contributors that are one person: joined, and parted again, with nothing rewritten."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import select

from consent.decisions import grant
from consent.requests import ask, cancel
from ledger import stopping, tables
from ledger.campaigns import add_campaign
from ledger.chain import Head
from ledger.contributors import find_or_add_handle, has_stopped_contact
from ledger.database import Ledger
from ledger.errors import DefinedbyError
from ledger.events import history, state_of
from ledger.heads import verify_chain
from ledger.joins import decline, join, joins_of, part, settled_by_reply
from ledger.known_as import known_as
from ledger.model import Campaign, Channel, Definition
from ledger.outbox import MessageState, add_draft, approve, claim
from ledger.requests import AskedAlreadyError, live_request
from ledger.sent import messages_in
from ledger.together import people_of
from tests.people import ADA, EVIDENCE, answer, define

WHY = "She says so in her mail."


def everything(ledger: Ledger, *without: str) -> dict[str, list[Any]]:
    with ledger.read() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(select(table))))
            for table in tables.metadata.sorted_tables
            if table.name not in without
        }


@pytest.fixture
def campaign_anywhere(any_ledger: Ledger) -> Campaign:
    with any_ledger.write() as connection:
        return add_campaign(connection, any_ledger.clock(), prompt="Courage is ___?")


def somebody(ledger: Ledger, campaign: Campaign, words: str) -> Definition:
    return define(ledger, answer(ledger, campaign, words, address=f"{words}@a.example"))


@pytest.fixture
def known(any_ledger: Ledger, campaign_anywhere: Campaign) -> list[Definition]:
    """The definitions of three people."""
    return [
        somebody(any_ledger, campaign_anywhere, words)
        for words in ("listening", "waiting", "asking")
    ]


def joined(ledger: Ledger, one: Definition, other: Definition) -> int:
    with ledger.write() as connection:
        return join(
            connection,
            ledger.keys,
            ledger.clock(),
            one.contributor_id,
            other.contributor_id,
            joined_by="robin",
            because=WHY,
        )


def parted(ledger: Ledger, join_id: int) -> bool:
    with ledger.write() as connection:
        return part(connection, join_id, ledger.clock(), "robin")


def stopped(ledger: Ledger, definition: Definition) -> bool:
    with ledger.read() as connection:
        return has_stopped_contact(connection, definition.contributor_id)


def stop(ledger: Ledger, definition: Definition) -> None:
    with ledger.write() as connection:
        stopping.stop(connection, ledger.keys, ledger.clock(), definition.contributor_id, {})


def test_parting_restores_exactly_what_was(any_ledger: Ledger, known: list[Definition]) -> None:
    one, other, third = known
    asked = ask(any_ledger, one.id, asked_by="robin")
    granted = ask(any_ledger, other.id, asked_by="robin")
    grant(
        any_ledger,
        granted.request.id,
        text=other.text,
        credit=ADA,
        uses=granted.request.uses,
        evidence=EVIDENCE,
    )
    before = everything(any_ledger, "joins")
    first, second = joined(any_ledger, one, other), joined(any_ledger, other, third)
    assert everything(any_ledger, "joins") != before
    with any_ledger.read() as connection:
        everybody = tuple(sorted(known_one.contributor_id for known_one in known))
        assert people_of(connection, third.contributor_id) == everybody
        live = live_request(connection, third.contributor_id)
        assert live is not None
        assert live.id == asked.request.id
        assert state_of(connection, any_ledger.keys, other.id).grant is not None
        assert len(joins_of(connection, one.contributor_id)) == 2
    assert parted(any_ledger, first)
    with any_ledger.read() as connection:
        assert people_of(connection, one.contributor_id) == (one.contributor_id,)
        assert len(people_of(connection, third.contributor_id)) == 2
        assert live_request(connection, third.contributor_id) is None
    assert parted(any_ledger, second)
    assert not parted(any_ledger, second)
    assert everything(any_ledger, "joins") == before
    assert isinstance(verify_chain(any_ledger), Head)


def test_one_person_is_asked_once(any_ledger: Ledger, known: list[Definition]) -> None:
    one, other, _ = known
    made = joined(any_ledger, one, other)
    first = ask(any_ledger, one.id, asked_by="robin")
    with pytest.raises(AskedAlreadyError):
        ask(any_ledger, other.id, asked_by="robin")
    parted(any_ledger, made)
    ask(any_ledger, other.id, asked_by="robin")
    before = everything(any_ledger)
    with pytest.raises(AskedAlreadyError, match="Both have been asked"):
        joined(any_ledger, one, other)
    assert everything(any_ledger) == before
    cancel(any_ledger, first.request.id, "robin")
    joined(any_ledger, one, other)


def test_p12_joined_and_asked_at_once_is_one_question(
    any_ledger: Ledger, known: list[Definition]
) -> None:
    joined(any_ledger, known[0], known[1])
    joined(any_ledger, known[1], known[2])
    start, failed = threading.Barrier(6), list[Exception]()

    def racing(definition: Definition) -> None:
        start.wait()
        try:
            ask(any_ledger, definition.id, asked_by="robin")
        except AskedAlreadyError as error:
            failed.append(error)

    others = [threading.Thread(target=racing, args=(known[number % 3],)) for number in range(6)]
    for other in others:
        other.start()
    for other in others:
        other.join()
    assert len(failed) == 5


@pytest.mark.parametrize("when", ["before", "between", "after"])
def test_p11_a_stop_of_one_is_a_stop_of_both_and_outlives_parting(
    any_ledger: Ledger, known: list[Definition], when: str
) -> None:
    one, other, third = known
    question = ask(any_ledger, other.id, asked_by="robin")
    if when == "before":
        stop(any_ledger, one)
    made = joined(any_ledger, one, other)
    if when == "between":
        stop(any_ledger, one)
    if when == "after":
        parted(any_ledger, made)
        stop(any_ledger, one)
        assert not stopped(any_ledger, other)
        return
    for _ in range(2):
        assert stopped(any_ledger, one)
        assert stopped(any_ledger, other)
        assert not stopped(any_ledger, third)
        parted(any_ledger, made)
    with any_ledger.read() as connection:
        assert live_request(connection, other.contributor_id) is None
        kinds = [event.kind for event in history(connection, any_ledger.keys, other.id)]
    assert kinds == ["requested", "cancelled"]
    with pytest.raises(DefinedbyError, match="not to be written to"):
        ask(any_ledger, other.id, asked_by="robin")
    assert question.request.contributor_id == other.contributor_id
    assert isinstance(verify_chain(any_ledger), Head)


def test_both_have_stopped(any_ledger: Ledger, known: list[Definition]) -> None:
    one, other, _ = known
    stop(any_ledger, one)
    stop(any_ledger, other)
    before = everything(any_ledger, "joins")
    parted(any_ledger, joined(any_ledger, one, other))
    assert everything(any_ledger, "joins") == before


def test_p11_what_waits_for_one_does_not_leave_when_the_other_stops(
    any_ledger: Ledger, known: list[Definition]
) -> None:
    one, other, _ = known
    joined(any_ledger, one, other)
    with any_ledger.write() as connection:
        message = add_draft(
            connection,
            any_ledger.keys,
            any_ledger.clock(),
            account_id=1,
            contributor_id=other.contributor_id,
            recipient="elsewhere@b.example",
            subject="Hello",
            body="…",
            domain="blog.example",
        )
        approve(connection, message, "robin")
    stop(any_ledger, one)
    with any_ledger.write() as connection:
        assert claim(connection, any_ledger.keys, any_ledger.clock()) is None
        assert [one.id for one in messages_in(connection, MessageState.FAILED)] == [message]


def test_p11_a_stop_that_races_a_join_stops_both(
    any_ledger: Ledger, campaign_anywhere: Campaign
) -> None:
    for turn in range(8):
        pair = [somebody(any_ledger, campaign_anywhere, f"w{side}{turn}") for side in "ab"]
        start = threading.Barrier(2)

        def joining(pair: list[Definition] = pair, start: threading.Barrier = start) -> None:
            start.wait()
            joined(any_ledger, pair[0], pair[1])

        racing = threading.Thread(target=joining)
        racing.start()
        start.wait()
        stop(any_ledger, pair[turn % 2])
        racing.join()
        assert stopped(any_ledger, pair[0])
        assert stopped(any_ledger, pair[1])


def test_what_can_not_be_joined_is_told(any_ledger: Ledger, known: list[Definition]) -> None:
    one, other, _ = known
    joined(any_ledger, one, other)
    with pytest.raises(DefinedbyError, match="one person already"):
        joined(any_ledger, other, one)
    with pytest.raises(DefinedbyError, match="no such join"):
        parted(any_ledger, 99)
    with any_ledger.write() as connection, pytest.raises(DefinedbyError, match="how you know"):
        join(
            connection,
            any_ledger.keys,
            any_ledger.clock(),
            one.contributor_id,
            known[2].contributor_id,
            joined_by="robin",
            because=" ",
        )


def test_a_join_keeps_the_message_it_rests_on(
    any_ledger: Ledger, campaign_anywhere: Campaign, known: list[Definition]
) -> None:
    one, other, third = known
    said = "I am also waiting@a.example."
    reply = answer(any_ledger, campaign_anywhere, said, address="listening@a.example")
    at = any_ledger.clock()
    with any_ledger.write() as connection:
        (named,) = known_as(connection, "Waiting@a.example")
        assert named.contributor_id == other.contributor_id
        join(
            connection,
            any_ledger.keys,
            at,
            one.contributor_id,
            other.contributor_id,
            joined_by="robin",
            because=said,
            reply_id=reply.id,
        )
        decline(
            connection,
            at,
            one.contributor_id,
            third.contributor_id,
            declined_by="robin",
            because=said,
            reply_id=reply.id,
        )
    with any_ledger.read() as connection:
        (made,) = joins_of(connection, other.contributor_id)
        assert (made.reply_id, made.because) == (reply.id, said)
        whose = {definition.contributor_id for definition in known}
        assert settled_by_reply(connection, [reply.id]) == {(reply.id, one) for one in whose}
        assert len(people_of(connection, third.contributor_id)) == 1


def test_a_handle_is_known_as_people_write_it(any_ledger: Ledger) -> None:
    with any_ledger.write() as connection:
        for channel, address in (
            (Channel.MASTODON, "@Ada_x@social.example"),
            (Channel.MASTODON, "@adaax@social.example"),
            (Channel.X, "@ada_x"),
            (Channel.BLUESKY, "@ada_x.bsky.example"),
            (Channel.EMAIL, "ada_x@a.example"),
        ):
            find_or_add_handle(
                connection, any_ledger.keys, any_ledger.clock(), channel=channel, address=address
            )

        def named(address: str, channel: Channel | None = None) -> list[str]:
            return [one.address for one in known_as(connection, address, channel)]

        three = ["@Ada_x@social.example", "@ada_x", "@ada_x.bsky.example"]
        assert named("@ADA_X") == three
        assert named("@ada_x", Channel.MASTODON) == three[:1]
        assert named("@ada_x", Channel.X) == three[1:2]
        assert named("@ada_x", Channel.BLUESKY) == three[2:]
        assert named("@ada_x@social.example") == three[:1]
        assert named("Ada_X@a.example") == ["ada_x@a.example"]
        assert named("@nobody") == named("") == named("@") == []
