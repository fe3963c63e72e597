"""How long a command takes to answer, against importing Flask alone in the same run."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence

RUNS = 7


def compare() -> Iterator[str]:
    flask = _cpu([sys.executable, "-c", "import flask"])
    for name, command in {
        "definedby --help": [sys.executable, "-m", "app", "--help"],
        "the web application": [sys.executable, "-c", "import web.application"],
    }.items():
        own = _cpu(command)
        yield f"start: {name} takes {own:.2f} s of CPU, {own / flask:.1f} times 'import flask'"


def _cpu(command: Sequence[str]) -> float:
    """Median CPU seconds of a whole process, children included."""
    spent = []
    for _ in range(RUNS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=dict(os.environ))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(spent)
