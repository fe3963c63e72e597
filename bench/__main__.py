"""Run every comparison and print one table; a name chooses one, and may have options."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from bench import chain, intake, publisher, start


def main() -> int:
    """Returns 1 when a target was missed."""
    name, *options = sys.argv[1:] or [""]
    lines: dict[str, Iterator[str]] = {
        "chain": chain.compare(),
        "intake": intake.compare(),
        "start": start.compare(),
        "publisher": publisher.compare(options),
    }
    missed = False
    for line in (line for one in ([name] if name else lines) for line in lines[one]):
        print(line, flush=True)
        missed |= "MISSED" in line
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
