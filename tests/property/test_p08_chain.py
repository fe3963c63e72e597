"""P08: the chain detects byte flips, deletions, reorderings, and with a head a cut-off tail.

Every tampering is made in the real SQLite file, by SQL and without foreign keys, as someone
with the file but without the keys could.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ledger import chain
from ledger.chain import Break, Head
from ledger.database import Ledger, connect, sqlite_module
from ledger.heads import export_head, read_heads, verify_chain
from tests.sample_ledger import fill, make_ledger

TAMPERINGS = 1000
EVENT_COLUMNS = ("seq", "prev_hash", "hash", "kind", "subject", "at", "commitment")
PAYLOAD_COLUMNS = ("seq", "contributor_id", "sealed")

Row = tuple[Any, ...]


class Tampered:
    """A copy of one good instance whose database file is changed and put back again and again."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.file = ledger.settings.home / "definedby.sqlite"
        self.good = self.file.with_suffix(".good")
        ledger.engine.dispose()
        shutil.copyfile(self.file, self.good)

    def change(self, tamper: Callable[[Any], str]) -> str:
        """Put the good file back, then let `tamper` change it; returns what it says it did."""
        shutil.copyfile(self.good, self.file)
        connection = sqlite_module().connect(str(self.file))
        try:
            connection.execute("PRAGMA synchronous=OFF")
            said = tamper(connection)
            connection.commit()
        finally:
            connection.close()
        return said

    def verify(self, heads: list[Head] | None = None) -> Break | Head:
        engine = connect(self.ledger.settings.database)
        try:
            return verify_chain(replace(self.ledger, engine=engine), heads or [])
        finally:
            engine.dispose()


@pytest.fixture(scope="module")
def tampered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tampered]:
    ledger = make_ledger(tmp_path_factory.mktemp("chain") / "home")
    fill(ledger, 18)
    yield Tampered(ledger)
    ledger.close()


def rows(connection: Any, table: str, columns: tuple[str, ...]) -> list[Row]:
    found: list[Row] = connection.execute(
        f"SELECT {', '.join(columns)} FROM {table} ORDER BY seq"
    ).fetchall()
    return found


def flipped(value: Any, chance: random.Random) -> Any:
    """One bit of one byte changed, in the bytes as SQLite keeps them."""
    if isinstance(value, int):
        return value ^ (1 << chance.randrange(12))
    content = bytearray(value.encode() if isinstance(value, str) else value)
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    return bytes(content)


def flip_a_byte(connection: Any, chance: random.Random) -> str:
    table, columns = chance.choice((("events", EVENT_COLUMNS), ("event_payloads", PAYLOAD_COLUMNS)))
    row = chance.choice(rows(connection, table, columns))
    column = chance.choice([name for name, value in zip(columns, row, strict=True) if value])
    value = row[columns.index(column)]
    changed = flipped(value, chance)
    # CAST keeps the column's own storage class, as a flip in the file would.
    mark = "CAST(? AS TEXT)" if isinstance(value, str) else "?"
    connection.execute(
        f"UPDATE OR REPLACE {table} SET {column} = {mark} WHERE seq = ?", (changed, row[0])
    )
    return f"{table}.{column} of {row[0]} flipped to {changed!r}"


def change_the_type(connection: Any, chance: random.Random) -> str:
    column = chance.choice(EVENT_COLUMNS[1:])
    seq = chance.choice(rows(connection, "events", EVENT_COLUMNS))[0]
    connection.execute(f"UPDATE events SET {column} = CAST({column} AS BLOB) WHERE seq = ?", (seq,))
    return f"events.{column} of {seq} is a blob now"


def delete_a_row(connection: Any, chance: random.Random) -> str:
    table = chance.choice(("events", "event_payloads"))
    # Deleting the newest event is cutting off the tail, which needs a head: see below.
    seq = chance.choice(rows(connection, table, PAYLOAD_COLUMNS[:1])[:-1])[0]
    connection.execute(f"DELETE FROM {table} WHERE seq = ?", (seq,))
    return f"{table} {seq} deleted"


def empty_a_payload(connection: Any, chance: random.Random) -> str:
    kept = [row[0] for row in rows(connection, "event_payloads", PAYLOAD_COLUMNS) if row[2]]
    seq = chance.choice(kept)
    connection.execute("UPDATE event_payloads SET sealed = NULL WHERE seq = ?", (seq,))
    return f"payload of {seq} emptied, without an erasure"


def swap_rows(connection: Any, chance: random.Random) -> str:
    table, columns = chance.choice((("events", EVENT_COLUMNS), ("event_payloads", PAYLOAD_COLUMNS)))
    kept = [row for row in rows(connection, table, columns) if row[-1]]
    one, other = chance.sample(kept, 2)
    _put(connection, table, columns, (one[0], *other[1:]))
    _put(connection, table, columns, (other[0], *one[1:]))
    return f"{table} {one[0]} and {other[0]} swapped"


def reorder(connection: Any, chance: random.Random) -> str:
    """A stretch of events in another order, payloads moved along."""
    for_events = rows(connection, "events", EVENT_COLUMNS)
    sealed = {row[0]: row for row in rows(connection, "event_payloads", PAYLOAD_COLUMNS)}
    start = chance.randrange(len(for_events) - 3)
    stretch = for_events[start : start + chance.randrange(2, 8)]
    order = stretch[:]
    while order == stretch:
        chance.shuffle(order)
    for place, row in zip(stretch, order, strict=True):
        _put(connection, "events", EVENT_COLUMNS, (place[0], *row[1:]))
        _put(connection, "event_payloads", PAYLOAD_COLUMNS, (place[0], *sealed[row[0]][1:]))
    return f"events from {stretch[0][0]} reordered"


def rehash_one(connection: Any, chance: random.Random) -> str:
    """The forger knows how hashes are made, and makes the changed event's own hash fit."""
    return _rehash(connection, chance, following=False)


def rehash_the_rest(connection: Any, chance: random.Random) -> str:
    """And even makes all that follow fit: only the sealed payloads, bound to hashes, can't."""
    return _rehash(connection, chance, following=True)


def _rehash(connection: Any, chance: random.Random, *, following: bool) -> str:
    all_rows = rows(connection, "events", EVENT_COLUMNS)
    start = chance.randrange(len(all_rows))
    row = dict(zip(EVENT_COLUMNS, all_rows[start], strict=True))
    column, value = chance.choice(
        (
            ("kind", "granted" if row["kind"] != "granted" else "withdrawn"),
            ("subject", f"{chance.getrandbits(128):032x}"),
            ("at", "2020-01-01T00:00:00.000000+00:00"),
            ("commitment", f"{chance.getrandbits(256):064x}"),
        )
    )
    row[column] = value
    before = row["prev_hash"]
    for found in all_rows[start : None if following else start + 1]:
        link = row if found[0] == row["seq"] else dict(zip(EVENT_COLUMNS, found, strict=True))
        link["prev_hash"] = before
        before = link["hash"] = chain.link_hash(
            link["seq"], before, link["kind"], link["subject"], link["at"], link["commitment"]
        )
        _put(connection, "events", EVENT_COLUMNS, tuple(link[name] for name in EVENT_COLUMNS))
    connection.execute("UPDATE chain_head SET hash = (SELECT hash FROM events ORDER BY seq DESC)")
    return f"event {row['seq']}: {column} = {value}, rehashed"


def _put(connection: Any, table: str, columns: tuple[str, ...], row: Row) -> None:
    marks = ", ".join("?" * len(columns))
    # Hashes are unique, so a row on its way to another place would displace its twin.
    connection.execute("DROP INDEX IF EXISTS uq_events_hash")
    connection.execute(
        f"INSERT OR REPLACE INTO {table} ({', '.join(columns)}) VALUES ({marks})", row
    )


WAYS = (
    *(flip_a_byte, change_the_type, delete_a_row, empty_a_payload),
    *(swap_rows, reorder, rehash_one, rehash_the_rest),
)


@pytest.mark.parametrize("part", range(4))
def test_p08_random_tamperings_are_all_detected(tampered: Tampered, part: int) -> None:
    chance = random.Random(808 + part)
    missed = []
    for number in range(part, TAMPERINGS, 4):
        way = WAYS[number // 4 % len(WAYS)] if number % 2 else flip_a_byte
        said = tampered.change(lambda connection, way=way: way(connection, chance))
        found = tampered.verify()
        if not isinstance(found, Break):
            missed.append(said)
    assert missed == []


def test_p08_the_untouched_chain_holds(tampered: Tampered) -> None:
    tampered.change(lambda _connection: "")
    found = tampered.verify()
    assert isinstance(found, Head)
    assert found.seq >= 60


def test_p08_the_first_broken_event_is_named(tampered: Tampered) -> None:
    tampered.change(
        lambda connection: connection.execute(
            "UPDATE events SET kind = 'refused' WHERE seq IN (40, 50)"
        )
    )
    found = tampered.verify()
    assert isinstance(found, Break)
    assert found.seq == 40


def cut_tail(connection: Any, *, keep: int, cover_up: bool) -> str:
    for table in ("event_payloads", "events"):
        connection.execute(f"DELETE FROM {table} WHERE seq > ?", (keep,))
    if cover_up:
        connection.execute(
            "UPDATE chain_head SET seq = ?, hash = (SELECT hash FROM events WHERE seq = ?)",
            (keep, keep),
        )
    return f"cut after {keep}"


@pytest.mark.parametrize("keep", [1, 30, 60])
def test_p08_a_cut_off_tail_is_detected_with_the_exported_head(
    tampered: Tampered, keep: int
) -> None:
    tampered.change(lambda _connection: "")
    folder = export_head(tampered.ledger).parent
    tampered.ledger.engine.dispose()
    heads = read_heads(folder, tampered.ledger.keys)
    tampered.change(lambda connection: cut_tail(connection, keep=keep, cover_up=True))

    assert isinstance(tampered.verify(), Head), "without a head nothing is left to tell"
    found = tampered.verify(heads)
    assert isinstance(found, Break)
    assert found.seq == keep + 1


def test_p08_a_tail_cut_without_covering_up_is_detected_by_itself(tampered: Tampered) -> None:
    tampered.change(lambda connection: cut_tail(connection, keep=30, cover_up=False))
    found = tampered.verify()
    assert isinstance(found, Break)
    assert found.seq == 31


def test_p08_todays_head_is_not_replaced_by_that_of_a_cut_chain(
    tampered: Tampered, tmp_path: Path
) -> None:
    from ledger.heads import BrokenLedgerError

    tampered.change(lambda _connection: "")
    before = export_head(tampered.ledger).read_bytes()
    tampered.ledger.engine.dispose()
    tampered.change(lambda connection: cut_tail(connection, keep=30, cover_up=True))
    with pytest.raises(BrokenLedgerError, match="is gone from the chain"):
        export_head(tampered.ledger)
    tampered.ledger.engine.dispose()
    assert next((tampered.ledger.settings.home / "heads").iterdir()).read_bytes() == before


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM chain_head",
        "UPDATE chain_head SET seq = seq + 1",
        "UPDATE chain_head SET seq = 30",
        "UPDATE chain_head SET hash = upper(hash)",
        "UPDATE event_payloads SET sealed = CAST('words' AS TEXT) WHERE seq = 9",
        "UPDATE event_payloads SET sealed = x'00' WHERE seq = 9",
        "UPDATE contributors SET sealed_key = x'ff'",
        "DELETE FROM contributors",
    ],
)
def test_p08_tampering_around_the_events_is_detected(tampered: Tampered, statement: str) -> None:
    tampered.change(lambda connection: connection.execute(statement))
    assert isinstance(tampered.verify(), Break)
