"""Posts: which grant stands at which address of the blog, and which addresses are gone.

When a post is taken away its address is replaced by a keyed hash, so that it can answer
410 Gone and yet nothing here repeats the withdrawn words (an address holds some of them).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, update

from ledger.keys import Keys
from ledger.prepared import Prepared, inserting
from ledger.tables import posts

GONE = "gone:"
_LIVE = (posts.c.subject == bindparam("of"), posts.c.gone_at.is_(None))
_FIND = Prepared(select(posts).where(*_LIVE))
_DROP = Prepared(delete(posts).where(*_LIVE))
_DROP_AT = Prepared(delete(posts).where(posts.c.address == bindparam("at")))


@dataclass(frozen=True)
class Post:
    """`kind` is that of a definition (ledger.model.PostKind) or "edition".

    `file` is relative to the content folder.
    """

    kind: str
    subject: str
    address: str
    file: str
    grant_hash: str
    published_at: datetime


_INSERT = inserting(posts, *Post.__dataclass_fields__)


def put_post(connection: Connection, keys: Keys, post: Post) -> None:
    """Keep a post; one per subject. An address that was gone comes back with a new grant."""
    put_posts(connection, keys, [post])


def put_posts(connection: Connection, keys: Keys, new: Sequence[Post]) -> None:
    """Keep posts, at most a few hundred at a time; each as `put_post` says."""
    if not new:
        return
    _DROP_AT.run(connection, [{"at": _hidden(keys, post.address)} for post in new])
    _DROP.run(connection, [{"of": post.subject} for post in new])
    _INSERT.run(connection, [vars(post) for post in new])


def find_post(connection: Connection, subject: str) -> Post | None:
    found = _FIND.rows(connection, {"of": subject})
    return _post(found[0]) if found else None


def find_post_at(connection: Connection, address: str) -> Post | None:
    """What stands at a path of the blog, if anything does."""
    row = connection.execute(
        select(posts).where(posts.c.address == address, posts.c.gone_at.is_(None))
    ).first()
    return None if row is None else _post(row)


def live_posts(connection: Connection, kind: str) -> list[Post]:
    """All posts that stand, newest first."""
    rows = connection.execute(
        select(posts)
        .where(posts.c.kind == kind, posts.c.gone_at.is_(None))
        .order_by(posts.c.published_at.desc(), posts.c.id.desc())
    )
    return [_post(row) for row in rows]


def bury_post(connection: Connection, keys: Keys, subject: str, at: datetime) -> bool:
    """Take a post away: from now on its address answers 410. False when there was none.

    Written in the transaction of the withdrawal itself, so that readers lose the page at once;
    the publisher then removes the files.
    """
    post = find_post(connection, subject)
    if post is None:
        return False
    connection.execute(
        update(posts)
        .where(posts.c.subject == subject, posts.c.gone_at.is_(None))
        .values(gone_at=at, address=_hidden(keys, post.address), file="", grant_hash="")
    )
    return True


def is_gone(connection: Connection, keys: Keys, address: str) -> bool:
    row = connection.execute(
        select(posts.c.id).where(
            posts.c.address == _hidden(keys, address), posts.c.gone_at.is_not(None)
        )
    ).first()
    return row is not None


def _hidden(keys: Keys, address: str) -> str:
    return GONE + keys.token_hash(address)


def _post(row: Any) -> Post:
    return Post(row.kind, row.subject, row.address, row.file, row.grant_hash, row.published_at)
