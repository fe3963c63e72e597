"""An interview in front of people: made on the desk, looked at and allowed on the personal page."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from collector.read import read_new
from consent.piecing import make_piece
from ledger.accounts import add_account
from ledger.database import Ledger
from ledger.definitions import need_definition
from ledger.model import Account, Campaign, Channel, IncomingReply, PostKind
from ledger.pieces import Wanted, Wish
from ledger.replies import find_reply, store_replies
from ledger.tables import definitions, replies, requests
from publisher.publish import publish_pending
from tests.conftest import SteppingClock
from tests.visiting import Visitor, application, choices, contributor, message_shown, owner

_ROW = re.compile(r'name="row" value="([^"]+)"')
_WORDS = re.compile(r'<textarea class="words" id="words-([^"]+)"[^>]*>([^<]*)</textarea>')


@pytest.fixture
def app(ledger: Ledger) -> Flask:
    return application(ledger)


@pytest.fixture
def editor(app: Flask, ledger: Ledger) -> Visitor:
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


def arrives(ledger: Ledger, mailbox: Account, clock: SteppingClock, name: str, words: str) -> int:
    clock.pass_time(minutes=1)
    reply = IncomingReply(
        f"<{abs(hash((name, words)))}@a.example>",
        f"{name}@a.example",
        words,
        name.title(),
        subject="A word",
        contact=f"{name}@a.example",
    )
    with ledger.write() as connection:
        store_replies(connection, mailbox, [reply], clock())
    read_new(ledger)
    with ledger.read() as connection:
        found = connection.execute(select(replies.c.id).order_by(replies.c.id.desc())).scalar()
    assert found is not None
    return found


def fields(visitor: Visitor, **more: Any) -> dict[str, Any]:
    """The form as a browser would send it back, with what is typed and ticked besides."""
    words = {f"words-{key}": unescape(said) for key, said in _WORDS.findall(visitor.page)}
    return {"row": _ROW.findall(visitor.page), **words, "do": "keep", **more}


def make(
    editor: Visitor, ledger: Ledger, mailbox: Account, clock: SteppingClock, kind: str
) -> tuple[str, str]:
    """The address of the piece's page at the desk, and its author's id."""
    first = arrives(ledger, mailbox, clock, "ada", "Thought leadership is listening & <waiting>.")
    second = arrives(ledger, mailbox, clock, "ada", "I began at ten. I was slow. I liked it.")
    editor.go("/desk/threads/1")
    assert f"/desk/pieces/new/1/{kind}" in editor.page
    editor.go(f"/desk/pieces/new/1/{kind}")
    typed = fields(
        editor,
        title="Listening at ten",
        introduction="We <b>wrote</b> to each other.",
        pick=[f"r{first}", f"r{second}"],
        **{
            f"order-r{second}": "2",
            f"words-r{second}": "I began at ten. […] I liked it.",
            "words-qn0": "When did you begin?",
            "order-qn0": "1",
            "words-qn1": "What is it?",
            "order-qn1": "3",
            f"order-r{first}": "4",
        },
    )
    editor.press(f"/desk/pieces/new/1/{kind}", **typed)
    assert editor.status == 200, editor.page
    with ledger.read() as connection:
        row = connection.execute(select(definitions).where(definitions.c.part == 1)).one()
    assert editor.at == f"/desk/definitions/{row.id}"
    return editor.at, row.contributor_id


def test_an_interview_from_the_thread_to_the_blog_and_back(
    app: Flask,
    editor: Visitor,
    ledger: Ledger,
    mailbox: Account,
    clock: SteppingClock,
) -> None:
    at, whose = make(editor, ledger, mailbox, clock, "interview")
    page = editor.page
    shown = page[page.index('class="preview"') : page.index("Change it")]
    assert "We &lt;b&gt;wrote&lt;/b&gt; to each other." in shown
    order = [shown.index(words) for words in ("When did you", "I began at ten. […]", "What is it?")]
    assert order == sorted(order)
    assert "Change the words" not in page, "an editor does not reword what they said"
    editor.press(f"{at}/words", words="Something else.")
    assert editor.status == 400
    editor.press(f"{at}/ask", **choices(way="mail"))
    assert "Listening at ten" in message_shown(editor)
    assert "I began at ten" not in message_shown(editor)
    body, subject = message_shown(editor), "May I?"
    editor.press(f"{at}/ask", **choices(way="mail", subject=subject, body=body, do="send"))
    assert editor.at == at, editor.page
    with ledger.read() as connection:
        (request,) = connection.execute(select(requests)).all()
    assert request.uses == ["interview"]
    editor.go("/desk/pieces")
    assert "Asked" in editor.page

    ada = contributor(app, ledger, whose)
    assert "Listening at ten" in ada.page
    own = f"/me/{at.rpartition('/')[2]}"
    ada.go(own)
    assert "has made an interview out of what you wrote" in ada.page
    assert "listening &amp; &lt;waiting&gt;." in ada.page
    assert ada.page.count('type="checkbox"') == 1, "the interview itself, and nothing beside it"
    shown_text = ada.hidden["shown_text"]
    ada.press(own, decision="grant", shown_text=shown_text + ".", **choices())
    assert "This is how it would look now" in ada.page
    ada.press(own, decision="preview", **choices(form="pseudonym", name="A. S."))
    assert "An interview with <cite" in ada.page
    assert "A. S." in ada.page[ada.page.index('id="preview"') : ada.page.index("<form")]
    ada.press(own, decision="grant", **choices(form="pseudonym", name="A. S."))
    assert "You said yes" in ada.page
    publish_pending(ledger)
    ada.go(own)
    found = re.search(r'href="(/[^"]+/listening-at-ten-[0-9a-f]{8}/)"', ada.page)
    assert found is not None
    blog = Visitor(app)
    assert "I began at ten. […] I liked it." in blog.go(found[1])
    editor.go("/desk/threads/1")
    assert 'aria-current="step">interviewed' in editor.page
    ada.go(own)
    ada.press(own, decision="withdraw")
    blog.go(found[1])
    assert blog.status == 410
    assert "Listening" not in blog.page
    editor.go("/desk/threads/1")
    assert 'aria-current="step">interviewed' not in editor.page


def test_what_is_wrong_is_said_and_nothing_typed_is_lost(
    editor: Visitor, ledger: Ledger, mailbox: Account, clock: SteppingClock
) -> None:
    reply = arrives(ledger, mailbox, clock, "ada", "Thought leadership is listening.")
    editor.go("/desk/pieces/new/1/interview")
    for more, reason in (
        ({"title": "T"}, "Nothing of theirs is in it"),
        (
            {"title": "T", "pick": f"r{reply}", f"words-r{reply}": "Shouting."},
            "not what they wrote",
        ),
        ({"title": " ", "pick": f"r{reply}"}, "A title has 1 to 120"),
    ):
        typed = fields(editor, introduction="<kept>", **more)
        typed["words-qn0"] = "Why <so>?"
        editor.press("/desk/pieces/new/1/interview", **typed)
        assert editor.status == 400
        assert reason in editor.page
        assert "&lt;kept&gt;" in editor.page
        assert "Why &lt;so&gt;?" in editor.page
        editor.go("/desk/pieces/new/1/interview")
    typed = {"row": ["r" + "9" * 30, "o" + "9" * 30, "r", "x1"], "also": "9" * 30, "title": "T"}
    editor.press("/desk/pieces/new/1/interview", **typed, pick=typed["row"], do="keep")
    assert editor.status == 400
    for path in (
        "/desk/pieces/new/1/post",
        "/desk/pieces/new/7/interview",
        "/desk/pieces/x/change",
    ):
        editor.go(path)
        assert editor.status == 404


def test_it_can_be_changed_until_it_is_asked_about_and_then_needs_another_yes(
    app: Flask, editor: Visitor, ledger: Ledger, mailbox: Account, clock: SteppingClock
) -> None:
    at, whose = make(editor, ledger, mailbox, clock, "interview")
    piece = at.rpartition("/")[2]
    change = f"/desk/pieces/{piece}/change"
    editor.go(change)
    picked = re.findall(r'name="pick" value="([^"]+)" checked', editor.page)
    assert len(picked) == 4
    numbers = dict(re.findall(r'name="order-([^"]+)" value="(\d+)"', editor.page))
    typed = fields(
        editor,
        title="Ten",
        introduction="",
        pick=picked,
        **{f"order-{key}": value for key, value in numbers.items()},
    )
    editor.press(change, **typed)
    assert editor.at == at, editor.page
    assert "Drop it" in editor.page
    editor.press(f"{at}/ask", **choices(way="mail"))
    body = message_shown(editor)
    editor.press(f"{at}/ask", **choices(way="mail", subject="May I?", body=body, do="send"))
    editor.go(at)
    assert "Drop it" not in editor.page
    assert "Take the question back" in editor.page
    ada = contributor(app, ledger, whose)
    own = f"/me/{piece}"
    ada.go(own)
    answers = re.findall(r'name="(words-\d+)"', ada.page)
    assert len(answers) == 2
    said = {
        name: unescape(words)
        for name, words in re.findall(r'name="(words-\d+)"[^>]*>([^<]*)</textarea>', ada.page)
    }
    said[answers[0]] = "I began at nine."
    ada.press(own, decision="propose", **said, **choices())
    assert ada.status == 200
    assert "I began at nine." in ada.page
    editor.go(at)
    assert "I began at nine." in editor.page
    editor.press(f"{at}/take")
    assert "Their words are taken" in editor.page
    editor.go(change)
    assert "as they put it themselves" in editor.page
    with ledger.read() as connection:
        (request,) = connection.execute(select(requests)).all()
    assert request.closed_at is not None


def test_two_people_in_one_endorsement(
    app: Flask, editor: Visitor, ledger: Ledger, mailbox: Account, clock: SteppingClock
) -> None:
    ada = arrives(ledger, mailbox, clock, "ada", "She taught me everything.")
    ben = arrives(ledger, mailbox, clock, "ben", "Ada is modest.")
    editor.go("/desk/pieces/new/1/endorsement")
    assert "Ada is modest." not in editor.page
    typed = fields(editor, title="On teaching", pick=f"r{ada}", also="2")
    editor.press("/desk/pieces/new/1/endorsement", **{**typed, "do": "look"})
    assert "Ada is modest." in editor.page
    typed = fields(editor, title="On teaching", pick=[f"r{ada}", f"r{ben}"])
    editor.press("/desk/pieces/new/1/endorsement", **typed)
    assert "Everybody whose words it shows" in editor.page
    with ledger.read() as connection:
        rows = connection.execute(
            select(definitions).where(definitions.c.piece_id != "").order_by(definitions.c.part)
        ).all()
    assert [row.kind for row in rows] == ["endorsement", "endorsement"]
    for row in rows:
        at = f"/desk/definitions/{row.id}"
        editor.go(at)
        editor.press(f"{at}/ask", **choices(way="mail"))
        body = message_shown(editor)
        editor.press(f"{at}/ask", **choices(way="mail", subject="May I?", body=body, do="send"))
        publish_pending(ledger)
        somebody = contributor(app, ledger, row.contributor_id)
        somebody.go(f"/me/{row.id}")
        assert "It shows words of others as well" in somebody.page
        other = next(one for one in rows if one.id != row.id)
        somebody.go(f"/me/{other.id}")
        assert somebody.status == 404, "what others decide is theirs"
        somebody.go(f"/me/{row.id}")
        somebody.press(f"/me/{row.id}", decision="preview", **choices())
        somebody.press(f"/me/{row.id}", decision="grant", **choices())
        assert "You said yes" in somebody.page
    publish_pending(ledger)
    editor.go("/desk/pieces")
    assert editor.page.count("Published") == 2


def test_two_passages_of_one_message_stay_two(
    editor: Visitor, ledger: Ledger, mailbox: Account, clock: SteppingClock, campaign: Campaign
) -> None:
    number = arrives(ledger, mailbox, clock, "ada", "I began at ten. I was slow.")
    with ledger.read() as connection:
        reply = find_reply(connection, number)
    twice = tuple(Wanted(words, reply) for words in ("I was slow.", "I began at ten."))
    (piece,) = make_piece(ledger, campaign.id, "en", Wish(PostKind.INTERVIEW, "Twice", "", twice))
    change = f"/desk/pieces/{piece.id}/change"
    editor.go(change)
    picked = re.findall(r'name="pick" value="([^"]+)" checked', editor.page)
    assert picked == [f"r{number}", f"r{number}.2"]
    numbers = dict(re.findall(r'name="order-([^"]+)" value="(\d+)"', editor.page))
    order = {f"order-{key}": value for key, value in numbers.items()}
    editor.press(change, **fields(editor, title="Thrice", pick=picked, **order))
    assert editor.status == 200
    with ledger.read() as connection:
        kept = need_definition(connection, piece.id)
    assert kept.text == piece.text.replace("Twice", "Thrice")
