"""Different mails under one Message-ID: broken programs make them, and none may be lost (P16).

RFC 5322 3.6.4 demands that ids are unique, and re-reading a mailbox relies on it. So the id
stays the key, and only a mail that says something else under a known one gets a longer one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from ledger.inserting import BATCH, insert_new
from ledger.tables import replies

DIGITS = 16
#: Between the id and the hash of what it says; no Message-ID has one after its last bracket.
MARK = "#"


def store_namesakes(
    connection: Connection, columns: Mapping[str, Sequence[Any]], same: Mapping[str, Any]
) -> int:
    """Store those of the rows just offered to `insert_new` that were taken for another of the
    same id. Returns how many were new.
    """
    stored = 0
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    account_id = same["account_id"]
    for start in range(0, len(rows), BATCH):
        some = rows[start : start + BATCH]
        known = _known(connection, account_id, some)
        others = [
            {**row, "external_id": _longer(row)}
            for row in some
            if known.get(row["external_id"]) != _said(row)
            and not _is_kept(connection, account_id, row)
        ]
        if others:
            longer = {name: [row[name] for row in others] for name in columns}
            stored += insert_new(connection, replies, longer, same)
    return stored


def _known(
    connection: Connection, account_id: int, rows: Sequence[dict[str, Any]]
) -> dict[str, tuple[str, ...]]:
    found = connection.execute(
        select(replies.c.external_id, replies.c.address, replies.c.subject, replies.c.text).where(
            replies.c.account_id == account_id,
            replies.c.external_id.in_({row["external_id"] for row in rows}),
        )
    )
    return {row.external_id: (row.address, row.subject, row.text) for row in found}


def _is_kept(connection: Connection, account_id: int, row: dict[str, Any]) -> bool:
    """Whether it is the very source that we have, read otherwise by an older version of us."""
    raw = connection.execute(
        select(replies.c.raw).where(
            replies.c.account_id == account_id,
            replies.c.external_id == row["external_id"],
        )
    ).scalar()
    return bool(raw == row["raw"])


def _said(row: dict[str, Any]) -> tuple[str, ...]:
    """What makes two mails the same: the way they came is no part of it."""
    return row["address"], row["subject"], row["text"]


def _longer(row: dict[str, Any]) -> str:
    said = "\0".join(_said(row)).encode("utf-8", "replace")
    digest = hashlib.sha256(said).hexdigest()[:DIGITS]
    return f"{row['external_id'][: 998 - DIGITS - len(MARK)]}{MARK}{digest}"
