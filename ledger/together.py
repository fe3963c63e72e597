"""Contributors that are one person."""

from __future__ import annotations

from sqlalchemy import Connection, select

from ledger.tables import contributors


def people_of(connection: Connection, contributor_id: str) -> tuple[str, ...]:
    """This contributor and all who are the same person, sorted; mostly they are alone."""
    person = connection.execute(
        select(contributors.c.person_id).where(contributors.c.id == contributor_id)
    ).scalar()
    if not person:
        return (contributor_id,)
    same = connection.execute(
        select(contributors.c.id)
        .where(contributors.c.person_id == person)
        .order_by(contributors.c.id)
    )
    return tuple(same.scalars())
