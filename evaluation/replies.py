"""Labelled replies against collector.reading: accuracy per kind, exact words, confusion."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from collector.reading.stream import readings_of

LABELLED = Path(__file__).parent.parent / "tests" / "labelled"
#: What rules are tuned on; rows written together with some of these, by which it is checked that
#: rules hold for others too; and what nobody who writes rules may read.
SETS = {
    "tuned": LABELLED / "replies_tuned.jsonl",
    "checked": LABELLED / "replies_checked.jsonl",
    "set aside": LABELLED / "replies_aside.jsonl",
}
KINDS = ("definition", "question", "thanks", "stop", "spam", "other")


@dataclass
class Score:
    """What a set came to. `confusion` counts (labelled, read); `wrong` are the ids of misses."""

    rows: int = 0
    confusion: Counter[tuple[str, str]] = field(default_factory=Counter)
    exact: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def definitions(self) -> int:
        return sum(n for (labelled, _), n in self.confusion.items() if labelled == "definition")

    @property
    def kind_accuracy(self) -> float:
        right = sum(n for (labelled, read), n in self.confusion.items() if labelled == read)
        return right / self.rows if self.rows else 0.0

    @property
    def exact_accuracy(self) -> float:
        return self.exact / self.definitions if self.definitions else 0.0


def score(rows: Iterable[dict[str, Any]]) -> Score:
    """Read each row as `definedby read --jsonl` does and compare with its label.

    Words are the same when they differ in white space at most.
    """
    found = Score()
    for row in rows:
        line = json.dumps(row).encode()
        (answer,) = readings_of(io.BytesIO(line))
        labelled, read = row["kind"], answer.get("kind", "error")
        found.rows += 1
        found.confusion[labelled, read] += 1
        same = _plain(answer.get("definition")) == _plain(row.get("definition"))
        found.exact += labelled == "definition" and same
        if labelled != read or not same:
            found.wrong.append(str(row["id"]))
    return found


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def report(out: TextIO) -> None:
    """Print a table for each set; a missing one is named."""
    for name, path in SETS.items():
        print(f"\nReplies, {name}: ", end="", file=out)
        if path.exists():
            found = score(rows_of(path))
            _print(found, out)
            if found.wrong and name == "tuned":
                print("  misses: " + " ".join(found.wrong), file=out)
        else:
            print(f"there is no {path.name} here.", file=out)


def _print(found: Score, out: TextIO) -> None:
    print(
        f"{found.rows} rows. Kind {found.kind_accuracy:.1%}; "
        f"exact words {found.exact_accuracy:.1%} of {found.definitions} definitions.",
        file=out,
    )
    print("  labelled \\ read" + "".join(f"{kind:>12}" for kind in KINDS) + "    right", file=out)
    for labelled in KINDS:
        counts = [found.confusion[labelled, read] for read in KINDS]
        total = sum(n for (label, _), n in found.confusion.items() if label == labelled)
        right = f"{found.confusion[labelled, labelled] / total:.1%}" if total else "-"
        print(f"  {labelled:<15}" + "".join(f"{n:>12}" for n in counts) + f"{right:>9}", file=out)


def _plain(words: str | None) -> str:
    return " ".join((words or "").split())
