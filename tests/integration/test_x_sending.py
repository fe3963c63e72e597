"""Writing on X over HTTP: never twice (P10), and by hand where X leaves that to people."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from collector.channels.x import open_connector
from collector.connector import ChannelError, Context, Held, NoMeter, OutgoingMessage
from ledger.model import Channel
from tests.conftest import SteppingClock
from tests.servers.x import ME, XServer
from tests.servers.x_account import OAUTH2, connector_at, prompt_at, x_account
from tests.servers.x_http import Fault

WORDS = "Thank you! May we publish “it’s a lamp” & name you?"


class Notes(NoMeter):
    """Notes what is charged, and has room for as many as it is told."""

    def __init__(self, room: int = 1000) -> None:
        self.room = room
        self.charged: list[tuple[str, list[str]]] = []

    def hold(self, kind: str, count: int) -> Held:
        return Held(kind, min(count, self.room))

    def settle(self, held: Held, ids: Any) -> None:
        if ids:
            self.charged.append((held.kind, list(ids)))


@pytest.fixture
def x(clock: SteppingClock) -> Iterator[XServer]:
    with XServer(clock) as server:
        yield server


def answer_to(post: str, body: str = WORDS) -> OutgoingMessage:
    return OutgoingMessage("<m1@x.example>", "2001", "", body, in_reply_to=post, private=False)


def message_to(person: str, body: str = WORDS) -> OutgoingMessage:
    return OutgoingMessage("<m2@x.example>", person, "", body)


def failure(call: Any, *given: Any) -> ChannelError:
    with pytest.raises(ChannelError) as error:
        call(*given)
    assert error.value.mend.endswith(".")
    return error.value


def ours(x: XServer) -> list[str]:
    sent = [post["text"] for post in x.posts if post["author_id"] == ME]
    return sent + [message["text"] for message in x.messages if message["sender_id"] == ME]


def test_an_answer_to_a_mention_is_sent_and_charged(x: XServer) -> None:
    post, notes = x.add_post("@asker_example a lamp"), Notes()
    number = connector_at(x, meter=notes).send(answer_to(post["id"]))
    assert x.posts[-1]["id"] == number
    assert x.posts[-1]["text"] == WORDS
    assert x.posts[-1]["referenced_tweets"] == [{"type": "replied_to", "id": post["id"]}]
    assert notes.charged == [("post", [number])]


def test_a_link_is_charged_as_one(x: XServer) -> None:
    post, notes = x.add_post("@asker_example a lamp"), Notes()
    connector_at(x, meter=notes).send(answer_to(post["id"], "It is out: https://blog.example/1"))
    assert [kind for kind, _ in notes.charged] == ["post_with_url"]


def test_a_message_goes_to_whoever_wrote_first(x: XServer) -> None:
    notes = Notes()
    person = x.add_message("a candle")["sender_id"]
    number = connector_at(x, meter=notes).send(message_to(person))
    assert number == f"dm:{x.messages[-1]['id']}"
    assert ours(x) == [WORDS]
    assert notes.charged == [("dm", [x.messages[-1]["id"]])]


def test_an_answer_that_x_leaves_to_people_is_handed_over(x: XServer) -> None:
    post = x.add_post("a lamp, further down", mentions=False)
    error = failure(connector_at(x).send, answer_to(post["id"]))
    assert error.permanent
    assert not error.delivered_unknown
    assert "have not been mentioned." in str(error)
    address = urlsplit(error.hand_over)
    assert (address.hostname, address.path) == ("x.com", "/intent/post")
    assert parse_qs(address.query) == {"in_reply_to": [post["id"]], "text": [WORDS]}
    assert len(x.requests("/2/tweets")) == 1
    assert ours(x) == []


def test_a_cold_message_is_handed_over(x: XServer) -> None:
    person = x.add_user("stranger_example")
    error = failure(connector_at(x).send, message_to(person))
    assert error.permanent
    address = urlsplit(error.hand_over)
    assert (address.hostname, address.path) == ("x.com", "/messages/compose")
    assert parse_qs(address.query) == {"recipient_id": [person], "text": [WORDS]}
    assert len(x.seen) == 1


@pytest.mark.parametrize(
    "message",
    [
        message_to("@ada_example"),
        message_to("../../tweets"),
        answer_to("dm:12"),
        answer_to(""),
    ],
)
def test_whom_x_does_not_know_by_number_is_not_written_to(
    x: XServer, message: OutgoingMessage
) -> None:
    error = failure(connector_at(x).send, message)
    assert error.permanent
    assert x.seen == []


def test_the_very_same_text_is_not_handed_over_for_a_second_time(x: XServer) -> None:
    post = x.add_post("@asker_example a lamp")
    connector = connector_at(x)
    connector.send(answer_to(post["id"]))
    error = failure(connector.send, answer_to(post["id"]))
    assert error.permanent
    assert error.hand_over == ""
    assert "duplicate" in str(error)
    assert ours(x) == [WORDS]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(cut="before"),
        Fault(cut="after"),
        Fault(seconds=1),
        Fault(500),
        Fault(503),
        Fault(504, b"<html>"),
        Fault(body=b"{}"),
        Fault(body=b'{"data": {"id": "no number"}}'),
        Fault(body=b"<html>"),
        Fault(body=b" " * (10 * 1024 * 1024 + 1)),
    ],
)
@pytest.mark.parametrize("private", [True, False])
def test_p10_what_may_have_left_is_unknown_and_counts_as_paid(
    x: XServer, fault: Fault, private: bool
) -> None:
    post, person, notes = x.add_post("@asker_example"), x.add_message("hi")["sender_id"], Notes()
    message = message_to(person) if private else answer_to(post["id"])
    x.spoil("/messages" if private else "/2/tweets", fault)
    error = failure(connector_at(x, options={"timeout": 0.5}, meter=notes).send, message)
    assert error.delivered_unknown
    assert not error.permanent
    assert error.hand_over == ""
    assert notes.charged == [("dm" if private else "post", [f"unknown:{message.message_id}"])]
    # Sent at most once, whatever it looked like from here.
    assert len(ours(x)) <= 1


@pytest.mark.parametrize(
    ("fault", "permanent"),
    [(Fault(429), False), (Fault(401), True), (Fault(402), True), (Fault(404), True)],
)
def test_what_surely_did_not_leave_is_not_unknown(
    x: XServer, fault: Fault, permanent: bool
) -> None:
    post, notes = x.add_post("@asker_example a lamp"), Notes()
    x.spoil("/2/tweets", fault)
    secret = {"access_token": "token-1"}
    error = failure(connector_at(x, secret=secret, meter=notes).send, answer_to(post["id"]))
    assert error.permanent is permanent
    assert not error.delivered_unknown
    assert notes.charged == []


def test_p10_a_host_that_was_never_reached_got_nothing() -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as probe:
        nobody = probe.getsockname()[1]
    connector = open_connector(x_account(f"http://127.0.0.1:{nobody}"))
    error = failure(connector.send, message_to("2001"))
    assert not error.permanent
    assert not error.delivered_unknown


def test_a_cap_that_is_reached_keeps_messages_here(x: XServer) -> None:
    connector = connector_at(x, meter=Notes(room=0))
    for call in (
        lambda: connector.send(message_to("2001")),
        lambda: connector.post("A talk is ___?", "k"),
        lambda: connector.fetch("", 5),
        lambda: connector.look_again(["5"]),
        connector.check,
    ):
        assert not failure(call).delivered_unknown
    assert x.seen == []


def test_the_prompt_is_posted_and_its_answers_are_found(x: XServer) -> None:
    prompt = connector_at(x).post("Thought leadership is ___?", "key-1")
    assert prompt.url == f"https://x.com/i/status/{prompt.external_id}"
    assert prompt.thread_id == prompt.external_id
    assert prompt.posted_at == x.clock()
    x.add_post("a lamp", answers=prompt.external_id, mentions=False)
    page = connector_at(x, prompts=(prompt,)).fetch("", 10)
    assert [reply.text for reply in page.replies] == ["a lamp"]


def test_an_ended_login_is_renewed_and_kept_before_it_is_used(x: XServer) -> None:
    kept: list[tuple[str, int]] = []

    def keep(secret: str) -> None:
        used = sum(seen.authorization == "Bearer token-2" for seen in x.seen)
        kept.append((secret, used))

    post = x.add_post("@asker_example a lamp")
    x.tokens.clear()
    connector = connector_at(x, keep_secret=keep)
    connector.send(answer_to(post["id"]))
    ((secret, used),) = kept
    assert json.loads(secret) == OAUTH2 | {"access_token": "token-2", "refresh_token": "refresh-2"}
    assert used == 0
    assert ours(x) == [WORDS]
    # The same connector goes on with what was renewed.
    connector.fetch("", 5)
    assert x.renewals == 1


def test_who_we_are_is_asked_for_once_per_login(x: XServer) -> None:
    kept: list[str] = []
    connector_at(x, keep_secret=kept.append).fetch("", 5)
    assert json.loads(kept[-1])["user_id"] == ME
    connector_at(x, secret=json.loads(kept[-1])).fetch("", 5)
    assert len(x.requests("/2/users/me")) == 1


@pytest.mark.parametrize(
    ("fault", "permanent"),
    [
        (None, True),
        (Fault(401), True),
        (Fault(503), False),
        (Fault(cut="before"), False),
        (Fault(body=b"{}"), False),
    ],
)
def test_a_login_that_can_not_be_renewed_says_so_and_sends_nothing(
    x: XServer, fault: Fault | None, permanent: bool
) -> None:
    kept: list[str] = []
    post = x.add_post("@asker_example a lamp")
    x.tokens.clear()
    x.refresh_tokens.clear()
    if fault:
        x.spoil("/2/oauth2/token", fault)
    error = failure(connector_at(x, keep_secret=kept.append).send, answer_to(post["id"]))
    assert error.permanent is permanent
    assert not error.delivered_unknown
    assert ("definedby account add x --replace" in error.mend) is permanent
    assert (kept, ours(x)) == ([], [])


def test_oauth1_signs_every_request(x: XServer) -> None:
    prompt = prompt_at(x)
    post = x.add_post("@asker_example a lamp", answers=prompt.external_id)
    person = x.add_message("a candle")["sender_id"]
    connector = connector_at(x, secret=x.oauth1, prompts=(prompt,))
    assert len(connector.fetch("", 10).replies) == 2
    assert connector.send(answer_to(post["id"]))
    assert connector.send(message_to(person))
    assert connector.look_again([post["id"]])
    assert "@asker_example" in connector.check()
    assert all(seen.authorization.startswith("OAuth ") for seen in x.seen)
    # Its token names the account: X need not be asked, and paid, for that.
    assert len(x.requests("/2/users/me")) == 1
    wrong = connector_at(x, secret=x.oauth1 | {"access_token_secret": "guess"})
    assert failure(wrong.check).permanent


def test_p39_neither_tokens_nor_words_are_logged(
    x: XServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    person = x.add_message("a candle, between us")["sender_id"]
    x.tokens.clear()
    connector = connector_at(x)
    connector.fetch("", 5)
    connector.send(message_to(person))
    connector_at(x, secret=x.oauth1).check()
    for secret in ("token-", "refresh-", "client-secret", "app-secret", "a candle", "Thank you"):
        assert secret not in caplog.text


def test_the_environment_does_not_lead_the_login_elsewhere(
    x: XServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    assert "@asker_example" in connector_at(x).check()


def test_without_a_context_it_opens_all_the_same(x: XServer) -> None:
    account = x_account(x.url)
    assert account.channel is Channel.X
    assert open_connector(account).check().startswith("X answered")
    assert open_connector(account, Context()).check().startswith("X answered")
