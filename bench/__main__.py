"""Run every comparison and print one table; names as arguments choose some of them."""

from __future__ import annotations

import sys

from bench import chain, intake, start

COMPARISONS = {"chain": chain.compare, "intake": intake.compare, "start": start.compare}


def main() -> None:
    wanted = sys.argv[1:] or list(COMPARISONS)
    for name in wanted:
        for line in COMPARISONS[name]():
            print(line, flush=True)


if __name__ == "__main__":
    main()
