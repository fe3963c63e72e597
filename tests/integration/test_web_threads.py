"""The desk's conversations: the list, one of them, writing in it, and joining two people."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import select

from collector.read import read_new
from ledger.accounts import add_account, ensure_account
from ledger.contributors import has_stopped_contact
from ledger.database import Ledger
from ledger.known_as import known_as
from ledger.model import Account, Campaign, Channel, IncomingReply
from ledger.outbox import MessageState, claim, mark_unknown
from ledger.replies import store_replies
from ledger.sent import messages_in
from ledger.tables import joins
from ledger.together import people_of
from tests.conftest import SteppingClock
from tests.visiting import Visitor, application, owner


@pytest.fixture
def editor(ledger: Ledger) -> Visitor:
    app: Flask = application(ledger)
    return owner(app, ledger)


@pytest.fixture
def mailbox(ledger: Ledger, campaign: Campaign) -> Account:
    with ledger.write() as connection:
        return add_account(
            connection,
            ledger.keys,
            channel=Channel.EMAIL,
            name="ask@blog.example",
            campaign_id=campaign.id,
            options={"address": "ask@blog.example"},
        )


def arrives(ledger: Ledger, mailbox: Account, clock: SteppingClock, name: str, words: str) -> None:
    clock.pass_time(minutes=1)
    known = f"<{abs(hash((name, words)))}@a.example>"
    source = f"https://a.example/{name}"
    reply = IncomingReply(
        known, f"{name}@a.example", words, name.title(), subject="A word", source_url=source
    )
    with ledger.write() as connection:
        store_replies(connection, mailbox, [reply], clock())
    read_new(ledger)
    clock.pass_time(minutes=1)


def test_before_there_is_anything(editor: Visitor, campaign: Campaign) -> None:
    assert "Nobody waits for us" in editor.go("/desk/threads")
    assert "None here" in editor.go("/desk/threads?turn=stopped")
    editor.go("/desk/threads/7")
    assert editor.status == 404


def test_one_after_the_other(
    editor: Visitor, ledger: Ledger, mailbox: Account, clock: SteppingClock
) -> None:
    for name in ("ada", "bob", "eve"):
        arrives(ledger, mailbox, clock, name, f"Thought leadership is <b>{name}</b>")
    page = editor.go("/desk/threads")
    assert re.findall(r'href="/desk/threads/(\d)\?turn=us" data-key="o"', page) == ["1", "2", "3"]
    assert "&lt;b&gt;ada&lt;/b&gt;" in page
    page = editor.go("/desk/threads/1?turn=us")
    assert 'rel="next"' in page
    assert 'rel="prev"' not in page
    assert 'aria-current="step">replied' in page
    assert "interviewed</li>" in page
    assert 'href="https://a.example/ada"' in page
    editor.press("/desk/threads/1", words="To whom?", way="mail")
    assert editor.at == "/desk/threads/2", "on to the next that waits"
    assert "It is waiting to leave" in editor.page
    with ledger.read() as connection:
        (message,) = messages_in(connection, MessageState.APPROVED)
    assert (message.recipient, message.subject) == ("ada@a.example", "Re: A word")
    editor.press("/desk/threads/2/done", done="yes")
    assert editor.at == "/desk/threads/3"
    editor.press("/desk/threads/3/done", done="yes")
    assert "Nobody waits for us" in editor.page
    page = editor.go("/desk/threads?turn=them")
    assert "Ada" in page
    editor.go("/desk/threads/3")
    assert "It waits for us after all" in editor.page
    editor.press("/desk/threads/3/done", done="no")
    assert "It needs no answer" in editor.page


def test_what_can_not_be_sent_is_kept_below(
    editor: Visitor, ledger: Ledger, mailbox: Account, clock: SteppingClock
) -> None:
    arrives(ledger, mailbox, clock, "ada", "Thought leadership is listening")
    editor.go("/desk/threads/1")
    seen = editor.hidden["seen"]
    arrives(ledger, mailbox, clock, "ada", "and waiting")
    editor.press("/desk/threads/1", words="To <whom>?", way="mail", seen=seen)
    assert editor.status == 400
    assert "Something has been said here" in editor.page
    assert "To &lt;whom&gt;?" in editor.page
    editor.press("/desk/threads/1", words="To <whom>?", way="mail", turn="")
    assert editor.status == 200, editor.page
    editor.press("/desk/threads/1", words="To?", way="mail", seen=seen)
    assert editor.status == 400
    editor.go("/desk/threads/1")
    editor.press("/desk/threads/1", words="To?", way="hand")
    assert editor.status == 400
    with ledger.read() as connection:
        assert len(messages_in(connection, MessageState.APPROVED)) == 1


def test_marks_and_corrections_come_back_to_the_conversation(
    editor: Visitor, ledger: Ledger, mailbox: Account, clock: SteppingClock
) -> None:
    arrives(ledger, mailbox, clock, "ada", "Well. Thought leadership is listening")
    page = editor.go("/desk/threads/1")
    assert "/desk/replies/1?thread=1" in page
    editor.go("/desk/replies/1?thread=1")
    editor.press("/desk/replies/1?thread=1", kind="definition", words="listening")
    assert editor.at == "/desk/threads/1"
    assert "Corrected; this sticks." in editor.page
    assert "<mark>listening</mark>" in editor.page
    editor.press("/desk/threads/1/replies", do="shortlist:1")
    assert "To the definition, and ask" in editor.page
    editor.press("/desk/threads/1/replies", do="publish:1")
    assert editor.status == 400
    assert "/desk/threads/1" in editor.go("/desk?state=shortlisted")


def test_an_unknown_message_says_so_in_the_conversation(
    editor: Visitor, ledger: Ledger, mailbox: Account, clock: SteppingClock
) -> None:
    arrives(ledger, mailbox, clock, "ada", "Thought leadership is listening")
    editor.go("/desk/threads/1")
    editor.press("/desk/threads/1", words="To whom?", way="mail")
    with ledger.write() as connection:
        taken = claim(connection, ledger.keys, clock())
        assert taken is not None
        mark_unknown(connection, taken.id, "The line broke.")
    page = editor.go("/desk/threads/1")
    assert "nobody knows whether it left" in page
    assert "Settle it in the outbox" in page
    assert "To whom?" in page


def test_two_people_are_joined_and_parted(
    editor: Visitor, ledger: Ledger, mailbox: Account, clock: SteppingClock
) -> None:
    arrives(ledger, mailbox, clock, "ada", "Thought leadership is listening")
    arrives(ledger, mailbox, clock, "countess", "Greetings from the countess")
    editor.go("/desk/threads/1")
    editor.press("/desk/threads/1/join", address="nobody@a.example", because="x")
    assert "Nobody else has the address" in editor.page
    editor.press("/desk/threads/1/join", address="countess@a.example", because="")
    assert "Say how you know." in editor.page
    editor.press("/desk/threads/1/join", address="Countess@a.example", because="she says so")
    assert "They are one person from here on" in editor.page
    assert "the countess" in editor.page
    assert "she says so" in editor.page
    assert editor.go("/desk/threads").count("data-reply") == 1
    arrives(ledger, mailbox, clock, "countess", "stop")
    assert "They asked not to be written to" in editor.go("/desk/threads/1")
    assert 'id="write"' not in editor.page
    editor.press("/desk/threads/1/part", join="1")
    assert "two people again" in editor.page
    assert "They asked not to be written to" in editor.page
    editor.press("/desk/threads/1/part", join="1")
    assert "parted already" in editor.page


def mentions(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock, address: str, words: str
) -> None:
    """Somebody writes at a Mastodon server."""
    with ledger.write() as connection:
        account = ensure_account(connection, ledger.keys, Channel.MASTODON, "us", campaign.id)
        reply = IncomingReply(f"{address} {words}", address, words, contact=address)
        store_replies(connection, account, [reply], clock())
    read_new(ledger)
    clock.pass_time(minutes=1)


def kept_joins(ledger: Ledger) -> list[tuple[int | None, str, str, bool]]:
    with ledger.read() as connection:
        rows = connection.execute(select(joins).order_by(joins.c.id))
        return [(row.reply_id, row.because, row.joined_by, row.parted_at is None) for row in rows]


def test_who_says_that_they_are_somebody_else_too_is_offered_and_joined_by_a_press(
    editor: Visitor,
    ledger: Ledger,
    campaign: Campaign,
    mailbox: Account,
    clock: SteppingClock,
) -> None:
    mentions(ledger, campaign, clock, "@ada@social.example", "Thought leadership is listening")
    claim = "Hello again. I am also @Ada on Mastodon. <b>Bye</b>"
    arrives(ledger, mailbox, clock, "countess", claim)
    page = editor.go("/desk/threads/2")
    assert "One person with <bdi>@ada@social.example</bdi>?" in page
    assert "I am also @Ada on Mastodon." in page
    assert kept_joins(ledger) == []
    with ledger.read() as connection:
        (ada,) = known_as(connection, "@ada@social.example")
        (countess,) = known_as(connection, "countess@a.example")
    # What the form says is not believed: only what the message names.
    for wrong in (
        {"reply": "1", "other": ada.contributor_id},
        {"reply": "2", "other": countess.contributor_id},
        {"reply": "2", "other": ""},
    ):
        editor.press("/desk/threads/2/said", decision="join", **wrong)
        assert "decided already" in editor.page
    assert kept_joins(ledger) == []
    editor.press("/desk/threads/2/said", decision="join", reply="2", other=ada.contributor_id)
    assert "They are one person from here on" in editor.page
    assert 'id="said-' not in editor.page
    assert kept_joins(ledger) == [(2, "I am also @Ada on Mastodon.", "Olu Owner", True)]
    assert 'href="#reply-2">they say so</a>' in editor.page
    assert "listening" in editor.page
    # Taken back, it is not offered again.
    editor.press("/desk/threads/1/part", join="1")
    assert "two people again" in editor.page
    assert 'id="said-' not in editor.go("/desk/threads/2")


def test_a_claim_that_is_not_believed_is_not_offered_again(
    editor: Visitor,
    ledger: Ledger,
    campaign: Campaign,
    mailbox: Account,
    clock: SteppingClock,
) -> None:
    mentions(ledger, campaign, clock, "@ada@social.example", "Thought leadership is listening")
    arrives(ledger, mailbox, clock, "mallory", "I am also @ada@social.example.")
    editor.go("/desk/threads/2")
    with ledger.read() as connection:
        (ada,) = known_as(connection, "@ada@social.example")
    editor.press("/desk/threads/2/said", decision="decline", reply="2", other=ada.contributor_id)
    assert "They stay two people" in editor.page
    assert 'id="said-' not in editor.go("/desk/threads/2")
    with ledger.read() as connection:
        assert people_of(connection, ada.contributor_id) == (ada.contributor_id,)
    # A stop of who only claims it closes nothing of the other's.
    arrives(ledger, mailbox, clock, "mallory", "stop")
    with ledger.read() as connection:
        assert not has_stopped_contact(connection, ada.contributor_id)


def test_what_may_mean_several_people_or_nobody_is_not_offered(
    editor: Visitor,
    ledger: Ledger,
    campaign: Campaign,
    mailbox: Account,
    clock: SteppingClock,
) -> None:
    for server in ("social", "other"):
        mentions(ledger, campaign, clock, f"@ada@{server}.example", "Courage is listening")
    arrives(ledger, mailbox, clock, "countess", "I am also @ada on Mastodon.")
    arrives(ledger, mailbox, clock, "eve", "I am also @nobody@social.example.")
    arrives(ledger, mailbox, clock, "bob", "My friend is @ada@social.example.")
    for thread in (3, 4, 5):
        assert 'id="said-' not in editor.go(f"/desk/threads/{thread}")


def test_who_answers_from_another_address_and_says_so_is_offered(
    editor: Visitor, ledger: Ledger, mailbox: Account, clock: SteppingClock
) -> None:
    arrives(ledger, mailbox, clock, "ada", "Thought leadership is listening")
    editor.go("/desk/threads/1")
    editor.press("/desk/threads/1", words="To whom?", way="mail", seen="1.0")
    with ledger.write() as connection:
        taken = claim(connection, ledger.keys, clock())
        assert taken is not None
    for name, words in (("boss", "To everybody."), ("home", "To all. This is my other address.")):
        reply = IncomingReply(name, f"{name}@a.example", words, in_reply_to=(taken.message_id,))
        with ledger.write() as connection:
            store_replies(connection, mailbox, [reply], clock())
        read_new(ledger)
    page = editor.go("/desk/threads/1")
    assert page.count('class="card joinable"') == 1
    assert "One person with <bdi>home@a.example</bdi>?" in page
    with ledger.read() as connection:
        (home,) = known_as(connection, "home@a.example")
    editor.press("/desk/threads/1/said", decision="join", reply="3", other=home.contributor_id)
    assert kept_joins(ledger) == [(3, "This is my other address.", "Olu Owner", True)]
