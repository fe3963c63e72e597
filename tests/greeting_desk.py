"""Steps at the greeting desk that several tests begin with: people arrive, and are greeted."""

from __future__ import annotations

from dataclasses import replace
from html import unescape
from typing import Any

from collector.read import read_new
from ledger.accounts import account_by_id, add_account
from ledger.contributors import find_or_add_handle
from ledger.database import Ledger
from ledger.model import Account, Campaign, Channel, IncomingReply
from ledger.newcomers import Why, add_newcomers
from ledger.person import FoundPerson
from ledger.replies import store_replies
from tests.servers.mastodon_api import MastodonApi
from tests.servers.x import XServer
from tests.servers.x_account import x_account
from tests.visiting import Visitor

LIZ = FoundPerson("@liz@sample.example", "Liz", contact="@liz@sample.example", about="Gardener")
TRUE = "your talk on gardens in winter stayed with me."


def account_at(ledger: Ledger, campaign: Campaign, channel: Channel, **options: Any) -> Account:
    with ledger.write() as connection:
        return add_account(
            connection,
            ledger.keys,
            channel=channel,
            name=f"our {channel}",
            campaign_id=campaign.id,
            options={name: value for name, value in options.items() if name != "secret"},
            secret=options.get("secret", ""),
        )


def at_mastodon(ledger: Ledger, campaign: Campaign, server: MastodonApi) -> Account:
    return account_at(
        ledger, campaign, Channel.MASTODON, base_url=server.url, timeout=10, secret=server.token
    )


def at_x(ledger: Ledger, campaign: Campaign, server: XServer) -> Account:
    made = x_account(server.url)
    return account_at(ledger, campaign, Channel.X, **made.options, secret=made.secret)


def listed(ledger: Ledger, account: Account, *people: FoundPerson, why: Why = Why.FOLLOWS) -> int:
    with ledger.write() as connection:
        return add_newcomers(connection, ledger.keys, ledger.clock(), account, people, why)


def arrive(ledger: Ledger, account: Account, address: str, text: str, **more: Any) -> None:
    reply = IncomingReply(f"{address} {text}"[:200], address, text, "Liz", contact=address, **more)
    with ledger.write() as connection:
        store_replies(connection, account, [reply], ledger.clock())
    read_new(ledger)


def greet(editor: Visitor, number: int = 1, personal: str = TRUE, kind: str = "greeting") -> str:
    """Write the sentence, put it into the draft, and send what then stands there."""
    path = f"/desk/greetings/{number}/{kind}"
    editor.go(path)
    editor.press(path, personal=personal, decision="draft")
    text = editor.page.partition('name="text"')[2].partition(">")[2].partition("</textarea>")[0]
    return editor.press(path, personal=personal, text=unescape(text), decision="send")


def contributor_at(ledger: Ledger, address: str, channel: Channel = Channel.MASTODON) -> str:
    """A contributor who follows us, so that a program may write to them."""
    with ledger.write() as connection:
        _, handle = find_or_add_handle(
            connection,
            ledger.keys,
            ledger.clock(),
            channel=channel,
            address=address,
            contact=address,
        )
        add_newcomers(
            connection,
            ledger.keys,
            ledger.clock(),
            replace(account_by_id(connection, ledger.keys, 1), channel=channel),
            [FoundPerson(address, contact=address)],
            Why.FOLLOWS,
        )
    return handle.contributor_id
