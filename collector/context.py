"""What a connector is given beside its account: prompts, meter, a place for renewed tokens."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

from collector.connector import Context, PromptPost
from collector.meter import AccountMeter
from ledger.accounts import renew_secret
from ledger.database import Ledger
from ledger.mentions import targets_of
from ledger.model import Account, Channel
from ledger.prompts import prompts_of_account

#: Prompts whose replies are still looked for; older ones are read through mentions alone.
MOST_PROMPTS = 20
#: Where a channel that charges keeps its price table: dollars per unit, by kind.
_PRICES = {Channel.X: "collector.x.prices"}


def context_of(ledger: Ledger, account: Account) -> Context:
    with ledger.read() as connection:
        prompts = prompts_of_account(connection, account.id)[:MOST_PROMPTS]

    def keep_secret(secret: str) -> None:
        with ledger.write() as connection:
            renew_secret(connection, ledger.keys, account.id, secret)

    def mentioned_by(source: str) -> list[str]:
        with ledger.read() as connection:
            return targets_of(connection, source, account.campaign_id)

    return Context(
        clock=ledger.clock,
        prompts=tuple(
            PromptPost(prompt.external_id, prompt.url, prompt.posted_at, prompt.thread_id)
            for prompt in prompts
        ),
        keep_secret=keep_secret,
        meter=meter_of(ledger, account),
        mentioned_by=mentioned_by,
    )


def meter_of(ledger: Ledger, account: Account) -> AccountMeter:
    """What counts the cost of an account that is kept."""
    return AccountMeter(ledger, account, prices_of(account.channel))


def prices_of(channel: Channel) -> Mapping[str, float]:
    """Dollars per unit by kind; nothing where a channel costs nothing."""
    if channel not in _PRICES:
        return {}
    prices: Mapping[str, float] = importlib.import_module(_PRICES[channel]).PRICES
    return prices
