"""IDLE (RFC 2177): new mail is read at once, and whatever goes wrong with that is no news."""

from __future__ import annotations

import contextlib
import queue
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import update

from collector import idling
from collector.channels.email import EmailConnector
from collector.connector import ChannelError
from collector.idling import Idling
from collector.mail.idle import GAP_SECONDS, Ear, NoIdleError
from collector.poll import store_page
from collector.schedule import Task, Worker
from ledger.accounts import (
    account_by_id,
    add_account,
    note_failure,
    note_read,
    set_reading,
    wake_account,
)
from ledger.campaigns import add_campaign
from ledger.database import Ledger
from ledger.leases import Lease, acquire, check_fence
from ledger.model import Account, Campaign, Channel, Page, ReadingState
from ledger.settings import load_settings
from ledger.tables import accounts
from tests.commands import Instance
from tests.conftest import SteppingClock
from tests.molds import open_new
from tests.servers.mail import MailServer

pytestmark = pytest.mark.mail


def letter(number: int) -> bytes:
    head = f"From: Ada Sample <ada@far.example>\r\nMessage-ID: <{number}@far.example>\r\n"
    return f"{head}\r\nAnswer {number}.\r\n".encode()


@pytest.fixture
def user() -> str:
    return f"idle-{uuid4().hex[:12]}"


def until(look: Callable[[], bool], seconds: float = 10) -> float:
    """How long it took until `look` was true; fails after `seconds`."""
    start = time.monotonic()
    while not look():
        assert time.monotonic() - start < seconds, "it did not come to pass"
        time.sleep(0.02)
    return time.monotonic() - start


# ------------------------------------------------------------------ the running worker
def test_a_running_worker_reads_a_mail_within_two_seconds(
    tmp_path: Path, mail_server: MailServer, user: str
) -> None:
    """The real command, at the usual interval of a minute."""
    instance = Instance(tmp_path / "home")
    ledger = open_new(load_settings({}, home=instance.home))
    with ledger.write() as connection:
        campaign = add_campaign(connection, ledger.clock(), prompt="Thought leadership is ___?")
        add_account(
            connection,
            ledger.keys,
            channel=Channel.EMAIL,
            name="letters",
            campaign_id=campaign.id,
            options=mail_server.options(user),
            secret=mail_server.password,
        )
    ledger.close()
    database = sqlite3.connect(f"file:{instance.home / 'definedby.sqlite'}?mode=ro", uri=True)
    worker = instance.start("worker")
    try:
        until(lambda: mail_server.connections(user) == 1, 30)
        until(
            lambda: database.execute("SELECT last_read_at FROM accounts").fetchone()[0] is not None
        )
        for number in (1, 2):
            mail_server.append(user, letter(number))
            took = until(lambda n=number: _count(database) == n)  # type: ignore[misc]
            print(f"read after {took:.2f} s")
            assert took < 3
        row = database.execute("SELECT last_read_at, next_poll_at, last_error FROM accounts")
        read, due, error = row.fetchone()
        wait = datetime.fromisoformat(due) - datetime.fromisoformat(read)
        assert wait > timedelta(seconds=50), "the interval is what it was"
        assert error == ""
    finally:
        worker.terminate()
        start = time.monotonic()
        assert worker.wait(20) == 0
        database.close()
    assert time.monotonic() - start < 5
    until(lambda: mail_server.connections(user) == 0)


def _count(database: sqlite3.Connection) -> int:
    found: int = database.execute("SELECT count(*) FROM replies").fetchone()[0]
    return found


# ------------------------------------------------------------------ one connection
class Heard:
    """An ear that remembers, and the thread that listens with it."""

    def __init__(self, connector: EmailConnector, renew_seconds: float = 60) -> None:
        self.arrivals: queue.Queue[float] = queue.Queue()
        self.ear = Ear(lambda: self.arrivals.put(time.monotonic()))
        self.error: BaseException | None = None
        self._renew = renew_seconds
        self._connector = connector
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            self._connector.listen(self.ear, self._renew)
        except (ChannelError, NoIdleError) as error:
            self.error = error

    def wait(self, seconds: float = 10) -> None:
        self.arrivals.get(timeout=seconds)

    def end(self) -> BaseException | None:
        self.ear.close()
        self.thread.join(5)
        assert not self.thread.is_alive()
        self.ear.dispose()
        return self.error


@contextlib.contextmanager
def listening(connector: EmailConnector, renew_seconds: float = 60) -> Iterator[Heard]:
    heard = Heard(connector, renew_seconds)
    try:
        yield heard
    finally:
        heard.end()


@pytest.mark.parametrize("security", ["none", "ssl"])
def test_an_arrival_is_heard_also_after_the_idle_was_renewed(
    mail_server: MailServer, user: str, security: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(mail_server.certificate))
    port = mail_server.ports["imaps" if security == "ssl" else "imap"]
    options = {**mail_server.options(user), "imap_security": security, "imap_port": port}
    with listening(EmailConnector(options, mail_server.password), 0.2) as heard:
        heard.wait()  # the start
        time.sleep(0.7)  # renewed three times
        mail_server.append(user, letter(1))
        heard.wait()
        mail_server.append(user, letter(2))
        heard.wait()
        start = time.monotonic()
    assert time.monotonic() - start < 0.5, "it ends at once"
    assert heard.error is None


def test_changes_that_are_no_arrivals_are_not_reported(mail_server: MailServer, user: str) -> None:
    mail_server.append(user, letter(1))
    mail_server.append(user, letter(2))
    with listening(EmailConnector(mail_server.options(user), mail_server.password)) as heard:
        heard.wait()
        with mail_server.imap(user) as client:
            client.select("INBOX")
            client.store("1", "+FLAGS", r"(\Seen)")
            client.store("2", "+FLAGS", r"(\Deleted)")
            client.expunge()
        time.sleep(1)
        assert heard.arrivals.empty()
        mail_server.append(user, letter(3))
        heard.wait()


IDLE_SCRIPT = ("* 1 EXISTS", "* OK [UIDVALIDITY 7] valid")


class ScriptedImap:
    """A small IMAP server with the quirks that a healthy one has not."""

    def __init__(self, capability: str = "IMAP4rev1 IDLE", idle: bytes = b"+ go\r\n") -> None:
        self.capability, self.idle = capability, idle
        self.seen: list[bytes] = []
        self.closed = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def close(self) -> None:
        self.closed.set()
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            connection = self._listener.accept()[0]
            with connection, connection.makefile("rb") as lines:
                connection.sendall(b"* OK ready\r\n")
                for line in lines:
                    self._answer(connection, line)
        self.closed.set()

    def _answer(self, connection: socket.socket, line: bytes) -> None:
        tag, _, rest = line.strip().partition(b" ")
        word = rest.split()[0].upper() if rest else tag.upper()
        self.seen.append(word)
        said = b""
        if word == b"CAPABILITY":
            said = f"* CAPABILITY {self.capability}\r\n".encode()
        elif word == b"EXAMINE":
            said = "".join(f"{each}\r\n" for each in IDLE_SCRIPT).encode()
        elif word == b"IDLE":
            self._tag = tag
            connection.sendall(self.idle.replace(b"TAG", tag))
            return
        elif word == b"DONE":
            tag = self._tag
        connection.sendall(said + tag + b" OK done\r\n")


@pytest.fixture
def scripted() -> Iterator[Callable[..., ScriptedImap]]:
    made: list[ScriptedImap] = []

    def make(*given: object, **named: object) -> ScriptedImap:
        made.append(ScriptedImap(*given, **named))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for server in made:
        server.close()


def at(port: int) -> EmailConnector:
    return EmailConnector(_options(port), "secret")


def _options(port: int) -> dict[str, object]:
    return {
        "imap_host": "127.0.0.1",
        "imap_port": port,
        "imap_security": "none",
        "user": "desk@sample.example",
        "address": "desk@sample.example",
    }


def test_the_idle_is_renewed_by_done(scripted: Callable[..., ScriptedImap]) -> None:
    server = scripted()
    with listening(at(server.port), 0.05) as heard:
        until(lambda: server.seen.count(b"IDLE") >= 3)
    assert heard.error is None
    first = server.seen.index(b"IDLE")
    assert server.seen[first : first + 4] == [b"IDLE", b"DONE", b"IDLE", b"DONE"]


def test_an_arrival_in_one_breath_with_the_go_ahead_is_heard(
    scripted: Callable[..., ScriptedImap],
) -> None:
    server = scripted(idle=b"+ go\r\n* 2 EXISTS\r\n")
    with listening(at(server.port), 0.3) as heard:
        heard.wait()
        until(lambda: server.seen.count(b"IDLE") >= 2)
        assert heard.arrivals.empty()  # two is what it knew by then


def test_a_first_line_that_tells_nothing_new_does_not_hide_what_came_before(
    scripted: Callable[..., ScriptedImap],
) -> None:
    with listening(at(scripted(idle=b"+ go\r\n* 1 EXISTS\r\n").port)) as heard:
        heard.wait(2)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"capability": "IMAP4rev1"}, NoIdleError),
        ({"idle": b"TAG BAD unknown command\r\n"}, NoIdleError),
        ({"idle": b"TAG NO not for you\r\n"}, NoIdleError),
        ({"idle": b"* BYE closing\r\n"}, ChannelError),
        ({"idle": b"+ go\r\n* BYE closing\r\n"}, ChannelError),
        ({"idle": b"+ go\r\n" + b"x" * 300_000}, ChannelError),
    ],
)
def test_no_idle_and_a_broken_one_are_told_apart(
    scripted: Callable[..., ScriptedImap], given: dict[str, object], wanted: type[Exception]
) -> None:
    server = scripted(**given)
    with listening(at(server.port)) as heard:
        heard.thread.join(10)
        assert isinstance(heard.error, wanted)
    if isinstance(heard.error, ChannelError):
        assert not heard.error.permanent


def test_a_server_that_talks_all_the_time_costs_next_to_nothing(
    scripted: Callable[..., ScriptedImap],
) -> None:
    lines = b"".join(b"* %d EXISTS\r\n" % number for number in range(2, 20_000))
    server = scripted(idle=b"+ go\r\n" + lines)
    with listening(at(server.port)) as heard:
        heard.wait()
        time.sleep(3 * GAP_SECONDS)
    assert heard.arrivals.qsize() <= 4


# ------------------------------------------------------------------ all of a worker's threads
@pytest.fixture
def lease(ledger: Ledger) -> Lease:
    with ledger.write() as connection:
        taken = acquire(connection, "worker", "one", ledger.clock(), timedelta(seconds=10))
    assert taken is not None
    return taken


@pytest.fixture
def idle() -> Iterator[Idling]:
    made = Idling()
    yield made
    made.rest()


def mailbox(
    ledger: Ledger, campaign: Campaign, name: str, options: dict[str, object], secret: str
) -> Account:
    """An account that is not due for a day."""
    with ledger.write() as connection:
        made = add_account(
            connection,
            ledger.keys,
            channel=Channel.EMAIL,
            name=name,
            campaign_id=campaign.id,
            options=options,
            secret=secret,
        )
        connection.execute(
            update(accounts)
            .where(accounts.c.id == made.id)
            .values(next_poll_at=ledger.clock() + timedelta(days=1))
        )
        return account_by_id(connection, ledger.keys, made.id)


def is_due(ledger: Ledger, account: Account) -> bool:
    with ledger.read() as connection:
        due = account_by_id(connection, ledger.keys, account.id).next_poll_at
    return due is not None and due <= ledger.clock()


def rest_again(ledger: Ledger, account: Account) -> None:
    with ledger.write() as connection:
        later = ledger.clock() + timedelta(days=1)
        connection.execute(
            update(accounts).where(accounts.c.id == account.id).values(next_poll_at=later)
        )


def test_a_mailbox_that_hangs_stops_no_other_and_no_end(
    ledger: Ledger,
    campaign: Campaign,
    lease: Lease,
    idle: Idling,
    mail_server: MailServer,
    user: str,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # takes the call and never speaks
        mailbox(ledger, campaign, "deaf", _options(deaf.getsockname()[1]), "secret")
        good = mailbox(ledger, campaign, "good", mail_server.options(user), mail_server.password)
        idle.tend(ledger, lease)
        until(lambda: is_due(ledger, good))
        rest_again(ledger, good)
        idle.tend(ledger, lease)
        mail_server.append(user, letter(1))
        assert until(lambda: is_due(ledger, good)) < 2
        start = time.monotonic()
        idle.rest()
        assert time.monotonic() - start < idling.END_SECONDS + 0.5
    until(lambda: mail_server.connections(user) == 0)


def test_no_more_threads_than_are_allowed(
    ledger: Ledger,
    campaign: Campaign,
    lease: Lease,
    idle: Idling,
    mail_server: MailServer,
    user: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(idling, "MOST_IDLING", 2)
    for number in range(4):
        options = mail_server.options(f"{user}-{number}")
        mailbox(ledger, campaign, f"box {number}", options, mail_server.password)
    before = threading.active_count()
    for _ in range(3):
        idle.tend(ledger, lease)
    assert threading.active_count() == before + 2


def test_a_broken_line_is_no_news_and_is_made_again(
    ledger: Ledger,
    campaign: Campaign,
    lease: Lease,
    idle: Idling,
    scripted: Callable[..., ScriptedImap],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(idling, "FIRST_WAIT", 0.05)
    server = scripted(idle=b"+ go\r\n* BYE closing\r\n")
    account = mailbox(ledger, campaign, "flaky", _options(server.port), "secret")
    idle.tend(ledger, lease)
    assert server.closed.wait(10)
    with ledger.read() as connection:
        after = account_by_id(connection, ledger.keys, account.id)
    assert (after.last_error, after.failures) == ("", 0)
    # The listening socket is still there, so the next call is seen to come.
    server._listener.settimeout(10)
    server._listener.accept()[0].close()


def test_changed_and_removed_accounts_are_followed(
    ledger: Ledger,
    campaign: Campaign,
    lease: Lease,
    idle: Idling,
    mail_server: MailServer,
    user: str,
) -> None:
    account = mailbox(ledger, campaign, "box", mail_server.options(user), mail_server.password)
    idle.tend(ledger, lease)
    until(lambda: mail_server.connections(user) == 1)
    moved = f"{user}-moved"
    with ledger.write() as connection:
        connection.execute(
            update(accounts)
            .where(accounts.c.id == account.id)
            .values(options=mail_server.options(moved))
        )
    idle.tend(ledger, lease)
    until(lambda: mail_server.connections(user) == 0)
    until(lambda: mail_server.connections(moved) == 1)
    with ledger.write() as connection:
        connection.execute(accounts.delete())
    idle.tend(ledger, lease)
    until(lambda: mail_server.connections(moved) == 0)


def test_a_paused_account_is_not_listened_to(
    ledger: Ledger,
    campaign: Campaign,
    lease: Lease,
    idle: Idling,
    mail_server: MailServer,
    user: str,
) -> None:
    account = mailbox(ledger, campaign, "box", mail_server.options(user), mail_server.password)
    idle.tend(ledger, lease)
    until(lambda: mail_server.connections(user) == 1)
    with ledger.write() as connection:
        set_reading(connection, account.id, ReadingState.PAUSED)
    idle.tend(ledger, lease)
    until(lambda: mail_server.connections(user) == 0)


def test_p41_a_lost_lease_wakes_nothing_more(
    ledger: Ledger,
    clock: SteppingClock,
    campaign: Campaign,
    lease: Lease,
    idle: Idling,
    mail_server: MailServer,
    user: str,
) -> None:
    account = mailbox(ledger, campaign, "box", mail_server.options(user), mail_server.password)
    idle.tend(ledger, lease)
    until(lambda: is_due(ledger, account))
    rest_again(ledger, account)
    clock.pass_time(seconds=11)  # we were frozen, and somebody else took over
    with ledger.write() as connection:
        newer = acquire(connection, "worker", "two", clock(), timedelta(seconds=10))
        assert newer is not None
        check_fence(connection, newer)
    mail_server.append(user, letter(1))
    until(lambda: mail_server.connections(user) == 0)
    assert not is_due(ledger, account)


def test_the_worker_sends_the_listeners_to_rest_when_it_loses_its_lease(ledger: Ledger) -> None:
    rested = threading.Event()
    worker = Worker(
        ledger, [Task("idle", 60, lambda _ledger, _lease: None, rested.set)], holder="one"
    )
    worker._beat()
    assert worker.lease is not None
    assert not rested.is_set()
    ledger.clock.pass_time(seconds=11)  # type: ignore[attr-defined]
    with ledger.write() as connection:
        acquire(connection, "worker", "two", ledger.clock(), timedelta(seconds=10))
    worker._beat()
    assert worker.lease is None
    assert rested.is_set()


# ------------------------------------------------------------------ what a wake does
@pytest.fixture
def waiting(any_ledger: Ledger) -> tuple[Ledger, Account]:
    with any_ledger.write() as connection:
        campaign = add_campaign(connection, any_ledger.clock(), prompt="Courage is ___?")
    return any_ledger, mailbox(any_ledger, campaign, "box", {}, "")


def test_a_wake_during_a_reading_is_not_lost(
    waiting: tuple[Ledger, Account], clock: SteppingClock
) -> None:
    ledger, account = waiting
    clock.pass_time(seconds=1)
    with ledger.write() as connection:
        wake_account(connection, account.id, clock())
    clock.pass_time(seconds=1)
    store_page(ledger, account, Page((), "7:1"))
    assert is_due(ledger, account), "what woke it may have come after the reading"
    with ledger.read() as connection:
        again = account_by_id(connection, ledger.keys, account.id)
    store_page(ledger, again, Page((), "7:1"))
    assert not is_due(ledger, account)


def test_a_failing_account_keeps_its_back_off(
    waiting: tuple[Ledger, Account], clock: SteppingClock
) -> None:
    ledger, account = waiting
    with ledger.write() as connection:
        later = clock() + timedelta(hours=1)
        note_failure(connection, account.id, error="It is away.", next_poll_at=later)
        wake_account(connection, account.id, clock())
    assert not is_due(ledger, account)
    with ledger.write() as connection:
        note_read(
            connection,
            account.id,
            cursor="",
            now=clock(),
            next_poll_at=later,
            stored=0,
            skipped=0,
        )
        wake_account(connection, account.id, clock())
    assert is_due(ledger, account)
