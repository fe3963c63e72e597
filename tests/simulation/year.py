"""One year: people write, an editor talks with them, and everything that can fails.

Nothing of the product is replaced: replies are polled from servers on loopback, read, placed,
answered through `consent.talking` and `consent.requests`, and sent by the worker's own dispatch.
What goes wrong, each by chance: connections cut before and after delivery, 429 and 451, failed
readings, a worker killed at any step, the same message delivered to us twice or days late, a
cursor that is lost, an editor who presses twice, two contributors who turn out to be one person,
and a "stop" at any moment, even while another message is being handed over.
"""

from __future__ import annotations

import contextlib
import random
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from collector.dispatch import dispatch
from collector.polling import poll_all
from collector.read import read_new
from consent import decisions
from consent.requests import ask, expire_overdue
from consent.talking import say, state_of_thread, ways_in
from ledger.campaigns import add_campaign
from ledger.contributors import find_handle
from ledger.database import Ledger
from ledger.definitions import take_definition
from ledger.errors import DefinedbyError
from ledger.handed_over import handed_over, settle_by_hand
from ledger.in_hand import ask_again
from ledger.joins import join, part
from ledger.model import Channel
from ledger.outbox import MessageState, settle_unknown
from ledger.replies import replies_in_threads
from ledger.settings import load_settings
from ledger.tables import accounts, outbox
from ledger.thread_list import Turn, list_threads
from ledger.threads import find_thread, set_done
from publisher.publish import publish_pending
from tests.killing import Killer
from tests.molds import open_new
from tests.servers.mail import MailServer
from tests.simulation.answering import (
    answer_some,
    change_minds,
    hear_answers,
    publish,
    thank_some,
)
from tests.simulation.greeting import follows, greet_some
from tests.simulation.peers import BlueskyPeer, FormPeer, MailPeer, MastodonPeer, Peer, XPeer
from tests.watched_outbox import watch_moves

EDITOR = "robin"
START = datetime(2026, 1, 5, 9, tzinfo=UTC)
DAYS = 365
TOKEN = re.compile(r"m(\d{6})x")
RECEIPT = re.compile(r"Entry in our record: (\w+)")
STOPS = ("stop", "STOP", "unsubscribe")


class Clock:
    """Never stands still, so that what happened first is known."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now


@dataclass
class Person:
    """Somebody; `peer` is where they write, `stopped_on` the day after which it is known."""

    number: int
    peer: Peer
    private: bool
    arrives_on: int
    stops_on: int | None
    twin: int | None = None
    follows_on: int | None = None
    wrote: int = 0
    has_stopped: bool = False


@dataclass
class Tally:
    """What has happened, for the report."""

    counts: Counter[str] = field(default_factory=Counter)
    written: dict[str, int] = field(default_factory=dict)
    #: Our messages: who each was meant for.
    meant_for: dict[int, str] = field(default_factory=dict)
    #: Messages that had an unknown outcome, and what a person said became of them.
    unknown: set[int] = field(default_factory=set)
    settled: dict[int, bool] = field(default_factory=dict)
    #: A stop by its contributor, and how many of our messages had arrived before it was known.
    stopped_at: dict[str, datetime] = field(default_factory=dict)


class Year:
    """The simulation; `run` lives it, and `tests.simulation.verdict` judges it."""

    def __init__(
        self,
        home: Path,
        mail: MailServer,
        *,
        people: int,
        seed: int,
        days: int,
        database_url: str = "",
    ) -> None:
        self.chance, self.clock, self.tally = random.Random(seed), Clock(), Tally()
        settings = load_settings(
            {},
            home=home,
            content=home / "content",
            site=home / "site",
            database_url=database_url,
        )
        self.ledger: Ledger = open_new(settings, self.clock)
        watch_moves(self.ledger)
        with self.ledger.write() as connection:
            self.campaign = add_campaign(connection, self.clock(), prompt="Courage is ___?")
        mailing = MailPeer(self.ledger, self.campaign, self.arrived, mail)
        given = (self.ledger, self.campaign, self.arrived)
        self.mail = mailing
        self.peers: list[Peer] = [
            mailing,
            FormPeer(*given, mailing),
            MastodonPeer(*given),
            BlueskyPeer(*given),
            XPeer(*given),
        ]
        self.days = days
        self.people = [self._person(number) for number in range(people)]
        self.joined: list[int] = []
        #: What an editor has sent in a platform's own composer.
        self.by_hand: list[str] = []
        self.count = 0
        #: The personal sentences of the greetings, as they were written.
        self.sentences: list[str] = []
        #: Definitions: allowed, thanked for, taken back by a message; and replies looked at.
        self.granted: set[str] = set()
        self.thanked: set[str] = set()
        self.taken_back_in_words: set[str] = set()
        self.looked_at: set[int] = set()

    def _person(self, number: int) -> Person:
        chance = self.chance
        arrives = chance.randrange(max(1, self.days - 20))
        left = max(1, min(60, self.days - arrives))
        stops = arrives + chance.randrange(left) if chance.random() < 0.2 else None
        twin = chance.randrange(number) if number and chance.random() < 0.08 else None
        peer = self.peers[number % len(self.peers)]
        person = Person(number, peer, chance.random() < 0.5, arrives, stops, twin)
        if isinstance(peer, MastodonPeer | BlueskyPeer | XPeer) and chance.random() < 0.5:
            person.follows_on = max(0, arrives - chance.randrange(-5, 15))
        return person

    # ------------------------------------------------------------------------ the year
    def run(self, said: Callable[[str], None]) -> None:
        begin = time.monotonic()
        with contextlib.ExitStack() as opened:
            for peer in self.peers:
                opened.enter_context(peer.open())
            self.killer = opened.enter_context(Killer())
            for day in range(self.days):
                self.clock.now = START + timedelta(days=day, hours=self.chance.random() * 8)
                self._live(day)
                if day % 30 == 29:
                    replies = self.tally.counts["replies"]
                    said(f"day {day + 1}: {replies} replies, {time.monotonic() - begin:.0f} s")
            self._end()

    def _live(self, day: int) -> None:
        writing = [person for person in self.people if self._writes(person, day)]
        self.chance.shuffle(writing)
        for person in writing:
            self._write(person, day)
        answer_some(self)
        change_minds(self)
        self._listen()
        hear_answers(self)
        for person in self.people:
            if person.follows_on == day:
                follows(self, person)
        greet_some(self)
        self._edit()
        if self.chance.random() < 0.1:
            self._join()
        publish(self, day)
        thank_some(self)
        self._send()
        # The account's cap of an hour is over after one.
        for _ in range(2):
            self.clock.now += timedelta(minutes=61)
            self._dispatch()
        self._settle()

    def _writes(self, person: Person, day: int) -> bool:
        if person.stops_on == day:
            return True
        if day < person.arrives_on or person.has_stopped:
            return False
        return day == person.arrives_on or (
            day < person.arrives_on + 60 and self.chance.random() < 0.02
        )

    def _write(self, person: Person, day: int) -> None:
        words = f"Courage is word {self.tally.counts['replies']:06d} of {person.number}"
        stops = person.stops_on == day
        if stops:
            words = self.chance.choice(STOPS)
            person.has_stopped = True
        person.wrote += 1
        self.tally.counts["replies"] += 1
        self.tally.counts["stops"] += stops
        if isinstance(person.peer, FormPeer) and stops and person.wrote > 1:
            # By mail, from the address they gave: it has to close the form's contact as well.
            sender = person.peer.mail_address(person.number)
            self.mail.write(person.number, words, private=True, sender=sender)
        elif isinstance(person.peer, MailPeer):
            late = timedelta(days=self.chance.choice((0, 0, 0, 1, 3)))
            times = 2 if self.chance.random() < 0.05 else 1
            self.tally.counts["delivered twice"] += times - 1
            at = self.clock() - late
            person.peer.write(person.number, words, private=True, at=at, times=times)
        else:
            person.peer.write(person.number, words, private=person.private)
        if not stops:
            self.tally.written[words] = person.number

    def _listen(self) -> None:
        for peer in self.peers:
            if self.chance.random() < 0.05:
                self.tally.counts["failed readings"] += 1
                peer.spoil_reading()
        if self.chance.random() < 0.01:
            self._lose_a_cursor()
        poll_all(self.ledger)
        read_new(self.ledger)

    def _lose_a_cursor(self) -> None:
        peer = self.chance.choice(self.peers)
        self.tally.counts["lost cursors"] += 1
        with self.ledger.write() as connection:
            connection.execute(
                accounts.update().where(accounts.c.id == peer.account.id).values(cursor="")
            )

    # ------------------------------------------------------------------------ the editor
    def _edit(self) -> None:
        with self.ledger.read() as connection:
            waiting = list_threads(connection, self.campaign.id, Turn.US, limit=200)
        for one in waiting:
            draw = self.chance.random()
            try:
                if draw < 0.45:
                    self._say(one.id)
                elif draw < 0.85:
                    self._ask(one.id)
                else:
                    self._let_be(one.id)
            except DefinedbyError as error:
                self.tally.counts[f"refused: {str(error).partition('.')[0]}"] += 1
        expire_overdue(self.ledger)

    def token(self, whom: str) -> str:
        self.count += 1
        self.tally.meant_for[self.count] = whom
        return f"m{self.count:06d}x"

    def _say(self, number: int) -> None:
        with self.ledger.read() as connection:
            thread = find_thread(connection, number)
            assert thread is not None
            seen = state_of_thread(connection, thread)
            ways = ways_in(self.ledger, connection, thread)
        if not ways:
            self.tally.counts["no way"] += 1
            self._let_be(number)
            return
        words = f"Thank you. To whom? {self.token(thread.person[0])}"
        say(self.ledger, number, words, by=EDITOR, seen=seen, way=ways[0].name)
        self.tally.counts["said"] += 1
        if self.chance.random() < 0.2:
            self.tally.counts["pressed twice"] += 1
            say(self.ledger, number, words, by=EDITOR, seen=seen, way=ways[0].name)

    def _ask(self, number: int) -> None:
        with self.ledger.write() as connection:
            thread = find_thread(connection, number)
            assert thread is not None
            written = replies_in_threads(connection, thread.rows)
            answers = [one for one in written if " word " in one.text]
            if not answers:
                raise DefinedbyError("There is no answer in it.", "Talk with them.")
            definition = take_definition(
                connection, self.ledger.keys, self.clock(), answers[-1], "en"
            )
        asked = ask(
            self.ledger,
            definition.id,
            asked_by=EDITOR,
            note=self.token(definition.contributor_id),
        )
        self.tally.counts["asked" if asked.way else "asked by hand"] += 1
        if asked.way is None:
            self._let_be(number)

    def _let_be(self, number: int) -> None:
        with self.ledger.write() as connection:
            thread = find_thread(connection, number)
            assert thread is not None
            set_done(connection, thread, self.clock())

    def _join(self) -> None:
        """Two turn out to be one person; or it was a mistake, and they are parted."""
        if self.joined and self.chance.random() < 0.3:
            with self.ledger.write() as connection:
                part(connection, self.joined.pop(), self.clock(), EDITOR)
            self.tally.counts["parted"] += 1
            return
        person = self.chance.choice([one for one in self.people if one.twin is not None] or [None])  # type: ignore[list-item]
        if person is None or person.twin is None:
            return
        with self.ledger.read() as connection:
            known = [
                find_handle(connection, Channel(one.peer.channel), one.peer.address(one.number))
                for one in (person, self.people[person.twin])
            ]
        if known[0] is None or known[1] is None:
            return
        try:
            with self.ledger.write() as connection:
                made = join(
                    connection,
                    self.ledger.keys,
                    self.clock(),
                    known[0].contributor_id,
                    known[1].contributor_id,
                    joined_by=EDITOR,
                    because="They say so.",
                )
        except DefinedbyError:
            self.tally.counts["not joined"] += 1
            return
        self.joined.append(made)
        self.tally.counts["joined"] += 1

    # ------------------------------------------------------------------------ the worker
    def _send(self) -> None:
        with self.ledger.read() as connection:
            waiting = connection.execute(
                select(outbox.c.id, outbox.c.account_id, outbox.c.private).where(
                    outbox.c.state == MessageState.APPROVED
                )
            ).all()
        for row in waiting:
            if self.chance.random() < 0.08:
                peer = next(one for one in self.peers if one.account.id == row.account_id)
                how = self.chance.choice(("before", "after", "busy"))
                self.tally.counts[f"cut {how}" if how != "busy" else "429 and 451"] += 1
                peer.spoil(how, private=row.private)
        if waiting and self.chance.random() < 0.2:
            now = self.clock()
            step = self.chance.randrange(8, 150)
            killed = self.killer.dispatch(self.ledger.settings, now, step=step)["killed"]
            self.tally.counts["workers killed"] += killed
            self.clock.now += timedelta(minutes=11)
        self._dispatch()

    def _dispatch(self) -> None:
        for _ in range(20):
            if not dispatch(self.ledger).sent:
                break

    def arrived(self) -> None:
        """A peer has just taken a message of ours, and our worker waits for its answer."""
        if self.chance.random() > 0.02:
            return
        with self.ledger.read() as connection:
            waiting = connection.execute(
                select(outbox.c.contributor_id).where(outbox.c.state == MessageState.APPROVED)
            ).scalars()
            whose = sorted(set(waiting))
        if whose:
            self.tally.counts["stops while sending"] += 1
            decisions.stop(self.ledger, self.chance.choice(whose), {"channel": "editor"})

    def _settle(self) -> None:
        """A person looks at some of what nobody knows, and sends by hand what was handed over."""
        arrived = self.tokens()
        with self.ledger.write() as connection:
            rows = connection.execute(
                select(outbox).where(outbox.c.state == MessageState.UNKNOWN)
            ).all()
            self.tally.unknown |= {row.id for row in rows}
            for row in rows:
                if self.chance.random() < 0.2:
                    left = self.token_of(row) in arrived or self.is_receipt_that_arrived(row)
                    settle_unknown(connection, row.id, self.clock(), left=left)
                    self.tally.settled[row.id] = left
                    self.tally.counts["unknown, settled by a person"] += 1
            for message in handed_over(connection, self.ledger.keys):
                block = ask_again(connection, self.ledger.keys, message.id, self.clock())
                sends = block is None and self.chance.random() < 0.7
                if sends:
                    self.by_hand.append(message.body)
                settle_by_hand(connection, message.id, self.clock(), sent=sends)
                self.tally.counts[f"handed over, {'sent' if sends else 'dropped'}"] += 1

    def tokens(self) -> Counter[int]:
        """How often each message of ours has arrived."""
        return Counter(
            int(found)
            for texts in (self.by_hand, *(peer.texts() for peer in self.peers))
            for text in texts
            for found in TOKEN.findall(text)
        )

    def receipts(self) -> list[str]:
        """The entry in the record that each receipt which has arrived is for."""
        texts = (text for peer in self.peers for text in peer.texts())
        return [found[1] for text in texts if (found := RECEIPT.search(text))]

    def is_receipt_that_arrived(self, row: object) -> bool:
        found = RECEIPT.search(self.words_of(row))
        return found is not None and found[1] in self.receipts()

    def token_of(self, row: object) -> int:
        found = TOKEN.search(self.words_of(row))
        return int(found[1]) if found else 0

    def words_of(self, row: object) -> str:
        from ledger.said import open_words

        with self.ledger.read() as connection:
            return open_words(
                connection,
                self.ledger.keys,
                row.contributor_id,  # type: ignore[attr-defined]
                row.message_id,  # type: ignore[attr-defined]
                bytes(row.sealed_words),  # type: ignore[attr-defined]
            )

    def _end(self) -> None:
        """The last claims are given up, and what waited only for its time is sent."""
        for _ in range(3):
            self.clock.now += timedelta(days=2)
            poll_all(self.ledger)
            read_new(self.ledger)
            hear_answers(self)
            for _ in range(8):
                self._dispatch()
                self.clock.now += timedelta(minutes=61)
        publish_pending(self.ledger)
        with self.ledger.read() as connection:
            rows = connection.execute(
                select(outbox.c.id).where(outbox.c.state == MessageState.UNKNOWN)
            )
            self.tally.unknown |= set(rows.scalars())
