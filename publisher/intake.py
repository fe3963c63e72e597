"""Take in what has changed about some definitions: their files, posts, places and entries.

All that follows for the site is written down as dirty outputs in the same transaction, so that
a kill after it leaves nothing to be found out again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete

from ledger import events, gate
from ledger.database import Ledger
from ledger.model import Campaign, Channel, PostKind, Use, normal
from ledger.posts import Post, bury_post, put_posts
from ledger.prepared import Prepared, inserting
from ledger.tables import site_dirty
from publisher import feeds, posts_folder
from publisher.compose import title_of
from publisher.holding import Holding
from publisher.pieces import shown_piece
from publisher.posts_folder import How, Settled
from publisher.report import Progress, Refusal
from publisher.shown import person_address, quote_of
from publisher.site import listings, places
from publisher.site.behind import changed_since
from publisher.site.editions import editions_with
from publisher.site.entries import (
    Entry,
    Place,
    drop_entries,
    entries_by_id,
    make_entry,
    make_piece_entry,
    oldest_shown,
    put_entries,
)
from publisher.site.frame import Frame
from publisher.site.nodes import (
    FEED,
    FRONT,
    MAP_INDEX,
    Node,
    campaign_nodes,
    edition_node,
    editions_node,
    group_node,
    touched,
)
from publisher.standing import Gone, Standing, look

ADDED = "a definition was granted"
CHANGED = "a definition has other words, another credit or other uses"
GONE = "a definition was taken away"
_CLEAN = Prepared(delete(site_dirty).where(site_dirty.c.path == bindparam("at")))
_MARK = inserting(site_dirty)


class Announced(NamedTuple):
    """A definition whose publication is to be recorded; `page`, where the words come from a page
    that takes webmentions, is to be told of `post`.
    """

    id: str
    contributor_id: str
    grant_hash: str
    page: str
    post: str


@dataclass
class Taken:
    """What came of it; `announce`, `retract` and `gone` still have to go into the record."""

    announce: list[Announced] = field(default_factory=list)
    retract: list[tuple[str, str]] = field(default_factory=list)
    #: Those that do not stand, whatever the record says of them: whoever was told of one hears it.
    gone: list[str] = field(default_factory=list)
    refused: dict[str, Refusal] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    forgotten: set[str] = field(default_factory=set)
    written: int = 0
    removed: int = 0

    def add(self, other: Taken) -> None:
        self.announce += other.announce
        self.retract += other.retract
        self.gone += other.gone
        self.refused |= other.refused
        self.held |= other.held
        self.written += other.written
        self.removed += other.removed
        self.forgotten |= other.forgotten


def take_in(
    ledger: Ledger,
    holding: Holding,
    frame: Frame,
    ids: Sequence[str],
    how: How,
    progress: Progress,
    unfinished: Mapping[str, set[str]],
    *,
    whole: bool,
) -> Taken:
    """Take in at most a few hundred definitions. With `whole` every output is made anew anyway.

    `unfinished` holds the files that a killed run has left behind, by definition.
    """
    left = {file for one in ids for file in unfinished.get(one, ())} if unfinished else set()
    with ledger.read() as connection:
        plan = Plan.of(connection, ledger, frame, ids, how, left)
    removed = posts_folder.carry_out(ledger, holding, plan.settled, progress)
    with holding.write() as connection:
        # Whoever withdraws now waits, or has written already and is seen here.
        plan.drop_overtaken(connection, events.lock(connection).seq)
        plan.store(connection, whole=whole)
    taken = plan.taken()
    taken.removed = removed
    return taken


@dataclass
class Plan:
    """What is to become of some definitions; `head` is the newest event that it knows of."""

    ledger: Ledger
    frame: Frame
    head: int
    ids: Sequence[str]
    gone: list[Gone]
    settled: Settled
    old: dict[str, Entry]
    overtaken: set[str] = field(default_factory=set)
    #: Outputs that showed words which do not stand any more as they did.
    forgotten: set[str] = field(default_factory=set)

    @classmethod
    def of(
        cls,
        connection: Connection,
        ledger: Ledger,
        frame: Frame,
        ids: Sequence[str],
        how: How,
        left: set[str],
    ) -> Plan:
        head = events.head(connection).seq
        outlook = look(connection, ledger, frame.campaigns, ids)
        old = entries_by_id(connection, ledger.keys, ids)
        files = left | {file_of(entry.address) for entry in old.values()}
        settled = posts_folder.judge(connection, ledger, outlook, files, how)
        return cls(ledger, frame, head, ids, outlook.gone, settled, old)

    def drop_overtaken(self, connection: Connection, head: int) -> None:
        """Nothing is stored of definitions with newer events: they are taken in again.

        `head` is the newest event of all, with the chain locked.
        """
        if head == self.head:
            return
        newer = changed_since(connection, self.head)
        self.settled.shown = [one for one in self.settled.shown if one.id not in newer]
        self.overtaken = newer

    def store(self, connection: Connection, *, whole: bool) -> list[tuple[Node, str]]:
        """Write it into the ledger and the graph; what has to be made again, and why."""
        keys, shown = self.ledger.keys, self.settled.shown
        posts_folder.remember(
            connection,
            self.ledger,
            self.settled,
            [one for one in self.ids if one not in self.overtaken],
        )
        for gone in self.gone:
            if gone.post is not None:
                bury_post(connection, keys, gone.id, self.ledger.clock())
        places.give_up(connection, [gone.id for gone in self.gone])
        put_posts(connection, keys, [self._post(one) for one in shown if one.is_new])
        new = self._entries(connection)
        changed = [
            (self.old.get(one), new.get(one))
            for one in self.ids
            if self.old.get(one) != new.get(one)
        ]
        for old, now in changed:
            if old and (now is None or now.grant_hash != old.grant_hash):
                self.forgotten |= _showing(old, self.frame)
        for one in self.ids:
            self.frame.known.pop(one, None)
        drop_entries(connection, [old.id for old, now in changed if old and not now])
        put_entries(connection, keys, [now for _, now in changed if now])
        if whole:
            return []
        dirty = _follows(connection, self.frame, changed)
        mark_dirty(connection, dirty)
        return dirty

    def taken(self) -> Taken:
        return Taken(
            announce=[
                announced
                for one in self.settled.shown
                for announced in _announced(one, self.ledger.settings.public_url)
            ],
            retract=[(one.id, one.contributor_id) for one in self.gone if one.published],
            gone=[one.id for one in self.gone],
            refused=self.settled.refused,
            held=self.settled.held,
            forgotten=self.forgotten,
            written=len(self.settled.to_write),
        )

    def _entries(self, connection: Connection) -> dict[str, Entry]:
        people = {
            one.id: person_address(self.ledger.keys, one.contributor_id, one.grant.credit)
            for one in self.settled.shown
        }
        given = places.allot(
            connection,
            [
                (one.id, one.campaign_id, f"{one.granted_at:%Y-%m}", people[one.id])
                for one in self.settled.shown
            ],
            {one.id: one.place for one in self.settled.shown if one.place},
        )
        campaigns = self.frame.campaigns
        return {
            one.id: entry_of(one, campaigns[one.campaign_id], given[one.id])
            for one in self.settled.shown
        }

    def _post(self, one: Standing) -> Post:
        return Post(
            str(one.source.kind),
            one.id,
            one.source.address,
            one.source.file,
            one.bound_to,
            one.post.published_at if one.post else self.ledger.clock(),
        )


def _announced(one: Standing, public_url: str) -> Iterator[Announced]:
    """What is still to be recorded: of a piece, for everybody in it."""
    source = one.source
    page, post = "", f"{public_url}{source.address}"
    if source.channel is Channel.WEBMENTION and source.kind is PostKind.DEFINITION:
        page = source.source_url
    if not one.announced:
        yield Announced(one.id, one.contributor_id, one.grant.event_hash, page, post)
    for share in one.shares:
        if not share.announced:
            yield Announced(share.id, share.contributor_id, share.grant.event_hash, "", post)


def entry_of(one: Standing, campaign: Campaign, place: Place) -> Entry:
    grant, source = one.grant, one.source
    if source.kind is not PostKind.DEFINITION:
        credits_ = [each.credit for each in one.grants]
        return make_piece_entry(
            shown_piece(grant.text, source.lang, credits_),
            place,
            id=one.id,
            campaign_id=one.campaign_id,
            grant_hash=one.bound_to,
            granted_at=one.granted_at,
            address=source.address,
            words=normal(grant.text),
        )
    quote = quote_of(
        words=grant.text,
        credit=grant.credit,
        prompt=campaign.prompt,
        prompt_lang=campaign.lang,
        lang=source.lang,
        channel=source.channel,
        when=source.when,
        source_url=source.source_url,
        messages=source.messages,
    )
    return make_entry(
        quote,
        place,
        id=one.id,
        campaign_id=one.campaign_id,
        grant_hash=grant.event_hash,
        granted_at=one.granted_at,
        address=source.address,
        title=title_of(campaign.term, grant.credit),
        in_editions=not gate.clears(grant, quote.words, grant.credit, Use.EDITION),
    )


def file_of(address: str) -> str:
    """The composed file of a post at this address, relative to the content folder."""
    return f"{posts_folder.FOLDER}/{address.strip('/')}.md"


def _showing(entry: Entry, frame: Frame) -> set[str]:
    """Every output that shows a definition or may have shown it, the newest ones included."""
    nodes = [*touched(entry, None, frame.campaigns), FRONT, FEED]
    nodes.append(campaign_nodes(frame.campaigns[entry.campaign_id])[1])
    nodes += [edition_node(one.id, one.address) for one in frame.editions_of(entry.campaign_id)]
    return {node.path for node in nodes}


def _follows(
    connection: Connection,
    frame: Frame,
    changed: Sequence[tuple[Entry | None, Entry | None]],
) -> list[tuple[Node, str]]:
    """Every output that these changes touch, each once, with the reason."""
    found: dict[Node, str] = {}
    for old, new in changed:
        reason = CHANGED if old and new else ADDED if new else GONE
        for node in touched(old, new, frame.campaigns):
            found.setdefault(node, reason)
    for node in _newest(connection, frame, changed):
        found.setdefault(node, "one of the newest definitions has changed")
    for group in places.count_changes(connection, changed):
        reason = "a page of an archive has appeared or is empty now"
        if group.kind == "map":
            found.setdefault(MAP_INDEX, "a sitemap has appeared or is empty now")
        elif group.part:
            # The first page of a range lists the others.
            found.setdefault(group_node(group._replace(part=0), frame.campaigns), reason)
    for node, reason in _of_editions(connection, frame, changed):
        found.setdefault(node, reason)
    return list(found.items())


def _of_editions(
    connection: Connection,
    frame: Frame,
    changed: Sequence[tuple[Entry | None, Entry | None]],
) -> Iterator[tuple[Node, str]]:
    """Editions that hold one of them, and the lists of those whose title counts their people."""
    if not frame.editions:
        return
    holding = editions_with(connection, [one.id for pair in changed for one in pair if one])
    for edition in frame.editions:
        if edition.id not in holding:
            continue
        yield edition_node(edition.id, edition.address), "a definition of it has changed"
        if edition.follows_its_people:
            for node in (FRONT, editions_node(frame.campaigns[edition.campaign_id])):
                yield node, "an edition may have another title"


def _newest(
    connection: Connection,
    frame: Frame,
    changed: Sequence[tuple[Entry | None, Entry | None]],
) -> Iterator[Node]:
    """The front page and the feeds, where one of the definitions they show has changed."""
    dates: dict[str, str] = {}
    for pair in changed:
        for one in pair:
            if one:
                dates[one.campaign_id] = max(dates.get(one.campaign_id, ""), one.granted_at)
    for campaign_id, date in dates.items():
        front, feed, own_feed = oldest_shown(
            connection, campaign_id, on_front=listings.ON_FRONT, in_feed=feeds.MOST_ENTRIES
        )
        if date >= front:
            yield FRONT
        if date >= feed:
            yield FEED
        if date >= own_feed:
            yield campaign_nodes(frame.campaigns[campaign_id])[1]


def mark_dirty(connection: Connection, dirty: Iterable[tuple[Node, str]]) -> None:
    """Note outputs that have to be made again; one may be named for several reasons."""
    rows = list(
        {node.path: {**node._asdict(), "reason": reason} for node, reason in dirty}.values()
    )
    _CLEAN.run(connection, [{"at": row["path"]} for row in rows])
    _MARK.run(connection, rows)
