"""Reads entries for pages, each proved by its seal, and keeps at hand what was read before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, bindparam, literal_column, select, tuple_

from ledger.keys import Keys
from ledger.prepared import Prepared
from ledger.tables import site_entries
from publisher.shown import Question
from publisher.site.entries import (
    COLUMNS,
    SELECT,
    WITH_IDS,
    Entry,
    ForgedEntryError,
    entry_from,
    is_sound,
)

#: Rows that are held in memory at a time when all are read.
BATCH = 500
#: What tells that a row is the one that was read before: where it stands, and its seal over it all.
_BRIEF = ("id", "campaign_id", "granted_at", "month", "number", "person", "person_number", "seal")
_IN_BRIEF = [Entry._fields.index(name) for name in _BRIEF]
_brief_of = itemgetter(*_IN_BRIEF)


@dataclass(slots=True)
class Seen:
    """An entry that was read before, its row in brief, and its HTML in lists once it was wanted."""

    brief: tuple[Any, ...]
    entry: Entry
    plain: str = ""
    asked: str = ""


#: Entries that were read before, by their ids.
Known = dict[str, Seen]
#: As many as lists of the newest show, and those of a good many pages besides: some megabytes.
MOST_KNOWN = 3_000
#: So many that are not known are read by their ids, more of them as the list that they stand in.
FEW = 5
#: So many of the newest are read at once: several pages of one publication show some of them.
AT_ONCE = 100

_E = site_entries.c
_IN_MONTH = (
    _E.campaign_id == bindparam("campaign_id"),
    _E.month == bindparam("month"),
    _E.number >= bindparam("first"),
    _E.number < bindparam("beyond"),
)
_ADDRESSES = Prepared(
    select(_E.definition_id, _E.address, _E.person).where(*_IN_MONTH).order_by(_E.number)
)

# Spelled out, so that both are answered from the index of those that have one.
_HAS_PICTURE = _E.picture != literal_column("''")
_PICTURED = Prepared(
    select(_E.definition_id)
    .where(_HAS_PICTURE, _E.picture == bindparam("picture"))
    .order_by(_E.definition_id)
    .limit(1)
)
_PICTURES = Prepared(
    select(_E.picture).where(_HAS_PICTURE).group_by(_E.picture).order_by(_E.picture)
)


class _List(NamedTuple):
    """One list of entries, as a statement for rows in brief and one for whole rows."""

    brief: Prepared
    whole: Prepared

    @classmethod
    def of(cls, statement: Callable[[Select[Any]], Select[Any]]) -> _List:
        brief = select(*(COLUMNS[at] for at in _IN_BRIEF))
        return cls(Prepared(statement(brief)), Prepared(statement(SELECT)))


_NEWEST = _List.of(
    lambda rows: rows.order_by(_E.granted_at.desc(), _E.definition_id.desc()).limit(
        bindparam("count")
    )
)
_NEWEST_IN = _List.of(
    lambda rows: (
        rows.where(_E.campaign_id == bindparam("campaign_id"))
        .order_by(_E.granted_at.desc(), _E.definition_id.desc())
        .limit(bindparam("count"))
    )
)
_OF_MONTH = _List.of(lambda rows: rows.where(*_IN_MONTH).order_by(_E.number.desc()))
_OF_PERSON = _List.of(
    lambda rows: rows.where(
        _E.person == bindparam("person"),
        _E.person_number >= bindparam("first"),
        _E.person_number < bindparam("beyond"),
    ).order_by(_E.person_number.desc())
)
_WITH = _List.of(lambda rows: rows.where(WITH_IDS))


class Shelf:
    """Reads entries for pages. `used` collects the definitions that were handed out.

    What was read once is in `known`, and is read no more while its row bears the same seal: what
    is shown then is what that seal was made for, whatever else the row says by now.
    Raises ForgedEntryError for a row that does not bear its seal.
    """

    def __init__(
        self,
        connection: Connection,
        keys: Keys,
        questions: Mapping[str, Question],
        known: Known | None = None,
    ) -> None:
        self._connection = connection
        self._keys = keys
        self._questions = questions
        self._known: Known = {} if known is None else known
        self._newest: dict[str, tuple[list[Entry], int]] = {}
        self.used: set[str] = set()

    def newest(self, count: int, campaign_id: str = "") -> list[Entry]:
        """Newest grant first."""
        found, asked_for = self._newest.get(campaign_id, ([], 0))
        if asked_for < count:
            asked_for = max(count, AT_ONCE)
            if campaign_id:
                found = self._read(_NEWEST_IN, count=asked_for, campaign_id=campaign_id)
            else:
                found = self._read(_NEWEST, count=asked_for)
            self._newest[campaign_id] = found, asked_for
        return self._handed(found[:count])

    def of_month(self, campaign_id: str, month: str, first: int, beyond: int) -> list[Entry]:
        """The definitions with these numbers, the latest place first."""
        values = {"campaign_id": campaign_id, "month": month, "first": first, "beyond": beyond}
        return self._handed(self._read(_OF_MONTH, **values))

    def of_person(self, person: str, first: int, beyond: int) -> list[Entry]:
        return self._handed(self._read(_OF_PERSON, person=person, first=first, beyond=beyond))

    def by_ids(self, ids: Sequence[str]) -> list[Entry]:
        """In the order of `ids`; those that do not stand are left out."""
        found: dict[str, Entry] = {}
        for start in range(0, len(ids), BATCH):
            batch = list(ids[start : start + BATCH])
            found |= {one.id: one for one in self._handed(self._read(_WITH, ids=batch))}
        return [found[one] for one in dict.fromkeys(ids) if one in found]

    def with_picture(self, name: str) -> Entry | None:
        """One of those that show this picture."""
        ids = [one for (one,) in _PICTURED.tuples(self._connection, {"picture": name})]
        return next(iter(self.by_ids(ids)), None)

    def pictures(self) -> list[str]:
        """The names of all pictures that stand."""
        return [name for (name,) in _PICTURES.tuples(self._connection)]

    def in_list(self, entry: Entry, *, asked: bool) -> str:
        """As the entry itself says, which is asked once."""
        seen = self._known.get(entry.id)
        if seen is None or seen.entry is not entry:
            return entry.in_list(asked=asked)
        if asked:
            seen.asked = seen.asked or entry.in_list(asked=True)
            return seen.asked
        seen.plain = seen.plain or entry.in_list(asked=False)
        return seen.plain

    def addresses(
        self, campaign_id: str, month: str, first: int, beyond: int
    ) -> list[tuple[str, str]]:
        """Address and person's page of the definitions with these numbers, in order."""
        values = {"campaign_id": campaign_id, "month": month, "first": first, "beyond": beyond}
        rows = _ADDRESSES.tuples(self._connection, values)
        self.used.update(row[0] for row in rows)
        return [(row[1], row[2]) for row in rows]

    def all_by_month(self) -> Iterator[Entry]:
        """Every entry by campaign, month and number, in the memory of one batch."""
        key = (site_entries.c.campaign_id, site_entries.c.month, site_entries.c.number)
        yield from self._all(key, lambda one: (one.campaign_id, one.month, one.number))

    def all_by_person(self) -> Iterator[Entry]:
        """Every entry of somebody with a page, by that page and the place on it."""
        key = (site_entries.c.person, site_entries.c.person_number)
        yield from self._all(key, lambda one: (one.person, one.person_number), ("", 2**31 - 1))

    def _all(self, key: Any, key_of: Any, after: Any = None) -> Iterator[Entry]:
        while True:
            wanted = SELECT.order_by(*key).limit(BATCH)
            if after is not None:
                wanted = wanted.where(tuple_(*key) > tuple_(*after))
            batch = self._handed(self._opened(Prepared(wanted), {}))
            yield from batch
            if len(batch) < BATCH:
                return
            after = key_of(batch[-1])

    def _handed(self, entries: list[Entry]) -> list[Entry]:
        self.used.update(one.id for one in entries)
        return entries

    def _read(self, wanted: _List, **values: Any) -> list[Entry]:
        rows = wanted.brief.tuples(self._connection, values)
        briefs = [row for row in rows if row[1] in self._questions]
        found = {one[0]: self._known[one[0]].entry for one in briefs if self._knows(one)}
        missing = [one[0] for one in briefs if one[0] not in found]
        if missing:
            if len(missing) <= FEW:
                opened = self._opened(_WITH.whole, {"ids": missing})
            else:
                opened = self._opened(wanted.whole, values)
            found |= {one.id: one for one in opened}
            self._learn(opened)
        return [found[one[0]] for one in briefs]

    def _knows(self, brief: tuple[Any, ...]) -> bool:
        known = self._known.get(brief[0])
        return known is not None and known.brief == brief

    def _learn(self, opened: Sequence[Entry]) -> None:
        if len(self._known) > MOST_KNOWN:
            self._known.clear()
        self._known.update((one.id, Seen(_brief_of(one), one)) for one in opened)

    def _opened(self, wanted: Prepared, values: dict[str, Any]) -> list[Entry]:
        """Whole rows, each proved by its seal."""
        rows = wanted.tuples(self._connection, values)
        forged = [row[0] for row in rows if not is_sound(self._keys, row)]
        if forged:
            raise ForgedEntryError(forged)
        return [
            entry_from(row, self._questions[row[1]]) for row in rows if row[1] in self._questions
        ]
