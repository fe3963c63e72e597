"""Channels that send, each with its server: people write there, and what we sent is counted."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager
from itertools import count
from types import MappingProxyType
from typing import Any

from collector.poll import poll_account
from collector.read import read_new
from consent.requests import Asked, ask
from consent.ways import WayName
from ledger.accounts import account_by_id, add_account, replace_account
from ledger.database import Ledger
from ledger.definitions import take_definition
from ledger.model import Account, Campaign, Channel, ReplyState
from ledger.replies import desk_replies
from tests.servers.bluesky_faults import OWN_DID, OWN_HANDLE, PASSWORD, FaultyBluesky
from tests.servers.cutting_http import CuttingHttp
from tests.servers.mail import MailServer
from tests.servers.mastodon_api import MastodonApi
from tests.servers.x import ME, XServer
from tests.servers.x_account import OAUTH2

ROBIN = "robin@blog.example"
PRIVATE, PUBLIC = WayName.PRIVATE, WayName.PUBLIC
#: Every way that sends on a network, and whether the person wrote in private first.
WAYS = [
    ("mastodon", PRIVATE, False),
    ("mastodon", PRIVATE, True),
    ("mastodon", PUBLIC, False),
    ("bluesky", PRIVATE, False),
    ("bluesky", PRIVATE, True),
    ("bluesky", PUBLIC, False),
    ("x", PRIVATE, True),
    ("x", PUBLIC, False),
]


class House(ABC):
    """One channel: an account in a ledger, and its real server."""

    channel: Channel
    #: The request that sends, by its first bytes; `private` or not.
    posting: Mapping[bool, bytes]
    server: Any
    account: Account

    def __init__(self, ledger: Ledger, campaign: Campaign) -> None:
        self.ledger, self.campaign = ledger, campaign
        self.numbers = count(1)

    def move_in(self) -> None:
        """Keep the account, once the server runs."""
        options, secret = self.login()
        with self.ledger.write() as connection:
            self.account = add_account(
                connection,
                self.ledger.keys,
                channel=self.channel,
                name="asker",
                campaign_id=self.campaign.id,
                options={"base_url": self.base_url(), "timeout": 5, **options},
                secret=secret,
            )

    def move(self, **options: object) -> None:
        """Give the account other options, and sign in anew: a session may name its server."""
        with self.ledger.write() as connection:
            known = account_by_id(connection, self.ledger.keys, self.account.id)
            given = {**known.options, **options}
            replace_account(connection, self.ledger.keys, known.id, given, self.login()[1])

    def cutting(self, when: str, *, private: bool, times: int = 1) -> AbstractContextManager[str]:
        port = int(self.base_url().rpartition(":")[2])
        return CuttingHttp(port, self.posting[private], when, times)

    def asked(
        self,
        way: WayName | None = None,
        *,
        private: bool = False,
        note: str = "",
        words: str = "",
        link: bool = False,
    ) -> Asked:
        """Somebody new has answered, and an editor asks them."""
        self.answer(words or f"listening, number {next(self.numbers)}", private=private)
        with self.ledger.read() as connection:
            account = account_by_id(connection, self.ledger.keys, self.account.id)
        report = poll_account(self.ledger, account)
        assert (report.error, report.stored) == ("", 1)
        read_new(self.ledger)
        with self.ledger.write() as connection:
            reply = desk_replies(connection, self.campaign.id, ReplyState.NEW, limit=1)[0]
            definition = take_definition(
                connection, self.ledger.keys, self.ledger.clock(), reply, "en"
            )
        return ask(self.ledger, definition.id, asked_by=ROBIN, way=way, note=note, link=link)

    @abstractmethod
    def base_url(self) -> str: ...

    @abstractmethod
    def login(self) -> tuple[dict[str, Any], str]:
        """More options, and the secret."""

    @abstractmethod
    def answer(self, words: str, *, private: bool) -> None:
        """Somebody new writes these words."""

    @abstractmethod
    def writer(self, *, private: bool) -> tuple[str, str]:
        """Somebody who may be written to any number of times: recipient, and what is answered."""

    @abstractmethod
    def sent(self) -> list[str]:
        """The texts that have arrived at the server, in order."""


class MastodonHouse(House):
    channel = Channel.MASTODON
    posting = dict.fromkeys((True, False), b"POST /api/v1/statuses")
    server: MastodonApi

    def __init__(self, ledger: Ledger, campaign: Campaign) -> None:
        super().__init__(ledger, campaign)
        self.server = MastodonApi(ledger.clock)

    def base_url(self) -> str:
        return self.server.url

    def login(self) -> tuple[dict[str, Any], str]:
        return {}, self.server.token

    def answer(self, words: str, *, private: bool) -> None:
        person = self.server.add_person(f"ada{len(self.server.accounts)}@far.example")
        self.server.mention(person, words, visibility="direct" if private else "public")

    def writer(self, *, private: bool) -> tuple[str, str]:
        person = self.server.add_person("ada@far.example")
        seen = self.server.mention(person, "hello", visibility="direct" if private else "public")
        return "@ada@far.example", str(seen)

    def sent(self) -> list[str]:
        return [re.sub("<[^>]*>", "", one["content"]) for one in self.server.posted()]


class BlueskyHouse(House):
    channel = Channel.BLUESKY
    posting = MappingProxyType(
        {
            True: b"POST /xrpc/chat.bsky.convo.sendMessage",
            False: b"POST /xrpc/com.atproto.repo.putRecord",
        }
    )
    server: FaultyBluesky

    def __init__(self, ledger: Ledger, campaign: Campaign) -> None:
        super().__init__(ledger, campaign)
        self.server = FaultyBluesky()

    def base_url(self) -> str:
        return self.server.base_url

    def login(self) -> tuple[dict[str, Any], str]:
        return {"handle": OWN_HANDLE}, json.dumps({"password": PASSWORD, "session": ""})

    def answer(self, words: str, *, private: bool) -> None:
        at = round(self.ledger.clock().timestamp() * 1000) + len(self.server.posts)
        if private:
            self.server.write_to(f"did:plc:writer{len(self.server.convos)}", words, at)
        else:
            self.server.arrive(words, at)

    def writer(self, *, private: bool) -> tuple[str, str]:
        if private:
            self.server.write_to("did:plc:ada", "hello", 1_700_000_000_000)
            return "did:plc:ada", ""
        return "@ada.test", str(self.server.arrive("hello", 1_700_000_000_000)["uri"])

    def sent(self) -> list[str]:
        posts = [record["value"]["text"] for record in self.server.records.values()]
        chats = [one for convo in self.server.convos.values() for one in convo]
        return posts + [one["text"] for one in chats if one["sender"]["did"] == OWN_DID]


class XHouse(House):
    channel = Channel.X
    posting = MappingProxyType({True: b"POST /2/dm_conversations", False: b"POST /2/tweets"})
    server: XServer

    def __init__(self, ledger: Ledger, campaign: Campaign) -> None:
        super().__init__(ledger, campaign)
        self.server = XServer(ledger.clock)

    def base_url(self) -> str:
        return self.server.url

    def login(self) -> tuple[dict[str, Any], str]:
        return {}, json.dumps(OAUTH2)

    def answer(self, words: str, *, private: bool) -> None:
        if private:
            self.server.add_message(words)
        else:
            self.server.add_post(f"@asker_example {words}")

    def writer(self, *, private: bool) -> tuple[str, str]:
        if private:
            return str(self.server.add_message("hello")["sender_id"]), ""
        return "@ada_example", str(self.server.add_post("@asker_example hello")["id"])

    def sent(self) -> list[str]:
        posts = [one["text"] for one in self.server.posts if one["author_id"] == ME]
        return posts + [one["text"] for one in self.server.messages if one["sender_id"] == ME]


class MailHouse(House):
    """A mailbox at the mail server that the whole test process shares, and one to write to."""

    channel = Channel.EMAIL
    posting = MappingProxyType({})
    server: MailServer

    def __init__(self, ledger: Ledger, campaign: Campaign, server: MailServer, user: str) -> None:
        super().__init__(ledger, campaign)
        self.server, self.user, self.count = server, user, 0

    def base_url(self) -> str:
        return ""

    def login(self) -> tuple[dict[str, Any], str]:
        return self.server.options(self.user), self.server.password

    def answer(self, words: str, *, private: bool) -> None:
        self.count += 1
        head = f"From: {self.server.address(f'{self.user}-writer')}\r\n"
        head += f"Message-ID: <{self.user}-{self.count}@far.example>\r\n"
        self.server.append(self.user, f"{head}\r\n{words}\r\n".encode())

    def writer(self, *, private: bool) -> tuple[str, str]:
        return self.server.address(f"{self.user}-writer"), ""

    def sent(self) -> list[str]:
        return [mail.raw.decode() for mail in self.server.mailbox(f"{self.user}-writer")]


HOUSES: dict[str, type[House]] = {
    "mastodon": MastodonHouse,
    "bluesky": BlueskyHouse,
    "x": XHouse,
}
