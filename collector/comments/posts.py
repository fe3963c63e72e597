"""One comment, as an item of a feed has it, into one reply."""

from __future__ import annotations

import contextlib
import hashlib
import html
import json
import re
from dataclasses import asdict
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from collector.channels.form import is_visible
from collector.comments.feed import Item
from collector.post_html import post_text
from collector.web_address import normal_url
from ledger.model import UNSHOWABLE, IncomingReply, SkipKind, Skipped, clean_name

MOST_CHARACTERS = 20_000
MOST_NAME_CHARACTERS = 120
MOST_ADDRESS_CHARACTERS = 320
MOST_ID_CHARACTERS = 900
#: WordPress begins an answer with a line on what it answers, in the blog's own language
#: (wp-includes/comment-template.php, get_comment_text).
_ANSWERED = re.compile(
    r"""\A\s*<p>[^<>]{0,60}<a href="([^"<>]*\#comment-\d+)"[^<>]*>[^<>]*</a>[^<>]{0,60}</p>"""
)
#: What another blog's link to the post looks like there (wp-includes/class-wp-xmlrpc-server.php).
_PINGBACK = re.compile(r"\A\[(?:…|\.\.\.)\].*\[(?:…|\.\.\.)\]\Z", re.DOTALL)


def id_of(item: Item) -> str:
    """The item's own id, else its address, else what it holds."""
    named = " ".join(UNSHOWABLE.sub("", item.id or item.link).split())
    if named and len(named) <= MOST_ID_CHARACTERS:
        return named
    return f"comment:{short(named or repr(item))}"


def version_of(item: Item) -> str:
    """What changes when the words do."""
    return short(item.content, 6)


def stored_version(raw: str) -> tuple[str, str, str]:
    """Version, date and address of a comment as it was stored, from its `raw`."""
    try:
        kept = json.loads(raw)
        return short(kept["content"], 6), kept["moment"], kept["link"]
    except (ValueError, KeyError, TypeError):
        return "", "", ""


def moment_of(item: Item) -> datetime | None:
    """When it was written, if the feed says so in a way that can be read."""
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        with contextlib.suppress(ValueError, TypeError, IndexError, OverflowError):
            moment = read(item.published)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    return None


def read_comment(item: Item, feed: str) -> IncomingReply | Skipped:
    """One reply from the feed of this address, or why there is none."""
    identity, link = id_of(item), _link(item)
    answered = _ANSWERED.match(item.content) if item.is_html else None
    body = item.content[answered.end() :] if answered else item.content
    words = UNSHOWABLE.sub("", post_text(body) if item.is_html else body).strip()
    skip = _why_not(words)
    if skip is not None:
        return Skipped(identity, *skip)
    above = answered[1] if answered else item.above
    name = clean_name(html.unescape(item.author))  # WordPress keeps names as HTML has them
    published = moment_of(item)
    return IncomingReply(
        external_id=identity,
        address=_author_address(link, feed, identity),
        text=words,
        author_name=name if len(name) <= MOST_NAME_CHARACTERS else "",
        author_url=normal_url(item.site),
        written_at=published,
        source_url=link,
        in_reply_to=(above,) if above else (),
        raw=json.dumps(
            {**asdict(item), "link": link, "moment": published.isoformat() if published else ""}
        ),
    )


def short(text: str, size: int = 16) -> str:
    """A hash of a text, to be compared; `size` in bytes."""
    return hashlib.blake2s(text.encode("utf-8", "replace"), digest_size=size).hexdigest()


def _author_address(link: str, feed: str, identity: str) -> str:
    """Who wrote it: whoever wrote this comment, which is all that can be known.

    A name and a site are typed by anybody, so they make no two comments one person's; nor does an
    address that a blog gives to all comments of a post.
    """
    unique = short(f"{feed}\n{identity}", 8)
    address = f"{link} {unique}"
    return address if link and len(address) <= MOST_ADDRESS_CHARACTERS else f"comment {unique}"


def _why_not(words: str) -> tuple[str, SkipKind] | None:
    if not is_visible(words):
        return "The comment has no words.", SkipKind.FILTERED
    if len(words) > MOST_CHARACTERS:
        return f"The comment has more than {MOST_CHARACTERS:,} characters.", SkipKind.TOO_LARGE
    if _PINGBACK.match(words):
        return "It is another page's link to the post, and no comment.", SkipKind.FILTERED
    return None


def _link(item: Item) -> str:
    """Where the comment stands, with the anchor that leads to it; "" when that is no web page."""
    page = normal_url(item.link)
    anchor = urlsplit(item.link).fragment if page else ""
    is_plain = anchor.isprintable() and " " not in anchor
    return f"{page}#{anchor}" if anchor and is_plain else page
