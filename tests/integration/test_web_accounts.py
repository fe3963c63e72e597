"""Accounts on the desk: added by a live test, rested, renamed, given another login, removed."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from collector.accounts import keep_account
from collector.polling import poll_due
from ledger.accounts import account_by_id, all_accounts, note_failure, note_read
from ledger.database import Ledger
from ledger.errors import TemporaryError
from ledger.model import Account, Campaign, Channel, ReadingState, SkipKind, Skipped
from ledger.posts import find_post
from ledger.replies import store_skipped
from ledger.sources import note_gone
from ledger.tables import accounts, editors, replies
from publisher.publish import publish
from tests.conftest import SteppingClock
from tests.people import agree, asked
from tests.servers.mastodon_api import MastodonApi
from tests.servers.mastodon_http import Fault
from tests.visiting import Visitor, application, owner

WRONG_TOKEN = "not-the-token-of-anybody"


@pytest.fixture
def app(ledger: Ledger) -> Flask:
    return application(ledger)


@pytest.fixture
def desk(app: Flask, ledger: Ledger, campaign: Campaign) -> Visitor:
    return owner(app, ledger)


@pytest.fixture
def server(clock: SteppingClock) -> Iterator[MastodonApi]:
    with MastodonApi(clock) as running:
        running.add_person("ada@far.example")
        yield running


@pytest.fixture
def account(desk: Visitor, ledger: Ledger, server: MastodonApi) -> Account:
    add(desk, server, account_name="lamps")
    return only(ledger)


def add(desk: Visitor, server: MastodonApi, **fields: str) -> str:
    desk.go("/desk/accounts/new/mastodon")
    given = {"base_url": server.url, "token": server.token, **fields}
    return desk.press("/desk/accounts/new/mastodon", **given)


def known(ledger: Ledger) -> list[Account]:
    with ledger.read() as connection:
        found = all_accounts(connection, ledger.keys)
    return [one for one in found if one.channel is Channel.MASTODON]


def only(ledger: Ledger) -> Account:
    (found,) = known(ledger)
    return found


@pytest.fixture
def silent() -> Iterator[int]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_the_desk_offers_every_channel_and_says_what_needs_none(
    desk: Visitor, ledger: Ledger
) -> None:
    page = desk.go("/desk/accounts/new")
    for channel in ("email", "mastodon", "bluesky", "x"):
        assert f'href="/desk/accounts/new/{channel}"' in page
        form = desk.go(f"/desk/accounts/new/{channel}")
        assert 'type="password"' in form
    assert f"{ledger.settings.public_url}/webmention" in page
    assert desk.client.get("/desk/accounts/new/pigeon").status_code == 404


def test_an_account_is_kept_once_it_has_answered_and_the_answer_is_shown(
    desk: Visitor,
    ledger: Ledger,
    server: MastodonApi,
) -> None:
    page = add(desk, server)
    assert "The server answered as @" in page
    kept = only(ledger)
    assert kept.secret == server.token
    assert kept.name == server.url
    assert poll_due(ledger)[0].error == ""


def test_p40_what_is_secret_is_encrypted_and_never_sent_back(
    desk: Visitor,
    ledger: Ledger,
    server: MastodonApi,
) -> None:
    page = add(desk, server, token=WRONG_TOKEN, account_name="lamps")
    assert desk.status == 400
    assert "token" in page
    assert "Nothing was changed" in page
    assert f'value="{server.url}"' in page
    assert 'value="lamps"' in page
    assert WRONG_TOKEN not in page
    assert known(ledger) == []
    add(desk, server)
    stored = b"".join(path.read_bytes() for path in ledger.settings.home.glob("definedby.sqlite*"))
    assert server.token.encode() not in stored
    for path in ("", f"/{only(ledger).id}", f"/{only(ledger).id}/login"):
        assert server.token not in desk.go(f"/desk/accounts{path}")


def test_a_server_that_says_nothing_is_not_waited_for(
    ledger: Ledger, campaign: Campaign, silent: int
) -> None:
    began = time.monotonic()
    options = {"base_url": f"http://127.0.0.1:{silent}"}
    with pytest.raises(TemporaryError, match="no answer within"):
        keep_account(ledger, campaign, Channel.MASTODON, "lamps", options, "a-token", seconds=0.5)
    assert time.monotonic() - began < 5
    assert known(ledger) == []


@pytest.mark.parametrize(
    ("channel", "given", "missing"),
    [
        ("email", {"address": "letters@blog.example", "imap": "imap.blog.example:1"}, "SMTP"),
        ("mastodon", {"token": "x"}, "Address of your server"),
        ("bluesky", {"handle": "ada.sky.example"}, "App password"),
        ("x", {"access_token": "x"}, "no complete login"),
        ("email", {"address": "a@blog.example", "password": "x" * 5000}, "is missing"),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_tried(
    desk: Visitor, ledger: Ledger, channel: str, given: dict[str, str], missing: str
) -> None:
    desk.go(f"/desk/accounts/new/{channel}")
    page = desk.press(f"/desk/accounts/new/{channel}", **given)
    assert desk.status == 400
    assert missing in page
    for name, value in given.items():
        if name not in ("token", "access_token", "password"):
            assert f'value="{value}"' in page


def test_reading_is_paused_and_goes_on_where_it_stopped(
    desk: Visitor,
    ledger: Ledger,
    account: Account,
    server: MastodonApi,
) -> None:
    ada = next(iter(who for who, one in server.accounts.items() if one["acct"].startswith("ada")))
    server.mention(ada, "a lamp")
    assert poll_due(ledger)[0].stored == 1
    desk.press(f"/desk/accounts/{account.id}/reading", decision="pause")
    assert "paused" in desk.page
    server.mention(ada, "a second lamp")
    assert poll_due(ledger) == []
    desk.press(f"/desk/accounts/{account.id}/reading", decision="resume")
    assert poll_due(ledger)[0].stored == 1


def test_another_login_keeps_the_place_and_an_empty_secret_stays(
    desk: Visitor,
    ledger: Ledger,
    account: Account,
    server: MastodonApi,
) -> None:
    poll_due(ledger)
    before = only(ledger)
    page = desk.go(f"/desk/accounts/{account.id}/login")
    assert f'value="{server.url}"' in page
    desk.press(f"/desk/accounts/{account.id}/login", base_url=server.url, token="")
    after = only(ledger)
    assert (after.cursor, after.secret, after.name) == (before.cursor, server.token, "lamps")
    desk.go(f"/desk/accounts/{account.id}/login")
    desk.press(f"/desk/accounts/{account.id}/login", base_url=server.url, token=WRONG_TOKEN)
    assert desk.status == 400
    assert only(ledger).secret == server.token


def test_a_stored_secret_is_never_sent_to_another_server(
    desk: Visitor,
    ledger: Ledger,
    account: Account,
    server: MastodonApi,
) -> None:
    with MastodonApi(ledger.clock) as elsewhere:
        desk.go(f"/desk/accounts/{account.id}/login")
        desk.press(f"/desk/accounts/{account.id}/login", base_url=elsewhere.url, token="")
        assert desk.status == 400
        assert "“Access token” is missing." in desk.page
        assert elsewhere.requests == []


def test_a_removed_account_loses_its_login_and_nothing_else(
    desk: Visitor,
    ledger: Ledger,
    account: Account,
    server: MastodonApi,
) -> None:
    ada = next(iter(who for who, one in server.accounts.items() if one["acct"].startswith("ada")))
    server.mention(ada, "a lamp")
    poll_due(ledger)
    cursor = only(ledger).cursor
    desk.press(f"/desk/accounts/{account.id}/remove")
    gone = only(ledger)
    assert (gone.reading, gone.secret, gone.cursor) == (ReadingState.REMOVED, "", cursor)
    with ledger.read() as connection:
        assert len(connection.execute(replies.select()).all()) == 1
    assert poll_due(ledger) == []
    desk.press(f"/desk/accounts/{account.id}/reading", decision="resume")
    assert desk.status == 400
    desk.go(f"/desk/accounts/{account.id}/login")
    desk.press(f"/desk/accounts/{account.id}/login", base_url=server.url, token=server.token)
    server.mention(ada, "a second lamp")
    (report,) = poll_due(ledger)
    assert report.stored == 1


def test_an_account_gets_another_name_but_not_one_that_is_taken(
    desk: Visitor,
    ledger: Ledger,
    account: Account,
    server: MastodonApi,
) -> None:
    desk.press(f"/desk/accounts/{account.id}/name", name="  lanterns ")
    assert only(ledger).name == "lanterns"
    add(desk, server, account_name="lamps")
    desk.press(f"/desk/accounts/{account.id}/name", name="lamps")
    assert "named &#39;lamps&#39; already" in desk.page
    assert sorted(one.name for one in known(ledger)) == ["lamps", "lanterns"]
    desk.go("/desk/accounts/new/mastodon")
    page = add(desk, server, account_name="lamps")
    assert "named &#39;lamps&#39; already" in page


def test_p25_an_editor_may_rest_an_account_but_not_hold_its_login(
    desk: Visitor, ledger: Ledger, account: Account
) -> None:
    with ledger.write() as connection:
        connection.execute(update(editors).values(role="editor"))
    page = desk.go(f"/desk/accounts/{account.id}")
    assert "Pause reading" in page
    assert "Change its login" not in page
    desk.press(f"/desk/accounts/{account.id}/reading", decision="pause")
    assert only(ledger).reading is ReadingState.PAUSED
    desk.press(f"/desk/accounts/{account.id}/login", base_url="https://x.example", token="t")
    assert desk.status == 403


def test_p17_the_desk_says_what_needs_an_editor_and_what_to_do(
    desk: Visitor, ledger: Ledger, account: Account, clock: SteppingClock
) -> None:
    now = clock()
    with ledger.write() as connection:
        note_failure(
            connection,
            account.id,
            error="The token was refused. Give another one.",
            next_poll_at=now + timedelta(hours=1),
            needs_person=True,
        )
    for path in ("/desk", "/desk/definitions", "/desk/campaigns"):
        page = desk.go(path)
        assert "lamps can’t be read." in page
    assert "It can’t be read." in desk.go("/desk/accounts")
    assert "Give another one." in desk.go("/desk")
    with ledger.write() as connection:
        note_read(
            connection, account.id, cursor="x", now=now, next_poll_at=now, stored=7, skipped=0
        )
        connection.execute(update(accounts).values(last_reply_at=now))
    assert "lamps" not in desk.go("/desk/definitions")
    clock.pass_time(minutes=59)
    assert "lamps has not been read" not in desk.go("/desk")
    clock.pass_time(minutes=2)
    assert "lamps has not been read for much longer than planned." in desk.go("/desk")
    clock.pass_time(days=3)
    desk.go("/desk")
    with ledger.write() as connection:
        clock.pass_time(days=3)
        note_read(
            connection,
            account.id,
            cursor="x",
            now=clock(),
            next_poll_at=clock() + timedelta(minutes=1),
            stored=0,
            skipped=0,
        )
    assert "gone quiet" not in desk.go("/desk/accounts/1")


def test_p17_a_quiet_account_raises_an_alert_until_it_is_paused(
    desk: Visitor, ledger: Ledger, account: Account, clock: SteppingClock
) -> None:
    began = clock()
    with ledger.write() as connection:
        connection.execute(update(accounts).values(last_reply_at=began, stored=9))
        note_read(
            connection,
            account.id,
            cursor="x",
            now=began + timedelta(days=5),
            next_poll_at=began + timedelta(days=5, minutes=1),
            stored=0,
            skipped=0,
        )
    clock.now = began + timedelta(days=5)
    assert "gone quiet" not in visit_again(desk)
    clock.now = began + timedelta(days=6, hours=23)
    page = visit_again(desk)
    assert "gone quiet" not in page
    with ledger.write() as connection:
        connection.execute(
            update(accounts).values(last_reply_at=began - timedelta(days=9), next_poll_at=clock())
        )
    assert "gone quiet: it brought 9 replies, and none for 15 days." in visit_again(desk)
    desk.press(f"/desk/accounts/{account.id}/reading", decision="pause")
    assert "gone quiet" not in visit_again(desk)


def visit_again(desk: Visitor) -> str:
    return desk.go("/desk/accounts")


def test_p17_what_was_not_collected_is_counted_by_reason(
    desk: Visitor, ledger: Ledger, account: Account, clock: SteppingClock
) -> None:
    with ledger.write() as connection:
        store_skipped(
            connection,
            account,
            [
                *(Skipped(f"own-{n}", "It is our own post.", SkipKind.FILTERED) for n in range(7)),
                Skipped("huge", "It is larger than 512 KiB.", SkipKind.TOO_LARGE),
                Skipped("shut", "Its author’s account is protected.", SkipKind.PROTECTED),
                Skipped("odd", "It is <b>no</b> post."),
            ],
            clock(),
        )
    page = desk.go(f"/desk/accounts/{account.id}")
    assert 'Nothing to collect <span class="count">7</span>' in page
    assert page.count("It is our own post.") == 5
    for reason in ("larger than 512 KiB", "account is protected", "&lt;b&gt;no&lt;/b&gt;"):
        assert reason in page


def test_a_fault_of_the_platform_is_shown_as_it_is(
    desk: Visitor,
    server: MastodonApi,
    account: Account,
) -> None:
    server.faults.append(Fault(path="verify_credentials", status=503))
    desk.press(f"/desk/accounts/{account.id}/test")
    assert '<div class="note wrong"' in desk.page


@pytest.mark.parametrize(
    ("state", "said"), [("gone", "Its source was deleted."), ("protected", "made private.")]
)
def test_p38_a_hold_is_shown_with_what_can_be_done_and_ends_by_a_decision(
    desk: Visitor, ledger: Ledger, campaign: Campaign, state: str, said: str
) -> None:
    kept_words, gone_words = "hearing people out", "knowing when to be quiet"
    first = asked(ledger, campaign, kept_words, address="a@sample.example")
    second = asked(ledger, campaign, gone_words, address="b@sample.example")
    agree(ledger, first, kept_words)
    agree(ledger, second, gone_words)
    publish(ledger)
    with ledger.write() as connection:
        for row in connection.execute(select(replies)).all():
            account = account_by_id(connection, ledger.keys, row.account_id)
            note_gone(connection, account, row.external_id, state, ledger.clock())
    assert publish(ledger).posts == 0
    assert desk.go("/desk?state=shortlisted").count(said) == 2
    page = desk.go(f"/desk/definitions/{first.request.definition_id}")
    assert said in page
    assert "It stays held until you decide" in page
    desk.press(f"/desk/definitions/{first.request.definition_id}/release")
    assert said not in desk.page
    theirs = f"/desk/definitions/{second.request.definition_id}"
    desk.go(theirs)
    desk.press(f"{theirs}/withdraw", because=" ")
    assert "Say how you know." in desk.page
    desk.press(f"{theirs}/withdraw", because="They told me so.")
    assert publish(ledger).posts == 1
    with ledger.read() as connection:
        assert find_post(connection, first.request.definition_id) is not None
        assert find_post(connection, second.request.definition_id) is None
