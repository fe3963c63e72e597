"""List-Unsubscribe with one click (RFC 8058): the header, the page, and what it can't do."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default as modern
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlalchemy import func, select

from collector.dispatch import dispatch
from collector.polling import poll_all
from collector.read import read_new
from consent.errors import NotNowError
from consent.requests import ask
from ledger.accounts import add_account, ensure_account
from ledger.campaigns import add_campaign
from ledger.consent_state import EventKind
from ledger.contributors import find_handle, has_stopped_contact
from ledger.database import Ledger
from ledger.model import Campaign, Channel, IncomingReply, Reply, ReplyState
from ledger.replies import desk_replies, store_replies
from ledger.requests import live_request
from ledger.settings import load_settings
from ledger.stop_links import PATH, new_stop_link
from ledger.tables import events, stop_links
from tests.conftest import SteppingClock
from tests.molds import open_new
from tests.people import asked, define
from tests.servers.mail import MailServer
from tests.visiting import Visitor, application, contributor

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
BLOG = "https://blog.sample.example"


@pytest.fixture
def app(ledger: Ledger) -> Flask:
    return application(ledger)


@pytest.fixture
def person(ledger: Ledger, campaign: Campaign) -> str:
    return asked(ledger, campaign, "hearing people out").request.contributor_id


@pytest.fixture
def token(ledger: Ledger, person: str) -> str:
    with ledger.write() as connection:
        return new_stop_link(connection, ledger.keys, person, ledger.clock())


def stopped(ledger: Ledger, contributor_id: str) -> bool:
    with ledger.read() as connection:
        return has_stopped_contact(connection, contributor_id)


def stops(ledger: Ledger) -> int:
    with ledger.read() as connection:
        return connection.execute(
            select(func.count()).select_from(events).where(events.c.kind == EventKind.STOPPED)
        ).scalar_one()


# ------------------------------------------------------------------ the page
def test_one_click_from_anywhere_stops_all_contact(
    app: Flask, ledger: Ledger, person: str, token: str
) -> None:
    """As a mail provider's server sends it: no cookie, no token of ours, another origin."""
    foreign = {"Origin": "https://mail.far.example", "Sec-Fetch-Site": "cross-site"}
    for content in ("application/x-www-form-urlencoded", "multipart/form-data"):
        answered = app.test_client().post(
            f"{PATH}{token}", data=ONE_CLICK, headers=foreign, content_type=content
        )
        assert answered.status_code == 200, "a redirect would not be followed (RFC 8058 3.1)"
        assert "We don’t write to you any more" in answered.get_data(as_text=True)
        assert "Set-Cookie" not in answered.headers
        assert stopped(ledger, person)
    assert stops(ledger) == 1, "the second one changes nothing, and says the same"
    with ledger.read() as connection:
        assert live_request(connection, person) is None


def test_a_person_needs_one_button_and_no_cookie(
    app: Flask, ledger: Ledger, person: str, token: str
) -> None:
    visitor = Visitor(app)
    page = visitor.go(f"{PATH}{token}")
    assert page.count("<button") == 1
    assert page.count("<form") == 1
    assert visitor.answer is not None
    assert "Set-Cookie" not in visitor.answer.headers
    assert visitor.answer.headers["Referrer-Policy"] == "no-referrer"
    assert visitor.answer.headers["Cache-Control"] == "no-store"
    assert not stopped(ledger, person)
    visitor.press(f"{PATH}{token}")
    assert visitor.status == 200
    assert stopped(ledger, person)


def test_a_wrong_token_is_unknown_and_changes_nothing(
    app: Flask, ledger: Ledger, person: str, token: str
) -> None:
    client = app.test_client()
    for wrong in ("x" * 43, token[:-1], f"{token}x", token.swapcase(), "%00", "x" * 4000):
        for answered in (
            client.get(f"{PATH}{wrong}"),
            client.post(f"{PATH}{wrong}", data=ONE_CLICK),
            client.post(f"{PATH}{wrong}"),
        ):
            assert answered.status_code == 404
    assert not stopped(ledger, person)


@pytest.mark.parametrize(
    "data", [{}, {"List-Unsubscribe": "Yes"}, {"list-unsubscribe": "One-Click"}, "x" * 100]
)
def test_a_post_without_the_one_field_changes_nothing(
    app: Flask, ledger: Ledger, person: str, token: str, data: object
) -> None:
    assert app.test_client().post(f"{PATH}{token}", data=data).status_code == 400
    answered = app.test_client().post(f"{PATH}{token}?List-Unsubscribe=One-Click")
    assert answered.status_code == 400
    assert not stopped(ledger, person)


def test_p25_p26_a_stop_link_opens_nothing_else(
    app: Flask, ledger: Ledger, person: str, token: str
) -> None:
    visitor = Visitor(app)
    visitor.go(f"{PATH}{token}")
    visitor.press(f"{PATH}{token}")
    for path in ("/me", f"/p/{token}", f"/welcome/{token}"):
        visitor.go(path)
        assert visitor.status == 404
    with ledger.read() as connection:
        assert connection.execute(select(func.count()).select_from(stop_links)).scalar() == 1
    # And a personal link stops nothing here.
    personal = contributor(app, ledger, person)
    assert personal.client.post(f"{PATH}{person}", data=ONE_CLICK).status_code == 404


def test_p26_only_a_keyed_hash_is_kept_and_it_does_not_expire(
    app: Flask, ledger: Ledger, clock: SteppingClock, person: str, token: str
) -> None:
    assert len(token) * 6 >= 256
    files = [path for path in ledger.settings.home.rglob("*") if path.is_file()]
    content = b"".join(path.read_bytes() for path in files)
    assert token.encode() not in content
    assert ledger.keys.token_hash(token).encode() in content
    clock.pass_time(days=3650)
    app.test_client().post(f"{PATH}{token}", data=ONE_CLICK)
    assert stopped(ledger, person)


def test_it_is_rate_limited(app: Flask, token: str) -> None:
    client = app.test_client()
    codes = [client.post(f"{PATH}{token}", data=ONE_CLICK).status_code for _ in range(61)]
    assert codes == [200] * 60 + [429]


# ------------------------------------------------------------------ the header, at a real server
pytestmark = pytest.mark.mail


@pytest.fixture
def user(request: pytest.FixtureRequest) -> str:
    return "u" + hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:12]


@pytest.fixture
def public(tmp_path: Path, clock: SteppingClock) -> Iterator[Ledger]:
    """An instance whose address begins with https://."""
    settings = load_settings(
        {},
        home=tmp_path / "public",
        content=tmp_path / "public-content",
        site=tmp_path / "public-site",
        base_url=BLOG,
    )
    opened = open_new(settings, clock)
    yield opened
    opened.close()


def mailbox(ledger: Ledger, mail_server: MailServer, user: str, **options: object) -> Campaign:
    with ledger.write() as connection:
        campaign = add_campaign(connection, ledger.clock(), prompt="Thought leadership is ___?")
        add_account(
            connection,
            ledger.keys,
            channel=Channel.EMAIL,
            name=user,
            campaign_id=campaign.id,
            options={**mail_server.options(user), **options},
            secret=mail_server.password,
        )
    return campaign


def written(ledger: Ledger, mail_server: MailServer, user: str, sender: str, **more: str) -> Reply:
    """A mail that arrives from `sender` and is read."""
    head = "".join(f"{name}: {value}\r\n" for name, value in more.items())
    text = f"From: {sender}\r\n{head}\r\nThought leadership is listening.\r\n"
    mail_server.append(user, text.encode())
    poll_all(ledger)
    read_new(ledger)
    with ledger.read() as connection:
        from ledger.campaigns import need_campaign

        campaign = need_campaign(connection, "")
        return desk_replies(connection, campaign.id, ReplyState.NEW, limit=1)[0]


def sent_to(ledger: Ledger, mail_server: MailServer, user: str) -> tuple[str, dict[str, str]]:
    """Ask somebody who wrote by mail: their contributor id, and the headers of what arrived."""
    reply = written(ledger, mail_server, user, f"ada-{user}@sample.example")
    question = ask(ledger, define(ledger, reply).id, asked_by="robin@blog.example")
    assert dispatch(ledger).sent == 1
    (mail,) = mail_server.wait_for_mail(f"ada-{user}", 1)
    arrived = message_from_bytes(mail.raw, policy=modern)
    return question.request.contributor_id, {name: str(arrived[name]) for name in arrived}


def test_every_mail_carries_both_ways_and_the_link_works(
    public: Ledger, mail_server: MailServer, user: str
) -> None:
    mailbox(public, mail_server, user)
    person, headers = sent_to(public, mail_server, user)
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link, mailto = re.findall(r"<([^>]+)>", headers["List-Unsubscribe"])
    assert link.startswith(f"{BLOG}{PATH}")
    assert re.fullmatch(
        rf"mailto:{mail_server.address(user)}\?subject=stop%20[0-9a-f]{{32}}", mailto
    )
    # The form on another channel, with the same address: the person is meant.
    with public.write() as connection:
        form = ensure_account(connection, public.keys, Channel.FORM, "f", _campaign_id(public))
        incoming = IncomingReply("1", "visitor:1", "hearing", contact=f"ada-{user}@sample.example")
        store_replies(connection, form, [incoming], public.clock())
        (late,) = [
            reply
            for reply in desk_replies(connection, _campaign_id(public), ReplyState.NEW)
            if reply.channel is Channel.FORM
        ]
    answered = application(public).test_client().post(urlsplit(link).path, data=ONE_CLICK)
    assert answered.status_code == 200
    assert stopped(public, person)
    with pytest.raises(NotNowError, match="not to be written to"):
        ask(public, define(public, late).id, asked_by="robin@blog.example")


def _campaign_id(ledger: Ledger) -> str:
    from ledger.campaigns import need_campaign

    with ledger.read() as connection:
        return need_campaign(connection, "").id


def test_without_https_there_is_the_mailto_alone(
    ledger: Ledger, mail_server: MailServer, user: str
) -> None:
    mailbox(ledger, mail_server, user)
    _, headers = sent_to(ledger, mail_server, user)
    assert "List-Unsubscribe-Post" not in headers
    assert headers["List-Unsubscribe"].startswith("<mailto:")
    assert "http" not in headers["List-Unsubscribe"]
    with ledger.read() as connection:
        assert connection.execute(select(func.count()).select_from(stop_links)).scalar() == 0


def test_the_mailto_stops_whoever_got_the_mail_also_from_another_address(
    ledger: Ledger, mail_server: MailServer, user: str
) -> None:
    """Some providers send it from an alias, and none of them sends In-Reply-To."""
    mailbox(ledger, mail_server, user)
    person, headers = sent_to(ledger, mail_server, user)
    subject = re.findall(r"subject=([^>]+)>", headers["List-Unsubscribe"])[0].replace("%20", " ")
    mail_server.append(
        user, f"From: alias-{user}@far.example\r\nSubject: {subject}\r\n\r\n\r\n".encode()
    )
    poll_all(ledger)
    read_new(ledger)
    assert stopped(ledger, person)


def test_an_answer_from_another_address_finds_its_thread_by_the_plus_address(
    ledger: Ledger, mail_server: MailServer, user: str
) -> None:
    """A mail program that keeps no References, and a person with two addresses."""
    mailbox(ledger, mail_server, user, plus_addresses=True)
    person, headers = sent_to(ledger, mail_server, user)
    reply_to = headers["Reply-To"]
    assert re.fullmatch(rf"{user}\+[0-9a-f]{{32}}@sample\.example", reply_to)
    other = f"private-{user}@far.example"
    found = written(ledger, mail_server, user, other, To=f"Desk <{reply_to}>", Subject="Re: May I")
    assert "answers a message of ours" in found.reading.reason
    mail_server.append(user, f"From: {other}\r\nTo: {reply_to}\r\n\r\nstop\r\n".encode())
    poll_all(ledger)
    read_new(ledger)
    assert stopped(ledger, person)
    with ledger.read() as connection:
        handle = find_handle(connection, Channel.EMAIL, other)
        assert handle is not None
        assert has_stopped_contact(connection, handle.contributor_id)


def test_no_reply_to_where_nobody_said_that_the_mailbox_takes_it(
    ledger: Ledger, mail_server: MailServer, user: str
) -> None:
    mailbox(ledger, mail_server, user)
    assert "Reply-To" not in sent_to(ledger, mail_server, user)[1]
