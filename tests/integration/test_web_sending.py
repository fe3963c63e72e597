"""The desk: how a question leaves, what waits for a person, and pages that could not be told."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest
from flask import Flask

from collector.dispatch import dispatch
from collector.polling import poll_all
from collector.read import read_new
from consent.requests import cancel
from ledger import stopping
from ledger.database import Ledger
from ledger.definitions import definitions_in, take_definition
from ledger.model import Campaign, ReplyState
from ledger.outbox import MessageState
from ledger.replies import desk_replies
from ledger.sent import messages_in
from ledger.told_pages import ToldState, due_pages, failed_pages, settle_told, tell_gone, tell_page
from tests.sending_houses import HOUSES, House, XHouse
from tests.visiting import Visitor, application, ask_by_form, choices, owner


@pytest.fixture
def app(ledger: Ledger) -> Flask:
    return application(ledger)


@pytest.fixture
def editor(app: Flask, ledger: Ledger) -> Visitor:
    return owner(app, ledger)


@pytest.fixture
def house(request: pytest.FixtureRequest, ledger: Ledger, campaign: Campaign) -> Iterator[House]:
    built = HOUSES[request.param](ledger, campaign)
    with built.server:
        built.move_in()
        yield built


def shortlisted(house: House, *, private: bool = False) -> str:
    """Somebody has answered; the path of the page on which an editor may ask them."""
    house.answer("Thought leadership is listening", private=private)
    poll_all(house.ledger)
    read_new(house.ledger)
    with house.ledger.write() as connection:
        (reply,) = desk_replies(connection, house.campaign.id, ReplyState.NEW)
        made = take_definition(connection, house.ledger.keys, house.ledger.clock(), reply, "en")
    return f"/desk/definitions/{made.id}"


def ways(page: str) -> list[str]:
    return re.findall(r'name="way" value="(\w+)"', page)


@pytest.mark.parametrize(
    ("house", "private", "offered"),
    [
        ("mastodon", False, ["private", "public", "hand"]),
        ("mastodon", True, ["private", "hand"]),
        ("bluesky", False, ["private", "public", "hand"]),
        ("x", False, ["public", "hand"]),
        ("x", True, ["private", "hand"]),
    ],
    indirect=["house"],
)
def test_the_ways_of_a_channel_are_offered_with_what_they_cost(
    editor: Visitor, house: House, private: bool, offered: list[str]
) -> None:
    page = editor.go(shortlisted(house, private=private))
    assert ways(page) == offered
    assert ("X charges $0.015" in page) is isinstance(house, XHouse)
    assert ("$0.20 with a link" in page) is ("public" in offered and isinstance(house, XHouse))


@pytest.mark.parametrize("house", ["mastodon"], indirect=True)
def test_the_chosen_way_is_taken(editor: Visitor, house: House) -> None:
    path = shortlisted(house)
    editor.go(path)
    editor.press(f"{path}/ask", **choices(), way="carrier pigeon")
    assert editor.status == 400
    editor.go(path)
    editor.press(f"{path}/ask", **choices(), way="public", note="x" * 600)
    assert editor.status == 400
    assert "characters too long for Mastodon" in editor.page
    assert 'value="public" checked' in editor.page
    ask_by_form(editor, path, **choices(), way="public")
    assert "is waiting to leave" in editor.page
    assert dispatch(house.ledger).sent == 1
    assert "/p/" not in house.sent()[0]


@pytest.mark.parametrize("house", ["mastodon"], indirect=True)
def test_an_editor_may_bring_it_instead(editor: Visitor, house: House) -> None:
    path = shortlisted(house)
    editor.go(path)
    ask_by_form(editor, path, **choices(), way="hand")
    assert "Bring them the question" in editor.page
    assert "/p/" in editor.page
    assert dispatch(house.ledger).sent == 0


@pytest.fixture
def handed(editor: Visitor, house: XHouse) -> str:
    """A question that X leaves to people; the path of its definition."""
    path = shortlisted(house)
    editor.go(path)
    ask_by_form(editor, path, **choices(), way="public", note="Your <line> & all:")
    for post in house.server.posts:
        post["_mentions"] = []
    assert dispatch(house.ledger).handed_over == 1
    return path


@pytest.mark.parametrize("house", ["x"], indirect=True)
def test_what_x_leaves_to_people_is_sent_by_one_and_marked(
    editor: Visitor, house: XHouse, handed: str
) -> None:
    assert '<span class="count alarm">1</span>' in editor.go("/desk")
    assert "It waits for you in the outbox" in editor.go(handed)
    page = editor.go("/desk/outbox")
    assert "Waiting for you" in page
    assert "Did not leave" not in page
    (composer,) = re.findall(r'href="(https://x.com/intent/post[^"]+)"', page)
    assert "%3Cline%3E%20%26%20all" in html.unescape(composer)
    assert "Your &lt;line&gt; &amp; all:" in page
    (settle,) = re.findall(r'action="(/desk/outbox/\d+)"', page)
    editor.press(settle, outcome="sent")
    assert "Kept as sent by you." in editor.page
    assert "Waiting for you" not in editor.page
    assert "Have left" in editor.page
    editor.press(settle, outcome="sent")
    assert "settled already" in editor.page
    assert "has left for" in editor.go(handed)


@pytest.mark.parametrize("house", ["x"], indirect=True)
def test_what_waits_for_a_person_can_be_dropped(
    editor: Visitor, house: XHouse, handed: str
) -> None:
    (settle,) = re.findall(r'action="(/desk/outbox/\d+)"', editor.go("/desk/outbox"))
    editor.press(settle, outcome="left")
    assert "settled already" in editor.page, "it is no unknown one"
    editor.press(settle, outcome="dropped")
    assert "Dropped." in editor.page
    assert "https://x.com/intent" not in editor.page
    assert "An editor dropped it." in editor.go(handed)


@pytest.mark.parametrize("house", ["x"], indirect=True)
@pytest.mark.parametrize("end", ["stop", "cancel"])
def test_nobody_is_led_to_write_to_who_is_not_to_be_written_to(
    editor: Visitor, house: XHouse, handed: str, end: str
) -> None:
    ours = house.ledger
    with ours.write() as connection:
        (definition,) = definitions_in(connection, house.campaign.id)
        request_id = connection.exec_driver_sql("SELECT request_id FROM outbox").scalar_one()
        if end == "stop":
            stopping.stop(connection, ours.keys, ours.clock(), definition.contributor_id, {})
    if end == "cancel":
        cancel(ours, request_id, "robin")
    page = editor.go("/desk/outbox")
    assert "Waiting for you" not in page
    assert "https://x.com/intent" not in page
    with ours.read() as connection:
        assert len(messages_in(connection, MessageState.FAILED)) == 1


def test_a_page_that_could_not_be_told_is_shown(
    editor: Visitor, ledger: Ledger, campaign: Campaign
) -> None:
    now = ledger.clock()
    with ledger.write() as connection:
        for name in ("one", "two"):
            page, post = f"https://{name}.example/note", f"https://blog.example/a/{name}/"
            tell_page(connection, ledger.keys, name, page, post, now)
        tell_gone(connection, ["two"], now)
        for told in due_pages(connection, ledger.keys, now, 9):
            settle_told(connection, told, ToldState.FAILED, now, error="It said 400.")
    page = editor.go("/desk/outbox")
    assert "Pages that do not know" in page
    assert "https://one.example/note" in page
    assert 'href="https://blog.example/a/one/"' in page
    # The address of what was taken back repeats some of its words.
    assert "https://blog.example/a/two/" not in page
    assert "was to be told that a post is gone" in page
    editor.press("/desk/outbox/pages/1", outcome="perhaps")
    assert editor.status == 400
    editor.go("/desk/outbox")
    editor.press("/desk/outbox/pages/1", outcome="again")
    assert "It will be told in a moment." in editor.page
    editor.press("/desk/outbox/pages/2", outcome="leave")
    assert "It is left." in editor.page
    editor.press("/desk/outbox/pages/2", outcome="again")
    assert "settled already" in editor.page
    with ledger.read() as connection:
        assert failed_pages(connection, ledger.keys) == []
        assert [one.id for one in due_pages(connection, ledger.keys, ledger.clock(), 9)] == [1]
