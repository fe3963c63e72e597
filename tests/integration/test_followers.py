"""Who has begun to follow: read once each, with the marks by which people keep us away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from collector.channels.bluesky import BlueskyConnector
from collector.channels.mastodon import MastodonConnector
from collector.connector import ChannelError, Context, FollowedConnector, FollowerPage
from collector.meter import AccountMeter
from collector.x.prices import PRICES
from ledger.accounts import add_account
from ledger.database import Ledger
from ledger.model import Account, Campaign, Channel
from ledger.person import FoundPerson
from tests.conftest import SteppingClock
from tests.servers.bluesky_faults import FaultyBluesky
from tests.servers.mastodon_api import MastodonApi
from tests.servers.x import ME, XServer
from tests.servers.x_account import connector_at, x_account
from tests.servers.x_http import Fault

NOON = 1_767_614_400_000  # 2026-01-05T12:00Z in milliseconds
FOLLOWERS = f"/2/users/{ME}/followers"


@pytest.fixture
def x(clock: SteppingClock) -> Iterator[XServer]:
    with XServer(clock) as server:
        yield server


@pytest.fixture
def mastodon() -> Iterator[MastodonApi]:
    with MastodonApi() as server:
        yield server


@pytest.fixture
def sky() -> Iterator[FaultyBluesky]:
    with FaultyBluesky() as server:
        yield server


def names(page: FollowerPage) -> list[str]:
    return sorted(person.address for person in page.people)


def only(page: FollowerPage) -> FoundPerson:
    (person,) = page.people
    return person


def test_x_followers_come_once_with_what_they_say_of_themselves(x: XServer) -> None:
    number = x.add_follower("liz_example", description="Gardener in winter")
    x.add_follower("shut_example", protected=True)
    x.add_follower("quiet_example", description="Please #NoBot")
    page = connector_at(x).new_followers("", 100)
    by_name = {person.address: person for person in page.people}
    liz = by_name["@liz_example"]
    assert (liz.name, liz.about, liz.contact) == ("Liz Example", "Gardener in winter", number)
    assert by_name["@shut_example"].is_protected
    assert by_name["@quiet_example"].wants_no_bots
    assert not liz.is_protected
    assert not liz.wants_no_bots
    again = connector_at(x).new_followers(page.next_cursor, 100)
    assert again.people == ()
    x.add_follower("new_example")
    assert names(connector_at(x).new_followers(again.next_cursor, 100)) == ["@new_example"]


def test_x_followers_are_found_when_the_newest_known_ones_have_left(x: XServer) -> None:
    for number in range(5):
        x.add_follower(f"old{number}_example")
    cursor = connector_at(x).new_followers("", 3).next_cursor
    del x.followers[-2:]
    x.add_follower("new_example")
    assert names(connector_at(x).new_followers(cursor, 100)) == ["@new_example"]


def test_x_followers_are_charged_and_the_cap_holds(
    x: XServer, ledger: Ledger, campaign: Campaign
) -> None:
    for number in range(30):
        x.add_follower(f"person{number}_example")
    account = x_account(x.url, monthly_cap=0.02)
    with ledger.write() as connection:
        kept = add_account(
            connection,
            ledger.keys,
            channel=account.channel,
            name=account.name,
            campaign_id=campaign.id,
            options=account.options,
            secret=account.secret,
        )
    meter = AccountMeter(ledger, kept, PRICES)
    # One user read tells who we are; what is left of the cap buys ten followers.
    page = connector_at(x, meter=meter).new_followers("", 100)
    assert len(page.people) == 10
    assert round(x.cost(), 6) <= 0.02
    with pytest.raises(ChannelError, match="monthly cap"):
        connector_at(x, meter=meter).new_followers(page.next_cursor, 100)


def test_mastodon_followers_come_once_with_their_marks(mastodon: MastodonApi) -> None:
    for acct, marks in {
        "liz@sample.example": {"note": "<p>Gardener</p>"},
        "robot@sample.example": {"bot": True},
        "quiet@sample.example": {"note": "<p>Hello #nobot</p>"},
        "shut@sample.example": {"locked": True},
    }.items():
        mastodon.follow(mastodon.add_person(acct, **marks))
    page = mastodon_connector(mastodon).new_followers("", 80)
    by_name = {person.address: person for person in page.people}
    assert by_name["@liz@sample.example"].about == "Gardener"
    assert by_name["@robot@sample.example"].is_bot
    assert by_name["@quiet@sample.example"].wants_no_bots
    assert by_name["@shut@sample.example"].is_protected
    mastodon.mention(mastodon.add_person("bo@sample.example"), "hello")
    assert mastodon_connector(mastodon).new_followers(page.next_cursor, 80).people == ()
    mastodon.follow(mastodon.add_person("new@sample.example"))
    found = mastodon_connector(mastodon).new_followers(page.next_cursor, 80)
    assert names(found) == ["@new@sample.example"]


def mastodon_connector(server: MastodonApi) -> MastodonConnector:
    options = {"base_url": server.url, "timeout": 10}
    account = Account(1, Channel.MASTODON, "a", "c", options, server.token)
    return MastodonConnector(account, Context(clock=server.clock))


def test_bluesky_followers_come_once_with_their_marks(sky: FaultyBluesky) -> None:
    label = {"val": "bot", "src": "did:plc:follower2"}
    sky.follow("liz.test", NOON, displayName="Liz", description="Gardener")
    sky.follow("robot.test", NOON + 1, labels=[label])
    sky.follow("quiet.test", NOON + 2, description="people only #nobots")
    sky.arrive("a reply is no follower", NOON + 3)
    page = bluesky_connector(sky).new_followers("", 100)
    by_name = {person.address: person for person in page.people}
    assert set(by_name) == {"@liz.test", "@robot.test", "@quiet.test"}
    assert (by_name["@liz.test"].name, by_name["@liz.test"].about) == ("Liz", "Gardener")
    assert by_name["@robot.test"].is_bot
    assert by_name["@quiet.test"].wants_no_bots
    sky.follow("new.test", NOON + 10)
    assert names(bluesky_connector(sky).new_followers(page.next_cursor, 100)) == ["@new.test"]


def test_bluesky_followers_are_found_behind_many_other_notifications(sky: FaultyBluesky) -> None:
    sky.follow("liz.test", NOON)
    for number in range(250):
        sky.arrive(f"lamp {number}", NOON + 1 + number)
    assert names(bluesky_connector(sky).new_followers("", 100)) == ["@liz.test"]


def bluesky_connector(server: FaultyBluesky) -> BlueskyConnector:
    return BlueskyConnector(
        server.account(), Context(clock=lambda: datetime(2026, 1, 7, tzinfo=UTC))
    )


@pytest.mark.parametrize("item", [{"id": "7"}, "text", {"id": "1", "username": ""}, None, {}])
def test_a_malformed_follower_is_passed_over(x: XServer, item: object) -> None:
    import json

    x.spoil(FOLLOWERS, Fault(body=json.dumps({"data": [item]}).encode()))
    assert connector_at(x).new_followers("", 100).people == ()


def test_what_goes_wrong_is_said(x: XServer, sky: FaultyBluesky, mastodon: MastodonApi) -> None:
    x.spoil(FOLLOWERS, Fault(status=503))
    with pytest.raises(ChannelError) as error:
        connector_at(x).new_followers("", 100)
    assert not error.value.permanent
    mastodon.token = "another"
    account = Account(1, Channel.MASTODON, "a", "c", {"base_url": mastodon.url}, "wrong")
    with pytest.raises(ChannelError) as error:
        MastodonConnector(account, Context()).new_followers("", 80)
    assert error.value.permanent
    for connector in (connector_at(x), mastodon_connector(mastodon), bluesky_connector(sky)):
        assert isinstance(connector, FollowedConnector)
