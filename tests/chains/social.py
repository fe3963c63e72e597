"""The stages on which prompts are posted: X, Mastodon and Bluesky, each at a server on loopback."""

from __future__ import annotations

import json

from ledger.accounts import add_account
from ledger.model import Account, Channel
from ledger.prompts import Prompt
from tests.chains.scenario import Stepwise, World
from tests.servers.bluesky import BlueskyNetwork, Person, shown_notifications
from tests.servers.bluesky_faults import OWN_HANDLE, FaultyBluesky
from tests.servers.bluesky_faults import PASSWORD as BLUESKY_PASSWORD
from tests.servers.mastodon_api import MastodonApi
from tests.servers.snac import SnacServer
from tests.servers.x import XServer
from tests.servers.x_account import OAUTH2


def _added(world: World, channel: Channel, name: str, secret: str, **options: object) -> Account:
    with world.ledger.write() as connection:
        return add_account(
            connection,
            world.ledger.keys,
            channel=channel,
            name=name,
            campaign_id=world.campaign.id,
            options=options,
            secret=secret,
        )


class OnX(Stepwise):
    name = "x"

    def __init__(self, server: XServer) -> None:
        self.server = server
        self.ada = server.add_user("ada_example")
        self.written = ""

    def account(self, world: World) -> Account:
        secret = json.dumps(OAUTH2)
        return _added(world, Channel.X, "@asker_example", secret, base_url=self.server.url)

    def answer(self, world: World, prompt: Prompt | None) -> None:
        assert prompt is not None
        # X escapes these three in texts.
        text = world.answer.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        post = self.server.add_post(text, author=self.ada, answers=prompt.external_id)
        self.written = post["id"]

    def delete(self, world: World) -> None:
        self.server.deleted.add(self.written)


class OnMastodon(Stepwise):
    name = "mastodon"

    def __init__(self, server: MastodonApi) -> None:
        self.server = server
        self.ada = server.add_person("ada@far.example")
        self.written = 0

    def account(self, world: World) -> Account:
        token, url = self.server.token, self.server.url
        return _added(world, Channel.MASTODON, "@bot@home.example", token, base_url=url)

    def answer(self, world: World, prompt: Prompt | None) -> None:
        assert prompt is not None
        above = int(prompt.external_id)
        self.written = self.server.mention(self.ada, world.answer, answers=above)

    def delete(self, world: World) -> None:
        self.server.delete(self.written)


class OnSnac(Stepwise):
    name = "snac2"

    def __init__(self, server: SnacServer) -> None:
        self.server = server
        self.bot = server.add_person("asker", bot=True)
        self.ada = server.add_person("adalina")
        self.bot.follow(self.ada)
        self.written: dict[str, str] = {}

    def account(self, world: World) -> Account:
        url = self.server.url
        return _added(world, Channel.MASTODON, self.bot.handle, self.bot.token, base_url=url)

    def answer(self, world: World, prompt: Prompt | None) -> None:
        assert prompt is not None
        text = f"@asker {world.answer}"
        self.written = self.ada.write(text, in_reply_to_id=prompt.external_id)
        self.bot.wait_for_notifications(1)

    def delete(self, world: World) -> None:
        self.ada.delete(self.written["uri"])
        self.bot.wait_until_gone(self.written["id"])


class OnBluesky(Stepwise):
    name = "bluesky"

    def __init__(self, server: FaultyBluesky) -> None:
        self.server = server
        self.written = ""

    def account(self, world: World) -> Account:
        secret = json.dumps({"password": BLUESKY_PASSWORD, "session": ""})
        options = {"handle": OWN_HANDLE, "base_url": self.server.base_url}
        return _added(world, Channel.BLUESKY, f"@{OWN_HANDLE}", secret, **options)

    def answer(self, world: World, prompt: Prompt | None) -> None:
        assert prompt is not None
        post = {"uri": prompt.external_id, "cid": prompt.thread_id}
        at = round(world.clock().timestamp() * 1000)
        item = self.server.arrive(world.answer, at, reply={"root": post, "parent": post})
        self.written = item["uri"]

    def delete(self, world: World) -> None:
        item = self.server.posts.pop(self.written)
        self.server.notifications.remove(item)


class OnBlueskyNetwork(Stepwise):
    name = "bluesky's own network"

    def __init__(self, network: BlueskyNetwork) -> None:
        self.owner = network.person("asker")
        self.ada: Person = network.person("adalina")
        self.written = ""

    def account(self, world: World) -> Account:
        secret = json.dumps({"password": self.owner.app_password(), "session": ""})
        options = {"handle": self.owner.handle, "base_url": self.owner.base_url}
        return _added(world, Channel.BLUESKY, f"@{self.owner.handle}", secret, **options)

    def answer(self, world: World, prompt: Prompt | None) -> None:
        assert prompt is not None
        post = {"uri": prompt.external_id, "cid": prompt.thread_id}
        # The AppView makes no notification of an answer that it sees before the post itself.
        self.ada.wait_for_post(prompt.external_id)
        self.written = self.ada.answer(post, world.answer)["uri"]
        shown_notifications(self.owner, 1)

    def delete(self, world: World) -> None:
        self.ada.delete(self.written)
        self.owner.wait_for_post(self.written, gone=True)
