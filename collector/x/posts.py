"""X's JSON into replies: posts and direct messages, each with the reason when it is left out.

Read from the raw answer, not by tweepy's models: those fail on a whole page for one odd item.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from collector.connector import SourceState
from collector.nobots import wants_no_bots
from collector.x.walk import Batch, Item
from ledger.model import IncomingReply, ProfileMarks, SkipKind, Skipped, clean_name

WEB = "https://x.com"
#: What is asked for with each post; "withheld" and "protected" say what may not be used.
POST_FIELDS = [
    "author_id",
    "conversation_id",
    "created_at",
    "edit_history_tweet_ids",
    "entities",
    "note_tweet",
    "referenced_tweets",
    "withheld",
]
USER_FIELDS = ["description", "name", "profile_image_url", "protected", "username"]
MESSAGE_FIELDS = ["created_at", "dm_conversation_id", "entities", "sender_id", "text"]
#: The longest post that X takes.
MOST_CHARACTERS = 25_000
#: Ids of messages and of posts are counted apart, so ours must tell them apart.
MESSAGE_PREFIX = "dm:"

#: The only characters that X escapes in texts.
_ESCAPED = {"&amp;": "&", "&lt;": "<", "&gt;": ">"}
_ESCAPES = re.compile("|".join(_ESCAPED))
_SHORT_LINK = re.compile(r"https?://t\.co/\w+")
_USERNAME = re.compile(r"\w{1,50}", re.ASCII)
_MEDIA = re.compile(r"/status/\d+/(?:photo|video)/\d+$")
#: X's ids are Snowflakes: milliseconds since this moment, then 22 bits of machine and sequence.
_SNOWFLAKE_EPOCH = datetime(2010, 11, 4, 1, 42, 54, 657_000, tzinfo=UTC)
_SNOWFLAKE_BITS = 22
#: What a lookup says of a post that it does not give, by type and by title of the problem.
_PROBLEMS = {
    "resource-not-found": SourceState.GONE,
    "Not Found Error": SourceState.GONE,
    "not-authorized-for-resource": SourceState.PROTECTED,
    "Authorization Error": SourceState.PROTECTED,
}

Answer = Mapping[str, Any]


class _LeftOut(Exception):  # noqa: N818 - it is no error of ours
    """Why an item is not taken in."""

    def __init__(self, sentence: str, kind: SkipKind = SkipKind.FILTERED) -> None:
        super().__init__(sentence)
        self.kind = kind


def number_of(value: object) -> int:
    """An id as a number, 0 for anything that is none."""
    text = str(value)
    return int(text) if len(text) <= 20 and text.isascii() and text.isdecimal() else 0


def id_at(moment: datetime) -> int:
    """The smallest id that X can have given at this moment."""
    milliseconds = (moment - _SNOWFLAKE_EPOCH) // timedelta(milliseconds=1)
    return max(milliseconds, 0) << _SNOWFLAKE_BITS


def read_posts(answer: Answer, own_id: str, since: int) -> Batch:
    """The posts of one answer; `since` is for the place of those without an id."""
    return _read(answer, since, lambda item: _post(item, _users(answer), own_id))


def read_messages(answer: Answer, own_id: str, since: int) -> Batch:
    """The direct messages of one answer."""
    return _read(answer, since, lambda item: _message(item, _users(answer), own_id))


def ids_of(answer: Answer) -> list[str]:
    """What X charges for in an answer; an item without an id counts by what it says."""
    found = answer.get("data")
    items = found if isinstance(found, list) else [found] if found else []
    return [_id_of(item) or _fingerprint(item) for item in items]


def _read(answer: Answer, since: int, make: Callable[[Any], IncomingReply]) -> Batch:
    items = _list(answer, "data")
    numbers = [number_of(_id_of(item)) for item in items]
    place = next(filter(None, numbers), since + 1)
    made = []
    for item, number in zip(items, numbers, strict=True):
        place = number or place
        made.append(_item(item, place, make))
    meta = answer.get("meta")
    token = meta.get("next_token") if isinstance(meta, dict) else ""
    return Batch(made, token if isinstance(token, str) else "")


def _item(item: Any, place: int, make: Callable[[Any], IncomingReply]) -> Item:
    try:
        reply = make(item)
        return Item(place, reply, _earlier(item))
    except _LeftOut as reason:
        return Item(place, Skipped(_id_of(item) or _fingerprint(item), str(reason), reason.kind))
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        known = _id_of(item) or _fingerprint(item)
        return Item(place, Skipped(known, "X sent it in a form that can't be read."))


def _post(item: Any, users: Answer, own_id: str) -> IncomingReply:
    number, author_id = _checked_id(item), item["author_id"]
    if author_id == own_id:
        raise _LeftOut("Our own message.")
    kinds = {part["type"]: str(part["id"]) for part in item.get("referenced_tweets") or []}
    if "retweeted" in kinds:
        raise _LeftOut("A repost: its sender wrote nothing of their own.")
    if item.get("withheld"):
        where = _where(item["withheld"])
        raise _LeftOut(f"X withholds this post{where}.", SkipKind.PROTECTED)
    author = _author(users, author_id)
    if author.get("protected") is True:
        raise _LeftOut("Its author's account is protected.", SkipKind.PROTECTED)
    whole = item.get("note_tweet") or item
    return IncomingReply(
        external_id=number,
        address=f"@{author['username']}",
        text=_words(whole),
        author_name=clean_name(author["name"]),
        author_url=f"{WEB}/{author['username']}",
        written_at=moment_of(item),
        source_url=f"{WEB}/{author['username']}/status/{number}",
        in_reply_to=tuple(kinds[kind] for kind in ("replied_to",) if kind in kinds),
        raw=json.dumps(item),
        contact=author_id,
        marks=_marks(author),
        author_picture=_picture(author),
    )


def _message(item: Any, users: Answer, own_id: str) -> IncomingReply:
    number, sender_id = _checked_id(item), item.get("sender_id")
    if sender_id == own_id:
        raise _LeftOut("Our own message.")
    if item.get("event_type", "MessageCreate") != "MessageCreate":
        raise _LeftOut("Not a message: somebody joined or left.")
    if "text" not in item:
        raise _LeftOut("A message without words.")
    author = _author(users, sender_id)
    return IncomingReply(
        external_id=MESSAGE_PREFIX + number,
        address=f"@{author['username']}",
        text=_words(item),
        author_name=clean_name(author["name"]),
        author_url=f"{WEB}/{author['username']}",
        written_at=moment_of(item),
        raw=json.dumps(item),
        private=True,
        contact=str(sender_id),
        marks=_marks(author),
        author_picture=_picture(author),
    )


def _picture(author: Answer) -> str:
    """The larger form of the profile's picture, as X's documentation of images names it.

    The address of the small form ends in "_normal" before its ending; that of nobody's own picture
    is in a folder of defaults.
    """
    url = author.get("profile_image_url")
    if not isinstance(url, str) or "/default_profile_images/" in url:
        return ""
    return re.sub(r"_normal(\.\w{1,5})$", r"_bigger\1", url)


def _marks(author: Answer) -> ProfileMarks:
    about = author.get("description")
    return ProfileMarks(wants_no_bots=wants_no_bots(author) if isinstance(about, str) else None)


def _words(item: Answer) -> str:
    """The text as its author typed it: X escapes three characters and shortens every link."""
    links = {}
    for link in (item.get("entities") or {}).get("urls") or []:
        target = link.get("expanded_url") or link["url"]
        # Media hang on a post by a link that nobody typed.
        links[link["url"]] = "" if _MEDIA.search(target) or "media_key" in link else target
    text = _ESCAPES.sub(lambda found: _ESCAPED[found[0]], item["text"])
    text = _SHORT_LINK.sub(lambda found: links.get(found[0], found[0]), text)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    words = "".join(
        c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs")
    ).strip()
    if not words:
        raise _LeftOut("A post without words.")
    if len(words) > MOST_CHARACTERS:
        raise _LeftOut(
            f"It has {len(words):,} characters; {MOST_CHARACTERS:,} are allowed.",
            SkipKind.TOO_LARGE,
        )
    return words


def _author(users: Answer, author_id: Any) -> Any:
    author = users.get(author_id)
    if author is None:
        raise _LeftOut(
            "X does not say who wrote it: the account is suspended, closed or locked.",
            SkipKind.PROTECTED,
        )
    if not _USERNAME.fullmatch(author["username"]):
        raise ValueError("no user name")
    return author


def _where(withheld: Any) -> str:
    places = withheld.get("country_codes") or []
    return f" in {', '.join(str(place) for place in places)[:60]}" if places else ""


def moment_of(item: Answer) -> datetime | None:
    """When it was written, if X says so in a way that can be understood, zone included."""
    try:
        moment = datetime.fromisoformat(item["created_at"])
    except (KeyError, TypeError, ValueError):
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None


def _earlier(item: Answer) -> tuple[str, ...]:
    return tuple(version for version in _versions(item) if version != item["id"])


def _versions(item: Any) -> list[str]:
    """The ids that a post has had, oldest first; every edit gives it a new one."""
    history = item.get("edit_history_tweet_ids") if isinstance(item, dict) else None
    versions = history if isinstance(history, list) else []
    return [version for version in versions if isinstance(version, str) and number_of(version)]


def _withheld(item: Any) -> Any:
    return item.get("withheld") if isinstance(item, dict) else None


def _users(answer: Answer) -> dict[str, Any]:
    includes = answer.get("includes")
    users = _list(includes, "users") if isinstance(includes, dict) else []
    return {user["id"]: user for user in users if isinstance(user, dict) and _id_of(user)}


def _list(parts: Answer, name: str) -> list[Any]:
    found = parts.get(name)
    return found if isinstance(found, list) else []


def _id_of(item: Any) -> str:
    found = item.get("id") if isinstance(item, dict) else None
    return found if isinstance(found, str) and number_of(found) else ""


def _checked_id(item: Any) -> str:
    number = _id_of(item)
    if not number:
        raise ValueError("no id")
    return number


def _fingerprint(item: Any) -> str:
    try:
        known = json.dumps(item, sort_keys=True)
    except (RecursionError, ValueError):
        known = "too deep"
    return "unreadable:" + hashlib.sha256(known.encode()).hexdigest()[:32]


def newest_versions(answer: Answer, asked: Sequence[str]) -> dict[str, str]:
    """The id of the newest version of each post that was asked for."""
    newest = {}
    for item in _list(answer, "data"):
        versions = {_id_of(item), *_versions(item)} - {""}
        for one in versions.intersection(asked):
            newest[one] = max(versions, key=number_of)
    return newest


def source_states(answer: Answer, asked: list[str]) -> dict[str, SourceState]:
    """How the posts of a lookup stand; X says so in `data` or in `errors`, else it is not known."""
    states: dict[str, SourceState] = {}
    users = _users(answer)
    for item in _list(answer, "data"):
        versions = {_id_of(item), *_versions(item)}
        author = users.get(str(item.get("author_id"))) if isinstance(item, dict) else None
        hidden = bool(author and author.get("protected")) or bool(_withheld(item))
        for one in versions.intersection(asked):
            newest = max(versions, key=number_of)
            state = SourceState.THERE if one == newest else SourceState.EDITED
            states[one] = SourceState.PROTECTED if hidden else state
    for error in _list(answer, "errors"):
        if isinstance(error, dict):
            one = str(error.get("resource_id") or error.get("value") or "")
            problem = str(error.get("type", "")).rpartition("/")[2]
            said = _PROBLEMS.get(problem) or _PROBLEMS.get(str(error.get("title", "")))
            if said and one in asked:
                states.setdefault(one, said)
    return states
