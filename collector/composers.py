"""The platforms' own composers, opened by a link with the text prepared: a person presses send."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from ledger.counting import x_length
from ledger.model import Account, Channel

X = "https://x.com"
BLUESKY = "https://bsky.app"
#: Characters that fit into what a composer opens: posts, but for X's messages. Sources as in
#: consent/ways.py.
_ROOM = {Channel.X: 280, Channel.BLUESKY: 300, Channel.MASTODON: 500}
_ROOM_IN_PRIVATE_ON_X = 10_000


def composer(account: Account, recipient: str, handle: str, text: str, subject: str = "") -> str:
    """The address that opens the composer for one person; "" where there is none.

    `recipient` is where a message reaches them, `handle` how they are called there.

    Sources: docs.x.com (web intents, direct message deep links), docs.bsky.app (intent links),
    Mastodon's /share, RFC 6068 (mailto). A blog has the comment's own page.
    """
    if account.channel is Channel.X:
        if _is_number(recipient):
            return f"{X}/messages/compose?recipient_id={recipient}&text={_quoted(text)}"
        return f"{X}/intent/post?text={_quoted(f'{handle} {text}')}"
    if account.channel is Channel.BLUESKY:
        return f"{BLUESKY}/intent/compose?text={_quoted(f'{handle} {text}')}"
    if account.channel is Channel.MASTODON:
        base = str(account.options.get("base_url") or "")
        if urlsplit(base).scheme in ("https", "http"):
            return f"{base.rstrip('/')}/share?text={_quoted(f'{handle} {text}')}"
        return ""
    if account.channel is Channel.COMMENTS:  # the comment's page, which has a form for answers
        page = recipient.partition(" ")[0]
        return page if urlsplit(page).scheme in ("https", "http") else ""
    if "@" in recipient and not recipient.startswith("@"):
        return (
            f"mailto:{quote(recipient, safe='@')}?subject={_quoted(subject)}&body={_quoted(text)}"
        )
    return ""


def too_many(account: Account, recipient: str, handle: str, text: str) -> int:
    """How many characters of a text do not fit into what `composer` opens; 0: it fits."""
    most = _ROOM.get(account.channel, 0)
    if account.channel is Channel.X:
        if _is_number(recipient):
            return max(0, x_length(text) - _ROOM_IN_PRIVATE_ON_X)
        return max(0, x_length(f"{handle} {text}") - most)
    return max(0, len(f"{handle} {text}") - most) if most else 0


def _is_number(recipient: str) -> bool:
    return recipient.isascii() and recipient.isdecimal()


def _quoted(text: str) -> str:
    return quote(text, safe="")
