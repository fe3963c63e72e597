"""Changes in one running process, as the worker makes them: `python -m bench.changes HOME N`."""

from __future__ import annotations

import random
import statistics
import sys
import time
from pathlib import Path

from sqlalchemy import select

from bench.publisher import EVIDENCE, _ledger, regrant
from consent.decisions import withdraw
from ledger.database import Ledger
from ledger.tables import site_entries
from publisher.publish import publish_pending

#: The first changes of a process build statements and templates that later ones find.
WARMING = 5


def main() -> None:
    ledger, count = _ledger(Path(sys.argv[1])), int(sys.argv[2])
    with ledger.read() as connection:
        ids = list(connection.execute(select(site_entries.c.definition_id)).scalars())
    chance = random.Random(11)
    chosen = iter(chance.sample(ids, min(len(ids), 3 * (count + WARMING))))
    publish_pending(ledger)
    withdrawn = _measure(ledger, count, lambda: withdraw(ledger, next(chosen), EVIDENCE))
    granted = _measure(
        ledger, count, lambda: regrant(ledger, next(chosen), f"Other words {chance.random()}.")
    )
    ledger.engine.dispose()
    for name, taken in (("withdrawal", withdrawn), ("new grant", granted)):
        cpu = [one for one, _ in taken]
        print(
            f"one {name} in a running process: {statistics.median(cpu):.1f} ms of CPU "
            f"({min(cpu):.1f} to {max(cpu):.1f}), at most {max(files for _, files in taken)} files"
        )
    began = time.process_time()
    for _ in range(100):
        publish_pending(ledger)
    print(f"nothing to do: {(time.process_time() - began) * 10:.2f} ms of CPU")
    print(f"this machine now: {_yardstick():.1f} ms of CPU for a million turns of an empty loop")


def _measure(ledger: Ledger, count: int, change: object) -> list[tuple[float, int]]:
    taken = []
    for number in range(count + WARMING):
        change()  # type: ignore[operator]
        began = time.process_time()
        report = publish_pending(ledger)
        spent = (time.process_time() - began) * 1000
        assert report is not None
        if number >= WARMING:
            taken.append((spent, report.written))
    return taken


def _yardstick() -> float:
    began = time.process_time()
    for _ in range(1_000_000):
        pass
    return (time.process_time() - began) * 1000


if __name__ == "__main__":
    main()
