"""The Mastodon connector sends: once, to one person, and to nobody who wants no bots (P10)."""

from __future__ import annotations

import socket
from datetime import timedelta

import pytest

from collector.connector import ChannelError, OutgoingMessage
from tests.conftest import SteppingClock
from tests.mastodon_accounts import ADA, ada, connected, hello, read_all, replies, server
from tests.servers.mastodon_api import MastodonApi
from tests.servers.mastodon_http import Fault

__all__ = ["ada", "server"]  # fixtures


def test_a_post_is_never_redirected(server: MastodonApi) -> None:
    here = {"Location": "/api/v1/statuses"}
    server.faults.append(Fault(method="POST", status=302, headers=here))
    with pytest.raises(ChannelError, match="another address") as error:
        connected(server).send(hello())
    assert error.value.permanent
    assert not error.value.delivered_unknown
    assert server.posted() == []


def test_an_answer_goes_to_its_author_alone(server: MastodonApi, ada: str) -> None:
    asked = server.mention(ada, "a lamp", visibility="direct")
    known = connected(server).send(hello(in_reply_to=str(asked)))
    (posted,) = server.posted()
    assert posted["id"] == known
    assert (posted["visibility"], posted["in_reply_to_id"]) == ("direct", str(asked))
    (request,) = [seen for seen in server.requests if seen.method == "POST"]
    assert request.params["status"] == [f"{ADA} Hello"]
    assert request.headers["idempotency-key"] == "<m1@sample.example>"


def test_a_public_answer_is_unlisted_and_mentions_once(server: MastodonApi) -> None:
    connected(server).send(hello(body=f"Thank you, {ADA.upper()}!", private=False))
    (request,) = [seen for seen in server.requests if seen.method == "POST"]
    assert request.params["status"] == [f"Thank you, {ADA.upper()}!"]
    assert request.params["visibility"] == ["unlisted"]


@pytest.mark.parametrize(
    "profile", [{"note": "<p>#<span>nobot</span></p>"}, {"bot": True}, {"note": "Hi #NoBot"}]
)
def test_who_wants_no_bots_is_read_but_not_written_to(
    server: MastodonApi, profile: dict[str, object]
) -> None:
    eve = server.add_person("eve@far.example", **profile)
    asked = server.mention(eve, "a lamp")
    assert len(replies(read_all(server)[0])) == 1
    for in_reply_to in ("", str(asked)):
        with pytest.raises(ChannelError, match="#nobot") as error:
            connected(server).send(hello(to="@eve@far.example", in_reply_to=in_reply_to))
        assert error.value.permanent
        assert error.value.mend.endswith(".")
    assert server.posted() == []


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (hello(to="@nobody@far.example"), "knows nobody"),
        (hello(body="as @eve@far.example said"), "mentions @eve@far.example"),
        (hello(body="x" * 600), "server allows 500"),
        (hello(in_reply_to="999"), "no longer there"),
        (hello(in_reply_to="../1"), "no longer there"),
    ],
)
def test_what_cannot_be_sent_is_refused_before_anything_leaves(
    server: MastodonApi, message: OutgoingMessage, says: str
) -> None:
    with pytest.raises(ChannelError, match=says) as error:
        connected(server).send(message)
    assert error.value.permanent
    assert not error.value.delivered_unknown
    assert server.posted() == []


def test_who_has_blocked_us_is_left_alone(server: MastodonApi, ada: str) -> None:
    server.blocked_by.add(ada)
    with pytest.raises(ChannelError, match="has blocked"):
        connected(server).send(hello())
    assert server.posted() == []


@pytest.mark.parametrize("cut", ["before", "after"])
def test_p10_a_cut_connection_is_tried_again_without_a_duplicate(
    server: MastodonApi, cut: str
) -> None:
    server.faults.append(Fault(method="POST", cut=cut))
    known = connected(server).send(hello())
    assert [status["id"] for status in server.posted()] == [known]


@pytest.mark.parametrize(
    ("fault", "posts"),
    [
        (Fault(method="POST", cut="after", times=2), 1),
        (Fault(method="POST", cut="before", times=2), 0),
        (Fault(method="POST", status=502, is_done=True), 1),
        (Fault(method="POST", status=500), 0),
        (Fault(method="POST", wait=1.5), 1),
        (Fault(method="POST", status=200, body=b"<html>", is_done=True), 1),
        (Fault(method="POST", status=200, body=b"{}", is_done=True), 1),
    ],
    ids=["cut twice", "cut early twice", "gateway", "error", "slow", "html", "no id"],
)
def test_p10_what_nobody_knows_waits_for_a_human(
    server: MastodonApi, fault: Fault, posts: int
) -> None:
    server.faults.append(fault)
    with pytest.raises(ChannelError) as error:
        connected(server, timeout=0.5).send(hello())
    assert error.value.delivered_unknown
    assert error.value.mend.endswith(".")
    if fault.wait:
        server.wait_for_posts(posts)
    assert len(server.posted()) == posts


def test_p10_a_refusal_after_a_cut_stays_unknown(server: MastodonApi) -> None:
    server.faults += [Fault(method="POST", cut="after"), Fault(method="POST", status=422)]
    with pytest.raises(ChannelError) as error:
        connected(server).send(hello())
    assert error.value.delivered_unknown


@pytest.mark.parametrize(
    ("status", "permanent"), [(401, True), (403, True), (404, True), (422, True), (429, False)]
)
def test_a_refusal_to_post_is_known_not_to_have_left(
    server: MastodonApi, status: int, permanent: bool
) -> None:
    reset = {"X-RateLimit-Reset": "2026-01-05T13:30:00.000Z"}
    server.faults.append(Fault(method="POST", status=status, headers=reset))
    with pytest.raises(ChannelError) as error:
        connected(server).send(hello())
    assert error.value.permanent is permanent
    assert not error.value.delivered_unknown
    assert error.value.retry_after == (timedelta(minutes=90) if status == 429 else None)


def test_a_server_out_of_reach_is_temporary_and_nothing_left(server: MastodonApi) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        nobody = f"http://127.0.0.1:{probe.getsockname()[1]}"
    with pytest.raises(ChannelError) as error:
        connected(server, url=nobody).post("___?", "k")
    assert not error.value.permanent
    assert not error.value.delivered_unknown


def test_the_prompt_is_posted_once_however_often_it_is_tried(
    server: MastodonApi, clock: SteppingClock
) -> None:
    first = connected(server).post("Thought leadership is ___?", "campaign-1")
    again = connected(server).post("Thought leadership is ___?", "campaign-1")
    assert first == again
    (posted,) = server.posted()
    assert (posted["visibility"], posted["url"]) == ("public", first.url)
    assert first.posted_at == clock()


def test_a_long_address_counts_as_the_server_counts_it(server: MastodonApi) -> None:
    text = "a" * 470 + " https://sample.example/" + "x" * 100
    with pytest.raises(ChannelError) as error:
        connected(server).post(text, "k")
    # Our length is the reference's; this small server counts characters only, and says 422.
    assert "Validation failed" in str(error.value)
