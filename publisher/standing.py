"""What stands: every definition with a live grant, read from the consent record.

Folding a history means opening its sealed events, so a process remembers each state together
with the mark of the history it came from, and folds again only what has changed since.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, Row, func, select

from ledger import gate
from ledger.campaigns import all_campaigns
from ledger.consent_state import ConsentState, EventKind, Grant, fold
from ledger.database import Ledger
from ledger.definitions import slug_of
from ledger.errors import DefinedbyError
from ledger.events import history
from ledger.model import Channel, Use
from ledger.posts import Post, live_posts
from ledger.tables import definitions, event_payloads, events, replies
from publisher.compose import ID_CHARACTERS, Source
from publisher.report import Progress, Refusal

#: The newest event of a history and how many of its payloads are still there.
Mark = tuple[int, int]


@dataclass(frozen=True)
class Folded:
    """A history's outcome; `announced` holds the grants whose publication is in the record."""

    mark: Mark
    state: ConsentState
    announced: frozenset[str]

    @property
    def grant(self) -> Grant | None:
        return self.state.grant

    @property
    def published(self) -> bool:
        return self.state.published


@dataclass(frozen=True)
class Standing:
    """A definition that may be on the blog, with the post that stands there already."""

    grant: Grant
    source: Source
    contributor_id: str
    campaign_id: str
    announced: bool
    mark: Mark
    post: Post | None = None

    @property
    def id(self) -> str:
        return self.source.definition_id


@dataclass(frozen=True)
class Gone:
    """A definition without a live grant that the record says is published."""

    id: str
    contributor_id: str


@dataclass
class Outlook:
    """Everything one publication goes by."""

    standing: list[Standing] = field(default_factory=list)
    gone: list[Gone] = field(default_factory=list)
    #: Definitions whose record can't be trusted: nothing of them is shown or deleted.
    unreadable: dict[str, Refusal] = field(default_factory=dict)
    posts: dict[str, Post] = field(default_factory=dict)


_remembered: WeakKeyDictionary[Engine, dict[str, Folded]] = WeakKeyDictionary()


def look(ledger: Ledger, progress: Progress) -> Outlook:
    """Fold every definition that was ever granted; oldest grant first."""
    outlook = Outlook()
    with ledger.read() as connection:
        outlook.posts = {post.subject: post for post in live_posts(connection, "definition")}
        campaigns = {campaign.id: campaign for campaign in all_campaigns(connection)}
        seen = marks(connection)
        remembered = _remembered.setdefault(ledger.engine, {})
        for done, row in enumerate(connection.execute(_origins()).all()):
            progress("read", done, len(seen))
            if row.id not in seen:
                continue
            try:
                folded = _folded(connection, ledger, row.id, seen[row.id], remembered)
            except DefinedbyError as error:
                outlook.unreadable[row.id] = Refusal(row.id, error.what, error.next_step)
                continue
            grant = gate.standing(folded.state, row.source_state, Use.POST)
            if isinstance(grant, Grant):
                post = outlook.posts.get(row.id)
                source = _source(row, campaigns[row.campaign_id], grant, post)
                outlook.standing.append(
                    Standing(
                        grant,
                        source,
                        row.contributor_id,
                        row.campaign_id,
                        grant.event_hash in folded.announced,
                        folded.mark,
                        post,
                    )
                )
            elif folded.published or row.id in outlook.posts:
                outlook.gone.append(Gone(row.id, row.contributor_id))
    outlook.standing.sort(key=lambda one: (one.grant.at, one.id))
    return outlook


def marks(connection: Connection, of: Sequence[Standing] | None = None) -> dict[str, Mark]:
    """The mark of every history that has a grant in it, or of some: at most a few hundred."""
    if of is None:
        wanted = select(events.c.subject).where(events.c.kind == EventKind.GRANTED).distinct()
        which = events.c.subject.in_(wanted)
    else:
        which = events.c.subject.in_([one.id for one in of])
    rows = connection.execute(
        select(events.c.subject, func.max(events.c.seq), func.count(event_payloads.c.sealed))
        .join_from(events, event_payloads, events.c.seq == event_payloads.c.seq, isouter=True)
        .where(which)
        .group_by(events.c.subject)
    )
    return {row[0]: (row[1], row[2]) for row in rows}


def still_stand(ledger: Ledger, shown: list[Standing]) -> bool:
    """Whether every one of `shown` has the grant it had when it was read."""
    with ledger.read() as connection:
        now = marks(connection)
        remembered = _remembered.setdefault(ledger.engine, {})
        for one in shown:
            mark = now.get(one.id)
            if mark == one.mark:
                continue
            try:
                folded = mark and _folded(connection, ledger, one.id, mark, remembered)
            except DefinedbyError:
                return False
            if not folded or folded.grant != one.grant:
                return False
    return True


def _folded(
    connection: Connection,
    ledger: Ledger,
    definition_id: str,
    mark: Mark,
    remembered: dict[str, Folded],
) -> Folded:
    known = remembered.get(definition_id)
    if known is not None and known.mark == mark:
        return known
    remembered.pop(definition_id, None)
    past = history(connection, ledger.keys, definition_id)
    state = fold(past)
    announced = frozenset(event.request_id for event in past if event.kind is EventKind.PUBLISHED)
    folded = Folded(mark, state, announced)
    remembered[definition_id] = folded
    return folded


def past_grants(ledger: Ledger, definition_id: str) -> list[Grant]:
    """Every grant a definition ever had, to recognise a file that was composed from one."""
    with ledger.read() as connection:
        past = history(connection, ledger.keys, definition_id)
    states = (fold(past[: count + 1]) for count in range(len(past)))
    grants = {state.grant.event_hash: state.grant for state in states if state.grant}
    return list(grants.values())


def _origins() -> Any:
    return select(
        definitions.c.id,
        definitions.c.contributor_id,
        definitions.c.campaign_id,
        definitions.c.lang,
        replies.c.channel,
        replies.c.written_at,
        replies.c.received_at,
        replies.c.source_url,
        replies.c.source_state,
    ).join_from(definitions, replies, definitions.c.reply_id == replies.c.id)


def _source(row: Row[Any], campaign: Any, grant: Grant, post: Post | None) -> Source:
    # The slug comes from the granted words: the reply's own may never have been agreed to.
    slug = slug_of(grant.text)
    if post is not None:
        slug = post.address.strip("/").rpartition("/")[2][: -ID_CHARACTERS - 1]
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
    )
