"""Places in the archive, and how many definitions stand on each page of a fixed range."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

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

from ledger.tables import places, site_entries, site_groups
from publisher.site import nodes
from publisher.site.entries import Entry, Place
from publisher.site.nodes import Group, groups_of


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
        connection.execute(insert(places), rows)
    return found


def give_up(connection: Connection, definition_ids: Sequence[str]) -> None:
    """These definitions stand no more: somebody who comes back gets a place anew."""
    if definition_ids:
        connection.execute(delete(places).where(places.c.definition_id.in_(definition_ids)))


def _next_numbers(
    connection: Connection, months: set[tuple[str, str]]
) -> dict[tuple[str, str], int]:
    found = dict.fromkeys(months, 0)
    for campaign_id, month in months:
        last = connection.execute(
            select(func.max(places.c.number)).where(
                places.c.campaign_id == campaign_id, places.c.month == month
            )
        ).scalar()
        found[campaign_id, month] = 0 if last is None else last + 1
    return found


def _next_of_people(connection: Connection, people: set[str]) -> dict[str, int]:
    found = dict.fromkeys(people, 0)
    named = sorted(people - {""})
    if named:
        rows = connection.execute(
            select(places.c.person, func.max(places.c.person_number))
            .where(places.c.person.in_(named))
            .group_by(places.c.person)
        )
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
    key = (site_groups.c.kind, site_groups.c.owner, site_groups.c.month, site_groups.c.part)
    stored: dict[Group, int] = {}
    wanted = list(moved)
    for start in range(0, len(wanted), 200):
        rows = connection.execute(
            select(*key, site_groups.c.count).where(
                tuple_(*key).in_([tuple(group) for group in wanted[start : start + 200]])
            )
        )
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
    gone = [group for group, before, now in values if before > 0 >= now]
    changed = [
        {**{f"b_{name}": value for name, value in group._asdict().items()}, "now": now}
        for group, before, now in values
        if before > 0 and now > 0
    ]
    where = tuple(
        site_groups.c[name] == bindparam(f"b_{name}") for name in ("kind", "owner", "month", "part")
    )
    if new:
        connection.execute(insert(site_groups), new)
    if changed:
        connection.execute(
            update(site_groups).where(*where).values(count=bindparam("now")), changed
        )
    if gone:
        connection.execute(
            delete(site_groups).where(*where),
            [{f"b_{name}": value for name, value in group._asdict().items()} for group in gone],
        )


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
