"""Bounces and other reports of mail servers (RFC 3464), and who counts as a machine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.mail.message import read_message
from collector.mail.reports import Report, read_report
from collector.mail.structure import MAX_PARTS
from ledger.model import IncomingReply

OURS = f"<{'0f' * 16}@blog.example>"


def report(status: str, *, returned: str = "message/rfc822", kind: str = "report") -> bytes:
    """A report as most servers write it; `status` is its machine-readable part."""
    head = f"From: MAILER-DAEMON@mx.example\nContent-Type: multipart/{kind}; boundary=b\n\n"
    human = "--b\n\nIt could not be delivered.\n"
    back = f"Received: by mx.example\nMessage-ID: {OURS}\nSubject: May I?\n"
    machine = f"--b\nContent-Type: message/delivery-status\n\n{status}\n"
    whole = f"{head}{human}{machine}--b\nContent-Type: {returned}\n\n{back}\nHello\n--b--\n"
    return whole.replace("\n", "\r\n").encode()


POSTFIX = """\
Reporting-MTA: dns; mx.example
X-Postfix-Queue-ID: 4A1B2C3D4E

Final-Recipient: rfc822; ada@sample.example
Original-Recipient: rfc822;ada@sample.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <ada@sample.example> unknown"""
EXCHANGE = """\
Reporting-MTA: dns;EX01.mx.example

Final-recipient: RFC822;ada@sample.example
Action: Failed (for good)
Status: 5.2.2
X-Display-Name: Ada"""
DELAYED = """\
Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; ada@sample.example
Action: delayed
Status: 4.4.1
Will-Retry-Until: Fri, 27 Nov 2026 10:00:00 +0000"""


@pytest.mark.parametrize("returned", ["message/rfc822", "text/rfc822-headers"])
@pytest.mark.parametrize("kind", ["report; report-type=delivery-status", "mixed"])
def test_a_failure_names_the_mail_and_what_it_means(returned: str, kind: str) -> None:
    found = read_report(report(POSTFIX, returned=returned, kind=kind))
    assert found == Report(failed=True, status="5.1.1", message_ids=(OURS,))
    assert found.sentence == "It came back: there is no such address (5.1.1)."
    full = read_report(report(EXCHANGE, returned=returned, kind=kind))
    assert full is not None
    assert full.sentence == "It came back: the mailbox takes no mail, or is full (5.2.2)."


def test_a_delay_is_no_failure() -> None:
    found = read_report(report(DELAYED))
    assert found is not None
    assert not found.failed


@pytest.mark.parametrize(
    "status",
    ["", "Action: failed", "Status: 5.1.1", "nonsense", "\n\n\n", "Action: failed\n\n" * 99],
)
def test_incomplete_reports_do_not_raise(status: str) -> None:
    found = read_report(report(status))
    assert found is not None
    assert found.failed == ("failed" in status)


def test_other_mail_is_no_report() -> None:
    assert read_report(b"From: ada@sample.example\r\n\r\nAction: failed\r\n") is None
    assert read_report(b"Content-Type: multipart/mixed\r\n\r\n") is None
    many = b"--b\r\n\r\nx\r\n" * (MAX_PARTS + 5)
    assert read_report(b"Content-Type: multipart/report; boundary=b\r\n\r\n" + many) is None


@given(st.binary(max_size=300))
def test_no_bytes_raise(raw: bytes) -> None:
    read_report(raw)
    read_report(report("Action: failed").replace(b"Hello", raw).replace(b"5.1.1", raw))


MACHINES = [
    b"X-Auto-Response-Suppress: DR, OOF, AutoReply",
    b"X-AutoReply-From: ada@sample.example",
    b"X-Mail-Autoreply: 1",
    b"X-Failed-Recipients: ada@sample.example",
    b"List-Post: <mailto:list@sample.example>",
    b"List-Unsubscribe: <mailto:off@sample.example>",
    b"Subject: Automatic reply: May I publish your answer?",
    b"Subject: Out of Office: back soon",
    b"Subject: =?utf-8?q?R=C3=A9ponse_automatique_=3A?= bonjour",
    "Subject: 自動応答：不在".encode(),
]
PEOPLE = [
    b"Subject: Out of office life, thought leadership is rest",
    b"Subject: Re: Automatic reply: May I?",
    b"Subject: An automatic reply is what leadership isn't",
    b"X-Auto-Response-Suppress: None",
    b"X-Mailer: Autoreply 3",
]


@pytest.mark.parametrize("header", MACHINES)
def test_p14_responders_that_say_so_in_their_own_way(header: bytes) -> None:
    assert _read(header).automatic


@pytest.mark.parametrize("header", PEOPLE)
def test_p14_people_are_not_taken_for_machines(header: bytes) -> None:
    assert not _read(header).automatic


def _read(header: bytes) -> IncomingReply:
    found = read_message(b"From: Ada <ada@sample.example>\r\n" + header + b"\r\n\r\nI am away.")
    assert isinstance(found, IncomingReply)
    return found


TAG = "0f" * 16


@pytest.mark.parametrize(
    ("head", "wanted"),
    [
        (f"To: Desk <desk+{TAG}@sample.example>", True),
        (f"Cc: x@y.example,\r\n DESK+{TAG.upper()}@Sample.example", True),
        (f"Delivered-To: desk+{TAG}@sample.example", True),
        (f"To: otherdesk+{TAG}@sample.example", False),
        (f"To: desk+{TAG}@far.example", False),
        (f"To: desk+{TAG}0@sample.example", False),
        (f"To: desk+{TAG[1:]}@sample.example", False),
        (f"Subject: stop {TAG}", True),
        (f"Subject: Re: Stop {TAG}", True),
        (f"Subject: please stop {TAG}", False),
    ],
)
def test_a_tag_of_ours_names_the_mail_that_is_answered(head: str, wanted: bool) -> None:
    raw = f"From: Ada <ada@far.example>\r\n{head}\r\n\r\nYes\r\n".encode()
    found = read_message(raw, "desk@sample.example")
    assert isinstance(found, IncomingReply)
    assert found.in_reply_to == ((f"+{TAG}",) if wanted else ())
    if head.lower().startswith("subject") and wanted:
        assert found.subject.lower() == "stop"


def test_a_mail_program_that_unsubscribes_for_its_user_is_obeyed() -> None:
    head = f"From: ada@far.example\r\nAuto-Submitted: auto-generated\r\nSubject: stop {TAG}\r\n"
    found = read_message(head.encode() + b"\r\nSent by your mail program.", "desk@sample.example")
    assert isinstance(found, IncomingReply)
    assert not found.automatic
