"""P34 to P36 at the desk: what is asked in words waits there; what is done has evidence."""

from __future__ import annotations

import io
from zipfile import ZipFile

import pytest
from flask import Flask
from sqlalchemy import select

from collector.read import read_new
from consent.rights.in_words import read_rights
from ledger import events, tables
from ledger.accounts import ensure_account
from ledger.consent_state import EventKind
from ledger.contributors import add_contributor, find_handle, has_stopped_contact
from ledger.database import Ledger
from ledger.forgetting import is_erased
from ledger.model import Campaign, Channel, IncomingReply
from ledger.replies import store_replies
from ledger.rights_requests import Right, open_rights_requests, rights_requests_of
from publisher.publish import publish
from tests.people import agree, asked
from tests.visiting import Visitor, application, owner

WORDS, OTHER = "listening before you speak", "hearing people out"
NOTE = "a letter of 2 March, signed"


@pytest.fixture
def app(ledger: Ledger) -> Flask:
    return application(ledger)


@pytest.fixture
def editor(app: Flask, ledger: Ledger) -> Visitor:
    return owner(app, ledger)


@pytest.fixture
def whom(ledger: Ledger, campaign: Campaign) -> tuple[str, str]:
    """A contributor and their definition, which is published."""
    question = asked(ledger, campaign, WORDS)
    agree(ledger, question, WORDS)
    publish(ledger)
    return question.request.contributor_id, question.request.definition_id


def wrote(ledger: Ledger, campaign: Campaign, text: str) -> str:
    """Somebody writes by mail, and it is read; returns their id."""
    address = "bo@work.example"
    with ledger.write() as connection:
        account = ensure_account(connection, ledger.keys, Channel.EMAIL, "m", campaign.id)
        reply = IncomingReply(f"<{text}>", address, text, contact=address)
        store_replies(connection, account, [reply], ledger.clock())
    read_new(ledger)
    with ledger.read() as connection:
        handle = find_handle(connection, Channel.EMAIL, address)
    assert handle is not None
    return handle.contributor_id


def test_what_is_asked_in_words_waits_for_an_editor_and_is_done_by_nobody(
    ledger: Ledger, campaign: Campaign, editor: Visitor
) -> None:
    text = "Please send me a copy of all my data. And delete all my data afterwards."
    contributor_id = wrote(ledger, campaign, text)
    assert read_rights(ledger) == 2
    assert read_rights(ledger) == 0, "each message is looked at once"
    with ledger.read() as connection:
        assert not is_erased(connection, contributor_id)
        waiting = open_rights_requests(connection)
    assert {one.kind for one in waiting} == {Right.EXPORT, Right.ERASE}
    assert all(one.due_at > one.asked_at for one in waiting)
    assert "2 requests about what is kept of people." in editor.go("/desk")
    editor.go("/desk/people")
    assert "wants everything erased" in editor.page
    assert "And delete all my data afterwards." in editor.page
    editor.go(f"/desk/people/{contributor_id}")
    editor.press(
        f"/desk/people/{contributor_id}/settle", request=str(waiting[0].id), because="sent by post"
    )
    with ledger.read() as connection:
        (still,) = open_rights_requests(connection)
    assert still.id == waiting[1].id
    assert "sent by post" in editor.page


def test_an_automatic_reply_asks_for_nothing(ledger: Ledger, campaign: Campaign) -> None:
    with ledger.write() as connection:
        account = ensure_account(connection, ledger.keys, Channel.EMAIL, "m", campaign.id)
        reply = IncomingReply(
            "<a>", "bo@work.example", "Please delete all my data.", automatic=True
        )
        store_replies(connection, account, [reply], ledger.clock())
    read_new(ledger)
    assert read_rights(ledger) == 0


@pytest.mark.parametrize("action", ["withdraw", "correct", "stop", "export", "erase", "settle"])
def test_without_evidence_nothing_is_done(
    ledger: Ledger, editor: Visitor, whom: tuple[str, str], action: str
) -> None:
    contributor_id, definition_id = whom
    editor.go(f"/desk/people/{contributor_id}")
    editor.press(
        f"/desk/people/{contributor_id}/{action}",
        definition=definition_id,
        words=OTHER,
        sure="yes",
        because="  ",
    )
    assert "Say how you know." in editor.page
    with ledger.read() as connection:
        state = events.state_of(connection, ledger.keys, definition_id)
        assert state.grant is not None
        assert not is_erased(connection, contributor_id)
        assert not has_stopped_contact(connection, contributor_id)
        assert rights_requests_of(connection, contributor_id) == []


def last_payload(ledger: Ledger, subject: str) -> tuple[EventKind, dict[str, object]]:
    with ledger.read() as connection:
        event, payload = events.full_history(connection, ledger.keys, subject)[-1]
    return event.kind, payload


def test_taking_back_and_stopping_are_recorded_with_the_evidence(
    ledger: Ledger, editor: Visitor, whom: tuple[str, str]
) -> None:
    contributor_id, definition_id = whom
    page = f"/desk/people/{contributor_id}"
    editor.go(page)
    editor.press(f"{page}/withdraw", definition=definition_id, because=NOTE)
    kind, payload = last_payload(ledger, definition_id)
    assert kind is EventKind.WITHDRAWN
    assert (payload["quoted"], payload["by"]) == (NOTE, "Olu Owner")
    editor.press(f"{page}/stop", because=NOTE)
    kind, payload = last_payload(ledger, contributor_id)
    assert kind is EventKind.STOPPED
    assert payload["quoted"] == NOTE
    assert "They asked not to be written to." in editor.page


def test_correcting_for_them_is_a_new_version_by_the_editor(
    ledger: Ledger, editor: Visitor, whom: tuple[str, str]
) -> None:
    contributor_id, definition_id = whom
    page = f"/desk/people/{contributor_id}"
    editor.go(page)
    editor.press(f"{page}/correct", definition=definition_id, words=OTHER, because=NOTE)
    kind, payload = last_payload(ledger, definition_id)
    assert kind is EventKind.REVISED
    assert (payload["text"], payload["by"], payload["quoted"]) == (OTHER, "Olu Owner", NOTE)
    with ledger.read() as connection:
        assert events.state_of(connection, ledger.keys, definition_id).grant is None


def test_an_export_is_handed_out_and_noted(
    ledger: Ledger, editor: Visitor, whom: tuple[str, str]
) -> None:
    contributor_id, _ = whom
    editor.go(f"/desk/people/{contributor_id}")
    token = editor.hidden["csrf_token"]
    answer = editor.client.post(
        f"/desk/people/{contributor_id}/export",
        data={"csrf_token": token, "because": NOTE, "lang": "de"},
        headers={"Sec-Fetch-Site": "same-origin"},
        buffered=True,
    )
    with ZipFile(io.BytesIO(answer.get_data())) as archive:
        page = archive.read("index.html").decode()
    assert WORDS in page
    assert '<html lang="de"' in page
    with ledger.read() as connection:
        (done,) = rights_requests_of(connection, contributor_id)
    assert (done.kind, done.done_by, done.outcome) == (Right.EXPORT, "Olu Owner", NOTE)


def test_erasing_for_them_wants_certainty_and_leaves_the_note(
    ledger: Ledger, editor: Visitor, whom: tuple[str, str]
) -> None:
    contributor_id, _ = whom
    page = f"/desk/people/{contributor_id}"
    editor.go(page)
    editor.press(f"{page}/erase", because=NOTE)
    assert "Tick that you have made sure who asks." in editor.page
    editor.press(f"{page}/erase", because="Ada Sample rang", sure="yes")
    assert "The note names them" in editor.page
    with ledger.read() as connection:
        assert not is_erased(connection, contributor_id)
    editor.press(f"{page}/erase", because=NOTE, sure="yes")
    assert "Everything about this person was erased." in editor.page
    with ledger.read() as connection:
        assert is_erased(connection, contributor_id)
        sealed = connection.execute(
            select(tables.event_payloads.c.sealed).where(
                tables.event_payloads.c.sealed.is_not(None)
            )
        ).scalars()
        assert any(NOTE.encode() in one for one in sealed)


def test_nobody_is_done_to_what_somebody_else_asked(
    ledger: Ledger, editor: Visitor, whom: tuple[str, str]
) -> None:
    _, definition_id = whom
    with ledger.write() as connection:
        other = add_contributor(connection, ledger.keys, ledger.clock())
    editor.go(f"/desk/people/{other}")
    for action in ("withdraw", "correct"):
        editor.press(
            f"/desk/people/{other}/{action}", definition=definition_id, words=OTHER, because=NOTE
        )
        assert "That is not one of theirs." in editor.page
    with ledger.read() as connection:
        assert events.state_of(connection, ledger.keys, definition_id).grant is not None


def test_the_conversation_and_the_definition_lead_there(
    ledger: Ledger, campaign: Campaign, editor: Visitor, whom: tuple[str, str]
) -> None:
    contributor_id, definition_id = whom
    assert f'href="/desk/people/{contributor_id}"' in editor.go(
        f"/desk/definitions/{definition_id}"
    )
    other = wrote(ledger, campaign, "asking first")
    with ledger.read() as connection:
        thread = connection.execute(
            select(tables.threads.c.id).where(tables.threads.c.contributor_id == other)
        ).scalar_one()
    assert f'href="/desk/people/{other}"' in editor.go(f"/desk/threads/{thread}")
    editor.go(f"/desk/people/{'0' * 32}")
    assert editor.status == 404
