"""Run every comparison and print one table; names as arguments choose some of them."""

from __future__ import annotations

import sys

from bench import chain, intake, start

COMPARISONS = {"chain": chain.compare, "intake": intake.compare, "start": start.compare}


def main() -> int:
    """Returns 1 when a target was missed."""
    missed = False
    for name in sys.argv[1:] or list(COMPARISONS):
        for line in COMPARISONS[name]():
            print(line, flush=True)
            missed |= "MISSED" in line
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
