"""P41: four web processes, two workers, the one at work frozen for twice its lease.

Real processes on each database: whatever two of them do at the same time, each job has one effect.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from collector.schedule import LEASE_LENGTH
from consent.requests import ask, fresh_link
from ledger.accounts import add_account
from ledger.campaigns import add_campaign
from ledger.chain import Head
from ledger.consent_state import EventKind
from ledger.definitions import take_definition
from ledger.heads import verify_chain
from ledger.leases import WORKER
from ledger.model import Campaign, Channel
from ledger.replies import find_reply
from ledger.settings import load_settings
from ledger.tables import events, leases, outbox, replies
from tests.commands import Instance, Process
from tests.live_visiting import Visitor
from tests.molds import open_new
from tests.servers.mail import MailServer, free_ports
from tests.serving import wait_for

WEB, WORKERS = 4, 2
MAILS = 150
ASKED = 8
FROZEN_SECONDS = 2 * LEASE_LENGTH.total_seconds()


class House:
    """One instance with all its processes, and a ledger of the test's own beside them."""

    def __init__(self, folder: Path, url: str, mail: MailServer) -> None:
        self.mail, self.user = mail, f"p41-{'pg' if url else 'lite'}"
        self.environment = {
            "DEFINEDBY_ASKER": "Robin Example",
            "DEFINEDBY_CONTACT": "robin@blog.example",
            "DEFINEDBY_POLL_SECONDS": "1",
            **({"DEFINEDBY_DATABASE_URL": url} if url else {}),
        }
        self.home, self.ports = folder / "home", free_ports(WEB)
        settings = load_settings(
            {**self.environment, "DEFINEDBY_PORT": str(self.ports[0])},
            home=self.home,
            content=self.home / "content",
        )
        self.ledger = open_new(settings)
        self.processes: list[Process] = []

    def start(self, *command: str, port: int = 0) -> Process:
        environment = {**self.environment, "DEFINEDBY_PORT": str(port or self.ports[0])}
        instance = Instance(self.home, environment)
        process = instance.start(*command, log=self.home.parent / f"{command[0]}.log")
        self.processes.append(process)
        return process

    def addresses(self) -> list[str]:
        return [f"http://127.0.0.1:{port}/" for port in self.ports]

    def count(self, table, *where) -> int:  # type: ignore[no-untyped-def]
        with self.ledger.read() as connection:
            return int(
                connection.execute(
                    select(func.count()).select_from(table).where(*where)
                ).scalar_one()
            )

    def fence(self) -> int:
        with self.ledger.read() as connection:
            found = select(leases.c.fence).where(leases.c.name == WORKER)
            return connection.execute(found).scalar() or 0

    def holder(self) -> int:
        """The process that holds the workers' lease."""
        with self.ledger.read() as connection:
            found = select(leases.c.holder).where(leases.c.name == WORKER)
            return int((connection.execute(found).scalar() or "::").split(":")[1] or 0)

    def is_locked(self) -> bool:
        """Whether somebody was stopped in the middle of a transaction; told in half a second."""
        if self.ledger.engine.dialect.name == "sqlite":
            return self._is_file_locked()
        time.sleep(0.5)
        with self.ledger.read() as connection:
            held = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted")
            return bool(connection.execute(held).scalar_one())

    def _is_file_locked(self) -> bool:
        file = self.ledger.settings.home / "definedby.sqlite"
        with contextlib.closing(sqlite3.connect(file, timeout=0.5)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
                connection.rollback()
            except sqlite3.OperationalError:
                return True
        return False

    def end(self) -> None:
        for process in self.processes:
            process.send_signal(signal.SIGCONT)
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(30)
        self.ledger.close()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def house(
    request: pytest.FixtureRequest, tmp_path: Path, mail_server: MailServer
) -> Iterator[House]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
    made = House(tmp_path, url, mail_server)
    with contextlib.closing(contextlib.ExitStack()) as cleanup:
        cleanup.callback(made.end)
        yield made


@pytest.mark.mail
@pytest.mark.timeout(300)
def test_p41_a_frozen_worker_doubles_nothing(house: House) -> None:
    campaign = fill_mailbox(house)
    for port in house.ports:
        house.start("serve", "--no-worker", port=port)
    workers = [house.start("worker") for _ in range(WORKERS)]
    wait_for(lambda: "read" if house.count(replies) == MAILS else "", seconds=90)
    asked = ask_some(house, campaign)
    frozen, fence = freeze_who_works(house, workers)
    since = time.monotonic()
    try:
        wait_for(lambda: "other" if house.fence() > fence else "", seconds=30)
        # All have left but what the frozen one may have in its hands.
        waiting = outbox.c.state == "approved"
        wait_for(lambda: "left" if not house.count(outbox, waiting) else "", seconds=60)
        grant_everywhere_at_once(house, asked)
        time.sleep(max(0.0, FROZEN_SECONDS - (time.monotonic() - since)))
    finally:
        os.kill(frozen, signal.SIGCONT)
    published = events.c.kind == EventKind.PUBLISHED
    sent = outbox.c.state == "sent"
    wait_for(lambda: "out" if house.count(events, published) >= ASKED else "", seconds=60)
    wait_for(lambda: "sent" if house.count(outbox, sent) >= ASKED else "", seconds=60)
    time.sleep(3)  # for what the one that was frozen might still do
    assert all(process.poll() is None for process in house.processes), "nobody fell over"
    each_job_had_one_effect(house, asked)


def fill_mailbox(house: House) -> Campaign:
    mail, user = house.mail, house.user
    mail.fill(
        user,
        (
            (
                f"Message-ID: <{number}@far.example>\r\n"
                f"From: Person {number} <{mail.address(f'{user}-{number}')}>\r\n"
                f"To: {mail.address(user)}\r\n\r\nsentinel{number}x\r\n"
            ).encode()
            for number in range(MAILS)
        ),
    )
    ledger = house.ledger
    with ledger.write() as connection:
        campaign = add_campaign(connection, ledger.clock(), prompt="Leadership is ___?")
        add_account(
            connection,
            ledger.keys,
            channel=Channel.EMAIL,
            name=mail.address(user),
            campaign_id=campaign.id,
            options=mail.options(user),
            secret=mail.password,
        )
    return campaign


def ask_some(house: House, campaign: Campaign) -> dict[str, str]:
    """Ask the first authors; returns each one's personal link by definition."""
    ledger, links = house.ledger, {}
    for number in range(ASKED):
        with ledger.write() as connection:
            found = select(replies.c.id).where(replies.c.external_id == f"<{number}@far.example>")
            reply = find_reply(connection, connection.execute(found).scalar_one())
            assert reply is not None
            definition = take_definition(connection, ledger.keys, ledger.clock(), reply, "en")
        asked = ask(ledger, definition.id, asked_by="robin@blog.example")
        assert asked.way is not None
        links[definition.id] = fresh_link(ledger, asked.request.contributor_id)
    return links


def freeze_who_works(house: House, workers: list[Process]) -> tuple[int, int]:
    """Stop the process that holds the lease, between two transactions; returns it and its fence.

    One that was stopped in the middle of a transaction would hold up everybody on SQLite: that
    is waited for, too, but then nobody could take over while this test looks.
    """
    known = {process.pid for process in workers}
    for _ in range(50):
        pid, fence = house.holder(), house.fence()
        assert pid in known
        os.kill(pid, signal.SIGSTOP)
        if not house.is_locked():
            return pid, fence
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.1)
    raise AssertionError("the worker was never between two transactions")


def grant_everywhere_at_once(house: House, asked: dict[str, str]) -> None:
    """Each author has their page open at all four web servers, and presses Yes in all of them."""
    for definition_id, link in asked.items():
        visitors = [Visitor(base) for base in house.addresses()]
        token = link.rpartition("/")[2]
        for visitor in visitors:
            visitor.visit(f"p/{token}")
            visitor.visit(f"me/{definition_id}")
        together = threading.Barrier(WEB)
        pressed = [
            threading.Thread(target=_press_yes, args=(visitor, together)) for visitor in visitors
        ]
        for thread in pressed:
            thread.start()
        for thread in pressed:
            thread.join(60)
        for visitor in visitors:
            # One of them was first; to the others the question is not open any more.
            assert visitor.answer.status_code in (200, 409), visitor.answer.text
            visitor.close()


def _press_yes(visitor: Visitor, together: threading.Barrier) -> None:
    together.wait(30)
    with contextlib.suppress(AssertionError):  # 409 for all but the first
        visitor.submit("/me/", press=("decision", "grant"))


def each_job_had_one_effect(house: House, asked: dict[str, str]) -> None:
    ledger, mail = house.ledger, house.mail
    with ledger.read() as connection:
        stored = connection.execute(select(replies.c.external_id)).scalars().all()
        happened = connection.execute(select(events.c.subject, events.c.kind)).all()
    assert Counter(stored) == {f"<{number}@far.example>": 1 for number in range(MAILS)}
    once = dict.fromkeys(asked, 1)
    for kind in (EventKind.REQUESTED, EventKind.GRANTED, EventKind.PUBLISHED):
        assert Counter(row.subject for row in happened if row.kind == kind) == once, kind
    # One question and, after the yes, one receipt.
    assert house.count(outbox) == 2 * ASKED
    for number in range(ASKED):
        letters = [message_from_bytes(one.raw) for one in mail.mailbox(f"{house.user}-{number}")]
        assert len({one["Message-ID"] for one in letters}) == len(letters)
        assert 1 <= len(letters) <= 2, "the receipt may still be on its way"
        assert {one["In-Reply-To"] for one in letters} == {f"<{number}@far.example>"}
    files = [path.read_text() for path in (ledger.settings.content / "posts").rglob("*.md")]
    for number in range(ASKED):
        assert sum(f"sentinel{number}x" in file for file in files) == 1
    found = verify_chain(ledger, [])
    assert isinstance(found, Head), found
