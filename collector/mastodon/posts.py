"""Mastodon's statuses as replies (docs.joinmastodon.org/entities/Status, /Account).

What comes is what other servers sent to ours, so nothing about its shape is taken for granted.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from collector.nobots import wants_no_bots
from collector.post_html import post_text
from ledger.model import IncomingReply, ProfileMarks, SkipKind, Skipped, clean_name

#: Far above what servers allow in a status (500 at Mastodon); a definition is shorter still.
MOST_CHARACTERS = 20_000
#: A status with everything around it, in bytes of JSON.
MOST_BYTES = 512 * 1024
MOST_NAME_CHARACTERS = 120
MOST_ID_CHARACTERS = 200
#: "direct" goes to those mentioned, "private" to followers; some servers call both private.
PRIVATE = frozenset({"direct", "private"})
#: A name, and its server unless that is ours; Mastodon's own rule, app/models/account.rb.
_ACCT = re.compile(r"[\w.-]{1,128}(@[\w.-]{1,253}(:[0-9]{1,5})?)?")
#: As servers make them; what else stands for an id must not become part of an address.
STATUS_ID = re.compile(r"[A-Za-z0-9_-]{1,200}")
_MENTION = re.compile(r"(?<![=/\w])@([\w.-]+)(@[\w.-]+(?::[0-9]+)?)?")
_URL = re.compile(r"https?://\S+")
_JOINER = "\u200d"


@dataclass(frozen=True)
class Home:
    """Whose eyes we read with: the account's id, and the host that local names go without."""

    own_id: str
    domain: Callable[[], str]


def read_status(status: Any, home: Home) -> IncomingReply | Skipped:
    """A status as a reply, or why it is none."""
    known = text_of(status, "id")
    if not known:
        return Skipped(stand_in_id(status), "It is no post: it has no id.")
    account = status.get("account")
    handle = handle_of(account, home.domain)
    if not handle:
        return Skipped(known, "It does not say who wrote it.")
    if text_of(account, "id") == home.own_id:
        return Skipped(known, "It is the account's own post.", SkipKind.FILTERED)
    if not isinstance(status.get("content"), str):
        return Skipped(known, "It is no post: it has no content.")
    raw = json.dumps(status)
    if len(raw) > MOST_BYTES:
        return Skipped(known, f"It is larger than {MOST_BYTES // 1024} KiB.", SkipKind.TOO_LARGE)
    text = post_text(status["content"])
    if not text.strip():
        return Skipped(known, "It has no words.", SkipKind.FILTERED)
    if len(text) > MOST_CHARACTERS:
        return Skipped(
            known,
            f"Its text has {len(text):,} characters; {MOST_CHARACTERS:,} are allowed.",
            SkipKind.TOO_LARGE,
        )
    return _reply(status, account, handle, text, raw)


def _reply(
    status: dict[str, Any], account: dict[str, Any], handle: str, text: str, raw: str
) -> IncomingReply:
    answers = text_of(status, "in_reply_to_id")
    name = clean_name(text_of(account, "display_name") or text_of(account, "username"))
    return IncomingReply(
        external_id=text_of(status, "id"),
        address=handle,
        text=text,
        author_name=name[:MOST_NAME_CHARACTERS],
        author_url=web_address(account, "url"),
        subject=clean_name(text_of(status, "spoiler_text")),
        html=status["content"],
        written_at=moment_of(status, "created_at"),
        source_url=web_address(status, "url") or web_address(status, "uri"),
        in_reply_to=(answers,) if answers else (),
        raw=raw,
        automatic=account.get("bot") is True,
        private=text_of(status, "visibility") in PRIVATE,
        contact=handle,
        marks=ProfileMarks(account.get("bot") is True, wants_no_bots(account)),
        author_picture=_picture(account),
    )


def _picture(account: dict[str, Any]) -> str:
    """The profile's picture, standing still; nothing where the server shows its own stand-in."""
    url = web_address(account, "avatar_static") or web_address(account, "avatar")
    return "" if url.endswith("/missing.png") else url


def handle_of(account: Any, domain: Callable[[], str]) -> str:
    """The whole handle, as @name@host; empty when there is none to read."""
    acct = text_of(account, "acct")
    if not _ACCT.fullmatch(acct):
        return ""
    return f"@{acct}" if "@" in acct else f"@{acct}@{domain()}"


def mentioned_in(text: str, domain: str) -> set[str]:
    """The handles that a server would send `text` to, in lower case, each with its host."""
    found = set()
    for mention in _MENTION.finditer(text):
        name, host = mention[1].rstrip(".-"), (mention[2] or "").rstrip(".-")
        if name:
            found.add(f"@{name}{host or '@' + domain}".lower())
    return found


def counted_length(text: str, per_address: int) -> int:
    """How long a server finds `text`: an address has a fixed length, a mention has no host.

    Source: docs.joinmastodon.org/user/posting, limits; joined and combined characters count once.
    """
    short = _MENTION.sub(r"@\1", _URL.sub("x" * per_address, text))
    length, before = 0, ""
    for char in short:
        is_part = char == _JOINER or before == _JOINER or unicodedata.category(char) in ("Mn", "Me")
        length += not is_part
        before = char
    return length


def stand_in_id(item: Any) -> str:
    """An id for what has none, by its content."""
    return "item:" + hashlib.sha256(json.dumps(item, sort_keys=True).encode()).hexdigest()[:16]


def items_in(found: Any, name: str = "") -> list[Any]:
    """The items of a list, or of the list that stands under `name`; nothing for anything else."""
    if name:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, list) else []


def text_of(item: Any, name: str) -> str:
    """A text or number that stands under `name`, as text; "" for anything else."""
    value = item.get(name) if isinstance(item, dict) else None
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or (name == "id" and len(value) > MOST_ID_CHARACTERS):
        return ""
    return value


def web_address(item: Any, name: str) -> str:
    value = text_of(item, name)
    return value if value.startswith(("https://", "http://")) and value.isprintable() else ""


def moment_of(item: Any, name: str) -> datetime | None:
    """A time with its zone; None when there is none to read."""
    try:
        moment = datetime.fromisoformat(text_of(item, name))
    except ValueError:
        return None
    return moment if moment.tzinfo else None
