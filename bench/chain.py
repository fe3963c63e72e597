"""How long `ledger verify` takes for 100,000 events of 25,000 people, in CPU seconds."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import insert, update

from ledger import chain
from ledger.contributors import add_contributor, contributor_key, new_id
from ledger.database import Ledger, open_ledger
from ledger.heads import verify_chain
from ledger.keys import seal
from ledger.model import Credit, NameForm
from ledger.settings import load_settings
from ledger.tables import chain_head, event_payloads, events

EVENTS = 100_000
STORY = ("requested", "granted", "published", "withdrawn")
SHOWN = frozenset({"requested", "granted"})
CREDIT = Credit(NameForm.NAME, name="Ada Sample", handle="@ada_example", role="gardener")


def compare() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        ledger = open_ledger(load_settings({}, home=Path(folder) / "home"), create=True)
        write_chain(ledger, EVENTS)
        before = time.process_time()
        found = verify_chain(ledger)
        spent = time.process_time() - before
        ledger.close()
    assert isinstance(found, chain.Head)
    yield f"chain: {found.seq} events are verified in {spent:.1f} s of CPU; the limit is 10 s"


def write_chain(ledger: Ledger, count: int) -> None:
    """Real events with real payloads, written in bulk."""
    now = ledger.clock()
    stamp = now.isoformat(timespec="microseconds")
    previous, seq = chain.GENESIS, 0
    with ledger.write() as connection:
        for person in range(count // len(STORY)):
            contributor = add_contributor(connection, ledger.keys, now)
            key, subject = contributor_key(connection, ledger.keys, contributor), new_id()
            links, payloads = [], []
            for kind in STORY:
                seq += 1
                payload = _payload(kind, person)
                event_key = os.urandom(32)
                commit = chain.commitment(event_key, payload)
                own = chain.link_hash(seq, previous, kind, subject, stamp, commit)
                links.append(
                    {
                        "seq": seq,
                        "prev_hash": previous,
                        "hash": own,
                        "kind": kind,
                        "subject": subject,
                        "at": stamp,
                        "commitment": commit,
                    }
                )
                plain = event_key + chain.canonical(payload)
                sealed = seal(key, plain, bound_to=own.encode())
                payloads.append({"seq": seq, "contributor_id": contributor, "sealed": sealed})
                previous = own
            connection.execute(insert(events), links)
            connection.execute(insert(event_payloads), payloads)
        connection.execute(update(chain_head).values(seq=seq, hash=previous))


def _payload(kind: str, person: int) -> dict[str, object]:
    evidence: dict[str, object] = {"channel": "page", "notice": "2026-11-23.en", "request_id": "r"}
    if kind in SHOWN:
        evidence |= {
            "text": f"listening longer than is comfortable, «then» speaking {person}",
            "credit": CREDIT.as_dict(),
            "credit_line": CREDIT.line,
            "uses": ["edition", "post"],
        }
    return evidence
