"""Make N granted definitions through real ledger events: `python -m bench.seed --count N HOME`.

The words are the glosses of Debian's wordnet-base where that is installed; else sentences put
together from a list, plainly made up. The people never existed. Every request and grant is an
event of the chain, sealed under its contributor's own key, as the consent stage would write it.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, insert

from ledger.accounts import ensure_account
from ledger.answers import looked_at
from ledger.campaigns import add_campaign
from ledger.consent_state import EventKind
from ledger.contributors import new_id
from ledger.database import Ledger, open_ledger
from ledger.definitions import slug_of
from ledger.events import NewEvent, append_all
from ledger.jobs import JobKind
from ledger.model import Channel, Credit, NameForm, Use
from ledger.settings import load_settings
from ledger.tables import (
    contributors,
    definition_versions,
    definitions,
    handles,
    jobs,
    replies,
    requests,
    threads,
)

WORDNET = Path("/usr/share/wordnet")
#: One grant every so often, so that a large blog spans years like a real one.
EVERY = timedelta(minutes=20)
START = datetime(2022, 1, 1, tzinfo=UTC)
BATCH = 250
FIRST = [
    "Ada",
    "Ben",
    "Cleo",
    "Dev",
    "Elif",
    "Femi",
    "Gus",
    "Hana",
    "Ivo",
    "Jun",
    "Kofi",
    "Lena",
    "Mia",
    "Nils",
    "Ola",
    "Priya",
    "Quinn",
    "Rosa",
]
LAST = [
    "Adler",
    "Brandt",
    "Chen",
    "Diaz",
    "Eze",
    "Fox",
    "Gupta",
    "Haas",
    "Ito",
    "Jain",
    "Kim",
    "Lund",
    "Moss",
    "Nowak",
    "Okafor",
    "Park",
]
SUBJECTS = ["a lantern", "a patient mule", "the second draft", "an honest map", "a borrowed ladder"]
DEEDS = ["waits for", "explains", "carries", "forgives", "outlives", "quietly mends", "argues with"]
OBJECTS = ["the weather", "every meeting", "a slow river", "its own title", "the long way home"]


@dataclass(frozen=True)
class Person:
    id: str
    key: bytes
    name: str


def seed(ledger: Ledger, count: int, chance: random.Random) -> None:
    """`count` definitions by a quarter as many people, some of whom wrote much more."""
    words = texts(chance)
    with ledger.write() as connection:
        campaign = add_campaign(connection, START, prompt="Thought leadership is ___?")
        account = ensure_account(
            connection, ledger.keys, Channel.IMPORT, "a made-up collection", campaign.id
        )
    people = max(1, count // 4)
    handle_of: dict[int, tuple[int, str]] = {}
    for start in range(0, count, BATCH):
        numbers = range(start, min(start + BATCH, count))
        authors = [int(people * chance.random() ** 2) for _ in numbers]
        with ledger.write() as connection:
            at = START + EVERY * numbers[-1]
            new = sorted(set(authors) - handle_of.keys())
            _add_people(connection, ledger, new, handle_of, at)
            _add_threads(connection, campaign.id, [handle_of[number] for number in new], at)
            batch = _Batch(campaign.id, account.id, at)
            for number, author in zip(numbers, authors, strict=True):
                batch.add(number, next(words), _name(author), *handle_of[author])
            batch.store(connection, ledger)
            looked_at(connection, numbers[-1] + 1)  # else the worker would read all of them first


def _name(number: int) -> str:
    return f"{FIRST[number % 18]} {LAST[number // 18 % 16]} {number}"


def _add_people(
    connection: Connection,
    ledger: Ledger,
    numbers: Sequence[int],
    handle_of: dict[int, tuple[int, str]],
    at: datetime,
) -> None:
    if not numbers:
        return
    made = {number: new_id() for number in numbers}
    connection.execute(
        insert(contributors),
        [
            {
                "id": made[number],
                "sealed_key": ledger.keys.encrypt(random.randbytes(32).hex()).encode(),
                "created_at": at,
            }
            for number in numbers
        ],
    )
    connection.execute(
        insert(handles),
        [
            {
                "id": number + 1,
                "contributor_id": made[number],
                "channel": Channel.IMPORT,
                "address": f"person{number}@sample.example",
                "name": _name(number),
            }
            for number in numbers
        ],
    )
    handle_of |= {number: (number + 1, made[number]) for number in numbers}


def _add_threads(
    connection: Connection, campaign_id: str, people: Sequence[tuple[int, str]], at: datetime
) -> None:
    """A conversation for each, with the number of their handle."""
    rows = [
        {"id": handle_id, "campaign_id": campaign_id, "contributor_id": person, "opened_at": at}
        for handle_id, person in people
    ]
    if rows:
        connection.execute(insert(threads), rows)


class _Batch:
    """The rows and events of some definitions, written as the stages write them."""

    def __init__(self, campaign_id: str, account_id: int, at: datetime) -> None:
        self.campaign_id, self.account_id, self.at = campaign_id, account_id, at
        self.replies: list[dict[str, object]] = []
        self.definitions: list[dict[str, object]] = []
        self.versions: list[dict[str, object]] = []
        self.requests: list[dict[str, object]] = []
        self.jobs: list[dict[str, object]] = []
        self.events: list[NewEvent] = []

    def add(self, number: int, words: str, name: str, handle_id: int, contributor: str) -> None:
        definition, request = new_id(), new_id()
        credit = Credit(NameForm.NAME, name=name, role="made up" if number % 3 else "")
        self.replies.append(
            {
                "id": number + 1,
                "channel": Channel.IMPORT,
                "account_id": self.account_id,
                "external_id": f"seed-{number}",
                "campaign_id": self.campaign_id,
                "address": f"person{handle_id - 1}@sample.example",
                "text": words,
                "in_reply_to": [],
                "automatic": False,
                "written_at": START + EVERY * number,
                "received_at": START + EVERY * number,
                "handle_id": handle_id,
                "thread_id": handle_id,
                "state": "shortlisted",
                "kind": "definition",
                "spans": [[0, len(words)]],
            }
        )
        self.definitions.append(
            {
                "id": definition,
                "contributor_id": contributor,
                "campaign_id": self.campaign_id,
                "reply_id": number + 1,
                "slug": slug_of(words),
                "lang": "en",
                "created_at": self.at,
            }
        )
        self.versions.append(
            {
                "definition_id": definition,
                "version": 1,
                "text": words,
                "spans": [[0, len(words)]],
                "created_at": self.at,
            }
        )
        self.requests.append(
            {
                "id": request,
                "definition_id": definition,
                "contributor_id": contributor,
                "version": 1,
                "uses": sorted(Use),
                "credit": credit.as_dict(),
                "asked_by": "seed",
                "notice": "1",
                "asked_at": self.at,
                "expires_at": self.at + timedelta(days=14),
                "closed_at": self.at,
            }
        )
        self.jobs.append({"kind": JobKind.PUBLISH, "subject": definition, "created_at": self.at})
        payload = {
            "request_id": request,
            "text": words,
            "credit": credit.as_dict(),
            "credit_line": credit.line,
            "uses": sorted(Use),
        }
        for kind in (EventKind.REQUESTED, EventKind.GRANTED):
            self.events.append(NewEvent(kind, definition, contributor, payload))

    def store(self, connection: Connection, ledger: Ledger) -> None:
        for table, rows in (
            (replies, self.replies),
            (definitions, self.definitions),
            (definition_versions, self.versions),
            (requests, self.requests),
            (jobs, self.jobs),
        ):
            connection.execute(insert(table), rows)
        append_all(connection, ledger.keys, self.at, self.events)


def texts(chance: random.Random) -> Iterator[str]:
    """Endless texts: WordNet's glosses, each once, then made-up ones."""
    for path in sorted(WORDNET.glob("data.*")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if not line.startswith("  ") and "| " in line:
                yield line.partition("| ")[2].strip()
    while True:
        sentences = (
            f"{chance.choice(SUBJECTS)} that {chance.choice(DEEDS)} {chance.choice(OBJECTS)}"
            for _ in range(chance.randint(1, 4))
        )
        yield "; ".join(sentences)


def main() -> None:
    parser = argparse.ArgumentParser(description="Make granted definitions for measurements.")
    parser.add_argument("--count", type=int, default=1_000)
    parser.add_argument("home", type=Path, help="The folder of an instance that is made.")
    given = parser.parse_args()
    settings = load_settings(
        {}, home=given.home, content=given.home / "content", site=given.home / "site"
    )
    ledger = open_ledger(settings, create=True)
    began, cpu = time.monotonic(), time.process_time()
    seed(ledger, given.count, random.Random(42))
    ledger.close()
    spent, cpu = time.monotonic() - began, time.process_time() - cpu
    print(f"{given.count:,} granted definitions in {spent:.1f} s ({cpu:.1f} s of CPU)")


if __name__ == "__main__":
    main()
