"""What stands on the blog, one row for each definition: rendered once, bound to its grant.

A page is put together from rows. Each row carries a keyed hash over the grant's own hash and all
that is shown, so that a row which says anything else than its grant is found before it is shown.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from markupsafe import Markup, escape
from sqlalchemy import Connection, Select, bindparam, delete, select

from ledger.keys import Keys
from ledger.model import Credit, NameForm, PostKind
from ledger.prepared import Prepared, inserting
from ledger.tables import site_entries
from publisher.compose import shown_url
from publisher.marks import Marks, direction_of, marks_of
from publisher.pieces import ShownPiece
from publisher.render import encoded_path, list_macros, piece_macros, quote_macros
from publisher.shown import Question, Quote, long_class
from publisher.site.slots import Pieces, Slot

#: Between the parts that are sealed; no text that may be shown holds it.
UNIT = "\x1f"
NO_QUESTION = Question(Markup(), "", "")
#: Stands for a question, or for none, in an entry that is kept for lists; and around its body.
ASKED = Markup("\x1e")
BODY = Markup("\x1d")


class ForgedEntryError(Exception):
    """Rows do not say what their grants say: they have to be made again from the record."""

    def __init__(self, definition_ids: Collection[str]) -> None:
        super().__init__(*definition_ids)
        self.definition_ids = definition_ids


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
    #: The SHA-256 that names the picture it shows, or nothing.
    picture: str
    words: str
    lang: str
    cite: Markup
    note: Markup
    #: The whole of it as it stands in lists, with ASKED where its question may stand, and BODY
    #: around the part that its own page shows as well.
    listed: str
    kind: str = "definition"
    #: Of a piece, name and link of everybody in it, as JSON.
    people: str = ""
    #: Empty until it is stored.
    seal: str = ""
    #: The campaign's question; not of the row, because the campaign may change its words.
    asked: Question = NO_QUESTION

    @property
    def when(self) -> datetime:
        return datetime.fromisoformat(self.granted_at)

    @property
    def marks(self) -> Marks:
        return marks_of(self.words, self.lang)

    @property
    def dir(self) -> str:
        return direction_of(self.words, self.lang)

    @property
    def is_piece(self) -> bool:
        """Whether it is an interview or an endorsement: `words` is then the whole text of it."""
        return self.kind != PostKind.DEFINITION

    @property
    def authors(self) -> list[tuple[str, str]]:
        """Name and link of everybody whose words these are."""
        if not self.people:
            return [(self.name, self.url)]
        unnamed = Credit(NameForm.ANONYMOUS).display_name
        return [(name or unnamed, url) for name, url in json.loads(self.people)]

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
        if self.is_piece:
            return self.listed.split(BODY, 1)[0]
        above = self.asked.above(self.words) if asked else ""
        return self.listed.replace(BODY, "", 2).replace(ASKED, above, 1)


#: Columns of the row that are sealed, in this order.
STORED = Entry._fields[1 : Entry._fields.index("seal")]
COLUMNS = (
    site_entries.c.definition_id,
    *(site_entries.c[name] for name in STORED),
    site_entries.c.seal,
)
SELECT = select(*COLUMNS)
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
        picture=quote.credit.picture if quote.picture else "",
        words=quote.words,
        lang=quote.lang,
        cite=quote.cite,
        note=quote.note,
        listed="",
    )
    return entry._replace(listed=_list_pieces().fill(_list_values(entry, quote.signed)))


def make_piece_entry(
    shown: ShownPiece,
    place: Place,
    *,
    id: str,  # noqa: A002 - the entry's own word
    campaign_id: str,
    grant_hash: str,
    granted_at: datetime,
    address: str,
    words: str,
) -> Entry:
    first = shown.credits[0]
    listed = piece_macros().entry(shown, encoded_path(address))
    return Entry(
        id=id,
        campaign_id=campaign_id,
        grant_hash=grant_hash,
        granted_at=granted_at.isoformat(timespec="microseconds"),
        address=address,
        month=place.month,
        number=place.number,
        person=place.person,
        person_number=place.person_number,
        in_editions=False,
        title=shown.title,
        name=first.display_name,
        url=shown_url(first),
        picture="",
        words=words,
        lang=shown.lang,
        cite=shown.cites[0],
        note=Markup(),
        listed=str(listed) + str(BODY) + str(shown.body) + str(BODY),
        kind=str(shown.kind),
        people=shown.people,
    )


@cache
def _list_pieces() -> Pieces:
    names = ("lang", "dir", "open", "close", "words", "cite", "note")
    body = quote_macros().body(*map(Slot, names))
    made = list_macros().entry(Slot("long"), ASKED, BODY + body + BODY, Slot("href"), Slot("title"))
    return Pieces(str(made))


def _list_values(entry: Entry, signed: Markup) -> dict[str, str]:
    return {
        "long": long_class(entry.words),
        "lang": escape(entry.lang),
        "dir": entry.dir,
        "open": entry.marks.open,
        "close": entry.marks.close,
        "words": escape(entry.words),
        "cite": signed,
        "note": entry.note,
        "href": escape(encoded_path(entry.address)),
        "title": escape(entry.title),
    }


def put_entries(connection: Connection, keys: Keys, entries: Sequence[Entry]) -> None:
    """Store entries over those that are there, at most a few hundred at a time."""
    if not entries:
        return
    drop_entries(connection, [one.id for one in entries])
    _INSERT.run(connection, [_row(keys, one) for one in entries])


def drop_entries(connection: Connection, ids: Sequence[str]) -> None:
    _DROP.run(connection, [{"of": one} for one in ids])


def entries_by_id(connection: Connection, keys: Keys, ids: Sequence[str]) -> dict[str, Entry]:
    """Entries as they are stored, whether or not they are sound: to compare, never to show.

    Only one that is not sound has a seal here, which makes it differ from any that is made anew.
    """
    if not ids:
        return {}
    rows = _BY_IDS.tuples(connection, {"ids": list(ids)})
    return {
        row[0]: entry_from(row)._replace(seal="" if is_sound(keys, row) else row[-1] or "-")
        for row in rows
    }


def is_sound(keys: Keys, row: Sequence[Any]) -> bool:
    """Whether a whole row bears its seal."""
    return bool(row[-1] == seal_of(keys, row[:-1]))


_E = site_entries.c
_INSERT = inserting(site_entries)
_DROP = Prepared(delete(site_entries).where(_E.definition_id == bindparam("of")))


def _nth(before: str) -> Select[Any]:
    newest = select(_E.granted_at).order_by(_E.granted_at.desc(), _E.definition_id.desc())
    return newest.limit(1).offset(bindparam(before))


_OLDEST = Prepared(
    select(
        _nth("on_front").scalar_subquery(),
        _nth("in_feed").scalar_subquery(),
        _nth("in_feed").where(_E.campaign_id == bindparam("campaign_id")).scalar_subquery(),
    )
)
WITH_IDS = _E.definition_id.in_(bindparam("ids", expanding=True))
_BY_IDS = Prepared(SELECT.where(WITH_IDS))


def oldest_shown(
    connection: Connection, campaign_id: str, *, on_front: int, in_feed: int
) -> tuple[str, str, str]:
    """When the last of those was granted that the front page, the feed and the campaign's show.

    Empty where there is room for more.
    """
    values = {"on_front": on_front - 1, "in_feed": in_feed - 1, "campaign_id": campaign_id}
    front, feed, own_feed = _OLDEST.tuples(connection, values)[0]
    return front or "", feed or "", own_feed or ""


def _row(keys: Keys, entry: Entry) -> dict[str, Any]:
    values = tuple(
        str(value) if isinstance(value, Markup) else value for value in entry[: len(STORED) + 1]
    )
    row: dict[str, Any] = dict(zip(("definition_id", *STORED), values, strict=True))
    row["seal"] = seal_of(keys, values)
    return row


def seal_of(keys: Keys, values: Sequence[Any]) -> str:
    """The seal over a row's values, in the order of COLUMNS and without the seal itself."""
    return keys.token_hash(UNIT.join(map(str, values)))


def entry_from(row: Sequence[Any], question: Question = NO_QUESTION) -> Entry:
    """An entry as its row says, which has to be sound for its HTML to be shown."""
    cite, note = Markup(row[_CITE]), Markup(row[_CITE + 1])  # noqa: S704 - sealed when made
    return Entry._make((*row[:_CITE], cite, note, *row[_CITE + 2 :], question))
