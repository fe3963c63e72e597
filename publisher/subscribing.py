"""Feeds that are made when somebody asks for them: JSON Feed, of a person, of an edition, archives.

Only the two Atom feeds that most readers poll are files. All others are put together from the
same rows at the moment of asking, so a change of consent writes no file for them, and what is
taken back is in none of them from that moment on (docs/adr/0032).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select, tuple_

from ledger.campaigns import all_campaigns
from ledger.database import Ledger
from ledger.editions import called, period_of
from ledger.events import head
from ledger.prepared import Prepared
from ledger.tables import editions, posts, site_entries
from publisher import feeds, json_feed
from publisher.feeds import Feed, key_of
from publisher.shown import question_of
from publisher.site.behind import changed_since
from publisher.site.entries import SELECT, WITH_IDS, Entry, entry_from, is_sound
from publisher.site.sources import CURSOR, read_source

#: The first part of the address of every feed that is no file.
FOLDER = "feeds"
#: The last part of an address: the feed itself, a month of it, or what in that month is older.
_DOCUMENT = re.compile(
    r"(?:feed|(?P<month>\d{4}-\d\d)|(?P<time>\d{4}-\d\d-\d\dT\d{6}\.\d{6})-(?P<id>[0-9a-f]{8}))"
    r"\.(?P<format>xml|json)"
)
_E = site_entries.c
_question = lru_cache(maxsize=64)(question_of)
_WITH = Prepared(SELECT.where(WITH_IDS))


@dataclass(frozen=True)
class Asked:
    """`page` is the address of the page whose feed it is; `before` and `since` bound an archive."""

    page: str
    format: str
    key: str = ""
    since: str = ""
    before: tuple[str, str] = ("", "")

    @property
    def is_archive(self) -> bool:
        return bool(self.key)


def read_address(path: str) -> Asked | None:
    """What is asked for below /feeds/; None for an address that no feed has."""
    page, _, document = path.rpartition("/")
    found = _DOCUMENT.fullmatch(document)
    if found is None:
        return None
    page, of = f"/{page}/" if page else "/", found["format"]
    if document.startswith("feed."):
        return Asked(page, of)
    key = document.rpartition(".")[0]
    if found["month"]:
        return Asked(page, of, key, f"{key}-01", (f"{key}-32", ""))
    day, _, time = found["time"].partition("T")
    at = f"{day}T{time[:2]}:{time[2:4]}:{time[4:]}+00:00"
    return Asked(page, of, key, f"{day[:7]}-01", (at, found["id"]))


def feed_for(ledger: Ledger, asked: Asked) -> bytes | None:
    """The bytes of a feed; None when there is nothing whose feed it could be.

    An entry is in it only if its row bears its seal, and if nothing has changed about its consent
    since the site was made.
    """
    with ledger.read() as connection:
        reading = _Reading.of(ledger, connection)
        feed = reading.feed(asked)
    if feed is None:
        return None
    return feeds.atom(feed) if asked.format == "xml" else json_feed.written(feed)


class _Scope(NamedTuple):
    """What a feed is of: the rows with this value in this column, or all of them."""

    column: str
    value: str

    def newest(self, connection: Connection, most: int) -> Sequence[Any]:
        return _statement(self.column, "newest").tuples(
            connection, {"value": self.value, "most": most}
        )

    def before(self, connection: Connection, asked: Asked, most: int) -> Sequence[Any]:
        """The newest of those that are older than an archive's bound, within its month."""
        at, of = asked.before
        values = {"value": self.value, "at": at, "id": of, "since": asked.since, "most": most}
        return _statement(self.column, "before").tuples(connection, values)

    def month_before(self, connection: Connection, since: str) -> str:
        """The last month before this day in which there is something, or nothing."""
        values = {"value": self.value, "since": since}
        found: str | None = _statement(self.column, "earlier").scalar(connection, values)
        return found[:7] if found else ""


@cache
def _statement(column: str, what: str) -> Prepared:
    scope = (_E[column] == bindparam("value"),) if column else ()
    wanted = SELECT.where(*scope).order_by(_E.granted_at.desc(), _E.definition_id.desc())
    if what == "newest":
        return Prepared(wanted.limit(bindparam("most")))
    if what == "earlier":
        wanted = wanted.with_only_columns(_E.granted_at)
        return Prepared(wanted.where(_E.granted_at < bindparam("since")).limit(1))
    bounds = (
        tuple_(_E.granted_at, _E.definition_id) < tuple_(bindparam("at"), bindparam("id")),
        _E.granted_at >= bindparam("since"),
    )
    return Prepared(wanted.where(*bounds).limit(bindparam("most")))


@dataclass
class _Reading:
    ledger: Ledger
    connection: Connection
    campaigns: Mapping[str, Any]
    #: Whose consent has changed since the site was made.
    late: set[str]

    @classmethod
    def of(cls, ledger: Ledger, connection: Connection) -> _Reading:
        cursor = int(read_source(connection, CURSOR) or 0)
        newer = head(connection).seq > cursor
        late = changed_since(connection, cursor) if newer else set()
        return cls(ledger, connection, {one.id: one for one in all_campaigns(connection)}, late)

    def feed(self, asked: Asked) -> Feed | None:
        title = self.ledger.settings.title
        if re.fullmatch(r"/[^/]+/editions/[^/]+/", asked.page):
            return self._of_edition(asked)
        if asked.page == "/":
            return self._of(asked, _Scope("", ""), title)
        if asked.page.startswith("/people/"):
            scope = _Scope("person", asked.page)
            # The name is that of what stands, in a document on which nothing is as well.
            named = self._shown(scope.newest(self.connection, feeds.MOST_ENTRIES))
            return self._of(asked, scope, f"{named[0].name} – {title}") if named else None
        for one in self.campaigns.values():
            if f"/{one.slug}/" == asked.page:
                return self._of(asked, _Scope("campaign_id", one.id), f"{one.term} – {title}")
        return None

    def _of(self, asked: Asked, scope: _Scope, title: str) -> Feed:
        """A document of a feed: entries newest first, and where the older ones are."""
        most = feeds.MOST_ENTRIES
        if not asked.is_archive:
            rows = scope.newest(self.connection, most)
            # As the files do: whether there is more is told from what is shown.
            older = _key(rows[-1]) if len(rows) == most else ""
            return self._made(asked, title, self._shown(rows), older=older)
        # Bounds are those of the rows, so that one which may not be shown moves none.
        rows = scope.before(self.connection, asked, most + 1)
        if len(rows) > most:
            older = _key(rows[most - 1])
        else:
            older = scope.month_before(self.connection, asked.since)
        return self._made(asked, title, self._shown(rows[:most]), older=older)

    def _of_edition(self, asked: Asked) -> Feed | None:
        row = self.connection.execute(
            select(editions)
            .join(posts, posts.c.subject == editions.c.id)
            .where(
                posts.c.kind == "edition", posts.c.gone_at.is_(None), posts.c.address == asked.page
            )
        ).first()
        if row is None or asked.is_archive:
            return None
        ids = list(row.definition_ids)
        rows = _WITH.tuples(self.connection, {"ids": ids})
        found = {one.id: one for one in self._shown(rows)}
        entries = [
            found[one]
            for one in dict.fromkeys(ids)
            if one in found and found[one].in_editions and found[one].campaign_id == row.campaign_id
        ]
        people = len({one.person or one.id for one in entries})
        named = called(
            row.title,
            self.campaigns[row.campaign_id],
            people,
            kind=row.kind,
            theme=row.theme,
            period=period_of(row.since, row.until),
        )
        title = f"{named} – {self.ledger.settings.title}"
        return self._made(asked, title, entries, complete=True)

    def _made(self, asked: Asked, title: str, entries: Sequence[Entry], **more: Any) -> Feed:
        settings = self.ledger.settings
        name = asked.key or "feed"
        return Feed(
            title=title,
            base=settings.public_url,
            path=f"/{FOLDER}{asked.page}{name}.{asked.format}",
            page=asked.page,
            entries=entries,
            author=settings.asker,
            is_archive=asked.is_archive,
            **more,
        )

    def _shown(self, rows: Sequence[Sequence[Any]]) -> list[Entry]:
        return [
            entry_from(row, _question(self.campaigns[row[1]]))
            for row in rows
            if row[0] not in self.late
            and row[1] in self.campaigns
            and is_sound(self.ledger.keys, row)
        ]


def _key(row: Sequence[Any]) -> str:
    return key_of(row[Entry._fields.index("granted_at")], row[0])
