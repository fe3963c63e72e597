"""What an auditor takes along: records, events and their proof, in one file that verifies offline.

The file holds the chain from the first of the events in question to its end, so that a signed head
proves all of it. Of events about other definitions it holds what the chain itself consists of
(kind, random identifiers, time), and no payload.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from sqlalchemy import Connection, select

from consent.receipts import receipt
from consent.why import definitions_at
from ledger import chain, durable, events, walk
from ledger.database import Ledger
from ledger.definitions import find_definition
from ledger.errors import DefinedbyError
from ledger.heads import BrokenLedgerError, sign_head
from ledger.tables import definitions
from ledger.tables import events as event_rows

FORMAT = 1
MANIFEST, CHAIN, OPENINGS, HEAD = "audit.json", "chain.jsonl", "openings.jsonl", "head.json"
PAGE, RECORDS = "index.html", "records"
#: A link's own fields, in the order in which they stand in a line of the chain.
LINK = ("seq", "prev_hash", "hash", "kind", "subject", "at", "commitment")
TEMPLATES = Path(__file__).parent.parent / "templates" / "audit"


@dataclass(frozen=True)
class Report:
    file: Path
    records: int
    events: int
    head: int


def export_audit(ledger: Ledger, file: Path, post: str = "") -> Report:
    """Write `file`, which must not exist: about one post (address or definition), or about all.

    Raises DefinedbyError for an unknown post, and BrokenLedgerError when the chain does not hold:
    what can't be proven is not handed to anybody.
    """
    if file.exists():
        raise DefinedbyError(f"{file} exists already.", "Name a new file.")
    with ledger.read() as connection:
        ids = _wanted(ledger, connection, post)
        opened = [
            link for one in ids for link in events.subject_links(connection, ledger.keys, one)
        ]
        start = min((link.seq for link in opened), default=1) if post else 1
        with durable.beside(file) as temporary:
            with ZipFile(temporary, "w", ZIP_DEFLATED) as archive:
                parts = _Parts(archive)
                head = _write_chain(connection, parts, start)
                _write_openings(parts, opened)
                records = [receipt(ledger, one) for one in ids]
                for record in records:
                    parts.put(f"{RECORDS}/{record['record_id']}.json", [_pretty(record)])
                signed = sign_head(head, ledger.clock(), ledger.keys)
                parts.put(HEAD, [_pretty(signed)])
                parts.put(PAGE, [_page(records, opened, signed)])
                _write_manifest(ledger, archive, parts, start, [r["record_id"] for r in records])
            durable.put(temporary, file, new=True)
    return Report(file, len(records), len(opened), head.seq)


@dataclass
class _Parts:
    """Files of the archive with their SHA-256, written piece by piece."""

    archive: ZipFile
    sums: dict[str, str] = field(default_factory=dict)

    def put(self, name: str, pieces: Iterable[bytes]) -> None:
        total = hashlib.sha256()
        with self.archive.open(name, "w", force_zip64=True) as part:
            for piece in pieces:
                total.update(piece)
                part.write(piece)
        self.sums[name] = total.hexdigest()


def _wanted(ledger: Ledger, connection: Connection, post: str) -> Sequence[str]:
    if not post:
        return list(
            connection.execute(
                select(definitions.c.id)
                .where(definitions.c.id.in_(select(event_rows.c.subject)))
                .order_by(definitions.c.created_at, definitions.c.id)
            ).scalars()
        )
    if find_definition(connection, post) is not None:
        return [post]
    return definitions_at(ledger, connection, post)


def _write_chain(connection: Connection, parts: _Parts, start: int) -> chain.Head:
    # From its very start, whatever is handed out: a piece of a broken chain proves nothing.
    head = chain.verify(walk.bare_links(connection), [events.head(connection)])
    if isinstance(head, chain.Break):
        raise BrokenLedgerError(
            f"The chain is broken at event {head.seq}: {head.reason}.",
            "Nothing was exported. Run 'definedby ledger verify', then restore a backup.",
        )
    # On a database server somebody may have appended meanwhile: that is not part of it.
    kept = itertools.islice(walk.bare_links(connection, start), head.seq - start + 1)
    lines = (chain.canonical([getattr(link, name) for name in LINK]) + b"\n" for link in kept)
    parts.put(CHAIN, lines)
    return head


def _write_openings(parts: _Parts, opened: Sequence[chain.Link]) -> None:
    def lines() -> Iterator[bytes]:
        for link in sorted(opened, key=lambda one: one.seq):
            broken = chain.own_break(link)
            if broken:
                raise BrokenLedgerError(
                    f"Event {link.seq} does not verify: {broken}.",
                    "Nothing was exported. Run 'definedby ledger verify', then restore a backup.",
                )
            stated: dict[str, Any] = {"seq": link.seq, "erased": link.seal == "erased"}
            if link.stated is not None:
                stated |= {"key": link.event_key.hex(), "payload": link.payload}
            yield chain.canonical(stated) + b"\n"

    parts.put(OPENINGS, lines())


def _write_manifest(
    ledger: Ledger, archive: ZipFile, parts: _Parts, start: int, records: Sequence[str]
) -> None:
    stated = {
        "format": FORMAT,
        "made_at": ledger.clock().isoformat(timespec="seconds"),
        "publication": ledger.settings.title,
        "first_event": start,
        "records": list(records),
        "files": parts.sums,
        "public_key": ledger.keys.public_key,
        "public_keys": list(ledger.keys.public_keys),
    }
    signed = {**stated, "signature": ledger.keys.sign(chain.canonical(stated))}
    archive.writestr(MANIFEST, _pretty(signed))


def _pretty(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n"


def _page(
    records: Sequence[dict[str, Any]], opened: Sequence[chain.Link], head: dict[str, Any]
) -> bytes:
    erased = {link.seq for link in opened if link.seal == "erased"}
    text: str = _template().render(records=records, erased=erased, head=head)
    return text.encode()


@cache
def _template() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    ).get_template("index.html")
