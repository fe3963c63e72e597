"""The whole chain is read in bulk: how often the database is asked depends on its length alone."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from bench.chain import write_chain
from ledger import walk
from ledger.chain import Head
from ledger.database import Ledger
from ledger.heads import verify_chain


def test_p08_a_walk_asks_the_database_once_for_many_events(
    any_ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "BATCH", 100)
    write_chain(any_ledger, 400)
    asked = []
    event.listen(any_ledger.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    found = verify_chain(any_ledger)
    assert isinstance(found, Head)
    assert found.seq == 400
    assert len(asked) <= 400 / 100 + 4, "a key is looked up for each person, or a payload for each"


def test_a_walk_forgets_keys_and_still_opens_everything(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "MOST_KEYS", 7)
    write_chain(ledger, 100)
    assert verify_chain(ledger).seq == 100
    assert isinstance(verify_chain(ledger), Head)
