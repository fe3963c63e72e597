"""Hear at once of new mail: a thread per mailbox whose server offers IDLE wakes the poll.

Nothing is read or stored here. When a thread hangs, breaks or is one too many, its account is
read at its usual interval all the same, so what goes wrong here is no news to anybody.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

import structlog

from collector.channels import LISTENING, open_connector
from collector.connector import ChannelError, ListeningConnector
from collector.mail.idle import Ear, NoIdleError
from ledger.accounts import all_accounts, wake_account
from ledger.database import Ledger
from ledger.errors import DefinedbyError
from ledger.leases import Lease, LeaseLostError, check_fence
from ledger.model import Account, ReadingState

#: Mailboxes beyond these are only polled: each costs a thread here and a connection there.
MOST_IDLING = 32
#: Seconds until a broken connection is made again, doubled each time it breaks soon ...
FIRST_WAIT = 5.0
MOST_WAIT = 600.0
#: ... and forgotten once it has lasted for so long.
LASTING = 60.0
#: Seconds until somebody who said no is asked again: no IDLE, or not with this password.
REFUSED_WAIT = 3600.0
#: Whoever is still connecting when we end is left behind; it finds that it may do nothing.
END_SECONDS = 1.0

log = structlog.get_logger("idle")


class Idling:
    """The listening threads of one worker. `hurry` is called when a poll has become due."""

    def __init__(self, hurry: Callable[[], None] = lambda: None) -> None:
        self.hurry = hurry
        self._watches: dict[int, _Watch] = {}
        self._lock = threading.Lock()

    def tend(self, ledger: Ledger, lease: Lease) -> None:
        """Have a thread for each mailbox as it is configured now, under this lease."""
        with ledger.read() as connection:
            known = all_accounts(connection, ledger.keys)
        wanted = {
            account.id: account
            for account in known
            if account.channel in LISTENING and account.reading is ReadingState.ON
        }
        with self._lock:
            for number, watch in list(self._watches.items()):
                if not watch.is_about(wanted.get(number), lease):
                    watch.ear.close()
                    del self._watches[number]
            for number in sorted(wanted.keys() - self._watches.keys()):
                if len(self._watches) >= MOST_IDLING:
                    break
                watch = _Watch(ledger, lease, wanted[number], self._call)
                self._watches[number] = watch
                watch.start()

    def rest(self) -> None:
        """End them all: the worker stops, or another one has the lease."""
        with self._lock:
            watches = list(self._watches.values())
            self._watches.clear()
        for watch in watches:
            watch.ear.close()
        until = time.monotonic() + END_SECONDS
        for watch in watches:
            watch.join(max(until - time.monotonic(), 0))

    def _call(self) -> None:
        self.hurry()


class _Watch(threading.Thread):
    """One mailbox, listened to until its ear is closed."""

    def __init__(
        self, ledger: Ledger, lease: Lease, account: Account, hurry: Callable[[], None]
    ) -> None:
        super().__init__(name=f"idle-{account.id}", daemon=True)
        self._ledger = ledger
        self._lease = lease
        self._account = account
        self._hurry = hurry
        self.ear = Ear(self._heard)

    def is_about(self, account: Account | None, lease: Lease) -> bool:
        """Whether it listens, under this lease, to the account as it is now."""
        mine = self._account
        return (
            account is not None
            and (mine.options, mine.secret, self._lease) == (account.options, account.secret, lease)
            and self.is_alive()
        )

    def run(self) -> None:
        wait = FIRST_WAIT
        try:
            while not self.ear.closed.is_set():
                began = time.monotonic()
                refused = self._listen()
                wait = FIRST_WAIT if time.monotonic() - began > LASTING else wait
                # A little more or less, so that a server that restarts is not met by all at once.
                pause = REFUSED_WAIT if refused else wait * random.uniform(0.8, 1.2)  # noqa: S311
                self.ear.closed.wait(pause)
                wait = min(wait * 2, MOST_WAIT)
        finally:
            self.ear.dispose()

    def _listen(self) -> bool:
        """Listen for as long as it goes well; True when it is pointless to try again soon."""
        try:
            connector = open_connector(self._account)
            assert isinstance(connector, ListeningConnector)
            connector.listen(self.ear)
        except LeaseLostError:
            self.ear.close()
        except NoIdleError:
            return True
        except ChannelError as error:
            log.debug("not listening", account=self._account.name, reason=str(error))
            return error.permanent
        except Exception:
            # The poll goes on without us, whatever this was.
            log.exception("listening failed in a way nobody foresaw", account=self._account.name)
            return True
        return False

    def _heard(self) -> None:
        """Make the account due. Raises LeaseLostError."""
        if self.ear.closed.is_set():
            return
        try:
            with self._ledger.write() as connection:
                check_fence(connection, self._lease)
                wake_account(connection, self._account.id, self._ledger.clock())
        except LeaseLostError:
            raise
        except DefinedbyError as error:
            log.debug("not woken", account=self._account.name, reason=str(error))
        else:
            self._hurry()
