"""Who is known by an address or handle, as people write it."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from ledger.model import Channel, Handle
from ledger.tables import handles


def known_as(connection: Connection, address: str, channel: Channel | None = None) -> list[Handle]:
    """The handles that this names, whatever their letter case; `channel` None: on any.

    A handle without its server names those of every server: "@ada" is "@ada@social.example" too.
    """
    if not address.strip("@"):
        return []
    wanted, where = address.lower(), func.lower(handles.c.address)
    same: list[ColumnElement[bool]] = [where == wanted, func.lower(handles.c.contact) == wanted]
    if wanted.startswith("@") and "@" not in wanted[1:]:
        same += [
            and_(
                handles.c.channel == Channel.MASTODON,
                where.startswith(f"{wanted}@", autoescape=True),
            ),
            and_(
                handles.c.channel == Channel.BLUESKY,
                where.startswith(f"{wanted}.", autoescape=True),
            ),
        ]
    found = select(handles).where(or_(*same)).order_by(handles.c.id)
    if channel is not None:
        found = found.where(handles.c.channel == channel)
    return [
        Handle(
            row.contributor_id, Channel(row.channel), row.address, row.name, row.url, row.contact
        )
        for row in connection.execute(found)
    ]


def bearers_of(connection: Connection, *wheres: str) -> set[str]:
    """Everybody known by one of these addresses on any channel, by handle or by contact.

    Letter case and a leading @ make no other person: an editor who pastes something in types a
    handle as they please, and a stop is meant by the person.
    """
    wanted = {
        spelled
        for where in wheres
        if (bare := where.strip().lower().removeprefix("@"))
        for spelled in (bare, f"@{bare}")
    }
    if not wanted:
        return set()
    found = connection.execute(
        select(handles.c.contributor_id).where(
            or_(
                func.lower(handles.c.address).in_(wanted),
                func.lower(handles.c.contact).in_(wanted),
            )
        )
    )
    return set(found.scalars())
