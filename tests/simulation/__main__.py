"""Live a year and judge it: python -m tests.simulation --people 2000. Ends with 1 if it failed."""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
import tempfile
import time
from pathlib import Path

from tests.servers.mail import MailServer, why_unavailable
from tests.servers.postgres import PostgresServer
from tests.simulation.verdict import verdict
from tests.simulation.year import DAYS, Year


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--people", type=int, default=2000)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    given = parser.parse_args()
    reason = why_unavailable()
    if reason:
        print(f"There is no mail server for the simulation: {reason}", file=sys.stderr)
        return 2
    logging.disable(logging.CRITICAL)
    begin, cpu = time.monotonic(), time.process_time()
    with contextlib.ExitStack() as opened:
        folder = opened.enter_context(tempfile.TemporaryDirectory())
        mail = opened.enter_context(MailServer())
        url = ""
        if given.database == "postgres":
            server = opened.enter_context(PostgresServer())
            url = server.url(server.new_database())
        year = Year(
            Path(folder) / "home",
            mail,
            people=given.people,
            seed=given.seed,
            days=given.days,
            database_url=url,
        )
        year.run(lambda line: print(line, flush=True))
        found = verdict(year)
        for what, count in sorted(year.tally.counts.items()):
            print(f"{count:7} {what}")
        print(f"{sum(year.tokens().values()):7} of our messages arrived")
        print(f"{len(year.tally.unknown):7} had an unknown outcome")
        for what, broken in found.items():
            print(f"{len(broken):7} {what} {broken[:5] or ''}")
        year.ledger.close()
    print(f"{time.monotonic() - begin:.0f} s, {time.process_time() - cpu:.0f} s of CPU")
    return 1 if any(found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
