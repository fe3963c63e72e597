"""The Mastodon connector reads: against a real HTTP server that follows Mastodon's reference."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.connector import ChannelError, SourceState
from tests.conftest import SteppingClock
from tests.mastodon_accounts import ada, connected, read_all, replies, server
from tests.servers.mastodon_api import MastodonApi
from tests.servers.mastodon_http import Fault

__all__ = ["ada", "server"]  # fixtures


@pytest.mark.parametrize(("limit", "cap"), [(1, 80), (3, 2), (7, 80), (80, 5)])
def test_p16_mentions_are_read_upwards_whatever_the_limits(
    server: MastodonApi, ada: str, limit: int, cap: int
) -> None:
    server.page_cap = cap
    texts = [f"lamp {number}" for number in range(12)]
    for text in texts:
        server.mention(ada, text)
    pages, cursor = read_all(server, limit=limit)
    assert [reply.text for reply in replies(pages)] == [f"@bot {text}" for text in texts]
    assert all(len(page.replies) <= limit for page in pages)
    assert read_all(server, cursor=cursor)[0][0].replies == ()
    server.mention(ada, "one more")
    assert [r.text for r in replies(read_all(server, cursor=cursor)[0])] == ["@bot one more"]


def test_p16_the_same_cursor_brings_the_same_and_what_is_newer(
    server: MastodonApi, ada: str
) -> None:
    first = [server.mention(ada, f"lamp {number}") for number in range(3)]
    ids = [reply.external_id for reply in replies(read_all(server)[0])]
    assert ids == [str(known) for known in first]
    newer = server.mention(ada, "newer")
    again = [reply.external_id for reply in replies(read_all(server)[0])]
    assert again == [*ids, str(newer)]


@pytest.mark.parametrize("before", [1, 50])
def test_p16_a_mention_that_was_stored_late_is_read_once(
    server: MastodonApi, ada: str, before: int
) -> None:
    for number in range(before):
        server.mention(ada, f"lamp {number}")
    number = server.reserve()
    for _ in range(3):
        server.mention(ada, "overtook it")
    _, cursor = read_all(server)
    late = server.mention(ada, "late", notify=False)
    server.notify(late, at=number)
    pages, cursor = read_all(server, cursor=cursor)
    assert [reply.external_id for reply in replies(pages)] == [str(late)]
    pages, cursor = read_all(server, cursor=cursor)
    assert replies(pages) == []


@pytest.mark.parametrize("limit", [7, 80])
def test_p16_a_late_mention_is_not_lost_in_a_rush(
    server: MastodonApi, ada: str, limit: int
) -> None:
    for number in range(50):
        server.mention(ada, f"lamp {number}")
    number = server.reserve()
    server.mention(ada, "overtook it")
    _, cursor = read_all(server)
    late = server.mention(ada, "late", notify=False)
    server.notify(late, at=number)
    rush = [server.mention(ada, f"door {number}") for number in range(100)]
    pages, cursor = read_all(server, cursor=cursor, limit=limit)
    ids = [reply.external_id for reply in replies(pages)]
    assert ids == [str(known) for known in (late, *rush)]
    assert replies(read_all(server, cursor=cursor)[0]) == []


def test_threads_and_mentions_together_bring_each_reply_once(server: MastodonApi, ada: str) -> None:
    prompt = server.add_status(server.own_id, "Thought leadership is ___?")
    mentioned = server.mention(ada, "a lamp", answers=prompt)
    silent = server.add_status(ada, "a lamp without a mention", answers=prompt)
    below = server.add_status(ada, "and more below", answers=silent)
    server.add_status(server.own_id, "thank you", answers=silent)
    elsewhere = server.mention(ada, "not in the thread")
    pages, cursor = read_all(server, prompt, limit=2)
    expected = {str(each) for each in (mentioned, silent, below, elsewhere)}
    ids = [reply.external_id for reply in replies(pages)]
    assert sorted(ids) == sorted(expected)
    assert [item.reason for page in pages for item in page.skipped] == [
        "It is the account's own post."
    ]
    late = server.add_status(ada, "late from a far server", answers=below)
    assert [r.external_id for r in replies(read_all(server, prompt, cursor=cursor)[0])] == [
        str(late)
    ]


def test_private_mentions_are_private_even_without_a_notification(
    server: MastodonApi, ada: str
) -> None:
    told = server.mention(ada, "told", visibility="direct")
    first = server.mention(ada, "first of two", visibility="direct", notify=False)
    second = server.mention(ada, "second", visibility="direct", notify=False, answers=first)
    filtered = server.mention(ada, "set aside by the server", notify=False)
    server.notify(filtered, filtered=True)
    found = {reply.external_id: reply for reply in replies(read_all(server, limit=3)[0])}
    assert set(found) == {str(each) for each in (told, first, second, filtered)}
    assert [found[str(each)].private for each in (told, first, second, filtered)] == [
        True,
        True,
        True,
        False,
    ]
    assert found[str(second)].in_reply_to == (str(first),)


def test_a_server_without_conversations_is_read_all_the_same(server: MastodonApi, ada: str) -> None:
    server.has_conversations = False
    prompt = server.add_status(server.own_id, "Thought leadership is ___?")
    server.add_status(ada, "a lamp", answers=prompt)
    assert [reply.text for reply in replies(read_all(server, prompt)[0])] == ["a lamp"]


def test_an_edit_is_seen_once_and_names_the_known_reply(
    server: MastodonApi, ada: str, clock: SteppingClock
) -> None:
    prompt = server.add_status(server.own_id, "Thought leadership is ___?")
    answer = server.mention(ada, "a lamp", answers=prompt)
    _, cursor = read_all(server, prompt)
    clock.pass_time(minutes=10)
    server.edit(answer, "a lamp, left on")
    pages, cursor = read_all(server, prompt, cursor=cursor)
    edited = [reply for page in pages for reply in page.edited]
    assert [(reply.external_id, reply.text) for reply in edited] == [
        (str(answer), "a lamp, left on")
    ]
    pages, _ = read_all(server, prompt, cursor=cursor)
    assert [(page.replies, page.edited) for page in pages] == [((), ())]


def test_a_reply_edited_before_it_is_read_comes_as_it_stands(server: MastodonApi, ada: str) -> None:
    server.edit(server.mention(ada, "a lmap"), "a lamp")
    pages, _ = read_all(server)
    assert [reply.text for reply in replies(pages)] == ["a lamp"]


@pytest.mark.parametrize("limit", [1, 4, 80])
def test_p17_malformed_items_say_why_and_the_rest_arrives(
    server: MastodonApi, ada: str, limit: int
) -> None:
    server.mention(ada, "first")
    server.notify(server.add_status(ada, "x", content=None))
    server.notify(server.add_status(ada, "x", account="nobody"))
    server.notify(server.add_status(ada, ""))
    server.notify(server.add_status(ada, "x"), status=None)
    server.notify_malformed("no object at all")
    server.notify_malformed({"type": "mention", "id": ""})
    server.notify(server.add_status(ada, "x"), type="favourite")
    server.mention(ada, "last")
    pages, _ = read_all(server, limit=limit)
    assert [reply.text for reply in replies(pages)] == ["@bot first", "@bot last"]
    skipped = [item for page in pages for item in page.skipped]
    assert len(skipped) == 6
    assert all(item.external_id and item.reason.endswith(".") for item in skipped)


def test_a_deleted_prompt_is_told_once_and_stops_nothing(server: MastodonApi, ada: str) -> None:
    prompt = server.add_status(server.own_id, "Thought leadership is ___?")
    server.delete(prompt)
    server.mention(ada, "a lamp")
    pages, cursor = read_all(server, prompt)
    assert len(replies(pages)) == 1
    assert [item.external_id for page in pages for item in page.skipped] == [str(prompt)]
    assert [page.skipped for page in read_all(server, prompt, cursor=cursor)[0]] == [()]


def test_trouble_with_a_thread_holds_back_no_mention(server: MastodonApi, ada: str) -> None:
    prompt = server.add_status(server.own_id, "Thought leadership is ___?")
    server.mention(ada, "a lamp")
    server.faults.append(Fault(path="/context", status=500, times=100))
    page = connected(server, prompt).fetch("", 10)
    assert [reply.text for reply in page.replies] == ["@bot a lamp"]
    with pytest.raises(ChannelError) as error:
        connected(server, prompt).fetch(page.next_cursor, 10)
    assert not error.value.permanent


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_p16_what_was_sent_is_what_is_read_through_kills_and_limits(data: st.DataObject) -> None:
    clock = SteppingClock()
    with MastodonApi(clock) as server:
        ada = server.add_person("ada@far.example")
        prompt = server.add_status(server.own_id, "Thought leadership is ___?")
        server.page_cap = data.draw(st.integers(1, 8), label="cap")
        sent: set[str] = set()
        stored: set[str] = set()
        cursor = ""
        for _ in range(data.draw(st.integers(1, 8), label="turns")):
            for kind in data.draw(st.lists(st.sampled_from("mtdf"), max_size=5), label="arrivals"):
                sent.add(str(_arrive(server, ada, prompt, kind)))
            limit = data.draw(st.integers(1, 4), label="limit")
            if data.draw(st.booleans(), label="fault"):
                server.faults.append(Fault(status=503))
            try:
                page = connected(server, prompt).fetch(cursor, limit)
            except ChannelError:  # the fault; the next turn tries again from the same place
                continue
            if data.draw(st.booleans(), label="killed before it was stored"):
                continue
            stored |= {reply.external_id for reply in page.replies}
            cursor = page.next_cursor
        server.faults.clear()
        for page in read_all(server, prompt, limit=4, cursor=cursor)[0]:
            stored |= {reply.external_id for reply in page.replies}
        assert stored == sent


def _arrive(server: MastodonApi, ada: str, prompt: int, kind: str) -> int:
    if kind == "m":
        return server.mention(ada, "a mention")
    if kind == "t":
        return server.mention(ada, "a mention in the thread", answers=prompt)
    if kind == "d":
        return server.mention(ada, "in private", visibility="direct", notify=False)
    return server.add_status(ada, "from far, without a mention", answers=prompt)


def test_p38_sources_are_there_edited_gone_or_protected(server: MastodonApi, ada: str) -> None:
    there, edited, gone = (server.add_status(ada, f"lamp {number}") for number in range(3))
    eve = server.add_person("eve@far.example", suspended=True)
    suspended, hidden = server.add_status(eve, "lamp"), server.add_status(ada, "lamp")
    server.edit(edited, "a lamp, left on")
    server.delete(gone)
    server.faults.append(Fault(path=f"/statuses/{hidden}$", status=403))
    states = connected(server).look_again(
        [str(known) for known in (there, edited, gone, suspended, hidden)] + ["../../odd id"]
    )
    assert states == {
        str(there): SourceState.THERE,
        str(edited): SourceState.EDITED,
        str(gone): SourceState.GONE,
        str(suspended): SourceState.PROTECTED,
        str(hidden): SourceState.PROTECTED,
    }


def test_p38_a_token_that_ended_does_not_look_like_protected_sources(
    server: MastodonApi, ada: str
) -> None:
    known = str(server.add_status(ada, "lamp"))
    with pytest.raises(ChannelError, match="token"):
        connected(server, token="an-old-one").look_again([known])


def test_p38_looking_again_leaves_requests_for_reading(server: MastodonApi, ada: str) -> None:
    ids = [str(server.add_status(ada, "lamp")) for _ in range(30)]
    server.allowed = 70
    states = connected(server).look_again(ids)
    assert 5 <= len(states) < 30
    assert set(states.values()) == {SourceState.THERE}


def test_p38_trouble_half_way_keeps_what_is_known(server: MastodonApi, ada: str) -> None:
    ids = [str(server.add_status(ada, "lamp")) for _ in range(3)]
    server.faults.append(Fault(path=f"/statuses/{ids[1]}$", status=500))
    assert connected(server).look_again(ids) == {ids[0]: SourceState.THERE}
    server.faults.append(Fault(path=f"/statuses/{ids[0]}$", status=500))
    with pytest.raises(ChannelError) as error:
        connected(server).look_again(ids)
    assert not error.value.permanent
