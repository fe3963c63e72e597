"""What real mailboxes do to a reader, through the poll and into the ledger; all is invented."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from typing import Any

import pytest

from collector.channels.email import EmailConnector
from collector.connector import ChannelError, OutgoingMessage
from collector.mail import walk
from collector.mail.sending import compose
from collector.poll import PollReport
from collector.polling import poll_all
from collector.read import read_new
from consent.requests import ask
from consent.ways import WayName
from ledger.accounts import add_account, find_account
from ledger.database import Ledger
from ledger.model import Account, Campaign, Channel, Reply, ReplyState
from ledger.replies import desk_replies, recently_skipped
from tests.people import define
from tests.servers.mail import MailServer

pytestmark = pytest.mark.mail


@pytest.fixture
def user(request: pytest.FixtureRequest) -> str:
    return "o" + hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:12]


@pytest.fixture
def account(ledger: Ledger, campaign: Campaign, mail_server: MailServer, user: str) -> Account:
    with ledger.write() as connection:
        return add_account(
            connection,
            ledger.keys,
            channel=Channel.EMAIL,
            name=user,
            campaign_id=campaign.id,
            options=mail_server.options(user),
            secret=mail_server.password,
        )


def letter(number: int, words: str = "", **headers: str) -> bytes:
    named = {"From": "ada@far.example", "Message-ID": f"<{number}@far.example>"}
    given = {**named, **{name.replace("_", "-"): value for name, value in headers.items()}}
    head = "".join(f"{name}: {value}\r\n" for name, value in given.items() if value)
    return f"{head}\r\n{words or f'Answer {number}.'}\r\n".encode()


def poll(ledger: Ledger) -> PollReport:
    (report,) = poll_all(ledger)
    return report


def stored(ledger: Ledger, campaign: Campaign) -> list[Reply]:
    """All replies, in the order in which they came."""
    with ledger.read() as connection:
        return desk_replies(connection, campaign.id, ReplyState.NEW, limit=1000)[::-1]


def texts(ledger: Ledger, campaign: Campaign) -> list[str]:
    return [reply.text for reply in stored(ledger, campaign)]


def test_a_mail_that_is_deleted_between_listing_and_fetch_is_no_trouble(
    ledger: Ledger,
    campaign: Campaign,
    account: Account,
    mail_server: MailServer,
    user: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in range(1, 5):
        mail_server.append(user, letter(number))
    listed = walk._sizes

    def and_then_gone(mailbox: Any, uids: list[int]) -> dict[int, int]:
        sizes = listed(mailbox, uids)
        with mail_server.imap(user) as client:
            client.select("INBOX")
            client.uid("STORE", "2,4", "+FLAGS", r"(\Deleted)")
            client.expunge()
        return sizes

    monkeypatch.setattr(walk, "_sizes", and_then_gone)
    assert poll(ledger).error == ""
    monkeypatch.undo()
    assert texts(ledger, campaign) == ["Answer 1.", "Answer 3."]
    mail_server.append(user, letter(5))
    assert poll(ledger).stored == 1


def test_p16_a_line_that_drops_in_the_middle_of_a_mail_loses_nothing(
    ledger: Ledger, campaign: Campaign, account: Account, mail_server: MailServer, user: str
) -> None:
    words = "long " * 4000
    for number in range(1, 4):
        mail_server.append(user, letter(number, words))
    whole = sum(len(mail.raw) for mail in mail_server.mailbox(user))
    for cut in range(200, whole, whole // 12):
        with cut_after(mail_server.imap_port, cut) as port:
            options = {**mail_server.options(user), "imap_port": port}
            with pytest.raises(ChannelError) as caught:
                EmailConnector(options, mail_server.password).fetch("", 10)
        assert not caught.value.permanent
        assert not caught.value.delivered_unknown
    assert poll(ledger).stored == 3
    assert texts(ledger, campaign) == [words.strip()] * 3


@contextlib.contextmanager
def cut_after(port: int, count: int) -> Iterator[int]:
    """A proxy that hangs up once the server has said `count` bytes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        thread = threading.Thread(target=_pass_on, args=(listener, port, count))
        thread.start()
        yield listener.getsockname()[1]
        thread.join(20)
        assert not thread.is_alive()


def _pass_on(listener: socket.socket, port: int, left: int) -> None:
    client = listener.accept()[0]
    server = socket.create_connection(("127.0.0.1", port), timeout=20)

    def upward() -> None:
        with contextlib.suppress(OSError):
            while said := client.recv(65536):
                server.sendall(said)

    up = threading.Thread(target=upward)
    up.start()
    with contextlib.suppress(OSError):
        while left > 0 and (said := server.recv(min(65536, left))):
            client.sendall(said)
            left -= len(said)
    for end in (client, server):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
    up.join(20)
    client.close()
    server.close()


def test_odd_mails_are_taken_in_as_well_as_can_be(
    ledger: Ledger, campaign: Campaign, account: Account, mail_server: MailServer, user: str
) -> None:
    """No Date, a date that can't be, a charset that isn't what it says, or isn't at all."""
    mail_server.append(user, letter(1))
    mail_server.append(user, letter(2, Date="Thu, 99 Jan 2026 25:61:00 +9999"))
    mail_server.append(user, letter(3, Date="Mon, 05 Jan 2026 12:00:00 -0500"))
    for number, charset in ((4, "us-ascii"), (5, "utf-8"), (6, "x-nonsense"), (7, "utf-16")):
        kind = f'text/plain; charset="{charset}"'
        raw = letter(number, "Führen heißt hören", Content_Type=kind)
        mail_server.append(user, raw if number != 5 else raw.decode().encode("latin-1"))
    assert poll(ledger).error == ""
    read_new(ledger)
    found = stored(ledger, campaign)
    assert [reply.written_at is None for reply in found] == [True, True, False, *[True] * 4]
    assert [reply.text for reply in found][3:6] == ["Führen heißt hören"] * 3
    assert all(reply.received_at == ledger.clock() for reply in found)


def test_p16_two_mails_under_one_message_id_are_both_kept(
    ledger: Ledger, campaign: Campaign, account: Account, mail_server: MailServer, user: str
) -> None:
    same = "<same@far.example>"
    first = letter(0, "Leadership is listening.", Message_ID=same)
    second = letter(0, "Leadership is leaving.", Message_ID=same, From="bo@far.example")
    mail_server.append(user, first)
    mail_server.append(user, second)
    mail_server.append(user, b"Received: by a list\r\n" + first)  # the same, by another way
    assert poll(ledger).stored == 2
    third = letter(0, "Leadership is staying.", Message_ID=same)
    for raw in (second, third, first):
        mail_server.append(user, raw)
    assert poll(ledger).stored == 1
    wanted = ["Leadership is listening.", "Leadership is leaving.", "Leadership is staying."]
    assert texts(ledger, campaign) == wanted
    mail_server.recreate_mailbox(user)
    assert poll(ledger).stored == 0
    assert texts(ledger, campaign) == wanted
    # An answer to any of them names the id that its author's program knows.
    ids = [reply.external_id for reply in stored(ledger, campaign)]
    assert ids[0] == same
    assert all(other.startswith(f"{same}#") for other in ids[1:])
    question = ask(
        ledger, define(ledger, stored(ledger, campaign)[2]).id, asked_by="robin@blog.example"
    )
    assert question.way is not None
    assert question.way.name is WayName.MAIL
    assert _in_reply_to(ids[2]) == same
    assert _in_reply_to("sha256:" + "0" * 64) == "", "no Message-ID, so nothing to name"


def _in_reply_to(answered: str) -> str:
    message = OutgoingMessage("<1@blog.example>", "ada@far.example", "Hello", "Hello", answered)
    now = datetime(2026, 1, 5, tzinfo=UTC)
    raw = compose(message, sender="desk@blog.example", sender_name="", at=now)
    return str(message_from_bytes(raw)["In-Reply-To"] or "")


def test_a_recreated_mailbox_is_read_again_and_known(
    ledger: Ledger, campaign: Campaign, account: Account, mail_server: MailServer, user: str
) -> None:
    """Another UIDVALIDITY, in the ledger: nothing twice, and what is new is not missed."""
    for number in range(1, 6):
        mail_server.append(user, letter(number))
    mail_server.append(user, letter(0, Message_ID=""))
    mail_server.append(user, letter(6, From="nobody at all"))
    assert poll(ledger).stored == 6
    mail_server.recreate_mailbox(user)
    mail_server.append(user, letter(7))
    report = poll(ledger)
    assert (report.stored, report.error) == (1, "")
    assert len(set(texts(ledger, campaign))) == 7
    with ledger.read() as connection:
        now = find_account(connection, ledger.keys, Channel.EMAIL, user)
        assert now is not None
        assert now.cursor.partition(":")[0] == str(mail_server.uidvalidity(user))
        assert len(recently_skipped(connection, account.id)) == 1
    assert poll(ledger).stored == 0


def test_a_very_full_folder_is_searched_in_windows(
    mail_server: MailServer, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With windows of two, gaps of any size, and a cursor in the middle of one."""
    monkeypatch.setattr(walk, "UID_WINDOW", 2)
    for number in range(1, 31):
        mail_server.append(user, letter(number))
    kept = {1, 2, 3, 17, 18, 29, 30}
    with mail_server.imap(user) as client:
        client.select("INBOX")
        gone = ",".join(str(uid) for uid in range(1, 31) if uid not in kept)
        client.uid("STORE", gone, "+FLAGS", r"(\Deleted)")
        client.expunge()
    reader = EmailConnector(mail_server.options(user), mail_server.password)
    validity = mail_server.uidvalidity(user)
    for start in (0, 2, 3, 10, 17, 28, 30, 99):
        cursor, found = f"{validity}:{start}", []
        for _ in range(20):
            page = reader.fetch(cursor, 2)
            found += [int(reply.text[7:-1]) for reply in page.replies]
            cursor = page.next_cursor
            if not page.more and not page.replies:
                break
        assert found == sorted(uid for uid in kept if uid > start), start
