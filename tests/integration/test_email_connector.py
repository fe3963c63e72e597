"""The e-mail connector against real Dovecot and OpenSMTPD; all people are invented."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default as modern
from uuid import uuid4

import pytest

from collector.channels.email import EmailConnector, open_connector
from collector.connector import ChannelError, OutgoingMessage
from collector.mail.message import source_bytes
from collector.mail.structure import MAX_BYTES
from collector.mail.walk import PAGE_BYTES
from ledger.model import Account, Channel, IncomingReply, SkipKind, Skipped
from tests.servers.cutting_proxy import cutting_proxy
from tests.servers.mail import MailServer, free_ports

pytestmark = pytest.mark.mail
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.fixture
def user() -> str:
    """A mailbox nobody else uses."""
    return f"desk-{uuid4().hex[:12]}"


def connector(server: MailServer, user: str, secret: str = "", **options: object) -> EmailConnector:
    return EmailConnector(
        {**server.options(user), **options}, secret or server.password, clock=lambda: NOW
    )


def mail(number: int, **headers: str) -> bytes:
    named = {"From": "Ada Sample <ada@far.example>", "Message-ID": f"<{number}@far.example>"}
    lines = [f"{name}: {value}" for name, value in {**named, **headers}.items() if value]
    return ("\r\n".join(lines) + f"\r\n\r\nAnswer {number}.\r\n").encode()


def fill(server: MailServer, user: str, count: int, start: int = 1) -> None:
    for number in range(start, start + count):
        server.append(server.address(user), mail(number))


def read_all(
    reader: EmailConnector, cursor: str = "", limit: int = 3
) -> tuple[list[IncomingReply], list[Skipped], str]:
    replies: list[IncomingReply] = []
    skipped: list[Skipped] = []
    for _ in range(50):
        page = reader.fetch(cursor, limit)
        assert len(page.replies) + len(page.skipped) <= limit
        replies += page.replies
        skipped += page.skipped
        cursor = page.next_cursor
        if not page.more:
            return replies, skipped, cursor
    raise AssertionError("the pages never end")


def texts(replies: list[IncomingReply]) -> list[str]:
    return [reply.text for reply in replies]


def failure(action: object, *given: object) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        action(*given)  # type: ignore[operator]
    assert caught.value.mend
    return caught.value


def outgoing(recipient: str, **given: object) -> OutgoingMessage:
    parts = {"subject": "Leadership", "body": "May we?\n.\n.two\n", **given}
    return OutgoingMessage(f"<{uuid4().hex}@sample.example>", recipient, **parts)  # type: ignore[arg-type]


def test_pages_bring_everything_once_in_order(mail_server: MailServer, user: str) -> None:
    fill(mail_server, user, 8)
    reader = connector(mail_server, user)
    replies, skipped, cursor = read_all(reader)
    assert texts(replies) == [f"Answer {number}." for number in range(1, 9)]
    assert not skipped
    # "n:*" names the last message although its UID is below n.
    again = reader.fetch(cursor, 3)
    assert (again.replies, again.skipped, again.more) == ((), (), False)
    assert again.next_cursor == cursor
    fill(mail_server, user, 1, start=9)
    assert texts(read_all(reader, cursor)[0]) == ["Answer 9."]


def test_an_empty_mailbox_and_a_full_last_page(mail_server: MailServer, user: str) -> None:
    reader = connector(mail_server, user)
    empty = reader.fetch("", 5)
    assert (empty.replies, empty.more) == ((), False)
    fill(mail_server, user, 5)
    assert len(reader.fetch(empty.next_cursor, 5).replies) == 5
    assert not reader.fetch(empty.next_cursor, 5).more


def test_the_same_cursor_brings_the_same_replies(mail_server: MailServer, user: str) -> None:
    fill(mail_server, user, 5)
    mail_server.append(mail_server.address(user), mail(0, **{"Message-ID": ""}))
    reader = connector(mail_server, user)
    first = reader.fetch("", 2)
    assert reader.fetch("", 2) == first
    assert reader.fetch(first.next_cursor, 9) == reader.fetch(first.next_cursor, 9)
    assert reader.fetch("no cursor of ours", 2) == first


def test_a_new_uidvalidity_loses_nothing(mail_server: MailServer, user: str) -> None:
    fill(mail_server, user, 4)
    mail_server.append(mail_server.address(user), mail(0, **{"Message-ID": ""}))
    reader = connector(mail_server, user)
    before, _, cursor = read_all(reader)
    mail_server.recreate_mailbox(mail_server.address(user))
    fill(mail_server, user, 1, start=7)
    after, _, _ = read_all(reader, cursor)
    known = {reply.external_id: reply for reply in before}
    assert len(known) == 5
    assert {reply.external_id for reply in after} == {*known, "<7@far.example>"}
    assert all(known.get(reply.external_id, reply) == reply for reply in after)


def test_reading_changes_nothing(mail_server: MailServer, user: str) -> None:
    address = mail_server.address(user)
    fill(mail_server, user, 3)
    mail_server.append(address, mail(4), flags=r"\Flagged")

    def state() -> list[tuple[int, set[str], bytes]]:
        found = mail_server.mailbox(address)
        return [(m.uid, {f for f in m.flags if f != r"\Recent"}, m.raw) for m in found]

    before = state()
    reader = connector(mail_server, user)
    reader.check()
    replies, _, _ = read_all(reader)
    assert len(replies) == 4
    assert state() == before
    assert not any(r"\Seen" in flags for _, flags, _ in before)


def test_a_delivered_mail_is_read_whole(mail_server: MailServer, user: str) -> None:
    address = mail_server.address(user)
    raw = mail(
        1, Subject="=?utf-8?b?RsO8aHJlbg==?=", Date="Mon, 05 Jan 2026 10:00:00 +0100"
    ).replace(b"\r\n\r\n", b"\r\nIn-Reply-To: <q@sample.example>\r\n\r\n", 1)
    mail_server.deliver(raw, to=address)
    (reply,) = connector(mail_server, user).fetch("", 10).replies
    assert reply.external_id == "<1@far.example>"
    assert reply.address == "ada@far.example"
    assert reply.author_name == "Ada Sample"
    assert reply.subject == "Führen"
    assert reply.written_at == datetime(2026, 1, 5, 9, tzinfo=UTC)
    assert reply.in_reply_to == ("<q@sample.example>",)
    assert not reply.automatic
    assert source_bytes(reply.raw) == mail_server.mailbox(address)[0].raw


def test_p14_automatic_mail_is_recognised_and_ours_skipped(
    mail_server: MailServer, user: str
) -> None:
    address = mail_server.address(user)
    mail_server.deliver(mail(1), to=address)
    mail_server.deliver(mail(2, From="Mail <mail@mx.example>"), to=address, sender="")
    mail_server.deliver(mail(3, **{"Auto-Submitted": "auto-replied"}), to=address)
    mail_server.deliver(mail(4, **{"List-Id": "<list.far.example>"}), to=address)
    mail_server.deliver(mail(5, From=f"Desk <{address}>"), to=address)
    replies, skipped, _ = read_all(connector(mail_server, user))
    assert [reply.automatic for reply in replies] == [False, True, True, True]
    assert skipped == [Skipped("<5@far.example>", "It is our own message.", SkipKind.FILTERED)]


def test_p32_bad_mails_are_skipped_and_the_rest_is_read(mail_server: MailServer, user: str) -> None:
    address = mail_server.address(user)
    deep = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
    bad = {
        "<11@far.example>": mail(11).ljust(MAX_BYTES + 2, b"x"),
        "<12@far.example>": mail(12)[:-14]
        + b"".join(deep.replace(b"b\r", b"b%d\r" % n) for n in range(30)),
        "<13@far.example>": mail(13, From="nobody at all"),
        "<14@far.example>": mail(14, **{"Content-Type": "multipart/mixed"}),
    }
    for number, raw in enumerate(bad.values(), start=1):
        mail_server.append(address, mail(number))
        mail_server.append(address, raw)
    mail_server.append(address, mail(5))
    replies, skipped, cursor = read_all(connector(mail_server, user), limit=2)
    assert texts(replies) == [f"Answer {number}." for number in range(1, 6)]
    assert [item.external_id for item in skipped] == list(bad)
    for item, word in zip(skipped, ("10 MiB", "nested", "sender", "boundary"), strict=True):
        assert word in item.reason
    assert not connector(mail_server, user).fetch(cursor, 9).more


def test_a_page_of_large_mails_ends_early(mail_server: MailServer, user: str) -> None:
    for number in range(6):
        large = mail(number) + b"x" * (MAX_BYTES - 1000)
        mail_server.append(mail_server.address(user), large)
    reader = connector(mail_server, user)
    page = reader.fetch("", 100)
    assert 1 < len(page.replies) < 6
    assert sum(len(reply.raw) for reply in page.replies) <= PAGE_BYTES
    assert page.more
    assert len(page.replies) + len(read_all(reader, page.next_cursor)[0]) == 6


def test_check_says_what_answered(mail_server: MailServer, user: str) -> None:
    fill(mail_server, user, 2)
    account = Account(
        1, Channel.EMAIL, "desk", "c", mail_server.options(user), mail_server.password
    )
    assert open_connector(account).check() == (
        f"IMAP answered as {mail_server.address(user)}: 2 messages in INBOX; "
        "SMTP accepted the login."
    )


def test_a_wrong_password_is_permanent_and_says_how_to_mend_it(
    mail_server: MailServer, user: str
) -> None:
    wrong = connector(mail_server, user, "wrong")
    message = outgoing("ada@sample.example")
    for error in (failure(wrong.fetch, "", 1), failure(wrong.check), failure(wrong.send, message)):
        assert error.permanent
        assert not error.delivered_unknown
        assert "password" in str(error)
        assert "definedby account add email --replace" in error.mend
    umlaut = failure(connector(mail_server, user, "fälsch").fetch, "", 1)
    assert umlaut.permanent


def test_a_password_with_a_line_break_is_refused(mail_server: MailServer, user: str) -> None:
    evil = connector(mail_server, user, "x\r\nA1 DELETE INBOX")
    for error in (failure(evil.fetch, "", 1), failure(evil.send, outgoing("a@sample.example"))):
        assert error.permanent


def test_a_missing_folder_is_permanent(mail_server: MailServer, user: str) -> None:
    error = failure(connector(mail_server, user, folder="Antworten & mehr").fetch, "", 1)
    assert error.permanent
    assert "--folder" in error.mend


def test_another_folder_is_read(mail_server: MailServer, user: str) -> None:
    with mail_server.imap(mail_server.address(user)) as client:
        client.create('"Entw&APw-rfe &- mehr"')
    mail_server.append(mail_server.address(user), mail(1), folder='"Entw&APw-rfe &- mehr"')
    reader = connector(mail_server, user, folder="Entwürfe & mehr")
    assert texts(read_all(reader)[0]) == ["Answer 1."]


def test_a_server_that_is_gone_is_temporary(mail_server: MailServer, user: str) -> None:
    reader = connector(mail_server, user)
    fill(mail_server, user, 1)
    mail_server.stop_imap()
    try:
        for error in (failure(reader.fetch, "", 1), failure(reader.send, outgoing("a@b.example"))):
            assert not error.permanent
            assert not error.delivered_unknown
    finally:
        mail_server.start_imap()
    assert len(reader.fetch("", 1).replies) == 1


def test_unknown_host_is_temporary(mail_server: MailServer, user: str) -> None:
    lost = connector(mail_server, user, imap_host="nowhere.invalid", imap_security="ssl")
    assert not failure(lost.fetch, "", 1).permanent


@pytest.mark.parametrize(
    "options",
    [
        {"imap_host": "mail.sample.example"},
        {"imap_host": "192.0.2.1"},
        {"imap_host": ""},
        {"imap_port": "many"},
        {"imap_security": "maybe"},
    ],
)
def test_unsafe_and_unusable_options(
    mail_server: MailServer, user: str, options: dict[str, str]
) -> None:
    assert failure(connector(mail_server, user, **options).fetch, "", 1).permanent


@pytest.mark.parametrize("security", ["starttls", "ssl"])
def test_tls_with_a_certificate_that_is_verified(
    mail_server: MailServer, user: str, security: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {
        "imap_security": security,
        "smtp_security": security,
        "imap_port": mail_server.ports["imaps" if security == "ssl" else "imap"],
        "smtp_port": mail_server.ports["submissions" if security == "ssl" else "submission"],
    }
    reader = connector(mail_server, user, **options)
    for error in (failure(reader.fetch, "", 1), failure(reader.send, outgoing("a@sample.example"))):
        assert error.permanent
        assert "certificate" in str(error)
    monkeypatch.setenv("SSL_CERT_FILE", str(mail_server.certificate))
    assert "SMTP accepted the login" in reader.check()


def test_tls_where_there_is_none(mail_server: MailServer, user: str) -> None:
    error = failure(connector(mail_server, user, imap_security="ssl").fetch, "", 1)
    assert error.permanent
    assert "starttls" in error.mend
    bare = connector(mail_server, user, smtp_port=mail_server.smtp_port, smtp_security="starttls")
    error = failure(bare.send, outgoing("a@sample.example"))
    assert error.permanent
    assert "STARTTLS" in str(error)


def test_a_message_arrives_with_its_headers(mail_server: MailServer, user: str) -> None:
    to = mail_server.address(f"ada-{user}")
    message = outgoing(
        to,
        subject="Führung: dürfen wir?",
        in_reply_to=f"<{'a' * 100}@far.example>",
        headers={
            "Auto-Submitted": "auto-generated",
            "List-Unsubscribe": f"<https://blog.sample.example/{'s' * 90}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    )
    sender = connector(mail_server, user, sender_name="Die Redaktion, Führung")
    assert sender.send(message) == message.message_id
    (stored,) = mail_server.wait_for_mail(to, 1)
    arrived = message_from_bytes(stored.raw, policy=modern)
    assert arrived["Message-ID"] == message.message_id
    assert arrived["From"].addresses[0].addr_spec == mail_server.address(user)
    assert arrived["From"].addresses[0].display_name == "Die Redaktion, Führung"
    assert arrived["To"] == to
    assert arrived["Subject"] == message.subject
    assert arrived["Date"].datetime == NOW
    assert arrived["In-Reply-To"] == arrived["References"] == message.in_reply_to
    for name, value in message.headers.items():
        assert arrived[name] == value
    assert arrived.get_content().splitlines() == message.body.splitlines()
    # What we sent is read as an automatic mail by the same rules, so that loops end (P14).
    (read,) = connector(mail_server, f"ada-{user}").fetch("", 1).replies
    assert read.automatic


def test_a_foreign_recipient_is_refused_for_good(mail_server: MailServer, user: str) -> None:
    error = failure(connector(mail_server, user).send, outgoing("ada@elsewhere.example"))
    assert error.permanent
    assert not error.delivered_unknown
    assert "550" in str(error)
    assert "ada@" not in str(error)  # P39: addresses stay out of logs


def test_p32_a_line_break_in_a_header_is_refused_before_connecting(
    mail_server: MailServer, user: str
) -> None:
    # Nobody listens there: a connection would give a temporary error.
    sender = connector(mail_server, user, smtp_port=free_ports(1)[0])
    error = failure(
        sender.send, outgoing("ada@sample.example", subject="Hi\r\nBcc: eve@far.example")
    )
    assert error.permanent
    assert not failure(sender.send, outgoing("ada@sample.example")).permanent


@pytest.mark.parametrize(("then", "arrives"), [(200, False), (-1, True)])
def test_p10_a_cut_while_the_message_is_sent_is_unknown(
    mail_server: MailServer, user: str, then: int, *, arrives: bool
) -> None:
    to = mail_server.address(f"ada-{user}")
    message = outgoing(to, body="x\n" * 2000)
    with cutting_proxy(mail_server.submission_port, after=b"354", then=then) as port:
        error = failure(connector(mail_server, user, smtp_port=port).send, message)
    assert error.delivered_unknown
    assert not error.permanent
    if arrives:
        mail_server.wait_for_mail(to, 1)
    else:
        assert not mail_server.mailbox(to)


@pytest.mark.parametrize("after", [b"220", b"235", b"250 2.1.5", b"354"])
def test_p10_a_cut_before_the_message_is_known_not_to_have_left(
    mail_server: MailServer, user: str, after: bytes
) -> None:
    message = outgoing(mail_server.address(f"ada-{user}"))
    with cutting_proxy(mail_server.submission_port, after=after, then=0) as port:
        error = failure(connector(mail_server, user, smtp_port=port).send, message)
    assert not error.delivered_unknown
    assert not error.permanent


def test_a_cut_while_reading_is_temporary(mail_server: MailServer, user: str) -> None:
    fill(mail_server, user, 2)
    with cutting_proxy(mail_server.imap_port, after=b"* FLAGS", then=0) as port:
        error = failure(connector(mail_server, user, imap_port=port).fetch, "", 5)
    assert not error.permanent
