"""From one row of somebody's table to one reply: which column is what, and what a row lacks.

Importing never implies consent: a row is a reply like any other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from ledger.errors import SettingError
from ledger.model import IncomingReply, SkipKind, normal

#: What a column can be, and the names that tables usually give it, the likeliest first.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "text": (
        *("text", "answer", "youranswer", "reply", "words", "definition", "response", "message"),
        *("body", "comment", "content", "answertext", "replytext", "fulltext", "quote", "post"),
        *("tweet", "antwort", "réponse", "respuesta", "svar"),
    ),
    "name": (
        *("name", "author", "authorname", "fullname", "displayname", "yourname", "person"),
        *("contributor", "from", "nom", "nombre", "namn"),
    ),
    "address": (
        *("address", "email", "emailaddress", "youremail", "mail", "handle", "username"),
        *("screenname", "authorhandle", "acct", "account", "user"),
    ),
    "url": ("url", "website", "homepage", "authorurl", "profileurl", "profile", "link"),
    "date": (
        *("date", "timestamp", "time", "datetime", "createdat", "created", "writtenat", "sentat"),
        *("postedat", "submittedat", "submitted", "when", "datum", "fecha"),
    ),
    "id": (
        *("id", "replyid", "answerid", "responseid", "messageid", "externalid", "statusid"),
        *("tweetid", "postid", "uuid", "guid"),
    ),
    "source_url": ("sourceurl", "source", "permalink", "posturl", "replyurl", "statusurl"),
    "subject": ("subject", "title", "topic", "betreff", "sujet", "asunto"),
}
MOST_CHARACTERS = 20_000
#: What the ledger keeps of each; a longer one would be cut and could meet another.
_MOST = {"text": MOST_CHARACTERS, "id": 998, "address": 320, "name": 300, "url": 2_000}
_MOST |= {"source_url": 2_000, "date": 100, "subject": 1_000}

Values = dict[str, Any]
_as_json = json.JSONEncoder(ensure_ascii=False).encode


class RowProblem(Exception):  # noqa: N818 - it is what a person reads about one row
    """Why a row can't become a reply, as a sentence."""

    def __init__(self, sentence: str, kind: SkipKind = SkipKind.MALFORMED) -> None:
        super().__init__(sentence)
        self.kind = kind


def choose_columns(columns: Iterable[str], mapping: Mapping[str, str]) -> dict[str, str]:
    """Which column holds what: as `mapping` says, else by its usual names.

    Raises SettingError when a column is missing, or when none holds the text.
    """
    present = list(columns)
    chosen = {known: _present(name, present, known) for known, name in mapping.items()}
    taken = set(chosen.values())
    by_plain: dict[str, str] = {}
    for column in present:
        by_plain.setdefault(_plain(column), column)
    for known, synonyms in SYNONYMS.items():
        candidates = (by_plain.get(synonym) for synonym in synonyms)
        if known not in chosen:
            found = next((name for name in candidates if name and name not in taken), None)
            if found is not None:
                chosen[known] = found
                taken.add(found)
    if "text" not in chosen:
        raise SettingError(
            f"No column is known to hold the answers; there are: {_listed(present)}.",
            "Name it with --map text=COLUMN; if the first line is an answer already, put a line "
            "with the names of the columns above it.",
        )
    return {known: chosen[known] for known in SYNONYMS if known in chosen}


def _present(name: str, columns: list[str], known: str) -> str:
    if known not in SYNONYMS:
        raise SettingError(
            f"'{known}' is nothing that a column can be mapped to.",
            f"Use one of {', '.join(SYNONYMS)}, for example --map text={name}.",
        )
    for column in columns:
        if column == name:
            return column
    for column in columns:
        if _plain(column) == _plain(name):
            return column
    raise SettingError(
        f"There is no column '{name}'; there are: {_listed(columns)}.",
        f"Give one of them, as in --map {known}={columns[0] if columns else 'COLUMN'}.",
    )


def _listed(columns: list[str], most: int = 40) -> str:
    shown = ", ".join(f"'{column[:60]}'" for column in columns[:most])
    return shown + (f" and {len(columns) - most} more" if len(columns) > most else "")


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, normal(name).casefold()))


def row_reader(columns: Mapping[str, str]) -> Callable[[Values, str], IncomingReply]:
    """A function that turns a row (values by column) into a reply. It raises RowProblem.

    It is given the row as it stands in the file as well, or "" where that is no text of its own.
    """
    wanted = [(known, column, _MOST[known]) for known, column in columns.items()]
    missing = {known: "" for known in SYNONYMS if known not in columns}

    def read(row: Values, raw: str) -> IncomingReply:
        found = missing.copy()
        for known, column, most in wanted:
            value = row.get(column)
            value = value.strip() if type(value) is str else _text(value, column)
            if len(value) > most:
                raise RowProblem(
                    f"Its {known} has {len(value):,} characters; {most:,} are allowed.",
                    SkipKind.TOO_LARGE,
                )
            found[known] = value
        return _reply(found, row, raw)

    return read


def _reply(found: dict[str, str], row: Values, raw: str) -> IncomingReply:
    text, name, address, date = found["text"], found["name"], found["address"], found["date"]
    if not text:
        raise RowProblem("It has no text.", SkipKind.FILTERED)
    external_id = found["id"] or row_hash(row)
    return IncomingReply(
        external_id,
        _address(address) if address else stand_in_address(name, external_id),
        text,
        name,
        _link(found["url"]),
        found["subject"],
        written_at=written_at(date) if date else None,
        source_url=_link(found["source_url"]),
        raw=raw or _as_json(row),
    )


def _text(value: Any, column: str) -> str:
    """What is no text in the file but can stand for one. Raises RowProblem."""
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise RowProblem(f"Its '{column}' is not a text.")


def row_hash(row: Values) -> str:
    """An id for a row that has none: the same content has the same, in any order of columns.

    Empty columns, white space at the ends and Unicode composition make no difference.
    """
    parts = []
    for name in sorted(row):
        value = row[name]
        if value is not None and not isinstance(value, str):
            value = json.dumps(value, sort_keys=True)
        if value and (stripped := value.strip()):
            parts.append(f"{name}\x1f{stripped}")
    plain = "\x1e".join(parts)
    return "row:" + hashlib.sha256(normal(plain).encode()).hexdigest()


def _address(value: str) -> str:
    address = normal(value)
    is_email = "@" in address[1:] and not address.startswith("@")
    return address.lower() if is_email else address


def stand_in_address(name: str, external_id: str) -> str:
    """An address for somebody who gave none: others with the same name stay apart."""
    seed = f"{normal(name)}\x1f{external_id}"
    return "row:" + hashlib.sha256(seed.encode()).hexdigest()[:32]


def _link(value: str) -> str:
    """A web address, or nothing: other schemes can run code where they are shown."""
    is_web = value and value[:8].lower().startswith(("http://", "https://"))
    return value if is_web else ""


def written_at(value: str) -> datetime:
    """A date in ISO 8601 or RFC 2822; without a zone it is UTC. Raises RowProblem."""
    try:
        found = _parsed(value)
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found
        return found.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError) as error:
        raise RowProblem(
            f"Its date '{value[:40]}' is not one we know; write it like 2026-01-31 or "
            "2026-01-31T18:30:00Z."
        ) from error


def _parsed(value: str) -> datetime:
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return parsedate_to_datetime(value[:100])
