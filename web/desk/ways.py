"""How a question can leave, in the desk's words: who sees it, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass

from collector.x.prices import PRICES
from consent.ways import Way, WayName
from ledger.model import Channel
from web.showing import channel_name


@dataclass(frozen=True)
class WayShown:
    """One choice: its name, a line about it, and a hint."""

    name: WayName
    line: str
    hint: str


def shown(ways: tuple[Way, ...]) -> list[WayShown]:
    """The choices of the asking form; by hand is the last one."""
    by_hand = WayShown(WayName.HAND, "I bring it myself", "You see the message once, and copy it.")
    return [*(_shown(way) for way in ways), by_hand]


def _shown(way: Way) -> WayShown:
    channel, account = channel_name(way.account.channel), way.account.name
    if way.name is WayName.MAIL:
        return WayShown(way.name, f"By e-mail from {account}", f"To {way.recipient}.")
    if way.name is WayName.PRIVATE:
        line = f"In private on {channel}, from {account}"
        return WayShown(way.name, line, f"Only they see it. {_costs(way)}".strip())
    return WayShown(
        way.name,
        f"Below their post on {channel}, from {account}",
        "Everyone can read it, so it names the words and the credit and has no personal link. "
        f"They answer in words. {_costs(way)}".strip(),
    )


def _costs(way: Way) -> str:
    if way.account.channel is not Channel.X:
        return ""
    prices = {**PRICES, **(way.account.options.get("prices") or {})}
    if way.is_private:
        return f"X charges ${prices['dm']:.3f}."
    return f"X charges ${prices['post']:.3f}, and ${prices['post_with_url']:.2f} with a link in it."
