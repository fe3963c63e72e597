"""The desk's conversations: the list, one of them, writing in it, and joining two people."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from collector.read import read_new
from ledger.accounts import add_account
from ledger.database import Ledger
from ledger.model import Account, Campaign, Channel, IncomingReply
from ledger.outbox import MessageState, claim, mark_unknown, messages_in
from ledger.replies import store_replies
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
    assert "interview" not in page.lower()
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
