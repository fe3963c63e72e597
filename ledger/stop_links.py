"""Stop links: one per mail, good for nothing but ending all messages to its addressee (RFC 8058).

Of the 256 random bits only a keyed hash is stored (promise P26). A link does not expire:
somebody may find the mail years later, and stopping us must still work then.
"""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import Connection, insert, select

from ledger.keys import Keys
from ledger.links import TOKEN_BYTES
from ledger.tables import stop_links

#: Where the web application answers; the token follows.
PATH = "/unsubscribe/"


def new_stop_link(connection: Connection, keys: Keys, contributor_id: str, at: datetime) -> str:
    """Make a link and return its token, which is never to be had again."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    connection.execute(
        insert(stop_links).values(
            token_hash=keys.token_hash(token), contributor_id=contributor_id, created_at=at
        )
    )
    return token


def contributor_of_stop_link(connection: Connection, keys: Keys, token: str) -> str | None:
    """Whom the link with this token stops messages to; None when there is none. Reads only."""
    contributor_id: str | None = connection.execute(
        select(stop_links.c.contributor_id).where(stop_links.c.token_hash == keys.token_hash(token))
    ).scalar()
    return contributor_id
