"""Stopping by the link that every mail of ours carries in its headers."""

from __future__ import annotations

from typing import Any

from ledger import stopping
from ledger.contributors import handles_of
from ledger.database import Ledger
from ledger.known_as import bearers_of
from ledger.stop_links import contributor_of_stop_link


def is_stop_link(ledger: Ledger, token: str) -> bool:
    """Whether this token is one of ours; reads only."""
    with ledger.read() as connection:
        return contributor_of_stop_link(connection, ledger.keys, token) is not None


def stop_by_link(ledger: Ledger, token: str, evidence: dict[str, Any]) -> bool:
    """No more messages to whom this token was sent, on any channel; False for an unknown one.

    Doing it again changes nothing. One person may be known by the form and by mail: everybody
    who is reached at the same addresses is meant.
    """
    if not is_stop_link(ledger, token):
        return False  # a guess costs us no writing transaction
    now = ledger.clock()
    with ledger.write() as connection:
        contributor_id = contributor_of_stop_link(connection, ledger.keys, token)
        if contributor_id is None:
            return False
        meant = {contributor_id}
        for handle in handles_of(connection, contributor_id):
            meant |= bearers_of(connection, handle.address, handle.contact)
        for each in sorted(meant):
            stopping.stop(connection, ledger.keys, now, each, evidence)
    return True
