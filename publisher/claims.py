"""Which files are ours: every composed and every built file is a row of `outputs`.

The hash is keyed: a bare hash of a page would be a bare hash of somebody's words.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from ledger.keys import Keys
from ledger.tables import outputs

#: Marks files of the content folder; all other rows are paths of the site.
CONTENT = "content:"
BATCH = 500


def hash_of(keys: Keys, content: bytes) -> str:
    return keys.token_hash(hashlib.sha256(content).hexdigest())


def claimed(connection: Connection, *, content: bool) -> dict[str, str]:
    """Path to hash of what we wrote: Markdown below the content folder, or files of the site."""
    of_content = outputs.c.path.startswith(CONTENT, autoescape=True)
    rows = connection.execute(
        select(outputs.c.path, outputs.c.hash).where(of_content if content else ~of_content)
    )
    return {path.removeprefix(CONTENT): value for path, value in rows}


def change_claims(
    connection: Connection,
    before: Mapping[str, str],
    after: Mapping[str, str],
    prefix: str = "",
) -> None:
    """Make the rows with `prefix` say `after`, touching only those that differ."""
    drop_claims(connection, (prefix + path for path in before.keys() - after.keys()))
    new = [
        {"path": prefix + path, "hash": after[path]}
        for path in sorted(after.keys() - before.keys())
    ]
    changed = [
        {"at": prefix + path, "hash": after[path]}
        for path in sorted(after.keys() & before.keys())
        if after[path] != before[path]
    ]
    if new:
        connection.execute(insert(outputs), new)
    if changed:
        connection.execute(
            update(outputs).where(outputs.c.path == bindparam("at")).values(hash=bindparam("hash")),
            changed,
        )


def drop_claims(connection: Connection, paths: Iterable[str]) -> None:
    dropped = sorted(paths)
    for start in range(0, len(dropped), BATCH):
        connection.execute(
            delete(outputs).where(outputs.c.path.in_(dropped[start : start + BATCH]))
        )
