"""Pictures that contributors wanted to see beside their words: small, and sealed under their key.

A picture is named by the SHA-256 of its bytes, and a credit names a picture: nothing shows one
before a grant binds exactly it (docs/adr/0031). What no grant binds goes within a day.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select

from ledger import events
from ledger.contributors import contributor_key
from ledger.database import Ledger
from ledger.definitions import definitions_of
from ledger.errors import DefinedbyError
from ledger.keys import Keys, seal, unseal
from ledger.model import Credit
from ledger.tables import pictures

#: Whoever is still looking at the preview has this long.
KEPT_UNGRANTED = timedelta(days=1)
_C = pictures.c


def keep_picture(
    connection: Connection, keys: Keys, contributor_id: str, url: str, content: bytes, now: datetime
) -> str:
    """Keep the bytes as they would be shown; returns the name under which a credit binds them."""
    name = hashlib.sha256(content).hexdigest()
    key = contributor_key(connection, keys, contributor_id)
    connection.execute(delete(pictures).where(*_this(contributor_id, name)))
    connection.execute(
        insert(pictures).values(
            contributor_id=contributor_id,
            hash=name,
            url=url,
            sealed_picture=seal(key, content, bound_to=name.encode()),
            fetched_at=now,
        )
    )
    return name


def picture_from(connection: Connection, contributor_id: str, url: str, since: datetime) -> str:
    """The picture that was fetched from this address after `since`; "" when none was."""
    found = connection.execute(
        select(_C.hash)
        .where(_C.contributor_id == contributor_id, _C.url == url, _C.fetched_at > since)
        .order_by(_C.fetched_at.desc())
        .limit(1)
    ).scalar()
    return found or ""


def has_picture(connection: Connection, contributor_id: str, name: str) -> bool:
    """Whether this is a picture of theirs that is kept here."""
    found = connection.execute(select(_C.hash).where(*_this(contributor_id, name))).first()
    return found is not None


def open_picture(connection: Connection, keys: Keys, contributor_id: str, name: str) -> bytes:
    """The bytes of a picture. Raises DefinedbyError when they are gone or are not those named."""
    row = connection.execute(select(_C.sealed_picture).where(*_this(contributor_id, name))).first()
    content = b"" if row is None else _opened(connection, keys, contributor_id, name, row)
    if hashlib.sha256(content).hexdigest() != name:
        raise DefinedbyError(
            "The picture that goes with this credit is missing or was changed.",
            "Ask its author to choose it again on their page, or to do without it.",
        )
    return content


def need_picture(connection: Connection, keys: Keys, contributor_id: str, credit: Credit) -> None:
    """Raises DefinedbyError, as `open_picture` does, unless what the credit names is there."""
    if credit.picture:
        open_picture(connection, keys, contributor_id, credit.picture)


def drop_ungranted(ledger: Ledger) -> int:
    """Forget the pictures that no live grant binds, once they are a day old; returns how many."""
    with ledger.write() as connection:
        old = connection.execute(
            select(_C.contributor_id, _C.hash).where(
                _C.fetched_at < ledger.clock() - KEPT_UNGRANTED
            )
        ).all()
        bound = {whose: _bound(connection, ledger.keys, whose) for whose in {row[0] for row in old}}
        unbound = [(whose, name) for whose, name in old if name not in bound[whose]]
        for whose, name in unbound:
            connection.execute(delete(pictures).where(*_this(whose, name)))
    return len(unbound)


def _bound(connection: Connection, keys: Keys, contributor_id: str) -> set[str]:
    states = (
        events.state_of(connection, keys, one.id)
        for one in definitions_of(connection, contributor_id)
    )
    return {state.grant.credit.picture for state in states if state.grant is not None}


def _opened(
    connection: Connection, keys: Keys, contributor_id: str, name: str, row: Row[tuple[bytes]]
) -> bytes:
    key = contributor_key(connection, keys, contributor_id)
    try:
        return unseal(key, bytes(row.sealed_picture), bound_to=name.encode())
    except ValueError:
        return b""


def _this(contributor_id: str, name: str) -> tuple[ColumnElement[bool], ...]:
    return _C.contributor_id == contributor_id, _C.hash == name
