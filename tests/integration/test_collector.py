"""Poll, read and dispatch between a real ledger and a real mail server."""

from __future__ import annotations

import contextlib
import hashlib
import re
import socket
from email.message import EmailMessage

import pytest

from collector.accounts import keep_account, try_account
from collector.connector import Context
from collector.dispatch import dispatch
from collector.polling import poll_all, poll_due
from collector.read import read_new
from consent.decisions import refuse
from consent.errors import NotNowError
from consent.requests import Asked, ask
from consent.ways import WayName
from ledger.accounts import all_accounts, ensure_account, replace_account
from ledger.campaigns import need_campaign
from ledger.contributors import find_handle, has_stopped_contact
from ledger.database import Ledger
from ledger.definitions import take_definition
from ledger.errors import DefinedbyError
from ledger.model import (
    Account,
    Campaign,
    Channel,
    Definition,
    IncomingReply,
    ReplyKind,
    ReplyState,
)
from ledger.paused import pause, resume
from ledger.replies import desk_replies, store_replies
from ledger.sent import message_of_request
from tests.conftest import SteppingClock
from tests.people import answer, define
from tests.servers.mail import MailServer

pytestmark = pytest.mark.mail


@pytest.fixture
def user(request: pytest.FixtureRequest) -> str:
    return "c" + hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:12]


@pytest.fixture
def account(ledger: Ledger, campaign: Campaign, mail_server: MailServer, user: str) -> Account:
    kept, said = keep_account(
        ledger, campaign, Channel.EMAIL, user, mail_server.options(user), mail_server.password
    )
    assert "INBOX" in said
    return kept


def write(mail_server: MailServer, user: str, words: str, **headers: str) -> None:
    mail = EmailMessage()
    mail["From"] = f"Ada Sample <{headers.pop('sender', f'ada-{user}@sample.example')}>"
    mail["To"] = mail_server.address(user)
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(words)
    mail_server.append(user, mail.as_bytes())


def newest(ledger: Ledger, campaign: Campaign) -> list[tuple[ReplyKind, str]]:
    with ledger.read() as connection:
        found = desk_replies(connection, campaign.id, ReplyState.NEW)
    return [(reply.reading.kind, reply.text) for reply in found]


def ask_the_writer(ledger: Ledger, campaign: Campaign) -> Asked:
    with ledger.write() as connection:
        reply = desk_replies(connection, campaign.id, ReplyState.NEW)[0]
        definition = take_definition(connection, ledger.keys, ledger.clock(), reply, "en")
    return ask(ledger, definition.id, asked_by="robin@blog.example")


@pytest.fixture
def asked(
    ledger: Ledger, campaign: Campaign, account: Account, mail_server: MailServer, user: str
) -> Asked:
    """A definition that came by mail, its author asked, the message waiting."""
    write(mail_server, user, "Thought leadership is listening.", Message_ID=f"<{user}@x.example>")
    poll_all(ledger)
    read_new(ledger)
    return ask_the_writer(ledger, campaign)


def test_what_is_polled_is_read(
    ledger: Ledger, campaign: Campaign, account: Account, mail_server: MailServer, user: str
) -> None:
    write(mail_server, user, "Thought leadership is listening.")
    write(mail_server, user, "I am away until Monday.", Auto_Submitted="auto-replied")
    (report,) = poll_due(ledger)
    assert (report.stored, report.error) == (2, "")
    assert read_new(ledger) == 2
    assert read_new(ledger) == 0
    assert [kind for kind, _ in newest(ledger, campaign)] == [
        ReplyKind.OTHER,
        ReplyKind.DEFINITION,
    ]
    assert poll_due(ledger) == [], "it is not due again at once"


def test_a_stop_by_mail_closes_every_way(
    ledger: Ledger, campaign: Campaign, asked: Asked, mail_server: MailServer, user: str
) -> None:
    write(mail_server, user, "", Subject="stop")
    poll_all(ledger)
    read_new(ledger)
    with ledger.read() as connection:
        handle = find_handle(connection, Channel.EMAIL, f"ada-{user}@sample.example")
        assert handle is not None
        assert has_stopped_contact(connection, handle.contributor_id)
    assert dispatch(ledger).sent == 0
    assert mail_server.mailbox(f"ada-{user}") == []


def test_a_stop_by_mail_also_stops_who_came_by_the_form(
    ledger: Ledger, campaign: Campaign, account: Account, mail_server: MailServer, user: str
) -> None:
    address = f"bo-{user}@sample.example"
    definition = answered_by_form(ledger, campaign, "listening", address, "1")
    again = answered_by_form(ledger, campaign, "hearing", address, "2")
    question = ask(ledger, definition.id, asked_by="robin@blog.example")
    assert dispatch(ledger).sent == 1
    (mail,) = mail_server.wait_for_mail(f"bo-{user}", 1)
    (message_id,) = re.findall(rb"Message-I[dD]: (<.*?>)", mail.raw)
    write(mail_server, user, "stop", sender=address, In_Reply_To=message_id.decode(), Subject="Re:")
    poll_all(ledger)
    read_new(ledger)
    with pytest.raises(NotNowError, match="not open any more"):
        refuse(ledger, question.request.id, {})
    for known in (definition, again):
        with pytest.raises(NotNowError, match="not to be written to"):
            ask(ledger, known.id, asked_by="robin@blog.example")
    late = answered_by_form(ledger, campaign, "waiting", address, "3")
    with pytest.raises(NotNowError, match="not to be written to"):
        ask(ledger, late.id, asked_by="robin@blog.example")


def answered_by_form(
    ledger: Ledger, campaign: Campaign, words: str, contact: str, number: str
) -> Definition:
    with ledger.write() as connection:
        form = ensure_account(connection, ledger.keys, Channel.FORM, campaign.slug, campaign.id)
        incoming = IncomingReply(number, f"visitor:{number}", words, "Bo", contact=contact)
        store_replies(connection, form, [incoming], ledger.clock())
        (reply,) = [
            known
            for known in desk_replies(connection, campaign.id, ReplyState.NEW)
            if known.text == words
        ]
    return define(ledger, reply)


def test_an_answer_to_our_question_is_no_grant(
    ledger: Ledger, campaign: Campaign, asked: Asked, mail_server: MailServer, user: str
) -> None:
    assert dispatch(ledger).sent == 1
    with ledger.read() as connection:
        message = message_of_request(connection, asked.request.id)
    assert message is not None
    write(mail_server, user, "Yes, please do!", In_Reply_To=message.message_id)
    poll_all(ledger)
    read_new(ledger)
    ((kind, _),) = newest(ledger, campaign)
    assert kind is ReplyKind.OTHER


def test_a_message_leaves_once_with_a_way_to_stop(
    ledger: Ledger, asked: Asked, mail_server: MailServer, user: str
) -> None:
    assert asked.way is not None
    assert asked.way.name is WayName.MAIL
    assert dispatch(ledger).sent == 1
    assert dispatch(ledger).sent == 0
    (mail,) = mail_server.wait_for_mail(f"ada-{user}", 1)
    assert asked.link.encode() in mail.raw
    assert b"List-Unsubscribe: <mailto:" in mail.raw
    assert f"In-Reply-To: <{user}@x.example>".encode() in mail.raw


def test_p15_a_paused_instance_sends_nothing(ledger: Ledger, asked: Asked) -> None:
    with ledger.write() as connection:
        pause(connection, "It was restored.")
    assert dispatch(ledger).sent == 0
    with ledger.write() as connection:
        resume(connection)
    assert dispatch(ledger).sent == 1


def test_a_server_that_is_away_is_tried_again_later(
    ledger: Ledger,
    asked: Asked,
    account: Account,
    mail_server: MailServer,
    clock: SteppingClock,
) -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as probe:
        nobody = probe.getsockname()[1]
    move(ledger, account, smtp_port=nobody, imap_port=nobody)
    assert dispatch(ledger).postponed == 1
    assert dispatch(ledger).postponed == 0
    clock.pass_time(hours=1)
    (report,) = poll_due(ledger)
    assert report.error
    assert not report.permanent
    with ledger.read() as connection:
        (known,) = [a for a in all_accounts(connection, ledger.keys) if a.channel is Channel.EMAIL]
    assert known.failures == 1
    assert known.last_error == report.error
    move(ledger, account, smtp_port=mail_server.submission_port)
    assert dispatch(ledger).sent == 1


def test_an_automatic_reply_is_not_asked(
    ledger: Ledger, campaign: Campaign, account: Account, mail_server: MailServer, user: str
) -> None:
    write(mail_server, user, "I am away until Monday.", Auto_Submitted="auto-replied")
    poll_all(ledger)
    read_new(ledger)
    with pytest.raises(NotNowError, match="automatic"):
        ask_the_writer(ledger, campaign)


def test_who_came_by_another_channel_is_asked_by_hand(
    ledger: Ledger, campaign: Campaign, account: Account
) -> None:
    reply = answer(ledger, campaign, "listening", address="@ada_example")
    assert ask(ledger, define(ledger, reply).id, asked_by="robin@blog.example").way is None


def test_an_account_that_does_not_answer_is_not_kept(
    ledger: Ledger, campaign: Campaign, mail_server: MailServer
) -> None:
    with pytest.raises(DefinedbyError, match="password"):
        keep_account(
            ledger, campaign, Channel.EMAIL, "x", mail_server.options("x"), "not the password"
        )
    with ledger.read() as connection:
        assert all_accounts(connection, ledger.keys) == []


def test_a_kept_account_can_be_tried_again(account: Account) -> None:
    assert "INBOX" in try_account(account, Context())


def move(ledger: Ledger, account: Account, **options: int) -> None:
    with ledger.write() as connection:
        campaign = need_campaign(connection, "")
        assert campaign.id == account.campaign_id
        replace_account(
            connection, ledger.keys, account.id, {**account.options, **options}, account.secret
        )
