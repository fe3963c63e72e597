"""How a question can leave, in the desk's words: who sees it, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass

from collector.x.prices import PRICES
from consent.ways import Way, WayName
from ledger.model import Channel
from web.showing import channel_name


@dataclass(frozen=True)
class WayShown:
    """One choice: its name, a line about it, and a hint.

    `link_hint`: what to know before a personal link is put in, where there is none by itself.
    """

    name: WayName
    line: str
    hint: str
    link_hint: str = ""


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
        if way.is_without_link:
            hint = f"Only they see it. It has no link; they answer in words. {_costs(way)}"
            return WayShown(way.name, line, hint.strip(), _link_costs(way))
        return WayShown(way.name, line, f"Only they see it. {_costs(way)}".strip())
    return WayShown(
        way.name,
        f"Below their post on {channel}, from {account}",
        "Everyone can read it, so it names the words and the credit and has no personal link. "
        f"They answer in words. {_costs(way)}".strip(),
    )


def _link_costs(way: Way) -> str:
    prices = _prices(way)
    return (
        "There they can choose another credit and other uses; but links from people one does not "
        f"know look like spam. X charges ${prices['dm']:.3f} for a message either way; a post with "
        f"a link would be ${prices['post_with_url']:.2f}."
    )


def _prices(way: Way) -> dict[str, float]:
    return {**PRICES, **(way.account.options.get("prices") or {})}


def _costs(way: Way) -> str:
    if way.account.channel is not Channel.X:
        return ""
    prices = _prices(way)
    if way.is_private:
        return f"X charges ${prices['dm']:.3f}."
    return f"X charges ${prices['post']:.3f}, and ${prices['post_with_url']:.2f} with a link in it."
