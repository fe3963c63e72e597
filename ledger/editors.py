"""Editors: who may sign in to the desk, and the one-time links that set their password."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select

from ledger.database import Ledger
from ledger.tables import editors, invitations

OWNER = "owner"
VALID = timedelta(hours=24)


def owner_exists(ledger: Ledger) -> bool:
    """Whether somebody can sign in as owner."""
    with ledger.read() as connection:
        found = connection.execute(
            select(editors.c.id).where(
                editors.c.role == OWNER, editors.c.active, editors.c.password != ""
            )
        ).first()
    return found is not None


def invite_owner(ledger: Ledger, email: str = "") -> str:
    """A link with which the owner sets address and password; also when they were forgotten.

    `email` is filled in on that page; the owner may change it there.
    """
    token, now = secrets.token_urlsafe(32), ledger.clock()
    with ledger.write() as connection:
        owner_id = connection.execute(
            select(editors.c.id).where(editors.c.role == OWNER).order_by(editors.c.id).limit(1)
        ).scalar()
        if owner_id is None:
            owner_id = _add_owner(connection, email, now)
        connection.execute(
            insert(invitations).values(
                token_hash=ledger.keys.token_hash(token),
                editor_id=owner_id,
                expires_at=now + VALID,
            )
        )
    return f"{ledger.settings.public_url}/welcome/{token}"


def _add_owner(connection: Connection, email: str, now: datetime) -> int:
    made = connection.execute(
        insert(editors).values(
            email=email,
            name="",
            password="",
            active=False,
            fs_uniquifier=secrets.token_hex(32),
            role=OWNER,
            created_at=now,
        )
    )
    assert made.inserted_primary_key is not None
    return int(made.inserted_primary_key[0])
