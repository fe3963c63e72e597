"""What goes wrong between us and Bluesky: sessions, limits, silence, nonsense, lost answers."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from collector.bluesky.asks import ASKS, account_from
from collector.channels.bluesky import BlueskyConnector, open_connector
from collector.connector import (
    ChannelError,
    Context,
    OutgoingMessage,
    PostingConnector,
    SourceState,
)
from ledger.model import Account, Channel
from tests.servers.bluesky_faults import (
    OWN_DID,
    PASSWORD,
    PLAIN,
    Fault,
    FaultyBluesky,
)

NOW = datetime(2026, 1, 7, tzinfo=UTC)
NOON = 1_767_614_400_000  # 2026-01-05T12:00Z in milliseconds
LIST = "app.bsky.notification.listNotifications"
PUT = "com.atproto.repo.putRecord"
CREATE, REFRESH = "com.atproto.server.createSession", "com.atproto.server.refreshSession"


@pytest.fixture
def server() -> Iterator[FaultyBluesky]:
    with FaultyBluesky() as started:
        yield started


def connector(account: Account, kept: list[str] | None = None) -> BlueskyConnector:
    keep = kept.append if kept is not None else lambda _: None
    return BlueskyConnector(account, Context(clock=lambda: NOW, keep_secret=keep))


def failure(account: Account) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        connector(account).fetch("", 5)
    assert caught.value.mend.endswith(".")
    assert not caught.value.delivered_unknown
    return caught.value


def answer(number: str, **more: Any) -> OutgoingMessage:
    return OutgoingMessage(number, "@ada.test", "", more.pop("body", "Thank you"), **more)


# Sessions: createSession is limited to 300 a day, so one is kept and renewed.


def test_a_session_is_begun_once_and_kept(server: FaultyBluesky) -> None:
    kept: list[str] = []
    connector(server.account(), kept).fetch("", 5)
    assert server.asked.count(CREATE) == 1
    secret = json.loads(kept[-1])
    assert secret["password"] == PASSWORD
    again = connector(server.account(session=secret["session"]), kept)
    for _ in range(3):
        again.fetch("", 5)
    assert server.asked.count(CREATE) == 1
    assert len(kept) == 1


def test_an_expired_session_is_renewed_and_kept_at_once(server: FaultyBluesky) -> None:
    kept: list[str] = []
    reader = connector(server.account(), kept)
    reader.fetch("", 5)
    access, refresh = json.loads(kept[-1])["session"].split(":::")[2:4]
    server.live_tokens.discard(access)
    server.arrive("A lamp", NOON)
    assert [reply.text for reply in reader.fetch("", 5).replies] == ["A lamp"]
    assert (server.asked.count(CREATE), server.asked.count(REFRESH)) == (1, 1)
    assert refresh not in kept[-1]
    assert len(kept) == 2
    # The next connector goes on with what was kept.
    connector(server.account(session=json.loads(kept[-1])["session"])).fetch("", 5)
    assert (server.asked.count(CREATE), server.asked.count(REFRESH)) == (1, 1)


def test_a_session_that_is_over_is_begun_anew_by_the_password(server: FaultyBluesky) -> None:
    kept: list[str] = []
    reader = connector(server.account(), kept)
    reader.fetch("", 5)
    server.live_tokens.clear()
    reader.fetch("", 5)
    assert (server.asked.count(CREATE), server.asked.count(REFRESH)) == (2, 1)
    assert len(kept) == 2


@pytest.mark.parametrize("session", ["nonsense", "a:::b", "a:::b:::c:::d:::e:::f"])
def test_a_session_that_cannot_be_read_is_begun_anew(server: FaultyBluesky, session: str) -> None:
    connector(server.account(session=session)).fetch("", 5)
    assert server.asked.count(CREATE) == 1


def test_a_refused_password_needs_a_person(server: FaultyBluesky) -> None:
    account = server.account()
    wrong = Account(
        1, Channel.BLUESKY, "sky", "c1", account.options, json.dumps({"password": "wrong"})
    )
    error = failure(wrong)
    assert error.permanent
    assert "Invalid identifier or password" in str(error)
    assert "account add bluesky --replace" in error.mend
    assert server.asked == [CREATE]


# Answers that are none.


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"ratelimit-reset": str(int(NOW.timestamp()) + 90)}, timedelta(seconds=90)),
        ({"ratelimit-reset": str(int(NOW.timestamp()) - 90)}, timedelta(seconds=1)),
        ({"ratelimit-reset": str(10**11)}, timedelta(days=1)),
        ({"ratelimit-reset": "9" * 30}, None),
        ({"retry-after": "30"}, timedelta(seconds=30)),
        ({"ratelimit-reset": "soon"}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("nsid", [LIST, CREATE])
def test_a_rate_limit_says_when_to_come_back(
    server: FaultyBluesky, nsid: str, headers: dict[str, str], wait: timedelta | None
) -> None:
    server.faults = [Fault(nsid, 429, b'{"error":"RateLimitExceeded"}', headers)]
    error = failure(server.account())
    assert not error.permanent
    assert error.retry_after == wait
    assert server.asked.count(nsid) == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=500, body=b'{"error":"InternalServerError"}'),
        Fault(status=502, body=b"<html>Bad gateway</html>", headers={"content-type": "text/html"}),
        Fault(status=503),
        Fault(status=0),
        Fault(status=200, body=b"{}", silence=1.5),
        Fault(status=200, body=b"not JSON"),
        Fault(status=200, body=b"[]"),
        Fault(status=200, body=b"[" * 100_000),
        Fault(status=200, body=b'{"x":"' + b"x" * (11 * 1024 * 1024) + b'"}'),
        Fault(status=200, body=b"{}", headers={"content-encoding": "gzip"}),
        Fault(status=302, headers={"location": "http://127.0.0.1:9/"}),
    ],
    ids=lambda fault: f"{fault.status}-{fault.body[:9].decode()}-{fault.silence}",
)
@pytest.mark.parametrize("nsid", [LIST, CREATE])
def test_a_server_in_trouble_is_tried_later(server: FaultyBluesky, nsid: str, fault: Fault) -> None:
    server.arrive("A lamp", NOON)
    server.faults = [Fault(nsid, fault.status, fault.body, fault.headers, fault.silence)]
    account = server.account(timeout=1.0)
    assert not failure(account).permanent
    assert server.asked.count(nsid) == 1
    assert [reply.text for reply in connector(account).fetch("", 5).replies] == ["A lamp"]


def test_a_server_that_is_not_there_is_tried_later() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    options = {"handle": "owner.test", "base_url": f"http://127.0.0.1:{port}"}
    account = Account(1, Channel.BLUESKY, "sky", "c1", options, json.dumps({"password": "x"}))
    error = failure(account)
    assert not error.permanent
    assert "127.0.0.1 can't be reached" in str(error)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, b'{"error":"AccountTakedown","message":"Account has been taken down"}'),
        (404, b"<html>"),
        (400, b'{"error":"InvalidRequest","message":"Malformed cursor"}'),
    ],
)
def test_a_refusal_needs_a_person(server: FaultyBluesky, status: int, body: bytes) -> None:
    server.faults = [Fault(LIST, status, body)]
    assert failure(server.account()).permanent


@pytest.mark.parametrize(
    "address", ["http://pds.example", "ftp://pds.example", "pds.example", "https://", "javascript:"]
)
def test_a_password_goes_only_where_nobody_listens(address: str) -> None:
    options = {"handle": "owner.test", "base_url": address}
    error = failure(Account(1, Channel.BLUESKY, "sky", "c1", options, '{"password": "x"}'))
    assert error.permanent
    assert address in str(error)


@pytest.mark.parametrize("secret", ["", "x", "[]", "{}", "null"])
def test_a_secret_that_is_none_needs_a_person(server: FaultyBluesky, secret: str) -> None:
    options = server.account().options
    assert failure(Account(1, Channel.BLUESKY, "sky", "c1", options, secret)).permanent


def test_without_the_client_library_it_says_what_to_install(
    server: FaultyBluesky, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "collector.bluesky.wire", None)
    error = failure(server.account())
    assert error.permanent
    assert "definedby[bluesky]" in error.mend


def test_the_client_library_is_loaded_when_it_is_needed() -> None:
    """It takes seconds to import, and is an extra."""
    program = "import sys, collector.channels.bluesky; sys.exit('atproto_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 0


# Writing in public: the record key makes a repeat harmless.


@pytest.mark.parametrize(
    "lost",
    [Fault(PUT, done=True), Fault(PUT, done=False), Fault(PUT, 503), Fault(PUT, 502, done=True)],
)
def test_p10_an_answer_that_got_lost_is_tried_again_and_stands_once(
    server: FaultyBluesky, lost: Fault
) -> None:
    item = server.arrive("A lamp", NOON)
    message = answer("m1", in_reply_to=item["uri"], private=False)
    server.faults = [lost]
    with pytest.raises(ChannelError) as caught:
        connector(server.account()).send(message)
    assert not caught.value.permanent
    assert not caught.value.delivered_unknown
    sent = [connector(server.account()).send(message) for _ in range(2)]
    assert sent[0] == sent[1]
    assert list(server.records) == [sent[0]]


def test_another_text_under_the_same_key_is_refused(server: FaultyBluesky) -> None:
    writer = connector(server.account())
    posted = writer.post("Thought leadership is ___?", "k1")
    assert writer.post("Thought leadership is ___?", "k1") == posted
    with pytest.raises(ChannelError, match="Another text"):
        writer.post("Leadership is ___?", "k1")
    assert writer.post("Thought leadership is ___?", "k2") != posted


def test_an_answer_in_a_thread_names_its_root(server: FaultyBluesky) -> None:
    root = {"uri": f"at://{OWN_DID}/app.bsky.feed.post/3kaaaaaaaaaaa", "cid": "bafyroot"}
    item = server.arrive("A lamp", NOON, reply={"root": root, "parent": root})
    server.handles["ada.test"] = "did:plc:ada"
    uri = connector(server.account()).send(
        answer("m1", body="@ada.test: thank you", in_reply_to=item["uri"], private=False)
    )
    record = server.records[uri]["value"]
    assert record["reply"] == {"root": root, "parent": {"uri": item["uri"], "cid": item["cid"]}}
    assert [facet["features"][0]["did"] for facet in record["facets"]] == ["did:plc:ada"]
    assert record["createdAt"] == "2026-01-07T00:00:00.000Z"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"body": "x" * 301}, "301 characters; Bluesky allows 300"),
        ({"body": " "}, "no text"),
        ({"in_reply_to": ""}, "only people who wrote"),
        (
            {"in_reply_to": "at://did:plc:gone/app.bsky.feed.post/3kaaaaaaaaaaa"},
            "not there any more",
        ),
    ],
)
def test_what_cannot_be_answered_says_why(
    server: FaultyBluesky, change: dict[str, str], message: str
) -> None:
    item = server.arrive("A lamp", NOON)
    outgoing = answer("m1", **{"in_reply_to": item["uri"], "private": False, **change})
    with pytest.raises(ChannelError, match=message) as caught:
        connector(server.account()).send(outgoing)
    assert caught.value.permanent
    assert server.records == {}


def test_an_author_who_limits_answers_is_left_in_peace(server: FaultyBluesky) -> None:
    item = server.arrive("A lamp", NOON)
    item["viewer"] = {"replyDisabled": True}
    with pytest.raises(ChannelError, match="limited who may answer"):
        connector(server.account()).send(answer("m1", in_reply_to=item["uri"], private=False))


# Looking again, and the account itself.


def test_sources_are_looked_at_25_a_request(server: FaultyBluesky) -> None:
    items = [server.arrive(f"lamp {number}", NOON) for number in range(60)]
    for item in items[:2]:
        del server.posts[item["uri"]]
    server.away[items[1]["author"]["did"]] = "AccountDeactivated"
    wanted = [item["uri"] for item in items[:-1]]
    edited = f"{items[-1]['uri']}#bafyolder"
    states = connector(server.account()).look_again([*wanted, edited, "chat:c/m1", "nonsense"])
    assert list(states) == [*wanted, edited]
    assert states[wanted[0]] is SourceState.GONE
    assert states[wanted[1]] is SourceState.PROTECTED
    assert {states[one] for one in wanted[2:]} == {SourceState.THERE}
    assert states[edited] is SourceState.EDITED
    assert server.asked.count("app.bsky.feed.getPosts") == 3


def test_the_check_says_who_it_is_and_what_it_may(server: FaultyBluesky) -> None:
    said = connector(server.account()).check()
    assert said.startswith("Signed in to Bluesky as @owner.test; direct messages are read and sent")
    assert "label its profile as automated" in said
    server.scope = PLAIN
    assert "the app password does not allow them" in connector(server.account()).check()


def test_what_is_asked_makes_an_account(server: FaultyBluesky) -> None:
    answers = {ask.name: ask.default for ask in ASKS} | {
        "handle": " @Owner.test ",
        "password": f" {PASSWORD} ",
        "base_url": f"{server.base_url}/",
    }
    options, secret = account_from(answers)
    assert PASSWORD not in json.dumps(options)
    opened = open_connector(Account(1, Channel.BLUESKY, "sky", "c1", options, secret))
    assert isinstance(opened, PostingConnector)
    assert opened.check().endswith(".")
    assert (
        account_from({"handle": "a.test", "password": "x"})[0]["base_url"] == "https://bsky.social"
    )
