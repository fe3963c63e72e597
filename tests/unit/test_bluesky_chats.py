"""Direct messages on Bluesky: read once, oldest first, sent at most once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.channels.bluesky import BlueskyConnector
from collector.connector import ChannelError, Context, OutgoingMessage
from ledger.model import Page
from tests.servers.bluesky_faults import OWN_DID, PLAIN, Fault, FaultyBluesky

NOON = 1_767_614_400_000  # 2026-01-05T12:00Z in milliseconds
DAY = 86_400_000
ADA, BO = "did:plc:ada", "did:plc:bo"
LIST, SEND = "chat.bsky.convo.listConvos", "chat.bsky.convo.sendMessage"


@pytest.fixture
def server() -> Iterator[FaultyBluesky]:
    with FaultyBluesky() as started:
        yield started


@pytest.fixture(scope="module")
def shared_server() -> Iterator[FaultyBluesky]:
    with FaultyBluesky() as started:
        yield started


def connector(server: FaultyBluesky, **options: Any) -> BlueskyConnector:
    context = Context(clock=lambda: datetime(2026, 1, 7, tzinfo=UTC))
    return BlueskyConnector(server.account(**options), context)


def texts(page: Page) -> list[str]:
    return [reply.text for reply in page.replies]


def to(person: str, body: str = "May we?") -> OutgoingMessage:
    return OutgoingMessage("m1", person, "", body)


def test_messages_are_read_with_their_author(server: FaultyBluesky) -> None:
    server.write_to(ADA, "Hello", NOON, sender=OWN_DID)
    message = server.write_to(ADA, "A lamp", NOON + 1)
    server.write_to(BO, "A door", NOON + 2)
    page = connector(server).fetch("", 5)
    assert texts(page) == ["A lamp", "A door"]
    first = page.replies[0]
    assert first.private
    assert (first.address, first.contact) == ("@ada.test", ADA)
    assert first.external_id == f"chat:convo-{ADA}/{message['id']}"
    assert first.written_at == datetime(2026, 1, 5, 12, 0, 0, 1000, tzinfo=UTC)
    assert connector(server).fetch(page.next_cursor, 5).replies == ()


def test_unchanged_conversations_cost_nothing(server: FaultyBluesky) -> None:
    for number in range(30):
        server.write_to(f"did:plc:p{number}", "A lamp", NOON + number)
    cursor = connector(server).fetch("", 100).next_cursor
    server.asked.clear()
    assert connector(server).fetch(cursor, 100).replies == ()
    assert "chat.bsky.convo.getMessages" not in server.asked


def test_messages_long_before_the_account_was_connected_stay_unread(server: FaultyBluesky) -> None:
    server.write_to(ADA, "Last year", NOON - 40 * DAY)
    server.write_to(ADA, "This week", NOON)
    server.write_to(BO, "Last year too", NOON - 50 * DAY)
    assert texts(connector(server).fetch("", 5)) == ["This week"]


def test_a_deleted_message_is_reported_gone(server: FaultyBluesky) -> None:
    message = server.write_to(ADA, "A lamp", NOON)
    cursor = connector(server).fetch("", 5).next_cursor
    message["$type"] = "chat.bsky.convo.defs#deletedMessageView"
    del message["text"]
    page = connector(server).fetch(cursor, 5)
    assert page.gone == (f"chat:convo-{ADA}/{message['id']}",)
    assert connector(server).fetch(page.next_cursor, 5).gone == ()


@pytest.mark.parametrize("spoil", [{"text": None}, {"sender": 3}, {"sentAt": None, "text": 1}])
def test_p17_a_malformed_message_is_skipped_and_stops_nothing(
    server: FaultyBluesky, spoil: dict[str, Any]
) -> None:
    server.write_to(ADA, "A lamp", NOON)
    server.write_to(ADA, "spoilt", NOON + 1).update(spoil)
    server.write_to(ADA, "A door", NOON + 2)
    page = connector(server).fetch("", 5)
    assert texts(page) == ["A lamp", "A door"]
    assert len(page.skipped) == 1
    assert connector(server).fetch(page.next_cursor, 5).skipped == ()


def test_without_the_right_nothing_is_read_and_nothing_is_wrong(server: FaultyBluesky) -> None:
    server.scope = PLAIN
    server.write_to(ADA, "A lamp", NOON)
    server.arrive("In public", NOON)
    assert texts(connector(server).fetch("", 5)) == ["In public"]
    assert LIST not in server.asked


def test_a_chat_service_in_trouble_does_not_hold_back_the_rest(server: FaultyBluesky) -> None:
    server.write_to(ADA, "A lamp", NOON)
    server.arrive("In public", NOON)
    server.faults = [Fault(LIST, 502), Fault(LIST, 502)]
    page = connector(server).fetch("", 5)
    assert texts(page) == ["In public"]
    with pytest.raises(ChannelError) as caught:  # now there is nothing else to give
        connector(server).fetch(page.next_cursor, 5)
    assert not caught.value.permanent
    assert texts(connector(server).fetch(page.next_cursor, 5)) == ["A lamp"]


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    turns=st.lists(st.lists(st.integers(0, 4), max_size=8), min_size=1, max_size=5),
    limit=st.integers(1, 5),
    crashes=st.sets(st.integers(0, 20)),
)
def test_p16_whatever_is_written_is_read(
    shared_server: FaultyBluesky, turns: list[list[int]], limit: int, crashes: set[int]
) -> None:
    """Five people write between pages; a crash forgets a page and its cursor."""
    shared_server.convos.clear()
    reader, cursor, at = connector(shared_server), "", NOON
    sent: list[str] = []
    read: list[str] = []
    for number in range(60):
        for person in turns.pop(0) if turns else ():
            at += 1
            sent.append(shared_server.write_to(f"did:plc:p{person}", "A lamp", at)["id"])
        page = reader.fetch(cursor, limit)
        if number in crashes:
            continue
        new = [reply.external_id.rpartition("/")[2] for reply in page.replies]
        read += new
        cursor = page.next_cursor
        if not (turns or page.more or new):
            break
    assert sorted(read) == sorted(sent)


# Sending


def test_a_message_goes_to_a_handle_or_an_id(server: FaultyBluesky) -> None:
    server.handles["ada.test"] = ADA
    ids = [connector(server).send(to(person)) for person in ("@ada.test", ADA)]
    written = server.convos[f"convo-{ADA}"]
    assert [f"chat:convo-{ADA}/{one['id']}" for one in written] == ids
    assert {one["text"] for one in written} == {"May we?"}


@pytest.mark.parametrize(
    ("lost", "unknown"),
    [
        (Fault(SEND, done=True), True),
        (Fault(SEND, 200, b"{}", silence=1.5, done=True), True),
        (Fault(SEND, 502), True),
        (Fault(SEND, 200, b"nonsense", done=True), True),
        (Fault(SEND, 429), False),
        (Fault("chat.bsky.convo.getConvoForMembers"), False),
    ],
)
def test_p10_a_lost_answer_is_unknown_where_a_repeat_would_send_twice(
    server: FaultyBluesky, lost: Fault, unknown: bool
) -> None:
    server.faults = [lost]
    with pytest.raises(ChannelError) as caught:
        connector(server, timeout=1.0).send(to(ADA))
    assert caught.value.delivered_unknown is unknown
    assert not caught.value.permanent
    assert len(server.convos.get(f"convo-{ADA}", [])) == lost.done


def test_who_takes_no_messages_gets_none(server: FaultyBluesky) -> None:
    server.closed_to_messages.add(ADA)
    with pytest.raises(ChannelError, match="someone they follow") as caught:
        connector(server).send(to(ADA))
    assert caught.value.permanent
    assert "in public" in caught.value.mend


@pytest.mark.parametrize(
    ("person", "body", "message"),
    [("@nobody.test", "May we?", "knows nobody"), (ADA, "x" * 1001, "1,001 characters")],
)
def test_what_cannot_be_sent_says_why(
    server: FaultyBluesky, person: str, body: str, message: str
) -> None:
    with pytest.raises(ChannelError, match=message) as caught:
        connector(server).send(to(person, body))
    assert caught.value.permanent
    assert server.convos == {}


def test_a_login_without_the_right_says_how_to_get_it(server: FaultyBluesky) -> None:
    server.scope = PLAIN
    with pytest.raises(ChannelError, match="does not allow direct messages") as caught:
        connector(server).send(to(ADA))
    assert caught.value.permanent
    assert "Allow access to your direct messages" in caught.value.mend
