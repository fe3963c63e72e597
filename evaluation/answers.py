"""How well answers are read: precision and recall per decision, and the confusion table.

`make eval` prints it for the half that the rules were tuned with and, where
it lies beside it, for the half that was set aside.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from consent.answers import Decided, read_answer

FOLDER = Path(__file__).parent.parent / "tests" / "labelled"
TUNED = FOLDER / "answers_tuned.jsonl"
CHECKED = FOLDER / "answers_checked.jsonl"
ASIDE = FOLDER / "answers_aside.jsonl"


@dataclass(frozen=True)
class Scores:
    """`table` counts (labelled, read). Rows never show in a failing test: some are set aside."""

    table: Counter[tuple[str, str]]
    wrong: tuple[tuple[dict[str, Any], str], ...] = field(repr=False)
    changes_found: int
    changes: int

    @property
    def total(self) -> int:
        return sum(self.table.values())

    @property
    def right(self) -> float:
        return sum(count for (want, got), count in self.table.items() if want == got) / self.total

    @property
    def false_grants(self) -> int:
        return sum(
            count
            for (want, got), count in self.table.items()
            if got == Decided.GRANT and want != Decided.GRANT
        )

    def precision(self, decision: str) -> float:
        read = sum(count for (_, got), count in self.table.items() if got == decision)
        return self.table[decision, decision] / read if read else 1.0

    def recall(self, decision: str) -> float:
        labelled = sum(count for (want, _), count in self.table.items() if want == decision)
        return self.table[decision, decision] / labelled if labelled else 1.0


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def score(rows: list[dict[str, Any]]) -> Scores:
    table: Counter[tuple[str, str]] = Counter()
    wrong = []
    found = wanted = 0
    for row in rows:
        read = read_answer(row["asked"], row["answer"], row["channel"])
        table[row["decision"], read.decision] += 1
        if read.decision != row["decision"]:
            wrong.append((row, f"{read.decision}: {read.reason}"))
        for change in row["changes"]:
            wanted += 1
            found += any(change in quote.quote or quote.quote in change for quote in read.changes)
    return Scores(table, tuple(wrong), found, wanted)


def show(name: str, path: Path) -> None:
    if not path.exists():
        print(f"\nAnswers, {name}: {path.name} is not there.")
        return
    scores = score(rows_of(path))
    print(f"\nAnswers, {name}: {scores.total} rows, {scores.right:.1%} right, ", end="")
    print(f"{scores.false_grants} false grants, ", end="")
    print(f"changes quoted {scores.changes_found} of {scores.changes}")
    print(f"{'':12} precision  recall")
    for decision in Decided:
        print(f"{decision:12} {scores.precision(decision):9.1%} {scores.recall(decision):7.1%}")
    print("labelled \\ read".ljust(16), *(f"{decision:>11}" for decision in Decided))
    for want in Decided:
        print(f"{want:16}", *(f"{scores.table[want, got]:11}" for got in Decided))
    if "-v" in sys.argv and path == TUNED:
        for row, got in scores.wrong:
            print(f"{row['id']} {row['lang']} {row['decision']}, read {got}\n    {row['answer']!r}")


def report() -> None:
    """Print a table for each set; a missing one is named. With -v, the tuned rows that are misread.

    Misread rows of the other two never show: rules that are made for them would prove nothing.
    """
    show("tuned", TUNED)
    show("checked", CHECKED)
    show("set aside", ASIDE)
