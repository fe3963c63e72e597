"""Personal links: 256 random bits, of which only a keyed hash is stored (promise P26).

A link belongs to one contributor and opens their page, and nothing else. It does not expire by
itself: whoever granted something must be able to withdraw it years later.
"""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, insert, select, update

from ledger.contributors import new_id
from ledger.keys import Keys
from ledger.tables import links

TOKEN_BYTES = 32


def new_link(connection: Connection, keys: Keys, contributor_id: str, at: datetime) -> str:
    """Make a link and return its token, which is never to be had again."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    connection.execute(
        insert(links).values(
            id=new_id(),
            token_hash=keys.token_hash(token),
            contributor_id=contributor_id,
            created_at=at,
        )
    )
    return token


def link_of_token(connection: Connection, keys: Keys, token: str, now: datetime) -> str | None:
    """The id of the live link with this token. Reads only: mail scanners open links too."""
    link_id: str | None = connection.execute(
        select(links.c.id).where(links.c.token_hash == keys.token_hash(token), *_live(now))
    ).scalar()
    return link_id


def contributor_of_link(connection: Connection, link_id: str, now: datetime) -> str | None:
    """Whose page a link opens; None once it is revoked."""
    contributor_id: str | None = connection.execute(
        select(links.c.contributor_id).where(links.c.id == link_id, *_live(now))
    ).scalar()
    return contributor_id


def revoke_links(connection: Connection, contributor_id: str, at: datetime) -> int:
    """Revoke all links of a contributor; returns how many were live."""
    return connection.execute(
        update(links)
        .where(links.c.contributor_id == contributor_id, links.c.revoked_at.is_(None))
        .values(revoked_at=at)
    ).rowcount


def _live(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        links.c.revoked_at.is_(None),
        links.c.expires_at.is_(None) | (links.c.expires_at > now),
    )
