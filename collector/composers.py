"""The platforms' own composers, opened by a link with the text prepared: a person presses send."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from ledger.model import Account, Channel

X = "https://x.com"
BLUESKY = "https://bsky.app"


def composer(account: Account, recipient: str, handle: str, text: str, subject: str = "") -> str:
    """The address that opens the composer for one person; "" where there is none.

    `recipient` is where a message reaches them, `handle` how they are called there.

    Sources: docs.x.com (web intents, direct message deep links), docs.bsky.app (intent links),
    Mastodon's /share, RFC 6068 (mailto). A blog has the comment's own page.
    """
    if account.channel is Channel.X:
        if recipient.isascii() and recipient.isdecimal():
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


def _quoted(text: str) -> str:
    return quote(text, safe="")
