"""Whom a command or an editor means: by identifier, or by an address or handle."""

from __future__ import annotations

from sqlalchemy import Connection, select

from ledger.errors import DefinedbyError
from ledger.tables import contributors, definitions, handles
from ledger.together import people_of


def find_contributor(connection: Connection, named: str) -> str:
    """The contributor with this identifier, or this address or handle, or of this definition.

    Raises DefinedbyError when there is nobody, or when several who are not known to be one person
    have that address.
    """
    wanted = named.strip()
    if wanted:
        known = connection.execute(
            select(contributors.c.id).where(contributors.c.id == wanted)
        ).scalar()
        known = (
            known
            or connection.execute(
                select(definitions.c.contributor_id).where(definitions.c.id == wanted)
            ).scalar()
        )
        if known:
            return str(known)
    people = {people_of(connection, one)[0] for one in _reached_at(connection, wanted)}
    if len(people) == 1:
        return people.pop()
    if not people:
        raise DefinedbyError(
            f"Nobody here is known as '{wanted}'.",
            "Give the address or handle as the desk shows it, or the contributor's identifier.",
        )
    raise DefinedbyError(
        f"Several people are known as '{wanted}': {', '.join(sorted(people))}.",
        "Name one of these identifiers, or join them on the desk first.",
    )


def _reached_at(connection: Connection, wanted: str) -> list[str]:
    if not wanted:
        return []
    bare = wanted.lower().lstrip("@")
    spelled = {wanted, wanted.lower(), bare, f"@{bare}"}
    rows = connection.execute(
        select(handles.c.contributor_id)
        .where(handles.c.address.in_(spelled) | handles.c.contact.in_(spelled))
        .distinct()
    )
    return list(rows.scalars())
