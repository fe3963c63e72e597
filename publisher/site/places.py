"""Places in the archive, and how many definitions stand on each page of a fixed range."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Connection,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    tuple_,
    update,
)

from ledger.prepared import Prepared, inserting
from ledger.tables import places, site_entries, site_groups
from publisher.site import nodes
from publisher.site.entries import Entry, Place
from publisher.site.nodes import Group, groups_of

_DROP = Prepared(delete(places).where(places.c.definition_id == bindparam("of")))
_INSERT = inserting(places)
_LAST = Prepared(
    select(func.max(places.c.number)).where(
        places.c.campaign_id == bindparam("campaign"), places.c.month == bindparam("of_month")
    )
)
_LAST_OF_PEOPLE = Prepared(
    select(places.c.person, func.max(places.c.person_number))
    .where(places.c.person.in_(bindparam("people", expanding=True)))
    .group_by(places.c.person)
)
_G = site_groups.c
_COUNTS = Prepared(
    select(_G.kind, _G.owner, _G.month, _G.part, _G.count).where(
        tuple_(_G.kind, _G.owner, _G.month, _G.part).in_(bindparam("groups", expanding=True))
    )
)
_THIS = tuple(_G[name] == bindparam(f"b_{name}") for name in Group._fields)
_NEW_COUNT = inserting(site_groups)
_COUNT = Prepared(update(site_groups).where(*_THIS).values(count=bindparam("now")))
_EMPTY = Prepared(delete(site_groups).where(*_THIS))


def allot(
    connection: Connection, wanted: Sequence[tuple[str, str, str, str]], known: Mapping[str, Place]
) -> dict[str, Place]:
    """A place for each (definition, campaign, month, person), in this order.

    One that has a place keeps its month and number, and its number on the page of the same
    person. Places that are given are stored.
    """
    months = _next_numbers(connection, {(one[1], one[2]) for one in wanted if one[0] not in known})
    people = _next_of_people(
        connection,
        {one[3] for one in wanted if one[0] not in known or known[one[0]].person != one[3]},
    )
    found: dict[str, Place] = {}
    rows = []
    for definition_id, campaign_id, month, person in wanted:
        old = known.get(definition_id)
        if old is not None and old.person == person:
            found[definition_id] = old
            continue
        number = months[campaign_id, month] if old is None else old.number
        if old is None:
            months[campaign_id, month] += 1
        place = Place(old.month if old else month, number, person, people[person])
        people[person] += bool(person)
        found[definition_id] = place
        rows.append({"definition_id": definition_id, "campaign_id": campaign_id, **vars(place)})
    if rows:
        give_up(connection, [str(row["definition_id"]) for row in rows])
        _INSERT.run(connection, rows)
    return found


def give_up(connection: Connection, definition_ids: Sequence[str]) -> None:
    """These definitions stand no more: somebody who comes back gets a place anew."""
    _DROP.run(connection, [{"of": one} for one in definition_ids])


def _next_numbers(
    connection: Connection, months: set[tuple[str, str]]
) -> dict[tuple[str, str], int]:
    found = dict.fromkeys(months, 0)
    for campaign_id, month in months:
        values = {"campaign": campaign_id, "of_month": month}
        last = _LAST.scalar(connection, values)
        found[campaign_id, month] = 0 if last is None else last + 1
    return found


def _next_of_people(connection: Connection, people: set[str]) -> dict[str, int]:
    found = dict.fromkeys(people, 0)
    named = sorted(people - {""})
    if named:
        rows = _LAST_OF_PEOPLE.tuples(connection, {"people": named})
        found |= {person: last + 1 for person, last in rows}
    return found


def count_changes(
    connection: Connection, changed: Sequence[tuple[Entry | None, Entry | None]]
) -> list[Group]:
    """Bring the counts up to date; the groups that appeared or are empty now."""
    delta: Counter[Group] = Counter()
    for old, new in changed:
        for entry, by in ((old, -1), (new, 1)):
            for group in groups_of(entry) if entry else ():
                delta[group] += by
    moved = {group: by for group, by in delta.items() if by}
    if not moved:
        return []
    stored: dict[Group, int] = {}
    wanted = list(moved)
    for start in range(0, len(wanted), 200):
        groups = [tuple(group) for group in wanted[start : start + 200]]
        rows = _COUNTS.tuples(connection, {"groups": groups})
        stored |= {Group(*row[:4]): row[4] for row in rows}
    turned = []
    values = []
    for group, by in moved.items():
        before = stored.get(group, 0)
        now = before + by
        if (before > 0) != (now > 0):
            turned.append(group)
        values.append((group, before, now))
    _store_counts(connection, values)
    return turned


def _store_counts(connection: Connection, values: Sequence[tuple[Group, int, int]]) -> None:
    new = [{**group._asdict(), "count": now} for group, before, now in values if before <= 0 < now]
    gone = [_this(group) for group, before, now in values if before > 0 >= now]
    changed = [
        {**_this(group), "now": now} for group, before, now in values if before > 0 and now > 0
    ]
    _NEW_COUNT.run(connection, new)
    _COUNT.run(connection, changed)
    _EMPTY.run(connection, gone)


def _this(group: Group) -> dict[str, Any]:
    return {f"b_{name}": value for name, value in group._asdict().items()}


def count_all(connection: Connection) -> None:
    """Count anew from what stands."""
    connection.execute(delete(site_groups))
    number, person_number = site_entries.c.number, site_entries.c.person_number
    campaign_id, month, person = (
        site_entries.c[name] for name in ("campaign_id", "month", "person")
    )
    for kind, owner, of_month, part in (
        ("month", campaign_id, month, number // nodes.PER_PAGE),
        ("map", campaign_id, month, nodes.map_part(number)),
        ("person", person, literal(""), person_number // nodes.PER_PAGE),
    ):
        counted = select(
            literal(kind).label("kind"),
            owner.label("owner"),
            of_month.label("month"),
            part.label("part"),
            func.count().label("count"),
        ).group_by(owner, of_month, part)
        if kind == "person":
            counted = counted.where(person != "")
        names = ["kind", "owner", "month", "part", "count"]
        connection.execute(insert(site_groups).from_select(names, counted))
