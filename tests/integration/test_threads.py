"""Replies land in the right conversation, and the conversation shows everything in order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module

import pytest
from sqlalchemy import select

from collector.dispatch import dispatch
from collector.polling import poll_all
from collector.read import read_new
from consent.decisions import refuse
from consent.errors import NotNowError
from consent.requests import ask
from consent.talking import UnseenError, say, state_of_thread, ways_in
from consent.ways import WayName
from ledger.accounts import account_by_id, add_account
from ledger.campaigns import add_campaign
from ledger.conversation import Entry, conversation
from ledger.database import Ledger
from ledger.definitions import take_definition
from ledger.joins import join
from ledger.model import Account, Campaign, Channel, IncomingReply, Reply, ReplyState
from ledger.outbox import MessageState, add_draft, claim, mark_sent
from ledger.replies import desk_replies, move_answers, store_replies
from ledger.tables import outbox, replies, threads
from ledger.thread_list import Turn, count_turns, first_waiting, list_threads, neighbours
from ledger.threads import Thread, find_thread, set_done, set_undone, thread_with
from tests.conftest import SteppingClock
from tests.sending_houses import HOUSES, House

QUESTION = "Courage is ___?"


class Desk:
    """A campaign with a mailbox, and what an editor sees of its conversations."""

    def __init__(self, ledger: Ledger, clock: SteppingClock) -> None:
        self.ledger, self.clock, self.count = ledger, clock, 0
        with ledger.write() as connection:
            self.campaign = add_campaign(connection, clock(), prompt=QUESTION)
            self.mailbox = self.account(connection, Channel.EMAIL)

    def account(self, connection: object, channel: Channel) -> Account:
        return add_account(
            connection,  # type: ignore[arg-type]
            self.ledger.keys,
            channel=channel,
            name=channel,
            campaign_id=self.campaign.id,
            options={"address": "ask@blog.example"},
        )

    def arrives(self, address: str, words: str, *answers: str, **more: object) -> int:
        """Somebody writes; returns the conversation that it has become part of, or 0."""
        self.count += 1
        self.clock.pass_time(minutes=1)
        known = f"<{self.count}@a.example>"
        account = more.pop("account", self.mailbox)
        assert isinstance(account, Account)
        reply = IncomingReply(known, address, words, in_reply_to=answers, **more)  # type: ignore[arg-type]
        with self.ledger.write() as connection:
            store_replies(connection, account, [reply], self.clock())
        read_new(self.ledger)
        with self.ledger.read() as connection:
            return (
                connection.execute(
                    select(replies.c.thread_id).where(replies.c.external_id == known)
                ).scalar_one()
                or 0
            )

    def thread(self, number: int) -> Thread:
        with self.ledger.read() as connection:
            found = find_thread(connection, number)
        assert found is not None
        return found

    def says(self, number: int, words: str, way: WayName | None = None) -> str:
        """An editor writes, and it leaves; returns our message id."""
        self.clock.pass_time(minutes=1)
        with self.ledger.read() as connection:
            seen = state_of_thread(connection, self.thread(number))
        message = say(self.ledger, number, words, by="robin", seen=seen, way=way)
        with self.ledger.write() as connection:
            taken = claim(connection, self.ledger.keys, self.clock())
            assert taken is not None
            assert taken.id == message
            mark_sent(connection, message, self.clock())
        return taken.message_id

    def shown(self, number: int) -> list[Entry]:
        with self.ledger.read() as connection:
            return conversation(connection, self.ledger.keys, self.thread(number))

    def words(self, number: int) -> list[str]:
        return [
            entry.reply.text if entry.reply else entry.said.words.strip()
            for entry in self.shown(number)
            if entry.reply or entry.said
        ]

    def listed(self, turn: Turn) -> list[int]:
        with self.ledger.read() as connection:
            found = list_threads(connection, self.campaign.id, turn, limit=50)
            counted = count_turns(connection, self.campaign.id)
        assert counted.get(turn, 0) == len(found)
        return [one.id for one in found]


@pytest.fixture
def desk(any_ledger: Ledger, clock: SteppingClock) -> Desk:
    return Desk(any_ledger, clock)


def test_a_conversation_is_shown_in_order_and_keeps_what_we_said(desk: Desk) -> None:
    ada = desk.arrives("ada@a.example", "Courage is listening")
    assert desk.listed(Turn.US) == [ada]
    asked = desk.says(ada, "To whom?")
    assert (desk.listed(Turn.US), desk.listed(Turn.THEM)) == ([], [ada])
    assert desk.arrives("ada@a.example", "To everybody.", asked) == ada
    assert desk.words(ada) == ["Courage is listening", "To whom?", "To everybody."]
    with desk.ledger.read() as connection:
        stored = connection.execute(select(outbox.c.sealed_body, outbox.c.sealed_words)).one()
    assert stored.sealed_body == ""
    assert b"To whom" not in bytes(stored.sealed_words)
    assert desk.listed(Turn.US) == [ada]


def test_a_question_is_shown_without_the_personal_link(desk: Desk) -> None:
    ada = desk.arrives("ada@a.example", "Courage is listening")
    with desk.ledger.write() as connection:
        (reply,) = desk_replies(connection, desk.campaign.id, ReplyState.NEW)
        made = take_definition(connection, desk.ledger.keys, desk.clock(), reply, "en")
    desk.clock.pass_time(minutes=1)
    asked = ask(desk.ledger, made.id, asked_by="robin")
    assert asked.link
    desk.clock.pass_time(minutes=1)
    refuse(desk.ledger, asked.request.id, {})
    entries = desk.shown(ada)
    said = next(entry.said for entry in entries if entry.said)
    assert said.is_question
    assert "[their personal link]" in said.words
    assert "/p/" not in said.words
    assert [entry.event.kind for entry in entries if entry.event] == ["requested", "refused"]
    assert said.state is MessageState.FAILED, "it had not left, and is no longer needed"


@pytest.mark.parametrize("private", [True, False])
def test_an_answer_from_another_address_lands_where_it_belongs(desk: Desk, private: bool) -> None:
    ada = desk.arrives("ada@a.example", "Courage is listening")
    asked = desk.says(ada, "To whom?")
    if not private:
        with desk.ledger.write() as connection:
            connection.execute(outbox.update().values(private=False))
    there = desk.arrives("ada@elsewhere.example", "To everybody.", "<x@y.example>", asked)
    # Below a public message of ours anybody may join in; what was private only Ada can answer.
    assert (there == ada) is private
    last = desk.shown(there)[-1]
    assert last.elsewhere is private
    with desk.ledger.read() as connection:
        (way, *_) = ways_in(desk.ledger, connection, desk.thread(ada))
    assert way.recipient == "ada@a.example"


def test_an_answer_is_known_by_its_plus_address(desk: Desk) -> None:
    ada = desk.arrives("ada@a.example", "Courage is listening")
    tag = desk.says(ada, "To whom?")[1:33]
    assert desk.arrives("ada@elsewhere.example", "To everybody.", f"+{tag}") == ada


def test_an_account_that_was_renamed_is_the_same_one(desk: Desk) -> None:
    with desk.ledger.write() as connection:
        sky = desk.account(connection, Channel.BLUESKY)
    there = {"account": sky, "contact": "did:plc:ada"}
    first = desk.arrives("@ada.example", "Courage is listening", **there)
    assert desk.arrives("@ada-new.example", "…and waiting", private=True, **there) == first
    assert desk.arrives("@ada.other.example", "Mine", account=sky, contact="did:plc:bob") != first


def test_what_a_machine_answers_is_shown_and_asks_for_nothing(desk: Desk) -> None:
    ada = desk.arrives("ada@a.example", "Courage is listening")
    asked = desk.says(ada, "To whom?")
    assert desk.arrives("", "I am away", asked, automatic=True) == ada
    assert desk.listed(Turn.US) == []
    assert desk.arrives("list@a.example", "Our news", automatic=True) == 0
    assert "I am away" in desk.words(ada)


def test_campaigns_have_conversations_of_their_own(desk: Desk) -> None:
    ada = desk.arrives("ada@a.example", "Courage is listening", "<prompt@a.example>")
    with desk.ledger.write() as connection:
        other = add_campaign(connection, desk.clock(), prompt="Trust is ___?")
        move_answers(connection, desk.mailbox.id, "<prompt@a.example>", other.id)
    read_new(desk.ledger)
    with desk.ledger.read() as connection:
        whose = desk.thread(ada).person[0]
        moved = thread_with(connection, other.id, whose)
    assert moved not in (None, ada)
    assert moved is not None
    assert desk.words(moved) == ["Courage is listening"]
    desk.says(moved, "To whom?")
    assert desk.words(moved) == ["Courage is listening", "To whom?"]


def test_what_was_read_before_there_were_conversations_is_placed(desk: Desk) -> None:
    desk.arrives("ada@a.example", "Courage is listening")
    with desk.ledger.write() as connection:
        connection.execute(replies.update().values(thread_id=None))
        connection.execute(threads.delete())
    read_new(desk.ledger)
    (anew,) = desk.listed(Turn.US)
    assert desk.words(anew) == ["Courage is listening"]


def test_joined_people_have_one_conversation(desk: Desk) -> None:
    ada = desk.arrives("ada@a.example", "Courage is listening")
    desk.says(ada, "To whom?")
    other = desk.arrives("ada@elsewhere.example", "It's me, Ada.")
    with desk.ledger.write() as connection:
        join(
            connection,
            desk.ledger.keys,
            desk.clock(),
            desk.thread(ada).person[0],
            desk.thread(other).person[0],
            joined_by="robin",
            because="she says so",
        )
    assert desk.thread(other).id == ada
    assert desk.words(other) == ["Courage is listening", "To whom?", "It's me, Ada."]
    assert desk.listed(Turn.US) == [ada]
    with desk.ledger.read() as connection:
        (way, *_) = ways_in(desk.ledger, connection, desk.thread(ada))
    assert way.recipient == "ada@elsewhere.example", "where they wrote last"


def test_turns(desk: Desk) -> None:
    ada = desk.arrives("ada@a.example", "Courage is listening")
    bob = desk.arrives("bob@a.example", "Courage is waiting")
    spam = desk.arrives(
        "eve@a.example",
        "Buy cheap followers now!!! https://a.example",
    )
    eve = desk.arrives("stop@a.example", "STOP")
    assert desk.listed(Turn.STOPPED) == [eve]
    assert set(desk.listed(Turn.US)) - {spam} == {ada, bob}
    with desk.ledger.read() as connection:
        assert first_waiting(connection, desk.campaign.id) == ada
        assert neighbours(connection, desk.campaign.id, Turn.US, bob)[0] == ada
        assert neighbours(connection, desk.campaign.id, Turn.US, ada)[1] == bob
    desk.clock.pass_time(minutes=1)
    with desk.ledger.write() as connection:
        set_done(connection, desk.thread(ada), desk.clock())
    assert ada in desk.listed(Turn.DONE)
    with desk.ledger.write() as connection:
        set_undone(connection, desk.thread(ada))
    assert ada in desk.listed(Turn.US)
    with desk.ledger.write() as connection:
        set_done(connection, desk.thread(ada), desk.clock())
    desk.arrives("ada@a.example", "One more thing")
    assert ada in desk.listed(Turn.US)


def test_a_draft_and_what_failed_leave_it_our_turn(desk: Desk) -> None:
    ada = desk.arrives("ada@a.example", "Courage is listening")
    desk.clock.pass_time(minutes=1)
    with desk.ledger.write() as connection:
        draft = add_draft(
            connection,
            desk.ledger.keys,
            desk.clock(),
            account_id=desk.mailbox.id,
            contributor_id=desk.thread(ada).person[0],
            recipient="ada@a.example",
            subject="",
            body="Hello",
            domain="blog.example",
        )
    assert desk.listed(Turn.US) == [ada]
    with desk.ledger.write() as connection:
        connection.execute(outbox.update().values(state="unknown"))
    assert desk.listed(Turn.THEM) == [ada]
    with desk.ledger.write() as connection:
        connection.execute(outbox.update().values(state="failed", error="no such box"))
    assert desk.listed(Turn.US) == [ada]
    assert desk.shown(ada)[-1].said.id == draft  # type: ignore[union-attr]


def test_pressing_twice_sends_once_and_nothing_is_written_past_each_other(desk: Desk) -> None:
    ada = desk.arrives("ada@a.example", "Courage is listening")
    with desk.ledger.read() as connection:
        seen = state_of_thread(connection, desk.thread(ada))
    say(desk.ledger, ada, "To whom?", by="robin", seen=seen)
    with pytest.raises(UnseenError):
        say(desk.ledger, ada, "To whom?", by="robin", seen=seen)
    with desk.ledger.read() as connection:
        seen = state_of_thread(connection, desk.thread(ada))
    desk.arrives("ada@a.example", "Never mind")
    with pytest.raises(UnseenError):
        say(desk.ledger, ada, "Hello?", by="robin", seen=seen)


def test_who_stopped_is_not_written_to_and_empty_words_go_nowhere(desk: Desk) -> None:
    ada = desk.arrives("ada@a.example", "Courage is listening")
    for words in ("", " \n", "\x00"):
        with pytest.raises(NotNowError, match="no words"):
            say(desk.ledger, ada, words, by="robin", seen="")
    with pytest.raises(NotNowError, match="too long"):
        say(desk.ledger, ada, "x" * 5001, by="robin", seen="")
    assert desk.arrives("ada@a.example", "stop") == ada
    with pytest.raises(NotNowError, match="not to be written to"):
        say(desk.ledger, ada, "Why?", by="robin", seen="")


@pytest.fixture
def house(request: pytest.FixtureRequest, ledger: Ledger, campaign: Campaign) -> Iterator[House]:
    built = HOUSES[request.param](ledger, campaign)
    with built.server:
        built.move_in()
        yield built


def poll(house: House) -> Reply:
    poll_all(house.ledger)
    read_new(house.ledger)
    with house.ledger.read() as connection:
        return desk_replies(connection, house.campaign.id, ReplyState.NEW, limit=1)[0]


@pytest.mark.parametrize("house", ["mastodon", "bluesky", "x"], indirect=True)
@pytest.mark.parametrize("private", [True, False])
def test_a_message_leaves_where_they_wrote_last(
    house: House, private: bool, clock: SteppingClock
) -> None:
    house.answer("Thought leadership is listening", private=private)
    reply = poll(house)
    with house.ledger.read() as connection:
        number = thread_with(connection, house.campaign.id, reply.handle.contributor_id)
        assert number is not None
        thread = find_thread(connection, number)
        assert thread is not None
        seen = state_of_thread(connection, thread)
        ways = {way.name for way in ways_in(house.ledger, connection, thread)}
    way = WayName.PRIVATE if private else WayName.PUBLIC
    assert way in ways
    clock.pass_time(minutes=1)
    link = f"{house.ledger.settings.public_url}/p/{'x' * 43}"
    if not private:
        with pytest.raises(NotNowError, match="personal link must not stand in public"):
            say(house.ledger, number, link, by="robin", seen=seen, way=way)
        with pytest.raises(NotNowError, match="would be told"):
            say(house.ledger, number, "and @bob?", by="robin", seen=seen, way=way)
        with pytest.raises(NotNowError, match="too long for"):
            say(house.ledger, number, "x" * 600, by="robin", seen=seen, way=way)
    say(house.ledger, number, "Thank you: to whom?", by="robin", seen=seen, way=way)
    assert dispatch(house.ledger).sent == 1
    (text,) = house.sent()
    assert "Thank you: to whom?" in text
    with house.ledger.read() as connection:
        assert account_by_id(connection, house.ledger.keys, reply.account_id).id
        entries = conversation(connection, house.ledger.keys, thread)
        assert list_threads(connection, house.campaign.id, Turn.THEM, limit=9)[0].id == number
    assert [entry.said.state for entry in entries if entry.said] == [MessageState.SENT]
    clock.now += timedelta(minutes=5)


def test_messages_from_before_there_were_threads_are_in_one(any_ledger: Ledger) -> None:
    """What the migration does to an instance that has written to people already."""
    desk = Desk(any_ledger, SteppingClock())
    ada = desk.arrives("ada@a.example", "Courage is listening")
    desk.says(ada, "To whom?")
    migration = import_module("ledger.migrations.versions.v0013_threads")
    with any_ledger.write() as connection:
        connection.execute(outbox.update().values(thread_id=None))
        connection.execute(replies.update().values(thread_id=None))
        connection.execute(threads.delete())
        for statement in migration.BACKFILL:
            connection.exec_driver_sql(statement)
    with any_ledger.read() as connection:
        (kept,) = connection.execute(select(threads)).all()
        thread_of = connection.execute(select(outbox.c.thread_id)).scalar_one()
    assert kept.campaign_id == desk.campaign.id
    assert thread_of == kept.id
    assert desk.words(kept.id) == ["To whom?"]
