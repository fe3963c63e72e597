"""One post or direct message of Bluesky: what came as `IncomingReply`, what leaves as a record.

Shapes are those of the lexicons app.bsky.feed.post, app.bsky.richtext.facet and
chat.bsky.convo.defs. Facets count bytes of UTF-8.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from collector.bluesky.answers import base32, items_of, short, text_of, time_of
from collector.nobots import says_no_bots
from ledger.model import IncomingReply, ProfileMarks, SkipKind, Skipped

WEB = "https://bsky.app"
POST = "app.bsky.feed.post"
#: app.bsky.feed.post: maxGraphemes, maxLength; chat.bsky.convo.defs#messageInput likewise.
POST_GRAPHEMES, POST_BYTES = 300, 3000
CHAT_GRAPHEMES, CHAT_BYTES = 1000, 10_000
#: Far more than any lexicon allows: what is longer is not a post.
MOST_CHARACTERS = 20_000
CHAT_PREFIX = "chat:"
#: Record keys look like moments from 2023 to 2025: 46 bits of microseconds and 10 of clock id.
_KEYS_FROM = 1_672_531_200_000_000
#: https://atproto.com/specs/at-uri-scheme, for a post named by the DID of its author.
_POST_URI = re.compile(
    r"at://(did:[a-z]+:[A-Za-z0-9._:%-]{1,256})/app\.bsky\.feed\.post/([A-Za-z0-9._~:-]{1,512})"
)
#: https://atproto.com/specs/handle
_HANDLE = re.compile(
    r"([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
)
_MENTION = re.compile(r"(?<![\w@./-])@([a-zA-Z0-9-]{1,63}(?:\.[a-zA-Z0-9-]{1,63}){1,10})")
_LINK = re.compile(r"https?://[^\s<>\"]{1,2000}")
#: A sentence's end is not a part of the address before it.
_AFTER_LINK = ".,;:!?'’”"
Resolve = Callable[[str], str]


def parts_of(uri: str) -> tuple[str, str] | None:
    """The DID and the record key of a post's at:// address; None for anything else."""
    found = _POST_URI.fullmatch(uri)
    return None if found is None else (found[1], found[2])


def profile_url(handle: str) -> str:
    return f"{WEB}/profile/{handle}"


def post_url(handle: str, uri: str) -> str:
    """Where people read a post; "" for what is not one."""
    parts = parts_of(uri)
    return "" if parts is None else f"{profile_url(handle)}/post/{parts[1]}"


def read_post(post: Any) -> IncomingReply | Skipped:
    """A notification or a post view as a reply, or why not."""
    uri = text_of(post, "uri")
    parts = parts_of(uri)
    record = post.get("record") if isinstance(post, dict) else None
    words = record.get("text") if isinstance(record, dict) else None
    if parts is None or text_of(post, "author", "did") != parts[0]:
        return Skipped(uri or name_of(post), "Bluesky sent a post without its address or author.")
    if not isinstance(record, dict) or not isinstance(words, str):
        return Skipped(uri, "Bluesky sent a post without its text.")
    if len(words) > MOST_CHARACTERS:
        return Skipped(uri, f"It is too long: {len(words):,} characters.", SkipKind.TOO_LARGE)
    text = _storable(plain_text(words, record.get("facets")))
    if not text.strip():
        return Skipped(uri, "It has no words, only a picture or a card.", SkipKind.FILTERED)
    shown = _shown_handle(post["author"], parts[0])
    return IncomingReply(
        external_id=uri,
        address=f"@{shown}",
        text=text,
        author_name=_storable(text_of(post, "author", "displayName")),
        author_url=profile_url(shown),
        written_at=_written_at(record, post),
        source_url=post_url(shown, uri),
        in_reply_to=tuple(dict.fromkeys(_answered(record))),
        raw=_raw(post),
        automatic=calls_itself_bot(post["author"], parts[0]),
        contact=parts[0],
        marks=_marks(post["author"], parts[0]),
        author_picture=text_of(post, "author", "avatar"),
    )


def read_message(message: Any, convo: dict[str, Any]) -> IncomingReply | Skipped:
    """A direct message as a reply, or why not; `convo` names its members."""
    name = message_name(message, convo)
    words = message.get("text") if isinstance(message, dict) else None
    sender = text_of(message, "sender", "did")
    if not text_of(message, "id") or not sender or not isinstance(words, str):
        return Skipped(name, "Bluesky sent a direct message without its sender or text.")
    if len(words) > MOST_CHARACTERS:
        return Skipped(name, f"It is too long: {len(words):,} characters.", SkipKind.TOO_LARGE)
    text = _storable(plain_text(words, message.get("facets")))
    if not text.strip():
        return Skipped(name, "It has no words, only a card.", SkipKind.FILTERED)
    members = [member for member in items_of(convo, "members") if isinstance(member, dict)]
    author = next((member for member in members if member.get("did") == sender), {})
    shown = _shown_handle(author, sender)
    return IncomingReply(
        external_id=name,
        address=f"@{shown}",
        text=text,
        author_name=_storable(text_of(author, "displayName")),
        author_url=profile_url(shown),
        written_at=time_of(text_of(message, "sentAt")),
        raw=_raw(message),
        automatic=calls_itself_bot(author, sender),
        private=True,
        contact=sender,
        marks=_marks(author, sender),
        author_picture=text_of(author, "avatar"),
    )


def message_name(message: Any, convo: dict[str, Any]) -> str:
    """The id of a direct message in the ledger: unique over all conversations."""
    return f"{CHAT_PREFIX}{text_of(convo, 'id')}/{text_of(message, 'id') or name_of(message)}"


def name_of(item: Any) -> str:
    """A name for something that came without one; the same thing gets the same name."""
    return f"malformed:{short(json.dumps(item, sort_keys=True, default=str))}"


def plain_text(text: str, facets: Any) -> str:
    """The words as written, but with links that an app had abbreviated in full.

    A facet that does not fit the text is passed over.
    """
    raw = text.encode("utf-8", "replace")
    parts, done = [], 0
    for start, end, uri in sorted(_links(facets)):
        if not done <= start < end <= len(raw):
            continue
        try:
            before, shown = raw[done:start].decode(), raw[start:end].decode()
        except UnicodeDecodeError:  # the count is off: it cuts a character
            continue
        parts += [before, uri if _abbreviates(shown, uri) else shown]
        done = end
    return "".join(parts) + raw[done:].decode("utf-8", "replace")


def graphemes(text: str) -> int:
    """How many characters a person would count; close to UAX #29, never above it by much."""
    count, joined, flags = 0, False, 0
    for char in unicodedata.normalize("NFC", text):
        point = ord(char)
        is_flag = 0x1F1E6 <= point <= 0x1F1FF
        flags = flags + 1 if is_flag else 0
        continues = (
            joined
            or point in (0x200D, 0x200C)
            or unicodedata.category(char) in ("Mn", "Me", "Mc")
            or 0x1F3FB <= point <= 0x1F3FF  # skin tones
            or 0xE0020 <= point <= 0xE007F  # tags, as in the flags of England or Wales
            or (is_flag and flags % 2 == 0)
        )
        joined = point == 0x200D
        count += not continues
    return count


def record_key(key: str) -> str:
    """A record key (TID) that depends on `key` only, so that a repeat meets the first record."""
    digest = int.from_bytes(hashlib.sha256(key.encode()).digest()[:7])
    moment, clock_id = digest >> 10, digest & 1023
    return base32((_KEYS_FROM + moment) << 10 | clock_id, 13)


def facets_of(text: str, resolve: Resolve) -> list[dict[str, Any]]:
    """The links and mentions of a text. `resolve` gives the DID of a handle, or ""."""
    facets = []
    for found in _LINK.finditer(text):
        uri = found[0].rstrip(_AFTER_LINK)
        if uri.endswith(")") and "(" not in uri:
            uri = uri[:-1]
        feature = {"$type": "app.bsky.richtext.facet#link", "uri": uri}
        facets.append(_facet(text, found.start(), found.start() + len(uri), feature))
    for found in _MENTION.finditer(text):
        did = resolve(found[1]) if _HANDLE.fullmatch(found[1]) else ""
        if did:
            feature = {"$type": "app.bsky.richtext.facet#mention", "did": did}
            facets.append(_facet(text, found.start(), found.end(), feature))
    return facets


def post_record(
    text: str, at: datetime, facets: list[dict[str, Any]], reply: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A post as it is put into the account's repository."""
    created = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    record: dict[str, Any] = {"$type": POST, "text": text, "createdAt": created}
    if facets:
        record["facets"] = facets
    if reply:
        record["reply"] = reply
    return record


def _facet(text: str, start: int, end: int, feature: dict[str, str]) -> dict[str, Any]:
    before = len(text[:start].encode())
    size = len(text[start:end].encode())
    return {"index": {"byteStart": before, "byteEnd": before + size}, "features": [feature]}


def _links(facets: Any) -> Iterator[tuple[int, int, str]]:
    for facet in facets if isinstance(facets, list) else ():
        index = facet.get("index") if isinstance(facet, dict) else None
        if not isinstance(index, dict):
            continue
        start, end = index.get("byteStart"), index.get("byteEnd")
        for feature in items_of(facet, "features"):
            uri = text_of(feature, "uri")
            if uri and type(start) is int and type(end) is int:
                yield start, end, uri


def _abbreviates(shown: str, uri: str) -> bool:
    """Whether these words are an app's short form of the address, not words of the author."""
    beginning = re.sub(r"(…|\.\.\.)$", "", shown)
    bare = uri.partition("://")[2]
    return "." in beginning and (uri.startswith(beginning) or bare.startswith(beginning))


def _shown_handle(author: dict[str, Any], did: str) -> str:
    """The handle, or the DID where the handle is not proven ("handle.invalid")."""
    handle = text_of(author, "handle")
    return handle if _HANDLE.fullmatch(handle) and handle != "handle.invalid" else did


def _written_at(record: dict[str, Any], post: dict[str, Any]) -> datetime | None:
    """What the author's app wrote, unless that lies after the post's arrival."""
    written, arrived = time_of(text_of(record, "createdAt")), time_of(text_of(post, "indexedAt"))
    if written is None or arrived is None:
        return written or arrived
    return written if written <= arrived + timedelta(minutes=1) else arrived


def _answered(record: dict[str, Any]) -> Iterator[str]:
    """The posts this one answers or quotes, nearest first."""
    for path in (
        ("reply", "parent", "uri"),
        ("reply", "root", "uri"),
        ("embed", "record", "uri"),
        ("embed", "record", "record", "uri"),
    ):
        if uri := text_of(record, *path):
            yield uri


def calls_itself_bot(author: dict[str, Any], did: str) -> bool:
    """The label that automated accounts give themselves (docs.bsky.app, bots)."""
    return any(
        text_of(label, "val") == "bot" and text_of(label, "src") == did
        for label in items_of(author, "labels")
    )


def _marks(author: dict[str, Any], did: str) -> ProfileMarks:
    """Notifications show what their authors say of themselves, threads and chats do not."""
    about = author.get("description")
    no_bots = says_no_bots(about) if isinstance(about, str) else None
    return ProfileMarks(calls_itself_bot(author, did), no_bots)


def _storable(text: str) -> str:
    """PostgreSQL stores neither NUL nor half of a surrogate pair."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def _raw(item: dict[str, Any]) -> str:
    return _storable(json.dumps(item, ensure_ascii=False))
