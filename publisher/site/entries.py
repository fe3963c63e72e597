"""What stands on the blog, one row for each definition: rendered once, bound to its grant.

A page is put together from rows. Each row carries a keyed hash over the grant's own hash and all
that is shown, so that a row which says anything else than its grant is found before it is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from markupsafe import Markup, escape
from sqlalchemy import Connection, Select, bindparam, delete, insert, select, tuple_

from ledger.keys import Keys
from ledger.tables import site_entries
from publisher.render import encoded_path, list_macros, quote_macros
from publisher.shown import Question, Quote, long_class
from publisher.site.slots import Pieces, Slot

#: Rows that are held in memory at a time when all are read.
BATCH = 500
#: Between the parts that are sealed; no text that may be shown holds it.
UNIT = "\x1f"
NO_QUESTION = Question(Markup(), "", "")
#: Stands for a question, or for none, in an entry that is kept for lists; and around its body.
ASKED = Markup("\x1e")
BODY = Markup("\x1d")


class ForgedEntryError(Exception):
    """A row does not say what its grant says: it has to be made again from the record."""

    def __init__(self, definition_id: str) -> None:
        super().__init__(definition_id)
        self.definition_id = definition_id


@dataclass(frozen=True)
class Place:
    """Where a definition stands in the archive: `person` is the path of its author's page.

    `person` is empty for somebody anonymous; `number` and `person_number` count from 0 within the
    month of the campaign and within the person's page.
    """

    month: str
    number: int
    person: str
    person_number: int


class Entry(NamedTuple):
    """One definition as pages show it; `cite`, `note` and `listed` are HTML, made by the theme."""

    id: str
    campaign_id: str
    grant_hash: str
    granted_at: str
    address: str
    month: str
    number: int
    person: str
    person_number: int
    in_editions: bool
    title: str
    name: str
    url: str
    words: str
    lang: str
    cite: Markup
    note: Markup
    #: The whole of it as it stands in lists, with ASKED where its question may stand, and BODY
    #: around the part that its own page shows as well.
    listed: str
    #: Empty until it is stored.
    seal: str = ""
    #: The campaign's question; not of the row, because the campaign may change its words.
    asked: Question = NO_QUESTION

    @property
    def when(self) -> datetime:
        return datetime.fromisoformat(self.granted_at)

    @property
    def question(self) -> Markup:
        return self.asked.html

    @property
    def shows_question(self) -> bool:
        return self.asked.stands_over(self.words)

    @property
    def body(self) -> str:
        """The HTML of its words, credit and source."""
        return self.listed.split(BODY, 2)[1]

    def in_list(self, *, asked: bool) -> str:
        """Its HTML in a list; with `asked`, below its question where its words need that."""
        above = self.asked.above(self.words) if asked else ""
        return self.listed.replace(BODY, "", 2).replace(ASKED, above, 1)


#: Columns of the row that are sealed, in this order; `asked` is not among them.
STORED = Entry._fields[1:-2]
_COLUMNS = (
    site_entries.c.definition_id,
    *(site_entries.c[name] for name in STORED),
    site_entries.c.seal,
)
_SELECT = select(*_COLUMNS)
_CITE = Entry._fields.index("cite")


def make_entry(
    quote: Quote,
    place: Place,
    *,
    id: str,  # noqa: A002 - the entry's own word
    campaign_id: str,
    grant_hash: str,
    granted_at: datetime,
    address: str,
    title: str,
    in_editions: bool,
) -> Entry:
    entry = Entry(
        id=id,
        campaign_id=campaign_id,
        grant_hash=grant_hash,
        granted_at=granted_at.isoformat(timespec="microseconds"),
        address=address,
        month=place.month,
        number=place.number,
        person=place.person,
        person_number=place.person_number,
        in_editions=in_editions,
        title=title,
        name=quote.credit.display_name,
        url=quote.url,
        words=quote.words,
        lang=quote.lang,
        cite=quote.cite,
        note=quote.note,
        listed="",
    )
    return entry._replace(listed=_list_pieces().fill(_list_values(entry)))


@cache
def _list_pieces() -> Pieces:
    names = ("lang", "words", "cite", "note")
    body = quote_macros().body(*map(Slot, names))
    made = list_macros().entry(Slot("long"), ASKED, BODY + body + BODY, Slot("href"), Slot("title"))
    return Pieces(str(made))


def _list_values(entry: Entry) -> dict[str, str]:
    return {
        "long": long_class(entry.words),
        "lang": escape(entry.lang),
        "words": escape(entry.words),
        "cite": entry.cite,
        "note": entry.note,
        "href": escape(encoded_path(entry.address)),
        "title": escape(entry.title),
    }


def put_entries(connection: Connection, keys: Keys, entries: Sequence[Entry]) -> None:
    """Store entries over those that are there, at most a few hundred at a time."""
    if not entries:
        return
    drop_entries(connection, [one.id for one in entries])
    connection.execute(insert(site_entries), [_row(keys, one) for one in entries])


def drop_entries(connection: Connection, ids: Sequence[str]) -> None:
    if ids:
        connection.execute(delete(site_entries).where(site_entries.c.definition_id.in_(ids)))


def entries_by_id(connection: Connection, ids: Sequence[str]) -> dict[str, Entry]:
    """Entries as they are stored, whether or not they are sound: to compare, never to show."""
    if not ids:
        return {}
    rows = connection.execute(_BY_IDS, {"ids": list(ids)})
    return {row[0]: _entry(row, NO_QUESTION)._replace(seal="") for row in rows}


# Built once: to put a statement together takes longer than to run it.
_E = site_entries.c
_NEWEST = _SELECT.order_by(_E.granted_at.desc(), _E.definition_id.desc()).limit(bindparam("count"))
_NEWEST_IN = _NEWEST.where(_E.campaign_id == bindparam("campaign_id"))
_OLDEST = (
    select(_E.granted_at)
    .order_by(_E.granted_at.desc(), _E.definition_id.desc())
    .limit(1)
    .offset(bindparam("before"))
)
_OLDEST_IN = _OLDEST.where(_E.campaign_id == bindparam("campaign_id"))
_IN_MONTH = (
    _E.campaign_id == bindparam("campaign_id"),
    _E.month == bindparam("month"),
    _E.number >= bindparam("first"),
    _E.number < bindparam("beyond"),
)
_OF_MONTH = _SELECT.where(*_IN_MONTH).order_by(_E.number.desc())
_ADDRESSES = select(_E.definition_id, _E.address, _E.person).where(*_IN_MONTH).order_by(_E.number)
_OF_PERSON = _SELECT.where(
    _E.person == bindparam("person"),
    _E.person_number >= bindparam("first"),
    _E.person_number < bindparam("beyond"),
).order_by(_E.person_number.desc())
_BY_IDS = _SELECT.where(_E.definition_id.in_(bindparam("ids", expanding=True)))


def oldest_of(connection: Connection, count: int, campaign_id: str = "") -> str:
    """When the last of so many newest definitions was granted; empty when there are fewer."""
    values: dict[str, Any] = {"before": count - 1}
    if campaign_id:
        values["campaign_id"] = campaign_id
    wanted = _OLDEST_IN if campaign_id else _OLDEST
    return connection.execute(wanted, values).scalar() or ""


class Shelf:
    """Reads entries for pages. `used` collects the definitions that were handed out.

    Raises ForgedEntryError for a row that does not bear its seal.
    """

    def __init__(
        self, connection: Connection, keys: Keys, questions: Mapping[str, Question]
    ) -> None:
        self._connection = connection
        self._keys = keys
        self._questions = questions
        self.used: set[str] = set()

    def newest(self, count: int, campaign_id: str = "") -> list[Entry]:
        """Newest grant first."""
        if campaign_id:
            return self._read(_NEWEST_IN, count=count, campaign_id=campaign_id)
        return self._read(_NEWEST, count=count)

    def of_month(self, campaign_id: str, month: str, first: int, beyond: int) -> list[Entry]:
        """The definitions with these numbers, the latest place first."""
        return self._read(
            _OF_MONTH, campaign_id=campaign_id, month=month, first=first, beyond=beyond
        )

    def of_person(self, person: str, first: int, beyond: int) -> list[Entry]:
        return self._read(_OF_PERSON, person=person, first=first, beyond=beyond)

    def by_ids(self, ids: Sequence[str]) -> list[Entry]:
        """In the order of `ids`; those that do not stand are left out."""
        found: dict[str, Entry] = {}
        for start in range(0, len(ids), BATCH):
            batch = list(ids[start : start + BATCH])
            found |= {one.id: one for one in self._read(_BY_IDS, ids=batch)}
        return [found[one] for one in dict.fromkeys(ids) if one in found]

    def addresses(
        self, campaign_id: str, month: str, first: int, beyond: int
    ) -> list[tuple[str, str]]:
        """Address and person's page of the definitions with these numbers, in order."""
        values = {"campaign_id": campaign_id, "month": month, "first": first, "beyond": beyond}
        rows = self._connection.execute(_ADDRESSES, values).all()
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
            wanted = _SELECT.order_by(*key).limit(BATCH)
            if after is not None:
                wanted = wanted.where(tuple_(*key) > tuple_(*after))
            batch = self._read(wanted)
            yield from batch
            if len(batch) < BATCH:
                return
            after = key_of(batch[-1])

    def _read(self, wanted: Select[Any], **values: Any) -> list[Entry]:
        found = []
        for row in self._connection.execute(wanted, values):
            if row[-1] != _seal(self._keys, row[:-1]):
                raise ForgedEntryError(row[0])
            question = self._questions.get(row[1])
            if question is not None:
                found.append(_entry(row, question))
        self.used.update(one.id for one in found)
        return found


def _row(keys: Keys, entry: Entry) -> dict[str, Any]:
    values = tuple(
        str(value) if isinstance(value, Markup) else value for value in entry[: len(STORED) + 1]
    )
    row: dict[str, Any] = dict(zip(("definition_id", *STORED), values, strict=True))
    row["seal"] = _seal(keys, values)
    return row


def _seal(keys: Keys, values: Sequence[Any]) -> str:
    return keys.token_hash(UNIT.join(map(str, values)))


def _entry(row: Sequence[Any], question: Question) -> Entry:
    cite, note = Markup(row[_CITE]), Markup(row[_CITE + 1])  # noqa: S704 - sealed when made
    return Entry._make((*row[:_CITE], cite, note, *row[_CITE + 2 :], question))
