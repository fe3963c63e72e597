"""Definitions: the words taken from a reply, versioned; spans of it until its author edits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slugify import slugify
from sqlalchemy import Connection, Row, Select, func, insert, select

from ledger.contributors import new_id
from ledger.errors import DefinedbyError
from ledger.joined import head_of, parts_of
from ledger.keys import Keys
from ledger.model import UNSHOWABLE, Definition, PostKind, Reply, ReplyState, normal
from ledger.offers import choose_offer
from ledger.replies import author_of, find_reply, set_state
from ledger.tables import definition_versions, definitions, replies

MOST_CHARACTERS = 2000
SLUG_CHARACTERS = 60


def take_definition(
    connection: Connection, keys: Keys, at: datetime, reply: Reply, lang: str
) -> Definition:
    """Shortlist a reply: its author becomes a contributor, its words a definition.

    The words are what the reading marked, else the whole reply; nothing is reworded. A reply in
    parts is taken as one, by any of its parts. Taking the same reply again returns the
    definition that is there. Raises DefinedbyError when the reply has no words or too many.
    """
    head = find_reply(connection, head_of(connection, reply.id))
    reply = head if head is not None else reply
    known = connection.execute(
        _newest().where(
            definitions.c.reply_id == reply.id, definitions.c.kind == PostKind.DEFINITION
        )
    ).first()
    if known is not None:
        set_state(connection, reply.id, ReplyState.SHORTLISTED)
        choose_offer(connection, reply.id, at)
        return _definition(known)
    parts = parts_of(connection, reply.id)
    stretches = [_words_of(one) for one in (reply, *parts)]
    words = _usable(" ".join(said for said, _ in stretches))
    spans = [span for _, spans in stretches for span in spans]
    author = author_of(connection, keys, reply, at)
    definition_id = new_id()
    connection.execute(
        insert(definitions).values(
            id=definition_id,
            contributor_id=author.contributor_id,
            campaign_id=reply.campaign_id,
            reply_id=reply.id,
            slug=slug_of(words),
            lang=lang,
            created_at=at,
        )
    )
    add_text(connection, definition_id, 1, words, at, spans)
    for one in (reply, *parts):
        set_state(connection, one.id, ReplyState.SHORTLISTED)
    return need_definition(connection, definition_id)


def words_to_take(reply: Reply) -> str:
    """The words that `take_definition` would take from a reply that is no part of another."""
    return _usable(_words_of(reply)[0])


def add_version(connection: Connection, definition_id: str, text: str, at: datetime) -> Definition:
    """Other words for a definition; they need a grant of their own. Raises DefinedbyError.

    For a piece this is the whole text of it, as its author wants it (ledger.pieces).
    """
    current = need_definition(connection, definition_id)
    words = text if current.is_piece else _usable(text)
    if words == current.text:
        return current
    for one in _shares(connection, current):
        add_text(connection, one, current.version + 1, words, at, None)
    return need_definition(connection, definition_id)


def _shares(connection: Connection, definition: Definition) -> list[str]:
    if not definition.is_piece:
        return [definition.id]
    rows = connection.execute(
        select(definitions.c.id).where(definitions.c.piece_id == definition.piece_id)
    )
    return list(rows.scalars())


def find_definition(connection: Connection, definition_id: str) -> Definition | None:
    row = connection.execute(_newest().where(definitions.c.id == definition_id)).first()
    return None if row is None else _definition(row)


def need_definition(connection: Connection, definition_id: str) -> Definition:
    found = find_definition(connection, definition_id)
    if found is None:
        raise DefinedbyError("There is no such definition.", "Look it up on the desk.")
    return found


def definitions_of(connection: Connection, contributor_id: str) -> list[Definition]:
    """A contributor's definitions, oldest first."""
    rows = connection.execute(
        _newest()
        .where(definitions.c.contributor_id == contributor_id)
        .order_by(definitions.c.created_at, definitions.c.id)
    )
    return [_definition(row) for row in rows]


def definitions_in(connection: Connection, campaign_id: str) -> list[Definition]:
    """A campaign's definitions, newest first; pieces are beside them (ledger.pieces)."""
    rows = connection.execute(
        _newest()
        .where(definitions.c.campaign_id == campaign_id, definitions.c.kind == PostKind.DEFINITION)
        .order_by(definitions.c.created_at.desc(), definitions.c.id)
    )
    return [_definition(row) for row in rows]


@dataclass(frozen=True)
class WordsTaken:
    """A definition's newest words; `authors` are its contributor's id and address."""

    definition_id: str
    authors: frozenset[str]
    text: str


def words_taken(connection: Connection, campaign_id: str) -> list[WordsTaken]:
    """The words of all definitions in a campaign, oldest first; quick for many."""
    every = definition_versions.alias("every")
    newest = (
        select(func.max(every.c.version))
        .where(every.c.definition_id == definitions.c.id)
        .correlate(definitions)
        .scalar_subquery()
    )
    rows = connection.execute(
        select(
            definitions.c.id,
            definitions.c.contributor_id,
            replies.c.address,
            definition_versions.c.text,
        )
        .join(definition_versions, definition_versions.c.definition_id == definitions.c.id)
        .join(replies, replies.c.id == definitions.c.reply_id)
        .where(
            definitions.c.campaign_id == campaign_id,
            definitions.c.kind == PostKind.DEFINITION,
            definition_versions.c.version == newest,
        )
        .order_by(definitions.c.created_at, definitions.c.id)
    )
    return [
        WordsTaken(row.id, frozenset([row.contributor_id, row.address]), row.text) for row in rows
    ]


def reply_of(connection: Connection, definition: Definition) -> Reply:
    """The reply a definition was taken from, the first one of a piece: channel, date, source."""
    found = find_reply(connection, definition.reply_id)
    assert found is not None  # a foreign key keeps it
    return found


def slug_of(words: str) -> str:
    """The readable half of an address; never empty."""
    slug = slugify(
        words,
        allow_unicode=True,
        max_length=SLUG_CHARACTERS,
        word_boundary=True,
        save_order=True,
    )
    return slug or "-"


def _words_of(reply: Reply) -> tuple[str, list[tuple[int, int, int]]]:
    """The words that a reply gives, and their spans with the reply they lie in."""
    spans = reply.reading.spans or ((0, len(reply.text)),)
    said = " ".join(reply.text[start:end] for start, end in spans)
    return said, [(start, end, reply.id) for start, end in spans]


def _usable(text: str) -> str:
    # What nobody can see is no word of theirs, and could not be published.
    words = UNSHOWABLE.sub("", normal(text).replace("\r\n", "\n").replace("\r", "\n")).strip()
    if not words:
        raise DefinedbyError("There are no words to take.", "Mark the words of the definition.")
    if len(words) > MOST_CHARACTERS:
        raise DefinedbyError(
            f"These are {len(words)} characters; a definition has at most {MOST_CHARACTERS}.",
            "Take a shorter passage.",
        )
    return words


def add_text(
    connection: Connection,
    definition_id: str,
    version: int,
    words: str,
    at: datetime,
    spans: Sequence[Sequence[Any]] | None,
) -> None:
    """Keep a version whose words have been checked; where they stand in replies, if they do."""
    connection.execute(
        insert(definition_versions).values(
            definition_id=definition_id,
            version=version,
            text=words,
            spans=None if spans is None else [list(span) for span in spans],
            created_at=at,
        )
    )


def _newest() -> Select[Any]:
    newest = (
        select(
            definition_versions.c.definition_id,
            func.max(definition_versions.c.version).label("version"),
        )
        .group_by(definition_versions.c.definition_id)
        .subquery()
    )
    return (
        select(definitions, definition_versions.c.version, definition_versions.c.text)
        .join(newest, newest.c.definition_id == definitions.c.id)
        .join(
            definition_versions,
            (definition_versions.c.definition_id == definitions.c.id)
            & (definition_versions.c.version == newest.c.version),
        )
    )


def _definition(row: Row[Any]) -> Definition:
    return Definition(
        row.id,
        row.contributor_id,
        row.campaign_id,
        row.reply_id,
        row.version,
        row.text,
        row.lang,
        row.slug,
        row.created_at,
        PostKind(row.kind),
        row.piece_id,
        row.part,
    )
