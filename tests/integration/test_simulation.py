"""A small part of the simulated year; the whole one: python -m tests.simulation --people 2000."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.servers.mail import MailServer
from tests.simulation.verdict import verdict
from tests.simulation.year import Year

#: What even these few weeks have to contain, or they prove nothing; of the answers, one.
TRIED = ("said", "asked", "greeted", "stops", "workers killed")
ANSWERED = ("answered in words", "yes on the page", "no on the page")


@pytest.mark.mail
@pytest.mark.timeout(300)
def test_weeks_in_which_everything_goes_wrong_break_no_promise(
    tmp_path: Path, mail_server: MailServer
) -> None:
    year = Year(tmp_path / "home", mail_server, people=20, seed=3, days=25)
    year.run(print)
    broken = {what: found for what, found in verdict(year).items() if found}
    print(dict(year.tally.counts))
    year.ledger.close()
    assert broken == {}
    for what in TRIED:
        assert year.tally.counts[what] > 0, f"nothing was tried: {what}"
    assert any(year.tally.counts[what] for what in ANSWERED)
