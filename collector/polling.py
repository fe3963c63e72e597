"""Read accounts side by side: each has a turn in a thread of its own, and one that hangs is given
up, so that it delays nobody else.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from collector.channels import POLLED
from collector.poll import PollReport, least_wait, poll_account, wait_after
from collector.turns import Turn
from ledger.accounts import all_accounts, due_accounts, note_failure
from ledger.database import Ledger
from ledger.errors import DefinedbyError
from ledger.leases import Lease, LeaseLostError
from ledger.model import Account, ReadingState

#: Seconds after which a turn is given up. A turn of many pages ends by itself after two minutes
#: (LONGEST_TURN in collector/poll.py), and a connector waits for no answer longer than 30 s.
LONGEST_TURN_SECONDS = 300.0
#: Turns at a time. They mostly wait for servers, so this may be many.
MOST_TURNS = 32
#: Turns of one account that were given up and hang still. With so many it has no new one.
MOST_HANGING = 3

log = structlog.get_logger("poll")


class Poller:
    """The turns of one process. One thread at a time may use it."""

    def __init__(self, longest_seconds: float = LONGEST_TURN_SECONDS) -> None:
        self._longest = longest_seconds
        self._turns: dict[int, tuple[Account, Turn[PollReport]]] = {}
        self._hanging: dict[int, list[Turn[PollReport]]] = {}

    def start_due(self, ledger: Ledger, lease: Lease | None = None) -> None:
        """Begin a turn for each account whose time has come; waits for none.

        Raises DefinedbyError when the ledger failed a turn that has ended since.
        """
        self._settle(ledger, _unless_lease_was_lost)
        with ledger.read() as connection:
            due = due_accounts(connection, ledger.keys, ledger.clock(), POLLED)
        for account in due:
            if len(self._turns) >= MOST_TURNS:
                break
            if account.id not in self._turns:
                self.start(ledger, account, lease)

    def start(self, ledger: Ledger, account: Account, lease: Lease | None = None) -> None:
        """Begin a turn for this account, unless too many of it hang already."""
        hanging = [turn for turn in self._hanging.get(account.id, []) if not turn.has_ended]
        self._hanging[account.id] = hanging
        if len(hanging) >= MOST_HANGING:
            self._note(
                ledger,
                account,
                f"Its server still holds on to {len(hanging)} earlier tries. It is tried again "
                "once the server lets go of one, or after a restart of the worker.",
            )
            return
        turn = Turn(lambda own: _performed(ledger, account, lease, own), f"poll-{account.id}")
        self._turns[account.id] = (account, turn)

    def finish(self, ledger: Ledger) -> list[PollReport]:
        """Wait until every turn has ended or was given up; what came of them, in their order.

        Raises LeaseLostError, and DefinedbyError when the ledger failed.
        """
        for _, turn in self._turns.values():
            turn.wait(self._longest - turn.seconds)
        return self._settle(ledger, _always)

    def _settle(
        self, ledger: Ledger, is_raised: Callable[[DefinedbyError], bool]
    ) -> list[PollReport]:
        reports, errors = [], []
        for number, (account, turn) in list(self._turns.items()):
            if turn.has_ended:
                try:
                    reports.append(turn.result())
                except DefinedbyError as error:
                    errors.append(error)
            elif turn.seconds >= self._longest:
                reports.append(self._give_up(ledger, account, turn))
            else:
                continue
            del self._turns[number]
        raised = next(filter(is_raised, errors), None)
        if raised is not None:
            raise raised
        return reports

    def _give_up(self, ledger: Ledger, account: Account, turn: Turn[PollReport]) -> PollReport:
        turn.given_up.set()
        self._hanging.setdefault(account.id, []).append(turn)
        return self._note(
            ledger,
            account,
            f"It was not done within {self._longest:.0f} seconds and was given up. It is tried "
            "again by itself; if it stays so, see whether its server works, or pause the account.",
        )

    def _note(self, ledger: Ledger, account: Account, sentence: str) -> PollReport:
        log.warning("account given up", account=account.name, reason=sentence)
        _note_trouble(ledger, account, sentence)
        return PollReport(account.name, account.channel, error=sentence)


def poll_due(ledger: Ledger, lease: Lease | None = None) -> list[PollReport]:
    """Read the accounts whose time has come. With a lease, stop as soon as it is lost."""
    poller = Poller()
    poller.start_due(ledger, lease)
    return poller.finish(ledger)


def poll_all(
    ledger: Ledger, name: str = "", started: Callable[[Account], None] | None = None
) -> list[PollReport]:
    """Read every account now, or the one with this name, due or not; none that rests."""
    with ledger.read() as connection:
        wanted = [
            account
            for account in all_accounts(connection, ledger.keys)
            if account.channel in POLLED
            and name in ("", account.name)
            and account.reading is ReadingState.ON
        ]
    reports = []
    for account in wanted:
        if started is not None:
            started(account)
        poller = Poller()
        poller.start(ledger, account)
        reports += poller.finish(ledger)
    return reports


def _performed(
    ledger: Ledger, account: Account, lease: Lease | None, turn: Turn[PollReport]
) -> PollReport:
    try:
        return poll_account(ledger, account, lease, turn.given_up.is_set)
    except DefinedbyError:
        raise
    except Exception as error:
        # One connector that breaks must not end the others, and its editor has to know.
        log.exception("reading failed in a way nobody foresaw", account=account.name)
        sentence = (
            f"Reading broke in a way nobody foresaw ({type(error).__name__}). It is tried again "
            "by itself; please report it, with what the worker's log says."
        )
        if not turn.given_up.is_set():
            _note_trouble(ledger, account, sentence)
        return PollReport(account.name, account.channel, error=sentence)


def _note_trouble(ledger: Ledger, account: Account, sentence: str) -> None:
    wait = max(wait_after(account.failures, permanent=False), least_wait(ledger, account))
    with ledger.write() as connection:
        note_failure(connection, account.id, error=sentence, next_poll_at=ledger.clock() + wait)


def _always(_error: DefinedbyError) -> bool:
    return True


def _unless_lease_was_lost(error: DefinedbyError) -> bool:
    """Who lost it to another worker reads on there; who took a new one reads again."""
    return not isinstance(error, LeaseLostError)
