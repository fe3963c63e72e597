"""What stands: definitions with a live grant, read from the consent record a batch at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from ledger import gate
from ledger.consent_state import ConsentEvent, EventKind, Grant, fold
from ledger.database import Ledger
from ledger.definitions import slug_of
from ledger.errors import DefinedbyError
from ledger.events import histories, history
from ledger.model import Campaign, Channel, PostKind, Use, normal
from ledger.piece_text import piece_of
from ledger.pieces import pieces_of_others
from ledger.posts import Post
from ledger.prepared import Prepared
from ledger.sources import piece_states
from ledger.tables import definitions, events, places, posts, replies
from publisher.compose import ID_CHARACTERS, Source
from publisher.report import Refusal
from publisher.site.entries import Place

#: Definitions that are read, settled and stored together.
BATCH = 500


#: The replies that continue the one a definition was taken from (ledger.joined).
_PARTS = replies.alias()
_MORE_MESSAGES = select(func.count()).where(_PARTS.c.continues_id == replies.c.id).scalar_subquery()
_ORIGINS = Prepared(
    select(
        definitions.c.id,
        definitions.c.contributor_id,
        definitions.c.campaign_id,
        definitions.c.lang,
        definitions.c.kind,
        definitions.c.part,
        replies.c.channel,
        replies.c.written_at,
        replies.c.received_at,
        replies.c.source_url,
        replies.c.source_state,
        _MORE_MESSAGES.label("more"),
        posts.c.kind.label("post_kind"),
        posts.c.address,
        posts.c.file,
        posts.c.grant_hash,
        posts.c.published_at,
        places.c.month,
        places.c.number,
        places.c.person,
        places.c.person_number,
    )
    .join_from(definitions, replies, definitions.c.reply_id == replies.c.id)
    .outerjoin(
        posts,
        (posts.c.subject == definitions.c.id) & posts.c.gone_at.is_(None),
    )
    .outerjoin(places, places.c.definition_id == definitions.c.id)
    .where(definitions.c.id.in_(bindparam("ids", expanding=True)))
)


#: Everybody in a piece but the first, whose definition it stands under.
_OTHERS = Prepared(
    select(definitions.c.id, definitions.c.contributor_id, definitions.c.piece_id)
    .where(definitions.c.piece_id.in_(bindparam("ids", expanding=True)), definitions.c.part > 1)
    .order_by(definitions.c.piece_id, definitions.c.part)
)


@dataclass(frozen=True)
class Share:
    """Another person's part in a piece, and their grant of it."""

    id: str
    contributor_id: str
    grant: Grant
    announced: bool


@dataclass(frozen=True)
class Standing:
    """A definition that may be on the blog, with the post and place it has there already.

    A piece stands under its first person's definition; `shares` are those of the others.
    """

    grant: Grant
    source: Source
    contributor_id: str
    campaign_id: str
    announced: bool
    post: Post | None = None
    place: Place | None = None
    shares: tuple[Share, ...] = ()

    @property
    def id(self) -> str:
        return self.source.definition_id

    @property
    def grants(self) -> tuple[Grant, ...]:
        """Of everybody whose words it shows, in the order of their numbers."""
        return (self.grant, *(one.grant for one in self.shares))

    @property
    def bound_to(self) -> str:
        """The hash of the grant it is made from, or over those of all grants of a piece."""
        if not self.shares:
            return self.grant.event_hash
        return hashlib.sha256("".join(one.event_hash for one in self.grants).encode()).hexdigest()

    @property
    def granted_at(self) -> datetime:
        return max(datetime.fromisoformat(one.at) for one in self.grants).astimezone(UTC)

    def allows(self, use: Use) -> bool:
        """Whether the gate lets these words through, with this credit, for another use."""
        return not gate.clears(self.grant, self.grant.text, self.grant.credit, use)

    @property
    def is_new(self) -> bool:
        """Whether what stands, if anything, comes from another grant."""
        return self.post is None or self.post.grant_hash != self.bound_to


@dataclass(frozen=True)
class Gone:
    """A definition that may not be on the blog; `published` says that the record has it there."""

    id: str
    contributor_id: str
    published: bool
    post: Post | None


@dataclass
class Outlook:
    """How some definitions stand; oldest grant first."""

    standing: list[Standing] = field(default_factory=list)
    gone: list[Gone] = field(default_factory=list)
    #: Definitions whose record can't be trusted: nothing of them is shown or deleted.
    unreadable: dict[str, Refusal] = field(default_factory=dict)
    posts: dict[str, Post] = field(default_factory=dict)


def ever_granted(connection: Connection) -> list[str]:
    """Every definition that was ever granted, in the order of their newest grants."""
    newest = func.max(events.c.seq)
    rows = connection.execute(
        select(events.c.subject)
        .where(events.c.kind == EventKind.GRANTED)
        .group_by(events.c.subject)
        .order_by(newest)
    )
    stands_under = pieces_of_others(connection)
    return list(dict.fromkeys(stands_under.get(one, one) for one in rows.scalars()))


def look(
    connection: Connection, ledger: Ledger, campaigns: Mapping[str, Campaign], ids: Sequence[str]
) -> Outlook:
    """Fold these definitions, at most BATCH; ids of something else are passed over."""
    outlook = Outlook()
    past = histories(connection, ledger.keys, ids)
    rows = _ORIGINS.rows(connection, {"ids": list(ids)})
    pieces = _Pieces.of(
        connection, ledger, [row.id for row in rows if row.kind != PostKind.DEFINITION]
    )
    for row in rows:
        if row.part > 1:
            continue
        post = _post(row)
        if post is not None:
            outlook.posts[row.id] = post
        found = past[row.id]
        if isinstance(found, DefinedbyError):
            outlook.unreadable[row.id] = Refusal(row.id, found.what, found.next_step)
            continue
        if row.kind != PostKind.DEFINITION:
            pieces.judge(outlook, row, found, post, campaigns)
            continue
        _judge(outlook, row, found, post, campaigns)
    outlook.standing.sort(key=lambda one: (one.grant.at, one.id))
    return outlook


def _judge(
    outlook: Outlook,
    row: Any,
    past: list[ConsentEvent],
    post: Post | None,
    campaigns: Mapping[str, Campaign],
) -> None:
    state = fold(past)
    grant = gate.standing(state, row.source_state, Use.POST)
    if not isinstance(grant, Grant):
        outlook.gone.append(Gone(row.id, row.contributor_id, state.published, post))
        return
    outlook.standing.append(_standing(row, past, grant, post, campaigns))


def _standing(
    row: Any,
    past: list[ConsentEvent],
    grant: Grant,
    post: Post | None,
    campaigns: Mapping[str, Campaign],
    shares: tuple[Share, ...] = (),
) -> Standing:
    place = None
    if row.month is not None:
        place = Place(row.month, row.number, row.person, row.person_number)
    return Standing(
        grant,
        _source(row, campaigns[row.campaign_id], grant, post),
        row.contributor_id,
        row.campaign_id,
        _is_announced(past, grant),
        post,
        place,
        shares,
    )


def _is_announced(past: list[ConsentEvent], grant: Grant) -> bool:
    return any(
        event.kind is EventKind.PUBLISHED and event.request_id == grant.event_hash for event in past
    )


@dataclass
class _Pieces:
    """What decides about pieces beside their first person's record."""

    others: dict[str, list[Any]]
    past: Mapping[str, list[ConsentEvent] | DefinedbyError]
    sources: Mapping[str, str]

    @classmethod
    def of(cls, connection: Connection, ledger: Ledger, ids: list[str]) -> _Pieces:
        if not ids:
            return cls({}, {}, {})
        others: dict[str, list[Any]] = {}
        for row in _OTHERS.rows(connection, {"ids": ids}):
            others.setdefault(row.piece_id, []).append(row)
        wanted = [row.id for rows in others.values() for row in rows]
        past = histories(connection, ledger.keys, wanted) if wanted else {}
        return cls(others, past, piece_states(connection, ids))

    def judge(
        self,
        outlook: Outlook,
        row: Any,
        past: list[ConsentEvent],
        post: Post | None,
        campaigns: Mapping[str, Campaign],
    ) -> None:
        others = self.others.get(row.id, [])
        pasts: list[list[ConsentEvent]] = []
        for one in others:
            found = self.past[one.id]
            if isinstance(found, DefinedbyError):
                outlook.unreadable[row.id] = Refusal(row.id, found.what, found.next_step)
                return
            pasts.append(found)
        states = [fold(past), *map(fold, pasts)]
        grant = gate.standing_together(states, self.sources.get(row.id, ""), PostKind(row.kind))
        if isinstance(grant, Grant) and not _is_whole(grant.text, len(states)):
            outlook.unreadable[row.id] = Refusal(
                row.id, "What was granted is no whole piece.", "Ask for it again on the desk."
            )
            return
        if not isinstance(grant, Grant):
            outlook.gone.append(Gone(row.id, row.contributor_id, states[0].published, post))
            outlook.gone += [
                Gone(one.id, one.contributor_id, state.published, None)
                for one, state in zip(others, states[1:], strict=True)
            ]
            return
        shares = tuple(
            Share(one.id, one.contributor_id, state.grant, _is_announced(theirs, state.grant))
            for one, state, theirs in zip(others, states[1:], pasts, strict=True)
            if state.grant is not None
        )
        outlook.standing.append(_standing(row, past, grant, post, campaigns, shares))


def _is_whole(text: str, people: int) -> bool:
    """Whether these are the words of a piece in which just so many people speak."""
    try:
        return piece_of(normal(text)).people == tuple(range(1, people + 1))
    except ValueError:
        return False


def past_grants(ledger: Ledger, definition_id: str) -> list[Grant]:
    """Every grant a definition ever had, to recognise a file that was composed from one."""
    with ledger.read() as connection:
        past = history(connection, ledger.keys, definition_id)
    states = (fold(past[: count + 1]) for count in range(len(past)))
    grants = {state.grant.event_hash: state.grant for state in states if state.grant}
    return list(grants.values())


def granted_for(ledger: Ledger, campaign_id: str, use: Use) -> Iterator[str]:
    """The definitions of a campaign whose authors allow this use, oldest grant first."""
    from ledger.campaigns import all_campaigns

    with ledger.read() as connection:
        campaigns = {one.id: one for one in all_campaigns(connection)}
        ids = ever_granted(connection)
        for start in range(0, len(ids), BATCH):
            found = look(connection, ledger, campaigns, ids[start : start + BATCH])
            for one in found.standing:
                if one.campaign_id == campaign_id and one.allows(use):
                    yield one.id


def _post(row: Any) -> Post | None:
    if row.address is None:
        return None
    return Post(row.post_kind, row.id, row.address, row.file, row.grant_hash, row.published_at)


def _source(row: Any, campaign: Campaign, grant: Grant, post: Post | None) -> Source:
    # The slug comes from the granted words: the reply's own may never have been agreed to.
    if post is not None:
        slug = post.address.strip("/").rpartition("/")[2][: -ID_CHARACTERS - 1]
    else:
        kind = PostKind(row.kind)
        words = grant.text if kind is PostKind.DEFINITION else piece_of(grant.text).title
        slug = slug_of(words)
    return Source(
        definition_id=row.id,
        campaign_slug=campaign.slug,
        term=campaign.term,
        prompt=campaign.prompt,
        slug=slug,
        lang=row.lang or campaign.lang,
        channel=Channel(row.channel),
        when=row.written_at or row.received_at,
        source_url=row.source_url,
        messages=1 + row.more,
        kind=PostKind(row.kind),
    )
