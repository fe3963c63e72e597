"""The prompt, posted by command or by hand: once, and its answers land in its campaign."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from collector.connector import ChannelError
from collector.polling import poll_due
from collector.prompting import MayBeOutError, post_prompt, remember_prompt
from collector.read import read_new
from ledger.accounts import add_account
from ledger.campaigns import add_campaign
from ledger.database import Ledger
from ledger.errors import DefinedbyError, Exit
from ledger.model import Account, Campaign, Channel, ReplyKind, ReplyState
from ledger.paused import pause, resume
from ledger.prompts import PromptState, prompts_of_account, prompts_of_campaign
from ledger.replies import desk_replies
from ledger.settings import load_settings
from tests.commands import Instance
from tests.conftest import SteppingClock
from tests.molds import open_new
from tests.servers.bluesky_faults import OWN_DID, POST, FaultyBluesky
from tests.servers.mastodon_api import MastodonApi
from tests.servers.x import ME, XServer
from tests.servers.x_account import OAUTH2, connector_at
from tests.servers.x_http import Fault


@pytest.fixture
def x(clock: SteppingClock) -> Iterator[XServer]:
    with XServer(clock) as running:
        yield running


@pytest.fixture
def mastodon(clock: SteppingClock) -> Iterator[MastodonApi]:
    with MastodonApi(clock) as running:
        running.add_person("ada@far.example")
        yield running


@pytest.fixture
def other(ledger: Ledger, campaign: Campaign) -> Campaign:
    """A second campaign, begun after the first."""
    with ledger.write() as connection:
        return add_campaign(connection, ledger.clock(), prompt="A good editor is ___?")


def kept(ledger: Ledger, campaign: Campaign, channel: Channel, url: str, secret: str) -> Account:
    with ledger.write() as connection:
        return add_account(
            connection,
            ledger.keys,
            channel=channel,
            name=channel.value,
            campaign_id=campaign.id,
            options={"base_url": url, "timeout": 5},
            secret=secret,
        )


def at_x(ledger: Ledger, campaign: Campaign, x: XServer) -> Account:
    return kept(ledger, campaign, Channel.X, x.url, json.dumps(OAUTH2))


def at_mastodon(ledger: Ledger, campaign: Campaign, mastodon: MastodonApi) -> Account:
    return kept(ledger, campaign, Channel.MASTODON, mastodon.url, mastodon.token)


@dataclass
class Heard:
    """What arrived in a campaign, and what each seems to be."""

    texts: set[str]
    definitions: set[str]


def heard(ledger: Ledger, campaign: Campaign) -> Heard:
    with ledger.read() as connection:
        found = desk_replies(connection, campaign.id, ReplyState.NEW)
    return Heard(
        {reply.text for reply in found},
        {
            reply.reading.words(reply.text).rstrip(".")
            for reply in found
            if reply.reading.kind is ReplyKind.DEFINITION
        },
    )


def test_an_account_serves_many_campaigns_and_a_campaign_many_accounts(
    ledger: Ledger, campaign: Campaign, other: Campaign, x: XServer, mastodon: MastodonApi
) -> None:
    on_x, on_mastodon = at_x(ledger, campaign, x), at_mastodon(ledger, campaign, mastodon)
    first = post_prompt(ledger, campaign, on_x, "", "olu")
    second = post_prompt(ledger, other, on_x, "", "olu")
    third = post_prompt(ledger, other, on_mastodon, "", "olu")
    answer = x.add_post("A good editor is patient.", answers=second.external_id, mentions=False)
    x.add_post("A good editor is kind.", answers=answer["id"], mentions=False)
    x.add_post("Thought leadership is listening.", answers=first.external_id)
    ada = next(who for who, one in mastodon.accounts.items() if one["acct"].startswith("ada"))
    top = mastodon.mention(ada, "A good editor is curious.", answers=int(third.external_id))
    mastodon.add_status(ada, "A good editor is brave.", answers=top)
    mastodon.mention(ada, "Thought leadership is waiting.")
    for report in poll_due(ledger):
        assert report.error == ""
    read_new(ledger)
    assert heard(ledger, other).definitions == {
        f"A good editor is {word}" for word in ("patient", "kind", "curious", "brave")
    }
    assert heard(ledger, campaign).definitions == {
        "Thought leadership is listening",
        "Thought leadership is waiting",
    }


def test_p15_nothing_is_posted_while_the_instance_is_paused(
    ledger: Ledger, campaign: Campaign, x: XServer, mastodon: MastodonApi
) -> None:
    accounts = [at_x(ledger, campaign, x), at_mastodon(ledger, campaign, mastodon)]
    with ledger.write() as connection:
        pause(connection, "This instance is a copy.")
    for account in accounts:
        with pytest.raises(DefinedbyError, match="is a copy") as refused:
            post_prompt(ledger, campaign, account, "", "olu")
        assert refused.value.next_step.endswith(".")
    assert [post for post in x.posts if post["author_id"] == ME] == mastodon.posted() == []
    with ledger.write() as connection:
        assert prompts_of_campaign(connection, campaign.id) == []
        resume(connection)
    for account in accounts:
        assert post_prompt(ledger, campaign, account, "", "olu").external_id
    assert len(mastodon.posted()) == 1


def test_p10_a_post_that_may_be_out_is_not_repeated_until_somebody_has_looked(
    ledger: Ledger, campaign: Campaign, x: XServer
) -> None:
    account = at_x(ledger, campaign, x)
    x.spoil("/2/tweets", Fault(cut="after"))
    with pytest.raises(MayBeOutError):
        post_prompt(ledger, campaign, account, "", "olu")
    with pytest.raises(MayBeOutError, match="may be out"):
        post_prompt(ledger, campaign, account, "", "olu")
    ours = [post for post in x.posts if post["author_id"] == ME]
    assert len(ours) == 1
    address = f"https://x.com/asker_example/status/{ours[0]['id']}"
    found, _ = remember_prompt(ledger, campaign, account, address, "olu")
    assert found.state is PromptState.POSTED
    with ledger.read() as connection:
        assert len(prompts_of_campaign(connection, campaign.id)) == 1
    x.add_post("Thought leadership is listening.", answers=ours[0]["id"], mentions=False)
    assert poll_due(ledger)[0].stored == 1


def test_a_prompt_posted_by_hand_is_remembered_with_the_answers_it_had(
    ledger: Ledger, campaign: Campaign, other: Campaign, mastodon: MastodonApi
) -> None:
    account = at_mastodon(ledger, campaign, mastodon)
    by_hand = mastodon.add_status(mastodon.own_id, "A good editor is ___?")
    ada = next(who for who, one in mastodon.accounts.items() if one["acct"].startswith("ada"))
    mastodon.mention(ada, "A good editor is patient.", answers=by_hand)
    poll_due(ledger)
    read_new(ledger)
    assert heard(ledger, other).texts == set()
    address = mastodon.statuses[by_hand]["url"]
    for moved in (1, 0):
        assert remember_prompt(ledger, other, account, address, "olu")[1] == moved
    read_new(ledger)
    assert heard(ledger, other).definitions == {"A good editor is patient"}
    assert heard(ledger, campaign).texts == set()
    with pytest.raises(DefinedbyError, match="already"):
        remember_prompt(ledger, campaign, account, address, "olu")
    with ledger.read() as connection:
        assert len(prompts_of_account(connection, account.id)) == 1


def test_only_own_posts_are_remembered(
    ledger: Ledger, campaign: Campaign, x: XServer, mastodon: MastodonApi
) -> None:
    ada = next(who for who, one in mastodon.accounts.items() if one["acct"].startswith("ada"))
    hers = mastodon.add_status(ada, "A lamp")
    account = at_mastodon(ledger, campaign, mastodon)
    for address in (mastodon.statuses[hers]["url"], "https://elsewhere.example/1", "", "x" * 5000):
        with pytest.raises(DefinedbyError, match="no post at"):
            remember_prompt(ledger, campaign, account, address, "olu")
    post = x.add_post("not ours")
    for address in (f"https://x.com/ada/status/{post['id']}", "https://x.com/ada"):
        with pytest.raises(ChannelError, match="no post at"):
            connector_at(x).find_post(address)


@pytest.mark.parametrize(
    "form", ["https://bsky.app/profile/owner.test/post/{}", "at://{did}/" + POST + "/{}"]
)
def test_a_post_on_bluesky_is_found_by_its_address(form: str) -> None:
    from collector.channels.bluesky import BlueskyConnector
    from collector.connector import Context

    with FaultyBluesky() as sky:
        item = sky.arrive("A lamp is ___?", 1_767_000_000_000)
        uri = f"at://{OWN_DID}/{POST}/3kaaaaaaaaaaa"
        sky.posts[uri] = {**item, "uri": uri, "author": {"did": OWN_DID, "handle": "owner.test"}}
        connector = BlueskyConnector(sky.account(), Context())
        found = connector.find_post(form.format("3kaaaaaaaaaaa", did=OWN_DID))
        assert (found.external_id, found.thread_id) == (uri, item["cid"])
        with pytest.raises(ChannelError, match="no post at"):
            connector.find_post("https://bsky.app/profile/person1.test/post/3kaaaaaaaaaaa")


def test_the_prompt_is_posted_by_a_command(tmp_path: Path) -> None:
    instance = Instance(tmp_path / "home")
    open_new(load_settings({}, home=instance.home)).close()
    with MastodonApi() as server:
        instance.run("campaign", "new", "A lamp is ___?")
        instance.run(
            *("account", "add", "mastodon", "--name", "lamps"),
            *("--base-url", server.url, "--token", server.token),
        )
        command = ("prompt", "post", "a-lamp", "--account", "lamps", "--json")
        planned = json.loads(instance.run(*command, "--dry-run").stdout)
        assert planned["posted"] is False
        assert server.posted() == []
        posted = json.loads(instance.run(*command, "--yes").stdout)
        assert posted["url"] == server.posted()[0]["url"]
        again = instance.run(*command, "--yes", code=None)
        assert again.returncode == Exit.FAILED
        assert "has posted this question already" in again.stderr
        assert len(server.posted()) == 1
        (listed,) = json.loads(instance.run("prompt", "list", "--json").stdout)
        assert (listed["state"], listed["account"]) == ("posted", "lamps")
        remembered = instance.run("prompt", "remember", posted["url"], "--account", "lamps")
        assert "lamps" in remembered.stdout
