"""Changes in one running process, as the worker makes them: `python -m bench.changes HOME N`."""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import select

from bench.publisher import EVIDENCE, _ledger, regrant
from consent.decisions import withdraw
from ledger.database import Ledger
from ledger.tables import site_entries
from publisher.kept import Kept
from publisher.publish import publish_pending

#: The first changes of a process build statements and templates that later ones find.
WARMING = 5
#: Turns of an empty loop before each change: they tell how fast the machine is at that moment.
TURNS = 100_000


def main() -> None:
    ledger, count = _ledger(Path(sys.argv[1])), int(sys.argv[2])
    with ledger.read() as connection:
        ids = list(connection.execute(select(site_entries.c.definition_id)).scalars())
    chance = random.Random(11)
    chosen = iter(chance.sample(ids, min(len(ids), 3 * (count + WARMING))))
    kept = Kept()
    publish_pending(ledger, kept)
    changes: dict[str, Callable[[], None]] = {
        "withdrawal": lambda: withdraw(ledger, next(chosen), EVIDENCE),
        "new grant": lambda: regrant(ledger, next(chosen), f"Other words {chance.random()}."),
    }
    for name, change in changes.items():
        print(_measure(ledger, kept, count, name, change))
    yardstick = _yardstick()
    began = time.process_time()
    for _ in range(100):
        publish_pending(ledger, kept)
    print(_line("nothing to do", [(time.process_time() - began) * 10], [yardstick]))
    ledger.engine.dispose()


def _measure(ledger: Ledger, kept: Kept, count: int, name: str, change: Callable[[], None]) -> str:
    taken, speeds, files = [], [], 0
    for number in range(count + WARMING):
        change()
        speed = _yardstick()
        began = time.process_time()
        report = publish_pending(ledger, kept)
        spent = (time.process_time() - began) * 1000
        assert report is not None
        if number >= WARMING:
            taken.append(spent)
            speeds.append(speed)
            files = max(files, report.written)
    return f"{_line(f'one {name} in a running process', taken, speeds)}, at most {files} files"


def _line(name: str, taken: list[float], speeds: list[float]) -> str:
    """Milliseconds of CPU, and the same in turns of the loop, which a busy machine changes less."""
    turns = [spent / speed * TURNS for spent, speed in zip(taken, speeds, strict=True)]
    million = statistics.median(speeds) * 1_000_000 / TURNS
    return (
        f"{name}: {statistics.median(taken):.2f} ms of CPU ({min(taken):.2f} to {max(taken):.2f}) "
        f"while a million turns of an empty loop take {million:.0f} ms: "
        f"as many as {statistics.median(turns) / 1000:.0f} thousand turns"
    )


def _yardstick() -> float:
    began = time.process_time()
    for _ in range(TURNS):
        pass
    return (time.process_time() - began) * 1000


if __name__ == "__main__":
    main()
