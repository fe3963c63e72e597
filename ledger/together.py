"""Contributors that are one person: who they are, and how to hold them for a decision."""

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


def lock_person(connection: Connection, contributor_id: str) -> tuple[str, ...]:
    """The same, held until the transaction ends: nobody is joined, parted or stopped meanwhile.

    Always in the order of their ids, so that two who do this don't wait for each other. On
    SQLite a writer is alone anyway.
    """
    person = people_of(connection, contributor_id)
    while True:
        hold(connection, person)
        again = people_of(connection, contributor_id)
        if again == person:
            return person
        person = again


def hold(connection: Connection, ids: tuple[str, ...]) -> None:
    """Hold these contributors until the transaction ends."""
    connection.execute(
        select(contributors.c.id)
        .where(contributors.c.id.in_(ids))
        .order_by(contributors.c.id)
        .with_for_update(key_share=True)
    )
