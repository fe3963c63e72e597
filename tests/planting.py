"""A person of whom something is held in every table, with a word of its own in every column."""

from __future__ import annotations

import hashlib
import itertools
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Integer,
    LargeBinary,
    String,
    Table,
    insert,
    select,
    update,
)

from ledger import attachments, events, tables
from ledger.attachments import Attachment
from ledger.consent_state import EventKind
from ledger.contributors import contributor_key, new_id, stop_token
from ledger.database import Ledger
from ledger.keys import seal
from ledger.model import Campaign, Channel, Credit, NameForm
from ledger.newcomers import passed_over_token
from ledger.profile_marks import mark_token
from ledger.said import seal_words
from ledger.whose import SEALED, WHOSE
from tests.people import agree, asked

WORDS = "qzx000j before you speak"
ADDRESS = "qzx001j@sample.example"
NAME = "Qzx002j Sample"
WHEN = datetime(2026, 1, 5, 13, tzinfo=UTC)
#: Every planted word looks like this, short enough for every column.
MARK = re.compile(rb"(?i)qzx\d\d\dj")
#: A personal link within a message: it must not come out.
LINK = "https://blog.example/p/" + "k" * 43


@dataclass
class Planted:
    """`words` says which word stands in which column; `events` are of the person's record."""

    contributor_id: str
    twin: str
    definition_id: str
    words: dict[tuple[str, str], str] = field(default_factory=dict)


#: The introductions of editions are an editor's own text: an erasure leaves them alone.
OF_EDITORS = frozenset({"editions"})
#: What the publisher makes of posts; it knows only what it put there itself.
OF_THE_SITE = frozenset(
    {"outputs", "places", "site_entries", "site_edges", "site_groups", "site_dirty"}
)


def plant(ledger: Ledger, campaign: Campaign, apart: frozenset[str] = frozenset()) -> Planted:
    """Somebody who was asked and said yes, and a row more of theirs in each table but `apart`."""
    question = asked(ledger, campaign, WORDS, address=ADDRESS, name=NAME)
    agree(ledger, question, WORDS, Credit(NameForm.NAME, name=NAME, handle="@qzx003j"))
    with ledger.write() as connection:
        return _Planter(ledger, connection, question.request.contributor_id).plant(apart)


class _Planter:
    def __init__(self, ledger: Ledger, connection: Connection, contributor_id: str) -> None:
        self.ledger, self.connection = ledger, connection
        self.found = Planted(contributor_id, new_id(), new_id())
        self.numbers = itertools.count(10)
        self.ids = itertools.count(7_000)
        first = {
            table.name: connection.execute(select(table.c.id).limit(1)).scalar_one()
            for table in (tables.accounts, tables.campaigns)
        }
        handle = select(tables.handles.c.id).where(
            tables.handles.c.contributor_id == contributor_id
        )
        self.refer: dict[str, Any] = {
            **first,
            "handles": connection.execute(handle).scalar_one(),
            "contributors": contributor_id,
            "events": 0,
        }

    def plant(self, without: frozenset[str]) -> Planted:
        person = min(self.found.contributor_id, self.found.twin)
        this = tables.contributors.c.id == self.found.contributor_id
        self.connection.execute(update(tables.contributors).where(this).values(person_id=person))
        self.given: dict[str, dict[str, Any]] = {
            "contributors": {
                "id": self.found.twin,
                "person_id": person,
                "sealed_key": self.connection.execute(
                    select(tables.contributors.c.sealed_key).where(this)
                ).scalar_one(),
            },
            "joins": {"other": self.found.twin},
            "handles": {"channel": "email"},
            "profile_pictures": {"channel": "email"},
            "profile_marks": {"token": mark_token(self.ledger.keys, Channel.IMPORT, ADDRESS)},
            "passed_over": {"token": passed_over_token(self.ledger.keys, Channel.IMPORT, ADDRESS)},
            "stopped_addresses": {"token": stop_token(self.ledger.keys, ADDRESS)},
            "definitions": {"id": self.found.definition_id, "kind": "definition", "part": 0},
            "posts": {"kind": "definition"},
        }
        self.refer["definitions"] = self.found.definition_id
        apart = {"events", "event_payloads", "answers", *without}
        # An answer refers to a message, which comes later in the declaration.
        for name in [*(one for one in WHOSE if one not in apart), "answers"]:
            self._plant(tables.metadata.tables[name])
        self._record()
        return self.found

    def _plant(self, table: Table) -> None:
        row = {column.name: self._value(table, column) for column in table.columns}
        row |= self._ties(table.name, row)
        row |= self.given.get(table.name, {})
        row |= self._sealed(table.name, row)
        self.connection.execute(insert(table), [row])
        for name, value in row.items():
            word = MARK.search(str(value).encode())
            if word and name not in SEALED.get(table.name, ()):
                self.found.words[table.name, name] = word[0].decode()
        if "id" in row:
            self.refer.setdefault(table.name, row["id"])
            if table.name in ("replies", "requests", "outbox", "editions"):
                self.refer[table.name] = row["id"]

    def _value(self, table: Table, column: Column[Any]) -> Any:
        for key in column.foreign_keys:
            return self.refer[key.column.table.name]
        kind = column.type
        if isinstance(kind, JSON):
            return [self._word()]
        if isinstance(kind, Boolean):
            return False
        if isinstance(kind, Integer):
            return next(self.ids)
        if isinstance(kind, LargeBinary):
            return b""
        if isinstance(kind, String):
            return self._word()
        return None if column.name == "gone_at" else WHEN

    def _ties(self, table: str, row: dict[str, Any]) -> dict[str, Any]:
        """What makes a row theirs where no foreign key says so."""
        theirs, words = self.found.definition_id, self.found.words
        wrote = words.get(("replies", "external_id"), "")
        of_definition = {"definition_id": theirs}
        made: dict[str, dict[str, Any]] = {
            "skipped_items": {"reason": f"{row.get('reason')} by {ADDRESS}"},
            "gone_sources": {"external_id": wrote},
            "charged_today": {"item": f"post:{wrote}"},
            "mentions": {"source": wrote},
            **dict.fromkeys(
                ("definition_versions", "places", "site_entries", "site_edges"), of_definition
            ),
            **{name: {"subject": theirs} for name in ("told_pages", "jobs", "posts")},
            "editions": {"definition_ids": [theirs], "winner_id": theirs, "kind": "edition"},
            "profile_pictures": {"address": words.get(("handles", "address"))},
            "site_dirty": {"owner": theirs},
            "site_groups": {"owner": words.get(("places", "person"))},
            "outputs": {"path": f"{words.get(('posts', 'address'))}/index.html"},
        }
        return made.get(table, {})

    def _sealed(self, table: str, row: dict[str, Any]) -> dict[str, Any]:
        """What is encrypted holds a word too, and a link that must not come out."""
        keys = self.ledger.keys
        found: dict[str, Any] = {}
        for name in SEALED.get(table, ()):
            word = self._word()
            self.found.words[table, name] = word
            if name == "sealed_words":
                whose, message = row["contributor_id"], row["message_id"]
                found[name] = seal_words(self.connection, keys, whose, message, word)
            elif name == "sealed_attachment":
                file = Attachment("kept.json", "application/ld+json", f"{word} {LINK}")
                found[name] = attachments.seal(keys, file)
            elif name == "sealed_picture":
                row["hash"] = hashlib.sha256(word.encode()).hexdigest()
                key = contributor_key(self.connection, keys, row["contributor_id"])
                found[name] = seal(key, word.encode(), bound_to=row["hash"].encode())
            else:
                found[name] = keys.encrypt(f"{word} {LINK}")
        return found

    def _record(self) -> None:
        """An event of theirs, whose payload holds a word that no other column has."""
        word = self._word()
        events.append(
            self.connection,
            self.ledger.keys,
            WHEN,
            EventKind.REVISED,
            self.found.definition_id,
            self.found.contributor_id,
            {"text": word},
        )
        self.found.words["event_payloads", "sealed"] = word

    def _word(self) -> str:
        return f"qzx{next(self.numbers):03}j"
