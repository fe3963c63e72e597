"""What must be true of each person after the year, whatever names they have, by whatever hand.

Two contributors are one person while they are joined. A message has begun when it was claimed, or
when an editor says that they sent it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from ledger.consent_state import EventKind
from ledger.etiquette import Action, rules_for
from ledger.events import history, state_of
from ledger.facts import BEGINNING
from ledger.model import Channel
from ledger.outbox import MessageState
from ledger.posts import find_post
from ledger.tables import accounts, definitions, handles, joins, outbox, replies
from tests.simulation.year import Year

LEFT = (MessageState.SENT, MessageState.UNKNOWN, MessageState.CLAIMED)
_WORD = re.compile(r"word \d{6} of \d+")


def begun_at(row: Any) -> datetime | None:
    """When it was handed over, by the program or by hand; None: it never was."""
    if row.state not in LEFT:
        return row.claimed_at  # type: ignore[no-any-return]
    return row.claimed_at or row.sent_at  # type: ignore[no-any-return]


class Persons:
    """Who was one person with whom, and when."""

    def __init__(self, year: Year) -> None:
        with year.ledger.read() as connection:
            self._joins = connection.execute(select(joins)).all()

    def at(self, whose: str, moment: datetime) -> frozenset[str]:
        """Everybody who was known to be the same person at that moment."""
        live = [
            (row.one, row.other)
            for row in self._joins
            if row.joined_at <= moment and (row.parted_at is None or row.parted_at > moment)
        ]
        found = {whose}
        while more := {b for pair in live for a, b in (pair, pair[::-1]) if a in found} - found:
            found |= more
        return frozenset(found)


def by_person(year: Year) -> dict[str, list[Any]]:
    """By promise, everything that breaks it."""
    persons = Persons(year)
    with year.ledger.read() as connection:
        rows = connection.execute(
            select(outbox, accounts.c.channel).join(accounts, accounts.c.id == outbox.c.account_id)
        ).all()
    sent = sorted(
        ((at, row) for row in rows if row.state in LEFT and (at := begun_at(row))),
        key=lambda one: (one[0], one[1].id),
    )
    wrote = _words_of(year)
    return {
        "greeted twice as one person": _again(persons, sent, Action.GREET),
        "reminded twice as one person": _again(persons, sent, Action.FOLLOW_UP),
        "reminded although they had written": list(_reminded(persons, sent, wrote)),
        "greeted though they had answered or were asked": list(_no_strangers(persons, sent)),
        "thanked twice for one thing": [
            once
            for once, times in Counter(
                row.once for _, row in sent if row.purpose == Action.THANK
            ).items()
            if times > 1
        ],
        "asked again too soon after a no": list(_nagged(year, persons, sent, wrote)),
        "over a cap": list(_over(sent)),
        **_published(year),
    }


def _again(persons: Persons, sent: list[Any], purpose: Action) -> list[int]:
    before: set[str] = set()
    found = []
    for at, row in sent:
        if row.purpose != purpose:
            continue
        if not before.isdisjoint(persons.at(row.contributor_id, at)):
            found.append(row.id)
        before.add(row.contributor_id)
    return found


def _words_of(year: Year) -> dict[str, list[datetime]]:
    """When each contributor's words reached us."""
    with year.ledger.read() as connection:
        rows = connection.execute(
            select(handles.c.contributor_id, replies.c.received_at).join(
                handles,
                (handles.c.address == replies.c.address) & (handles.c.channel == replies.c.channel),
            )
        )
        found: dict[str, list[datetime]] = defaultdict(list)
        for row in rows:
            found[row.contributor_id].append(row.received_at)
    return found


def _reminded(persons: Persons, sent: list[Any], wrote: dict[str, list[datetime]]) -> Iterator[int]:
    greeted: dict[str, datetime] = {}
    for at, row in sent:
        if row.purpose == Action.GREET:
            greeted[row.contributor_id] = at
        elif row.purpose == Action.FOLLOW_UP:
            person = persons.at(row.contributor_id, at)
            first = min((greeted[one] for one in person if one in greeted), default=None)
            if first is None or any(first < when < at for one in person for when in wrote[one]):
                yield row.id


def _no_strangers(persons: Persons, sent: list[Any]) -> Iterator[int]:
    asked: set[str] = set()
    for at, row in sent:
        if row.purpose == Action.ASK:
            asked.add(row.contributor_id)
        elif row.purpose == Action.GREET and not asked.isdisjoint(
            persons.at(row.contributor_id, at)
        ):
            yield row.id


def _nagged(
    year: Year, persons: Persons, sent: list[Any], wrote: dict[str, list[datetime]]
) -> Iterator[int]:
    days = int(rules_for(None)["cooling_off_days"].value)
    refused: dict[str, list[datetime]] = defaultdict(list)
    with year.ledger.read() as connection:
        known = connection.execute(select(definitions.c.id, definitions.c.contributor_id)).all()
        for row in known:
            for event in history(connection, year.ledger.keys, row.id):
                if event.kind in (EventKind.REFUSED, EventKind.WITHDRAWN):
                    refused[row.contributor_id].append(datetime.fromisoformat(event.at))
    for at, row in sent:
        if row.purpose != Action.ASK:
            continue
        person = persons.at(row.contributor_id, at)
        for no in (when for one in person for when in refused[one]):
            spoke = any(no < when <= at for one in person for when in wrote[one])
            if no < at < no + timedelta(days=days) and not spoke:
                yield row.id


def _over(sent: list[Any]) -> Iterator[tuple[str, str]]:
    """Accounts that wrote to more people within an hour or a day than they may."""
    times: dict[tuple[int, str], list[datetime]] = defaultdict(list)
    for at, row in sent:
        if row.purpose in BEGINNING:
            times[row.account_id, row.channel].append(row.sent_at or at)
    for (_, channel), moments in times.items():
        rules, ordered = rules_for(Channel(channel)), sorted(moments)
        for rule, length in (("per_hour", timedelta(hours=1)), ("per_day", timedelta(days=1))):
            most = int(rules[rule].value)
            for first, last in zip(ordered, ordered[most:], strict=False):
                if last - first < length:
                    yield channel, rule
                    break


def _published(year: Year) -> dict[str, list[Any]]:
    """What stands on the blog is what is allowed now, and nothing else is."""
    site = year.ledger.settings.site
    shown = {
        found
        for file in site.rglob("*.html")
        for found in _WORD.findall(file.read_text(encoding="utf-8"))
    }
    without, missing = [], []
    with year.ledger.read() as connection:
        for row in connection.execute(select(definitions.c.id, definitions.c.contributor_id)).all():
            grant = state_of(connection, year.ledger.keys, row.id).grant
            post = find_post(connection, row.id)
            words = _WORD.search(grant.text) if grant else None
            if grant is None and post is not None:
                without.append(row.id)
            if words:
                shown.discard(words[0])
                if post is None:
                    missing.append(row.id)
        kept = [
            one
            for one in sorted(year.taken_back_in_words - year.granted)
            if state_of(connection, year.ledger.keys, one).grant is not None
        ]
    return {
        "published without a grant": [*without, *sorted(shown)],
        "allowed and not published": missing,
        "taken back in words and still allowed": kept,
    }
