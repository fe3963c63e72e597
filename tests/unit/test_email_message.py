"""Mails as bytes, friendly and hostile, and what becomes of them; all people are invented."""

from __future__ import annotations

import base64
import time
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default as modern

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.connector import ChannelError, OutgoingMessage
from collector.mail.message import read_message, source_bytes
from collector.mail.sending import compose
from collector.mail.structure import MAX_BYTES, MAX_DEPTH, MAX_PARTS
from ledger.model import IncomingReply, SkipKind, Skipped

HEAD = b"From: Ada Sample <Ada@Sample.example>\r\nMessage-ID: <1@sample.example>\r\n"


def reply(raw: bytes) -> IncomingReply:
    found = read_message(raw, "desk@sample.example")
    assert isinstance(found, IncomingReply), found
    return found


def skipped(raw: bytes) -> Skipped:
    found = read_message(raw, "desk@sample.example")
    assert isinstance(found, Skipped), found
    return found


def nested(depth: int) -> bytes:
    """A text inside `depth` multiparts, each inside the one before."""
    whole = b"Content-Type: text/plain\r\n\r\nListening.\r\n"
    for level in range(depth):
        mark = b"level%d" % level
        whole = (
            b"Content-Type: multipart/mixed; boundary=" + mark + b"\r\n\r\n"
            b"--" + mark + b"\r\n" + whole + b"\r\n--" + mark + b"--\r\n"
        )
    return HEAD + whole


def side_by_side(parts: int) -> bytes:
    part = b"--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\nx\r\n"
    return HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + part * parts + b"--b--\r\n"


def test_a_plain_reply() -> None:
    raw = HEAD + (
        b"Subject: =?utf-8?q?R=C3=A9=3A?= Leadership\r\nDate: Mon, 23 Nov 2026 11:00:00 +0100\r\n"
        b"In-Reply-To: <ask@desk.example>\r\nReferences: <first@desk.example>\r\n"
        b"\t<ask@desk.example>\r\n\r\nListening.\r\n\r\n"
        b"On Mon, 23 Nov 2026 at 10:00, Desk <desk@sample.example> wrote:\r\n> What?\r\n"
    )
    found = reply(raw)
    assert found.external_id == "<1@sample.example>"
    assert found.address == "ada@sample.example"
    assert found.author_name == "Ada Sample"
    assert found.subject == "Ré: Leadership"
    assert found.text == "Listening."
    assert found.written_at == datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert found.in_reply_to == ("<ask@desk.example>", "<first@desk.example>")
    assert not found.automatic
    assert found.raw.encode() == raw


CHARSETS = {
    "utf-8": "Zoë says: führen — 聞く",
    "iso-8859-1": "führen",
    "windows-1252": "führen — “so”",
    "koi8-r": "слушать",
    "shift_jis": "聞くこと",
    "gb18030": "倾听",
    "utf-7": "führen",
    "utf-16": "führen",
}


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [
        (charset, encoding)
        for charset in CHARSETS
        for encoding in ("8bit", "base64", "quoted-printable")
        # RFC 2046 4.1.1 forbids it unencoded: its bytes hold NUL and bare newlines.
        if (charset, encoding) != ("utf-16", "8bit")
    ],
)
def test_charsets(charset: str, encoding: str) -> None:
    body = CHARSETS[charset].encode(charset)
    if encoding == "base64":
        body = base64.encodebytes(body)
    elif encoding == "quoted-printable":
        body = b"".join(b"=%02X" % byte for byte in body)
    head = f'Content-Type: text/plain; charset="{charset}"\r\n'
    head += f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
    assert reply(HEAD + head.encode() + body).text == CHARSETS[charset]


@pytest.mark.parametrize(
    "charset", ["x-unknown", "rot13", "punycode", "idna", "unicode_escape", "a\x00b", "", "é"]
)
def test_odd_charsets_do_not_raise(charset: str) -> None:
    head = f'Content-Type: text/plain; charset="{charset}"\r\n\r\n'.encode()
    assert reply(HEAD + head + "führen".encode()).text == "führen"
    assert reply(HEAD + head + "führen".encode("latin-1")).text == "führen"


def test_nul_and_half_surrogates_never_reach_the_text() -> None:
    raw = HEAD + b"Subject: a\x00b\r\nContent-Type: text/plain; charset=utf-7\r\n\r\na\x00b+2AA-c"
    found = reply(raw)
    assert found.text == "ab?c"
    assert found.subject == "ab"
    for text in (found.text, found.subject, found.raw):
        assert "\x00" not in text
        text.encode()
    assert source_bytes(found.raw) == raw


@given(st.binary(max_size=300))
def test_the_source_comes_back_byte_for_byte(body: bytes) -> None:
    raw = HEAD + b"\r\n" + body
    assert source_bytes(reply(raw).raw) == raw


@given(st.binary(max_size=400))
def test_no_bytes_raise(raw: bytes) -> None:
    assert isinstance(read_message(raw), IncomingReply | Skipped)
    assert isinstance(read_message(HEAD + raw), IncomingReply | Skipped)
    assert isinstance(
        read_message(HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + raw),
        IncomingReply | Skipped,
    )


def test_plain_text_is_preferred_and_html_is_the_fallback() -> None:
    html = b"--b\r\nContent-Type: text/html\r\n\r\n<p>From <b>html</b></p>\r\n"
    plain = b"--b\r\nContent-Type: text/plain\r\n\r\nFrom plain\r\n"
    attached = b"--b\r\nContent-Disposition: attachment\r\n\r\nnot this\r\n"
    head = HEAD + b'Content-Type: multipart/alternative; boundary="b"\r\n\r\n'
    assert reply(head + html + plain + attached + b"--b--").text == "From plain"
    assert reply(head + attached + html + b"--b--").text == "From html"
    assert reply(head + html).text == "From html"  # the last boundary is missing


def test_wrapped_lines_of_flowed_text_are_joined() -> None:
    raw = (
        HEAD + b"Content-Type: text/plain; format=flowed\r\n\r\nIt is \r\nlistening.\r\n From x\r\n"
    )
    assert reply(raw).text == "It is listening.\nFrom x"


def test_without_message_id_the_source_names_it() -> None:
    first = reply(b"From: ada@sample.example\r\n\r\nOne").external_id
    assert first.startswith("sha256:")
    assert first == reply(b"From: ada@sample.example\r\n\r\nOne").external_id
    assert first != reply(b"From: ada@sample.example\r\n\r\nTwo").external_id


AUTOMATIC = (
    b"Auto-Submitted: auto-replied",
    b"Auto-Submitted: auto-generated; owner=x",
    b"Precedence: bulk",
    b"precedence: LIST",
    b"Precedence: junk",
    b"List-Id: Sample <list.sample.example>",
    b"Return-Path: <>",
    b"Return-Path: <ada@sample.example>\r\nReturn-Path: <>",
    b"Content-Type: multipart/report; boundary=b; report-type=delivery-status",
    b"X-Autoreply: yes",
)


@pytest.mark.parametrize("header", AUTOMATIC)
def test_p14_automatic_mail_is_recognised(header: bytes) -> None:
    assert reply(HEAD + header + b"\r\n\r\nI am away.").automatic


@pytest.mark.parametrize("sender", [b"MAILER-DAEMON@mx.example", b"postmaster@mx.example"])
def test_p14_mail_servers_are_recognised(sender: bytes) -> None:
    assert reply(b"From: <" + sender + b">\r\n\r\nNot delivered.").automatic


@pytest.mark.parametrize(
    "header", [b"Auto-Submitted: no", b"Auto-Submitted: No (by hand)", b"Precedence: first-class"]
)
def test_mail_of_people_is_not_automatic(header: bytes) -> None:
    assert not reply(HEAD + header + b"\r\nReturn-Path: <ada@sample.example>\r\n\r\nYes").automatic


def test_p14_our_own_message_is_skipped() -> None:
    raw = b"From: Desk <DESK@sample.example>\r\nMessage-ID: <2@x>\r\n\r\nWhat?"
    assert skipped(raw) == Skipped("<2@x>", "It is our own message.", SkipKind.FILTERED)


def test_names_carry_no_direction_controls() -> None:
    raw = b"From: =?utf-8?q?Ada_=E2=80=AEelpmaS?= <ada@sample.example>\r\n\r\nYes"
    assert reply(raw).author_name == "Ada elpmaS"


@pytest.mark.parametrize(
    "date", [b"yesterday", b"", b"Mon, 99 Nov 2026 25:00:00 +9999", b"1 " * 900]
)
def test_unusable_dates_are_none(date: bytes) -> None:
    assert reply(HEAD + b"Date: " + date + b"\r\n\r\nYes").written_at is None


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "sender"),
        (b"no headers at all", "sender"),
        (b"From: nobody\r\n\r\nx", "sender"),
        (b"From: " + b"(" * 1900 + b"\r\n\r\nx", "malformed"),
        (HEAD + b"Content-Type: multipart/mixed\r\n\r\nx", "boundary"),
        (HEAD + b"X: y\r\n" * 60_000 + b"\r\nx", "headers"),
        (HEAD + b"\r\n" + b"x" * MAX_BYTES, "10 MiB"),
        (nested(MAX_DEPTH + 1), "nested"),
        (nested(45), "nested"),
        (side_by_side(MAX_PARTS + 1), "parts"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_p32_what_cannot_be_read_is_skipped_with_the_reason(raw: bytes, reason: str) -> None:
    assert reason in skipped(raw).reason


def test_p32_the_limits_themselves_are_allowed() -> None:
    assert reply(nested(MAX_DEPTH)).text == "Listening."
    assert isinstance(read_message(side_by_side(MAX_PARTS)), IncomingReply)
    assert isinstance(read_message((HEAD + b"\r\n").ljust(MAX_BYTES, b"x")), IncomingReply)


HOSTILE = {
    "nested": b"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n",
    "parts": b"--b\r\n\r\nx\r\n",
    "spaces": b"--b                              x\r\n",
    "messages": b"Content-Type: message/rfc822\r\n\r\n",
    "open tags": b"<div><blockquote><a href='",
    "headers": b"X: y\r\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_p32_ten_mebibytes_of_hostility_are_quick(name: str) -> None:
    kind = b"text/html" if name == "open tags" else b"multipart/mixed; boundary=b"
    head = HEAD + b"Content-Type: " + kind + b"\r\n" + (b"" if name == "headers" else b"\r\n")
    raw = head + HOSTILE[name] * ((MAX_BYTES - len(head)) // len(HOSTILE[name]))
    start = time.process_time()
    read_message(raw)
    assert time.process_time() - start < 5


@pytest.mark.parametrize("unit", [b"=?a?q?", b"(", b'";', b"<a", b"=?utf-8?b?!?= ", b"a@", b","])
@pytest.mark.parametrize("header", [b"Subject", b"From", b"Content-Type", b"References", b"Date"])
def test_p32_hostile_headers_are_quick(header: bytes, unit: bytes) -> None:
    start = time.process_time()
    read_message(HEAD + header + b": text/plain; " + unit * 20_000 + b"\r\n\r\nx")
    assert time.process_time() - start < 2


def outgoing(**given: object) -> OutgoingMessage:
    message = {
        "message_id": "<out-1@sample.example>",
        "recipient": "ada@sample.example",
        "subject": "Leadership",
        "body": "May we?\n",
    }
    return OutgoingMessage(**{**message, **given})  # type: ignore[arg-type]


def composed(message: OutgoingMessage) -> bytes:
    return compose(
        message,
        sender="desk@sample.example",
        sender_name="Desk, the",
        at=datetime(2026, 1, 5, 12, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    "evil", ["a\r\nBcc: eve@sample.example", "a\nb", "a\rb", "a\x00b", "a\x85b"]
)
@pytest.mark.parametrize("where", ["subject", "recipient", "message_id", "in_reply_to", "value"])
def test_p32_line_breaks_in_headers_are_refused(where: str, evil: str) -> None:
    given = {"headers": {"X-Sample": evil}} if where == "value" else {where: evil}
    with pytest.raises(ChannelError) as caught:
        composed(outgoing(**given))
    assert caught.value.permanent
    assert not caught.value.delivered_unknown


@pytest.mark.parametrize("name", ["X-A: b", "X A", "", "Über", "Subject"])
def test_header_names_that_cannot_be_are_refused(name: str) -> None:
    with pytest.raises(ChannelError):
        composed(outgoing(headers={name: "x"}))


@pytest.mark.parametrize(
    "address", ["ada", "a@b@c", "ada@x.example, eve@x.example", "<a@x.example>"]
)
def test_only_one_plain_recipient(address: str) -> None:
    with pytest.raises(ChannelError):
        composed(outgoing(recipient=address))


def test_long_ids_and_links_are_sent_as_they_are() -> None:
    long_id = f"<{'x' * 120}@sample.example>"
    link = f"<https://blog.sample.example/stop/{'t' * 100}>"
    raw = composed(
        outgoing(
            message_id=long_id,
            in_reply_to=long_id,
            subject="Führung " * 20,
            body="Zoë, may we?\n" + "x" * 2000,
            headers={"List-Unsubscribe": link},
        )
    )
    for line in (f"In-Reply-To: {long_id}", f"References: {long_id}", f"List-Unsubscribe: {link}"):
        assert line.encode() in raw.replace(b"\r\n ", b" ").replace(b":  ", b": ")
    assert max(len(line) for line in raw.split(b"\r\n")) < 998
    assert raw.isascii()
    read = message_from_bytes(raw, policy=modern)
    assert read["Subject"].split() == ["Führung"] * 20
    assert read["From"].addresses[0].display_name == "Desk, the"
    assert read.get_content().splitlines() == ["Zoë, may we?", "x" * 2000]
