"""Interviews and endorsements: what was said to each other, in an editor's order.

What a person says in one is always a passage of a reply of theirs, until they ask for other words
themselves. Each person whose words are shown has a definition of their own with the whole piece as
its text, so each is asked, answers and takes back as for any other words; it may appear only while
all of them allow exactly the same text (ledger.gate).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from ledger.contributors import new_id
from ledger.definitions import add_text, find_definition, need_definition, reply_of, slug_of
from ledger.errors import DefinedbyError
from ledger.model import UNSHOWABLE, Definition, PostKind, Reply, normal
from ledger.piece_text import LEFT_OUT, PieceText, Turn, clean_words, piece_of, text_of
from ledger.prepared import Prepared
from ledger.replies import find_reply
from ledger.tables import definition_versions, definitions, events, piece_sources, replies
from ledger.together import people_of

MOST_CHARACTERS = 12_000
_OF_OTHERS = Prepared(
    select(definitions.c.id, definitions.c.piece_id).where(
        definitions.c.piece_id > "", definitions.c.part > 1
    )
)
MOST_TITLE_CHARACTERS = 120
MOST_TURNS = 60


@dataclass(frozen=True)
class Wanted:
    """One turn as an editor wants it: a question, or a passage of a reply.

    `own` is the number of whoever has put it in these words themselves: it stays as it is.
    """

    words: str
    reply: Reply | None = None
    own: int = 0


@dataclass(frozen=True)
class Wish:
    """A piece as an editor wants it, not checked yet."""

    kind: PostKind
    title: str
    introduction: str
    turns: tuple[Wanted, ...]


def make_piece(
    connection: Connection, at: datetime, campaign_id: str, lang: str, wish: Wish
) -> list[Definition]:
    """Keep a new piece; one definition for each person whose words it shows, in their order.

    Raises DefinedbyError when something is missing, or when an answer is not what was written.
    """
    people = _people(connection, wish, ())
    text, spans = _text(connection, wish, people, ())
    made, piece_id = [], ""
    for part, reply in enumerate(people.values(), start=1):
        definition_id = new_id()
        piece_id = piece_id or definition_id
        connection.execute(
            insert(definitions).values(
                id=definition_id,
                contributor_id=reply.handle.contributor_id,
                campaign_id=campaign_id,
                reply_id=reply.id,
                slug=slug_of(piece_of(text).title),
                lang=lang,
                created_at=at,
                kind=wish.kind,
                piece_id=piece_id,
                part=part,
            )
        )
        add_text(connection, definition_id, 1, text, at, spans)
        made.append(definition_id)
    _note_sources(connection, piece_id, wish)
    return [need_definition(connection, one) for one in made]


def change_piece(
    connection: Connection, at: datetime, piece_id: str, wish: Wish
) -> tuple[list[Definition], bool]:
    """Keep a piece as it is wanted now; whether its text has changed, which voids every grant.

    Its people can change as long as nobody was asked. Raises DefinedbyError as `make_piece`, and
    for a piece that was asked about when somebody would leave it or join it.
    """
    shares = shares_of(connection, piece_id)
    people = _people(connection, wish, shares)
    known = [_whose(connection, one.contributor_id) for one in shares]
    if set(known) == set(people):
        people = {whose: people[whose] for whose in known}
    text, spans = _text(connection, wish, people, shares)
    if known != list(people):
        if was_asked(connection, piece_id):
            raise DefinedbyError(
                "Somebody was asked about this already, so its people stay the same.",
                "Make another one, and leave this as it is.",
            )
        first = shares[0]
        drop_piece(connection, piece_id)
        return make_piece(connection, at, first.campaign_id, first.lang, wish), True
    changed = text != shares[0].text
    if changed:
        put_text(connection, at, shares, text, spans)
    _note_sources(connection, piece_id, wish)
    return shares_of(connection, piece_id), changed


def put_text(
    connection: Connection,
    at: datetime,
    shares: Sequence[Definition],
    text: str,
    spans: Sequence[Any] | None,
) -> None:
    """The newest text of a piece, for everybody in it. `spans` None: its people have edited it."""
    version = max(one.version for one in shares) + 1
    for one in shares:
        add_text(connection, one.id, version, text, at, spans)


def shares_of(connection: Connection, piece_id: str) -> list[Definition]:
    """The definitions of a piece, one for each person whose words it shows, in their order."""
    rows = connection.execute(
        select(definitions.c.id)
        .where(definitions.c.piece_id == piece_id, definitions.c.piece_id != "")
        .order_by(definitions.c.part)
    )
    return [need_definition(connection, one) for one in rows.scalars().all()]


def all_shares(connection: Connection, definition: Definition) -> list[Definition]:
    """Everything that has to be granted for this to appear: itself alone unless it is a piece."""
    return shares_of(connection, definition.piece_id) if definition.is_piece else [definition]


def pieces_in(connection: Connection, campaign_id: str) -> list[Definition]:
    """The pieces of a campaign, newest first, each by its first person's definition."""
    rows = connection.execute(
        select(definitions.c.id)
        .where(definitions.c.campaign_id == campaign_id, definitions.c.part == 1)
        .order_by(definitions.c.created_at.desc(), definitions.c.id)
    )
    return [need_definition(connection, one) for one in rows.scalars().all()]


def pieces_of(connection: Connection, thread_rows: Sequence[int]) -> list[Definition]:
    """The pieces that quote one of these conversations, newest first."""
    rows = connection.execute(
        select(definitions.c.id)
        .join(piece_sources, piece_sources.c.piece_id == definitions.c.id)
        .join(replies, replies.c.id == piece_sources.c.reply_id)
        .where(replies.c.thread_id.in_(thread_rows))
        .group_by(definitions.c.id, definitions.c.created_at)
        .order_by(definitions.c.created_at.desc(), definitions.c.id)
    )
    return [need_definition(connection, one) for one in rows.scalars().all()]


def drop_piece(connection: Connection, piece_id: str) -> None:
    """Forget a piece that nobody was asked about; of any other nothing is dropped."""
    if was_asked(connection, piece_id):
        raise DefinedbyError(
            "Somebody was asked about this already.", "It stays, so that the record can be read."
        )
    shares = [one.id for one in shares_of(connection, piece_id)]
    connection.execute(delete(piece_sources).where(piece_sources.c.piece_id == piece_id))
    for table, column in (
        (definition_versions, definition_versions.c.definition_id),
        (definitions, definitions.c.id),
    ):
        connection.execute(delete(table).where(column.in_(shares)))


def was_asked(connection: Connection, piece_id: str) -> bool:
    """Whether the record holds anything about it."""
    shares = select(definitions.c.id).where(definitions.c.piece_id == piece_id)
    found = connection.execute(select(func.count()).where(events.c.subject.in_(shares)))
    return bool(found.scalar_one())


def replies_quoted(connection: Connection, piece_id: str) -> list[Reply]:
    """The replies that a piece quotes, oldest first."""
    rows = connection.execute(
        select(piece_sources.c.reply_id)
        .where(piece_sources.c.piece_id == piece_id)
        .order_by(piece_sources.c.reply_id)
    )
    found = (find_reply(connection, one) for one in rows.scalars().all())
    return [one for one in found if one is not None]


def turns_quoted(connection: Connection, definition: Definition) -> list[tuple[Turn, int | None]]:
    """The turns of a piece as it stands now, each answer with the reply that it is taken from."""
    spans = connection.execute(
        select(definition_versions.c.spans).where(
            definition_versions.c.definition_id == definition.id,
            definition_versions.c.version == definition.version,
        )
    ).scalar()
    turns = piece_of(definition.text).turns
    taken = list(spans or [[]] * len(turns))
    return [(turn, of[0][2] if of else None) for turn, of in zip(turns, taken, strict=True)]


def with_other_words(definition: Definition, words: dict[int, str]) -> str:
    """The piece with other words in answers of this person's own, by the number of the turn.

    Raises DefinedbyError for an answer that is left empty, or a piece that becomes too long.
    """
    piece = piece_of(definition.text)
    turns = []
    for number, turn in enumerate(piece.turns):
        if turn.person == definition.part and number in words:
            said = clean_words(words[number])
            if not said:
                raise DefinedbyError("An answer is empty.", "Write it, or leave it as it was.")
            turns.append(Turn(turn.person, said))
        else:
            turns.append(turn)
    text = text_of(PieceText(piece.kind, piece.title, piece.introduction, tuple(turns)))
    if len(text) > MOST_CHARACTERS:
        raise DefinedbyError("These words are too long.", "Shorten it.")
    return text


def is_own_change(definition: Definition, text: str) -> bool:
    """Whether `text` differs from the piece in this person's own answers, and in nothing else."""
    try:
        before, after = piece_of(definition.text), piece_of(text)
    except ValueError:
        return False
    if text_of(after) != text or len(before.turns) != len(after.turns):
        return False
    same_frame = (before.kind, before.title, before.introduction) == (
        after.kind,
        after.title,
        after.introduction,
    )
    return same_frame and all(
        old == new or (old.person == new.person == definition.part and new.words.strip())
        for old, new in zip(before.turns, after.turns, strict=True)
    )


def pieces_of_others(connection: Connection) -> dict[str, str]:
    """Under which definition the piece stands, for everybody in one but its first person."""
    return dict(_OF_OTHERS.tuples(connection))


def need_piece(connection: Connection, definition_id: str) -> Definition:
    """The first person's definition of a piece. Raises DefinedbyError when it is none."""
    found = find_definition(connection, definition_id)
    if found is None or found.id != found.piece_id:
        raise DefinedbyError("There is no such piece.", "Look it up on the desk.")
    return found


def _whose(connection: Connection, contributor_id: str) -> str:
    """One person may write from several addresses: they are asked once."""
    return people_of(connection, contributor_id)[0]


def _people(connection: Connection, wish: Wish, shares: Sequence[Definition]) -> dict[str, Reply]:
    """Whose words are shown, each with the first reply of theirs that is quoted."""
    found: dict[str, Reply] = {}
    for turn in wish.turns:
        if turn.own:
            share = next((one for one in shares if one.part == turn.own), None)
            if share is None or Turn(turn.own, clean_words(turn.words)) not in _turns(share):
                raise DefinedbyError(
                    "They have put this in their own words, so it stays as it is.",
                    "Leave it out, or leave it as it was.",
                )
            reply = reply_of(connection, share)
            found.setdefault(_whose(connection, share.contributor_id), reply)
        if turn.reply is None:
            continue
        if turn.reply.automatic or not turn.reply.handle.contributor_id:
            raise DefinedbyError("Nobody wrote this message.", "Leave it out.")
        found.setdefault(_whose(connection, turn.reply.handle.contributor_id), turn.reply)
    if not found:
        raise DefinedbyError("Nothing of theirs is in it.", "Pick a message of theirs at least.")
    return found


def _text(
    connection: Connection,
    wish: Wish,
    people: dict[str, Reply],
    shares: Sequence[Definition],
) -> tuple[str, list[list[list[int]]]]:
    title = " ".join(clean_words(wish.title).split())
    if not title or len(title) > MOST_TITLE_CHARACTERS:
        raise DefinedbyError(
            f"A title has 1 to {MOST_TITLE_CHARACTERS} characters.", "Write one, or shorten it."
        )
    if len(wish.turns) > MOST_TURNS:
        raise DefinedbyError(
            f"A piece has at most {MOST_TURNS} questions and answers.", "Leave some out."
        )
    numbers = {whose: part for part, whose in enumerate(people, start=1)}
    turns: list[Turn] = []
    spans: list[list[list[int]]] = []
    for one in wish.turns:
        words = clean_words(one.words)
        if one.own:
            share = next(each for each in shares if each.part == one.own)
            turns.append(Turn(numbers[_whose(connection, share.contributor_id)], words))
            spans.append([])
            continue
        if one.reply is None:
            if not words:
                raise DefinedbyError("A question is empty.", "Write it, or leave it out.")
            turns.append(Turn(0, words))
            spans.append([])
            continue
        said, taken = passages(one.reply, words)
        whose = _whose(connection, one.reply.handle.contributor_id)
        turns.append(Turn(numbers[whose], said))
        spans.append(taken)
    piece = PieceText(wish.kind, title, clean_words(wish.introduction), tuple(turns))
    return _short_enough(text_of(piece)), spans


def passages(reply: Reply, words: str) -> tuple[str, list[list[int]]]:
    """What a piece shows of a reply, and where each passage of it stands in the reply.

    `words` are passages copied from it in its order, with LEFT_OUT between them. Raises
    DefinedbyError for anything that the reply does not say.
    """
    source = UNSHOWABLE.sub("", normal(reply.text).replace("\r\n", "\n"))
    as_written = source == reply.text
    shown, spans, after = [], [], 0
    for part in words.split(LEFT_OUT):
        wanted = part.strip()
        if not wanted:
            continue
        start = source.find(wanted, after)
        if start < 0:
            raise DefinedbyError(
                f"“{wanted[:60]}” is not what they wrote.",
                f"Only whole passages of their message can be shown; put {LEFT_OUT} where "
                "something is left out.",
            )
        after = start + len(wanted)
        # Where its characters are others, if only to a program, all of it is named.
        place = [start, after] if as_written else [0, len(reply.text)]
        spans.append([*place, reply.id])
        shown.append(wanted)
    if not shown:
        raise DefinedbyError("An answer is empty.", "Leave the passage, or do not pick it.")
    return f" {LEFT_OUT} ".join(shown), spans


def _turns(share: Definition) -> tuple[Turn, ...]:
    return piece_of(share.text).turns


def _short_enough(text: str) -> str:
    if len(text) > MOST_CHARACTERS:
        raise DefinedbyError(
            f"This has {len(text)} characters; a piece has at most {MOST_CHARACTERS}.",
            "Leave something out.",
        )
    return text


def _note_sources(connection: Connection, piece_id: str, wish: Wish) -> None:
    """Also those of words that were put otherwise since: without them nobody would have said it."""
    kept = set(
        connection.execute(
            select(piece_sources.c.reply_id).where(piece_sources.c.piece_id == piece_id)
        ).scalars()
    )
    if not any(turn.own for turn in wish.turns):
        connection.execute(delete(piece_sources).where(piece_sources.c.piece_id == piece_id))
        kept = set()
    quoted = sorted({turn.reply.id for turn in wish.turns if turn.reply is not None} - kept)
    if quoted:
        connection.execute(
            insert(piece_sources), [{"piece_id": piece_id, "reply_id": one} for one in quoted]
        )
