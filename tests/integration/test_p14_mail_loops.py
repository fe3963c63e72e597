"""P14: no mail of ours answers a machine, a list or ourselves, whatever is thrown at us."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from uuid import uuid4

import pytest

from collector.dispatch import dispatch
from collector.polling import poll_all
from collector.read import read_new
from consent.errors import NotNowError
from consent.requests import ask, cancel
from ledger.accounts import add_account
from ledger.contributors import add_contributor
from ledger.database import Ledger
from ledger.errors import DefinedbyError
from ledger.model import Account, Campaign, Channel, Reply, ReplyKind, ReplyState
from ledger.outbox import MessageState, add_draft, approve
from ledger.replies import desk_replies
from ledger.sent import messages_in
from tests.people import define
from tests.servers.mail import FAR_DOMAIN, MailServer

pytestmark = pytest.mark.mail
ROUNDS = 4


@pytest.fixture
def ledger(any_ledger: Ledger) -> Ledger:
    """These hold on each database."""
    return any_ledger


@pytest.fixture
def user(request: pytest.FixtureRequest) -> str:
    return "l" + hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:12]


def mailbox(ledger: Ledger, campaign: Campaign, mail_server: MailServer, user: str) -> Account:
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


@pytest.fixture
def account(ledger: Ledger, campaign: Campaign, mail_server: MailServer, user: str) -> Account:
    return mailbox(ledger, campaign, mail_server, user)


def turn(ledger: Ledger) -> None:
    """What the worker does, once."""
    poll_all(ledger)
    read_new(ledger)
    dispatch(ledger)


def replies(ledger: Ledger, campaign: Campaign) -> list[Reply]:
    with ledger.read() as connection:
        return desk_replies(connection, campaign.id, ReplyState.NEW)


def ask_all(ledger: Ledger, found: list[Reply]) -> int:
    """An editor who asks whatever can be asked; returns how many questions that made."""
    made = 0
    for reply in found:
        with suppress(DefinedbyError):
            ask(ledger, define(ledger, reply).id, asked_by="robin@blog.example")
            made += 1
    return made


def responder(headers: dict[str, str], sender: str = "") -> Callable[[MailServer, str, str], None]:
    """Answers every mail in a mailbox as a program would: with these headers, for ever."""

    def answer(mail_server: MailServer, mine: str, theirs: str) -> None:
        for stored in mail_server.mailbox(mine):
            got = message_from_bytes(stored.raw, policy=modern)
            mail = EmailMessage()
            mail["From"] = sender or f"Ada Sample <{mail_server.address(mine)}>"
            mail["To"] = str(got["Reply-To"] or got["From"])
            mail["Message-ID"] = f"<{uuid4().hex}@far.example>"
            mail["In-Reply-To"] = str(got["Message-ID"])
            for name, value in {"Subject": f"Re: {got['Subject']}", **headers}.items():
                mail[name] = value
            mail.set_content("I am away until Monday.\n\n> answer this with “stop”\n")
            mail_server.append(theirs, mail.as_bytes())

    return answer


RESPONDERS = {
    "RFC 3834": responder({"Auto-Submitted": "auto-replied"}),
    "Gmail vacation": responder({"Precedence": "bulk", "X-Autoreply": "yes"}),
    "Exchange by header": responder({"X-Auto-Response-Suppress": "All"}),
    "Exchange by subject": responder({"Subject": "Automatic reply: May I publish"}),
    "Exchange in German": responder({"Subject": "Automatische Antwort: May I publish"}),
    "empty return path": responder({"Return-Path": "<>"}),
    "a list": responder({"List-Id": "<away.sample.example>"}),
    "a mail server": responder({}, "Mail Delivery <MAILER-DAEMON@sample.example>"),
    "one that says nothing": responder({}),
}


@pytest.mark.parametrize("kind", RESPONDERS)
def test_p14_a_loop_with_an_auto_responder_makes_one_message(
    ledger: Ledger,
    campaign: Campaign,
    account: Account,
    mail_server: MailServer,
    user: str,
    kind: str,
) -> None:
    """Even with an editor who takes the question back and asks the machine's answers instead."""
    ada = f"ada-{user}"
    first = f"From: Ada <{mail_server.address(ada)}>\r\n\r\nThought leadership is listening.\r\n"
    mail_server.append(user, first.encode())
    turn(ledger)
    (reply,) = replies(ledger, campaign)
    question = ask(ledger, define(ledger, reply).id, asked_by="robin@blog.example")
    dispatch(ledger)
    mail_server.wait_for_mail(ada, 1)
    is_known = kind != "one that says nothing"
    if is_known:
        cancel(ledger, question.request.id, "robin@blog.example")
    answers: list[Reply] = []
    for _ in range(ROUNDS):
        RESPONDERS[kind](mail_server, ada, user)
        turn(ledger)
        (answer,) = replies(ledger, campaign)  # the others are marked already
        answers.append(answer)
        assert ask_all(ledger, [answer]) == 0
        assert dispatch(ledger).sent == 0
    assert all(answer.automatic for answer in answers) == is_known
    assert all(answer.reading.kind is ReplyKind.OTHER for answer in answers), "nor is it a stop"
    assert len(mail_server.mailbox(ada)) == 1


def test_p14_a_real_bounce_is_kept_with_its_message_and_not_answered(
    ledger: Ledger, campaign: Campaign, account: Account, mail_server: MailServer, user: str
) -> None:
    """OpenSMTPD's own, which is no multipart/report and names no In-Reply-To."""
    nobody = f"no!body-{user}@{FAR_DOMAIN}"
    first = f"From: Ada <{nobody}>\r\n\r\nThought leadership is listening.\r\n"
    mail_server.append(user, first.encode())
    turn(ledger)
    (reply,) = replies(ledger, campaign)
    question = ask(ledger, define(ledger, reply).id, asked_by="robin@blog.example")
    assert dispatch(ledger).sent == 1
    mail_server.wait_for_mail(user, 2)
    turn(ledger)
    bounce = replies(ledger, campaign)[0]
    assert bounce.automatic
    assert "A message of ours came back" in bounce.reading.reason
    with ledger.read() as connection:
        (failed,) = messages_in(connection, MessageState.FAILED)
    assert failed.request_id == question.request.id
    assert failed.error == "It came back: it could not be delivered (5.0.0)."
    with pytest.raises(NotNowError, match="automatic"):
        ask(ledger, define(ledger, bounce).id, asked_by="robin@blog.example")
    turn(ledger)
    assert len(mail_server.mailbox(user)) == 2, "no bounce of a bounce"
    cancel(ledger, question.request.id, "robin@blog.example")


def test_p14_two_mailboxes_of_ours_do_not_write_to_each_other(
    ledger: Ledger, campaign: Campaign, account: Account, mail_server: MailServer, user: str
) -> None:
    other = f"{user}-other"
    mailbox(ledger, campaign, mail_server, other)
    for number, sender in enumerate((other.upper(), f"{other}+tag")):
        text = f"From: <{sender}@sample.example>\r\n\r\nThought leadership is {number} ears.\r\n"
        mail_server.append(user, text.encode())
    turn(ledger)
    assert ask_all(ledger, replies(ledger, campaign)) == 2
    report = dispatch(ledger)
    assert (report.sent, report.failed) == (0, 2)
    with ledger.read() as connection:
        refused = messages_in(connection, MessageState.FAILED)
    assert {message.error for message in refused} == {"It would go to a mailbox of our own."}
    assert mail_server.mailbox(other) == []


def test_p14_what_answers_a_machine_is_stopped_at_the_last_step_too(
    ledger: Ledger, campaign: Campaign, account: Account, mail_server: MailServer, user: str
) -> None:
    """Whichever part of the program, or whichever editor, put it into the outbox."""
    away = "From: ada@sample.example\r\nMessage-ID: <away@x.example>\r\nPrecedence: bulk\r\n"
    mail_server.append(user, f"{away}\r\nI am away.\r\n".encode())
    turn(ledger)
    with ledger.write() as connection:
        for recipient, answered in (
            (mail_server.address(f"ada-{user}"), "<away@x.example>"),
            ("MAILER-DAEMON@sample.example", ""),
        ):
            draft = add_draft(
                connection,
                ledger.keys,
                ledger.clock(),
                account_id=account.id,
                contributor_id=add_contributor(connection, ledger.keys, ledger.clock()),
                recipient=recipient,
                subject="Hello",
                body="Hello",
                domain="blog.example",
                in_reply_to=answered,
            )
            assert approve(connection, draft, "robin@blog.example")
    report = dispatch(ledger)
    assert (report.sent, report.failed) == (0, 2)
    assert mail_server.mailbox(f"ada-{user}") == []
