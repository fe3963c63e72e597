"""Reading X over HTTP: what is read, what it costs, what goes wrong and how that is said."""

from __future__ import annotations

import gzip
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from collector.accounts import keep_account, try_account
from collector.channels.x import open_connector
from collector.connector import ChannelError, Context, SourceState
from collector.context import context_of
from collector.meter import AccountMeter
from collector.x.prices import PRICES
from ledger.accounts import add_account
from ledger.database import Ledger
from ledger.errors import TemporaryError
from ledger.model import Account, Campaign, Channel, Page
from ledger.spending import spent
from tests.conftest import SteppingClock
from tests.servers.x import ME, XServer
from tests.servers.x_account import connector_at, prompt_at, x_account
from tests.servers.x_http import Fault

ANSWERS = "/2/tweets/search/recent"
MENTIONS = f"/2/users/{ME}/mentions"


@pytest.fixture
def x(clock: SteppingClock) -> Iterator[XServer]:
    with XServer(clock) as server:
        yield server


def texts(page: Page) -> list[str]:
    return [reply.text for reply in page.replies]


def kept(ledger: Ledger, campaign: Campaign, account: Account) -> Account:
    """The account as it is in the ledger, where the meter counts for it."""
    with ledger.write() as connection:
        return add_account(
            connection,
            ledger.keys,
            channel=account.channel,
            name=account.name,
            campaign_id=campaign.id,
            options=account.options,
            secret=account.secret,
        )


def failure(call: Any, *given: Any) -> ChannelError:
    with pytest.raises(ChannelError) as error:
        call(*given)
    assert str(error.value).endswith((".", "!", "?"))
    assert error.value.mend.endswith(".")
    assert "token-" not in str(error.value) + error.value.mend
    return error.value


def test_mentions_answers_and_messages_are_read_once_each(x: XServer) -> None:
    prompt = prompt_at(x)
    x.add_post("@asker_example a lamp", answers=prompt.external_id)
    x.add_post("a lantern, further down", answers=prompt.external_id, mentions=False)
    x.add_post("@asker_example out of the blue")
    x.add_message("a candle, between us")
    page = connector_at(x, prompts=(prompt,)).fetch("", 100)
    assert sorted(texts(page)) == [
        "@asker_example a lamp",
        "@asker_example out of the blue",
        "a candle, between us",
        "a lantern, further down",
    ]
    assert [reply.text for reply in page.replies if reply.private] == ["a candle, between us"]
    assert (page.more, page.skipped) == (False, ())
    again = connector_at(x, prompts=(prompt,)).fetch(page.next_cursor, 100)
    assert (again.replies, again.more) == ((), False)
    # since_id always: what was read is not asked for again.
    assert all("since_id" in seen.query for seen in x.requests(MENTIONS) + x.requests(ANSWERS))


def test_what_came_before_the_prompt_is_none_of_ours(x: XServer) -> None:
    x.add_message("about last summer")
    x.add_post("@asker_example hello")
    prompt = prompt_at(x)
    x.add_post("@asker_example a lamp", answers=prompt.external_id)
    assert texts(connector_at(x, prompts=(prompt,)).fetch("", 100)) == ["@asker_example a lamp"]


def test_a_full_page_says_that_there_is_more_elsewhere(x: XServer) -> None:
    for number in range(3):
        x.add_post(f"@asker_example lamp {number}")
    x.add_message("a candle")
    page = connector_at(x).fetch("", 3)
    assert (len(page.replies), page.more) == (3, True)
    rest = connector_at(x).fetch(page.next_cursor, 3)
    assert (texts(rest), rest.more) == (["a candle"], False)


def test_messages_read_before_are_read_again_as_few_as_can_be(x: XServer) -> None:
    """X can't be asked for messages since an id, and charges for the same ones every day."""
    for number in range(40):
        x.add_message(f"candle {number}")
    cursor = connector_at(x).fetch("", 100).next_cursor
    for number in range(9):
        x.add_message(f"lantern {number}")
    x.billed.clear()
    page = connector_at(x).fetch(cursor, 100)
    assert texts(page) == [f"lantern {number}" for number in range(9)]
    assert [seen.query["max_results"] for seen in x.requests("/2/dm_events")] == ["100", "5", "100"]
    x.billed.clear()
    connector_at(x).fetch(page.next_cursor, 100)
    assert sum(kind == "dm_read" for _, kind, _ in x.billed) == 5


def test_our_own_posts_and_messages_are_skipped(x: XServer) -> None:
    x.add_post("@asker_example talking to ourselves", author=ME)
    x.add_message("a lamp?", sender=ME)
    page = connector_at(x).fetch("", 100)
    assert page.replies == ()
    assert {item.reason for item in page.skipped} == {"Our own message."}


def test_p17_a_malformed_message_does_not_stop_the_page(x: XServer) -> None:
    x.add_message("first")
    x.add_message("odd", _as={"id": 5, "created_at": "2026-01-05T12:00:00Z"})
    x.add_message("without milliseconds", created_at="2026-01-05T12:00:00Z")
    page = connector_at(x).fetch("", 100)
    assert texts(page) == ["first", "without milliseconds"]
    (skipped,) = page.skipped
    assert skipped.external_id.startswith("unreadable:")
    assert skipped.reason == "X sent it in a form that can't be read."


def test_messages_can_be_left_alone(x: XServer) -> None:
    x.add_message("a candle")
    assert connector_at(x, options={"messages": "no"}).fetch("", 100).replies == ()
    assert x.requests("/2/dm_events") == []


def test_an_edited_post_stays_the_reply_it_was(x: XServer) -> None:
    first = x.add_post("@asker_example a lump")
    cursor = connector_at(x).fetch("", 100).next_cursor
    x.edit_post(first, "@asker_example a lamp")
    page = connector_at(x).fetch(cursor, 100)
    (edited,) = page.edited
    assert (edited.external_id, edited.text) == (first["id"], "@asker_example a lamp")
    assert [reply.external_id for reply in page.replies] == [first["id"]]


def test_a_post_edited_before_we_came_is_a_reply_like_any(x: XServer) -> None:
    newer = x.edit_post(x.add_post("@asker_example a lump"), "@asker_example a lamp")
    connector = connector_at(x)
    page = connector.fetch("", 100)
    assert [reply.external_id for reply in page.replies] == [newer["id"]]
    assert page.edited == ()
    assert connector.look_again([newer["id"]]) == {newer["id"]: SourceState.THERE}


def test_the_search_is_not_asked_for_more_than_seven_days(x: XServer, clock: SteppingClock) -> None:
    prompt = prompt_at(x)
    x.add_post("@asker_example early", answers=prompt.external_id, mentions=False)
    cursor = connector_at(x, prompts=(prompt,)).fetch("", 100).next_cursor
    clock.pass_time(days=12)
    x.add_post("late", answers=prompt.external_id, mentions=False)
    page = connector_at(x, prompts=(prompt,)).fetch(cursor, 100)
    assert texts(page) == ["late"]
    assert "since_id" not in x.requests(ANSWERS)[-1].query


def test_another_login_starts_from_its_own_beginning(x: XServer) -> None:
    x.add_post("@asker_example a lamp")
    page = connector_at(x).fetch("", 100)
    foreign = json.dumps(json.loads(page.next_cursor) | {"of": "77"})
    for cursor in (foreign, "[]", "{", '{"of": "1000", "read": 5}'):
        assert texts(connector_at(x).fetch(cursor, 100)) == texts(page)


def test_a_rate_limit_is_temporary_and_says_until_when(x: XServer) -> None:
    x.left[MENTIONS] = 0
    error = failure(connector_at(x).fetch, "", 100)
    assert not error.permanent
    assert error.retry_after == timedelta(seconds=600)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, timedelta(minutes=15)),
        ({"x-rate-limit-reset": "soon"}, timedelta(minutes=15)),
        ({"x-rate-limit-reset": "0"}, timedelta(seconds=1)),
        ({"x-rate-limit-reset": "9" * 400}, timedelta(days=1)),
    ],
)
def test_a_limit_that_does_not_say_when_it_ends_is_waited_for_all_the_same(
    x: XServer, headers: dict[str, str], wait: timedelta
) -> None:
    x.spoil(MENTIONS, Fault(429, b"[]", headers))
    x.spoil("/2/dm_events", Fault(429))
    assert failure(connector_at(x).fetch, "", 100).retry_after == wait


def test_a_limit_by_the_day_counts_where_that_is_the_one_reached(
    x: XServer, clock: SteppingClock
) -> None:
    now = int(clock().timestamp())
    headers = {
        "x-rate-limit-remaining": "12",
        "x-rate-limit-reset": str(now + 60),
        "x-user-limit-24hour-remaining": "0",
        "x-user-limit-24hour-reset": str(now + 7200),
    }
    x.spoil(MENTIONS, Fault(429, b"{}", headers))
    assert failure(connector_at(x).fetch, "", 100).retry_after == timedelta(hours=2)


def test_one_refused_list_does_not_keep_the_others_from_being_read(x: XServer) -> None:
    x.spoil(MENTIONS, *[Fault(403, b'{"detail": "Not with this plan."}')] * 2)
    x.add_message("a candle")
    page = connector_at(x).fetch("", 100)
    assert texts(page) == ["a candle"]
    assert page.more
    error = failure(connector_at(x).fetch, page.next_cursor, 100)
    assert error.permanent
    assert "read the mentions: Not with this plan." in str(error)


@pytest.mark.parametrize(
    ("fault", "permanent", "said"),
    [
        (Fault(500), False, "trouble of its own"),
        (Fault(503, b"<html>"), False, "trouble of its own"),
        (Fault(402, b'{"title": "CreditsDepleted"}'), True, "credits"),
        (Fault(404, b"[1]"), True, "HTTP 404"),
        (Fault(400, b'{"errors": 5, "detail": [5]}'), True, "HTTP 400"),
        (Fault(400, b'{"errors": [{"message": "Bad.\\u202e\\nThing"}]}'), True, "Bad. Thing."),
        (Fault(302, b"", {"location": "http://127.0.0.1:1/"}), True, "redirect"),
        (Fault(body=b"[]"), False, "can't be understood"),
        (Fault(body=b"<html>"), False, "can't be understood"),
        (Fault(body=b'{"data":' * 100_000), False, "can't be understood"),
        (Fault(body=b" " * (10 * 1024 * 1024 + 1)), False, "longer than 10 MiB"),
        (Fault(body=b"plain", headers={"content-encoding": "gzip"}), False, "can't be under"),
        (Fault(cut="before"), False, "cut"),
        (Fault(cut="after"), False, "cut"),
    ],
)
def test_what_goes_wrong_is_permanent_or_not_and_said(
    x: XServer, fault: Fault, permanent: bool, said: str
) -> None:
    x.spoil(MENTIONS, fault)
    x.spoil("/2/dm_events", Fault(404))
    error = failure(connector_at(x).fetch, "", 100)
    assert error.permanent is permanent
    assert said in str(error)
    assert not error.delivered_unknown


@pytest.mark.parametrize("fault", [Fault(seconds=1.5), Fault(body=b"x" * 99, chunk_seconds=0.15)])
def test_an_answer_that_does_not_come_or_does_not_end_is_given_up(x: XServer, fault: Fault) -> None:
    x.spoil(MENTIONS, fault)
    began = time.monotonic()
    error = failure(connector_at(x, options={"timeout": 0.3}).fetch, "", 100)
    # The whole of it would take 15 seconds.
    assert time.monotonic() - began < 8
    assert not error.permanent
    assert len(x.requests("/2/dm_events")) == 0


def test_an_unpacked_answer_may_be_as_little_as_a_plain_one(x: XServer) -> None:
    x.spoil(
        MENTIONS, Fault(body=gzip.compress(b" " * 30_000_000), headers={"content-encoding": "gzip"})
    )
    assert "longer than 10 MiB" in str(failure(connector_at(x).fetch, "", 100))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"base_url": "http://gateway.example"}, "base_url"),
        ({"base_url": "https://user@gateway.example"}, "base_url"),
        ({"base_url": "https://gateway.example/?a"}, "base_url"),
        ({"base_url": "https://[gateway"}, "base_url"),
        ({"base_url": "ftp://127.0.0.1"}, "base_url"),
        ({"timeout": "soon"}, "time-out"),
        ({"timeout": 3600}, "time-out"),
    ],
)
def test_options_that_can_not_be_used_are_said_on_first_use(
    x: XServer, options: dict[str, Any], said: str
) -> None:
    connector = connector_at(x, options=options)
    for call in (connector.check, lambda: connector.fetch("", 5)):
        error = failure(call)
        assert error.permanent
        assert said in str(error)
    assert x.seen == []


@pytest.mark.parametrize("secret", ["", "{", "[]", "5", "{}", '{"access_token": ""}'])
def test_a_login_that_is_none_is_said_on_first_use(x: XServer, secret: str) -> None:
    account = replace(x_account(x.url), secret=secret)
    assert failure(open_connector(account, Context()).check).permanent


def test_p38_sources_are_looked_up_a_hundred_at_a_time(x: XServer) -> None:
    posts = [x.add_post(f"@asker_example {number}") for number in range(130)]
    ids = [post["id"] for post in posts]
    x.deleted.add(ids[0])
    x.users[posts[1]["author_id"]]["protected"] = True
    x.edit_post(posts[2], "@asker_example otherwise")
    states = connector_at(x).look_again([*ids, "dm:12", "no id"])
    assert [states[number] for number in ids[:4]] == [
        SourceState.GONE,
        SourceState.PROTECTED,
        SourceState.EDITED,
        SourceState.THERE,
    ]
    assert sorted(states) == sorted(ids)
    assert len(x.requests("/2/tweets")) == 2


def test_p38_what_was_looked_up_before_a_limit_counts(x: XServer) -> None:
    ids = [x.add_post(f"@asker_example {number}")["id"] for number in range(130)]
    x.left["/2/tweets"] = 1
    assert sorted(connector_at(x).look_again(ids)) == sorted(ids[:100])
    assert failure(connector_at(x).look_again, ids).retry_after is not None


def test_the_check_names_the_account_and_what_is_left(
    x: XServer, ledger: Ledger, campaign: Campaign
) -> None:
    assert connector_at(x).check() == "X answered as @asker_example; no monthly cap is set."
    account = kept(ledger, campaign, x_account(x.url, monthly_cap=5))
    meter = AccountMeter(ledger, account, PRICES)
    answer = open_connector(account, Context(x.clock, meter=meter)).check()  # type: ignore[arg-type]
    assert answer == "X answered as @asker_example; $4.99 of this month's cap is left."


def test_trying_an_account_costs_and_shows_what_is_left(
    x: XServer, ledger: Ledger, campaign: Campaign
) -> None:
    wanted = x_account(x.url, monthly_cap=5)
    given = (ledger, campaign, Channel.X, "@asker_example", wanted.options, wanted.secret)
    account, answer = keep_account(*given)
    assert answer == "X answered as @asker_example; $4.99 of this month's cap is left."
    with ledger.read() as connection:
        assert spent(connection, account.id, ledger.clock()) == 10_000
    # Known by its number for a day, so it is not paid for again.
    assert keep_account(*given, replace=True)[1] == answer
    assert try_account(account, context_of(ledger, account)) == answer
    poor = {**wanted.options, "monthly_cap": 0.001}
    with pytest.raises(TemporaryError, match=r"cap of \$0\.00 is reached"):
        keep_account(ledger, campaign, Channel.X, "@poor_example", poor, wanted.secret)


@pytest.mark.parametrize("seed", range(6))
def test_the_cap_is_never_exceeded(
    x: XServer, ledger: Ledger, campaign: Campaign, seed: int
) -> None:
    """Posts, answers and messages cost; what X bills stays below, and we know the sum."""
    chance = random.Random(seed)
    cap = round(chance.uniform(0, 0.9), 3)
    account = kept(ledger, campaign, x_account(x.url, monthly_cap=cap))
    prompt = prompt_at(x)
    x.page_size = chance.choice([3, 20, 100])
    context = Context(x.clock, prompts=(prompt,), meter=AccountMeter(ledger, account, PRICES))
    connector, cursor, error = open_connector(account, context), "", None
    for _ in range(60):
        for _ in range(chance.randrange(9)):
            x.add_post("@asker_example a lamp", answers=prompt.external_id)
            x.add_message("a candle")
        try:
            cursor = connector.fetch(cursor, chance.randrange(1, 40)).next_cursor
        except ChannelError as raised:
            error = raised
    assert error is not None
    assert not error.permanent
    assert "cap" in str(error) + error.mend
    assert error.retry_after is not None
    with ledger.read() as connection:
        ours = spent(connection, account.id, x.clock())
    assert round(x.cost() * 1_000_000) <= ours <= cap * 1_000_000


def test_importing_the_connector_does_not_import_the_client() -> None:
    code = "import sys, collector.channels.x as x; print({'tweepy', 'requests'} & {*sys.modules})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
