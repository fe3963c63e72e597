"""Erasing: everything about a person goes, at their own wish or on their word (GDPR, 17)."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from consent.decisions import Evidence
from consent.errors import NotNowError
from ledger import tables as t
from ledger.archive import ASIDE
from ledger.contributors import handles_of
from ledger.database import Ledger
from ledger.errors import TemporaryError
from ledger.forgetting import Forgotten, forget, forget_files, is_erased
from ledger.stop_list import sync_stops
from ledger.whose import Trace, trace

#: Shorter parts of a name may stand in any sentence.
LEAST_NAME_CHARACTERS = 4


@dataclass(frozen=True)
class WhatGoes:
    """How much is held of somebody. `published`: the addresses of their posts on the blog."""

    answers: int
    addresses: int
    messages: int
    published: tuple[str, ...]


def what_goes(ledger: Ledger, contributor_id: str) -> WhatGoes:
    """What an erasure would remove, to be shown before it; reads only."""
    with ledger.read() as connection:
        of = trace(connection, ledger.keys, contributor_id)
        published = connection.execute(
            select(t.posts.c.address)
            .where(t.posts.c.subject.in_(of.definitions), t.posts.c.gone_at.is_(None))
            .order_by(t.posts.c.address)
        ).scalars()
        return WhatGoes(_wrote(connection, of), len(of.handles), len(of.messages), tuple(published))


def erase(ledger: Ledger, contributor_id: str, evidence: Evidence) -> Forgotten:
    """Erase a person, and whoever is joined with them, at once and for good.

    `evidence` says who asked for it and how; it is kept in clear beside the chain's note that
    something was erased. Raises NotNowError when it names them, or when they were erased already.
    """
    now = ledger.clock()
    with ledger.write() as connection:
        if is_erased(connection, contributor_id):
            raise NotNowError("They have been erased already.", "There is nothing left of them.")
        _refuse_names(connection, ledger, contributor_id, str(evidence.get("quoted", "")))
        gone = forget(connection, ledger.keys, now, contributor_id, evidence)
    forget_files(ledger.settings.home / ASIDE, gone.definitions)
    # The worker keeps file and database the same; without room now, it does so a little later.
    with contextlib.suppress(TemporaryError):
        sync_stops(ledger)
    return gone


def _refuse_names(connection: Connection, ledger: Ledger, contributor_id: str, note: str) -> None:
    """The note stays when everything else goes, so it must not tell of whom it is."""
    said = note.casefold()
    of = trace(connection, ledger.keys, contributor_id)
    told = {one.casefold() for one in of.telling}
    for one in of.person:
        for handle in handles_of(connection, one):
            told |= set(handle.name.casefold().split())
            told.add(handle.address.lstrip("@").partition("@")[0].casefold())
    named = sorted(word for word in told if len(word) >= LEAST_NAME_CHARACTERS and word in said)
    if named:
        raise NotNowError(
            f"The note names them ('{named[0]}'), and it is kept when all else is gone.",
            "Say how you know without a name or an address, such as 'by mail on Monday'.",
        )


def _wrote(connection: Connection, of: Trace) -> int:
    return connection.execute(
        select(func.count())
        .select_from(t.replies)
        .where(t.replies.c.id.in_(of.replies), t.replies.c.automatic.is_(False))
    ).scalar_one()
