"""Which files are ours: every composed and every built file is a row of `outputs`.

The hash is keyed: a bare hash of a page would be a bare hash of somebody's words.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, bindparam, delete, select, update

from ledger.keys import Keys
from ledger.prepared import Prepared, inserting
from ledger.tables import outputs

#: Marks files of the content folder; all other rows are paths of the site.
CONTENT = "content:"
_INSERT = inserting(outputs)
_THIS = outputs.c.path == bindparam("at")
_CHANGE = Prepared(update(outputs).where(_THIS).values(hash=bindparam("hash")))
_DROP = Prepared(delete(outputs).where(_THIS))


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
    _INSERT.run(connection, new)
    _CHANGE.run(connection, changed)


def drop_claims(connection: Connection, paths: Iterable[str]) -> None:
    _DROP.run(connection, [{"at": path} for path in sorted(paths)])
