"""What the Mastodon connector says of a server in trouble, and of wrong options."""

from __future__ import annotations

import json
import logging
from datetime import timedelta

import pytest

from collector.channels.mastodon import open_connector
from collector.connector import ChannelError, PostingConnector
from ledger.model import Account, Channel
from tests.conftest import SteppingClock
from tests.mastodon_accounts import ada, connected, hello, read_all, replies, server
from tests.servers.mastodon_api import MastodonApi
from tests.servers.mastodon_http import Fault

__all__ = ["ada", "server"]  # fixtures


@pytest.mark.parametrize(
    ("status", "permanent"),
    [(401, True), (403, True), (404, False), (410, False), (422, True), (500, False), (503, False)],
)
def test_refusals_while_reading_say_what_to_do(
    server: MastodonApi, status: int, permanent: bool
) -> None:
    server.faults.append(Fault(path="verify_credentials|notifications", status=status, times=9))
    if status in (404, 410):  # a server that knows no notifications has none
        assert connected(server).fetch("", 5).replies == ()
        return
    with pytest.raises(ChannelError) as error:
        connected(server).fetch("", 5)
    assert error.value.permanent is permanent
    assert error.value.mend.endswith(".")


def test_a_wrong_token_is_told_apart(server: MastodonApi) -> None:
    connector = connected(server, token="of-somebody-else")
    for attempt in (connector.check, lambda: connector.fetch("", 5)):
        with pytest.raises(ChannelError, match="does not know this token") as error:
            attempt()
        assert error.value.permanent
        assert "definedby account add mastodon --replace" in error.value.mend


def test_the_rate_limit_is_waited_out_as_the_server_says(
    server: MastodonApi, ada: str, clock: SteppingClock
) -> None:
    server.mention(ada, "a lamp")
    server.allowed = 0
    with pytest.raises(ChannelError) as error:
        connected(server).fetch("", 5)
    assert not error.value.permanent
    assert error.value.retry_after == timedelta(minutes=5)
    clock.pass_time(minutes=5)
    server.allowed = 300
    assert len(connected(server).fetch("", 5).replies) == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault(wait=5),
        Fault(drip=0.05, status=200, body=b"[" + b" " * 100 + b"]"),
        Fault(cut="before"),
        Fault(cut="after"),
        Fault(status=200, body=b"<html>Down for maintenance</html>"),
        Fault(status=200, body=b"[" * 200_000),
        Fault(status=200, body=b'{"error": "no list"}'),
        Fault(status=200, body=b"[]", headers={"Content-Length": "2000"}),
        Fault(status=200, body=b'["' + b"x" * (10 * 1024 * 1024) + b'"]'),
    ],
    ids=["silent", "trickling", "cut", "cut later", "html", "nested", "object", "short", "huge"],
)
def test_an_answer_that_cannot_be_used_is_temporary(server: MastodonApi, fault: Fault) -> None:
    server.faults.append(Fault(**{**vars(fault), "path": "notifications"}))
    with pytest.raises(ChannelError) as error:
        connected(server, timeout=0.4).fetch("", 5)
    assert not error.value.permanent
    assert not error.value.delivered_unknown


def test_odd_headers_do_not_spoil_a_good_answer(server: MastodonApi, ada: str) -> None:
    odd = {
        "X-RateLimit-Reset": "whenever",
        "X-RateLimit-Remaining": "many",
        "Deprecation": "true",
        "Link": "<<,>;rel",
        "Mastodon-Async-Refresh": "id=,,=",
    }
    server.mention(ada, "a lamp")
    server.faults.append(Fault(path="", headers=odd, times=20))
    assert len(replies(read_all(server)[0])) == 1


def test_a_redirect_never_leads_to_another_host(server: MastodonApi) -> None:
    with MastodonApi(server.clock) as other:
        away = {"Location": other.url + "/api/v1/notifications"}
        server.faults.append(Fault(path="notifications", status=302, headers=away))
        with pytest.raises(ChannelError, match="another address") as error:
            connected(server).fetch("", 5)
        assert error.value.permanent
        assert other.requests == []


def test_a_redirects_body_is_bounded_too(server: MastodonApi) -> None:
    here = {"Location": "/api/v1/notifications"}
    body = b"x" * (10 * 1024 * 1024 + 1)
    server.faults.append(Fault(path="notifications", status=302, body=body, headers=here))
    with pytest.raises(ChannelError, match="longer than 10 MiB"):
        connected(server).fetch("", 5)


def test_a_redirect_within_the_server_is_followed(server: MastodonApi, ada: str) -> None:
    server.mention(ada, "a lamp")
    here = {"Location": "/api/v1/notifications?min_id=0&limit=5"}
    server.faults.append(Fault(path="notifications", status=307, headers=here))
    assert len(connected(server).fetch("", 5).replies) == 1


@pytest.mark.parametrize(
    ("options", "token"),
    [
        ({}, "a"),
        ({"base_url": "http://mastodon.example"}, "a"),
        ({"base_url": "ftp://127.0.0.1"}, "a"),
        ({"base_url": "https://a@mastodon.example"}, "a"),
        ({"base_url": "https://mastodon.example/web"}, "a"),
        ({"base_url": "https://mastodon.example:x"}, "a"),
        ({"base_url": "http://127.0.0.1:1", "timeout": "long"}, "a"),
        ({"base_url": "http://127.0.0.1:1", "timeout": -1}, "a"),
        ({"base_url": "http://127.0.0.1:1"}, ""),
        ({"base_url": "http://127.0.0.1:1"}, "a\r\nX-Evil: 1"),
    ],
)
def test_p32_wrong_options_are_told_on_first_use(options: dict[str, object], token: str) -> None:
    connector = open_connector(Account(1, Channel.MASTODON, "a", "c", options, token))
    assert isinstance(connector, PostingConnector)
    for attempt in (
        connector.check,
        lambda: connector.fetch("", 5),
        lambda: connector.send(hello()),
        lambda: connector.post("___?", "k"),
        lambda: connector.look_again(["1"]),
    ):
        with pytest.raises(ChannelError) as error:
            attempt()
        assert error.value.permanent
        assert not error.value.delivered_unknown
        assert "definedby account add mastodon --replace" in error.value.mend


@pytest.mark.parametrize("bot", [True, False])
def test_a_check_says_who_answered_and_recommends_the_mark(server: MastodonApi, bot: bool) -> None:
    server.accounts[server.own_id]["bot"] = bot
    answer = connected(server).check()
    assert "@bot@home.example" in answer
    assert answer.endswith(".")
    assert ("is marked as automated" in answer) is bot
    assert ("Mark the account as automated" in answer) is not bot


def test_what_answers_may_be_no_mastodon(server: MastodonApi) -> None:
    server.faults.append(Fault(status=200, body=json.dumps({"hello": "world"}).encode()))
    with pytest.raises(ChannelError, match="no Mastodon server") as error:
        connected(server).check()
    assert error.value.permanent


def test_p39_no_log_holds_the_token_or_a_name(
    server: MastodonApi, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    connected(server).send(hello())
    connected(server).check()
    for secret in (server.token, "far.example", "Hello"):
        assert secret not in caplog.text
