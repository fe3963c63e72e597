"""Feeds that are made when somebody asks for them: JSON Feed, of a person, of an edition, archives.

Only the two Atom feeds that most readers poll are files. All others are put together from the
same rows at the moment of asking, so a change of consent writes no file for them, and what is
taken back is in none of them from that moment on (docs/adr/0032).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select, tuple_

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
        if re.fullmatch(r"/[^/]+/editions/[^/]+/", asked.page):
            return self._of_edition(asked)
        title = self.ledger.settings.title
        scope: tuple[Any, ...] = ()
        if asked.page.startswith("/people/"):
            scope = (_E.person == asked.page,)
        elif asked.page != "/":
            one = next(
                (one for one in self.campaigns.values() if f"/{one.slug}/" == asked.page), None
            )
            if one is None:
                return None
            title, scope = f"{one.term} – {title}", (_E.campaign_id == one.id,)
        entries, older = self._range(asked, scope)
        if asked.page.startswith("/people/"):
            named = entries or self._shown(
                Prepared(SELECT.where(*scope).limit(feeds.MOST_ENTRIES)).tuples(self.connection)
            )
            if not named:
                return None
            title = f"{named[0].name} – {title}"
        return self._made(asked, title, entries, older=older)

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
        rows = Prepared(SELECT.where(WITH_IDS)).tuples(self.connection, {"ids": ids})
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

    def _range(self, asked: Asked, scope: tuple[Any, ...]) -> tuple[list[Entry], str]:
        """The entries of a document, newest first, and the key of the one with older ones."""
        most = feeds.MOST_ENTRIES
        wanted = SELECT.where(*scope).order_by(_E.granted_at.desc(), _E.definition_id.desc())
        if not asked.is_archive:
            rows = Prepared(wanted.limit(most)).tuples(self.connection)
            # As the files do: whether there is more is told from what is shown.
            return self._shown(rows), _key(rows[-1]) if len(rows) == most else ""
        bounds = (
            tuple_(_E.granted_at, _E.definition_id) < tuple_(bindparam("at"), bindparam("id")),
            _E.granted_at >= bindparam("since"),
        )
        at, of = asked.before
        values = {"at": at, "id": of, "since": asked.since}
        # Bounds are those of the rows, so that one which may not be shown moves none.
        rows = Prepared(wanted.where(*bounds).limit(most + 1)).tuples(self.connection, values)
        if len(rows) > most:
            return self._shown(rows[:most]), _key(rows[most - 1])
        return self._shown(rows), self._month_before(wanted, asked.since)

    def _month_before(self, wanted: Select[Any], since: str) -> str:
        earlier = wanted.with_only_columns(_E.granted_at).where(_E.granted_at < bindparam("since"))
        found: str | None = Prepared(earlier.limit(1)).scalar(self.connection, {"since": since})
        return found[:7] if found else ""

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
