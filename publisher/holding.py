"""Being the one publisher: a lease that is kept up during long work, and fences every write."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import Connection

from ledger.contributors import new_id
from ledger.database import Ledger
from ledger.leases import Lease, LeaseLostError, acquire, check_fence, release

NAME = "publish"
#: Short: after a crash the next publisher waits this long.
LENGTH = timedelta(seconds=30)


class Holding:
    """The lease as it is held now; `keep` renews it when a third of it is over."""

    def __init__(self, ledger: Ledger, lease: Lease) -> None:
        self._ledger = ledger
        self._lease = lease
        self._renew_at = ledger.clock() + LENGTH / 3
        self._giving_back = False
        #: False once the lease was given back.
        self.held = True

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that only the newest holder gets. Raises LeaseLostError."""
        assert self.held
        self._giving_back = False
        with self._ledger.write() as connection:
            check_fence(connection, self._lease)
            yield connection
        self.held = not self._giving_back

    def give_back(self, connection: Connection) -> None:
        """In a transaction of `write`, the last one: with it another publisher may begin."""
        release(connection, self._lease, self._ledger.clock())
        self._giving_back = True

    def keep(self) -> None:
        """Call this often while nothing is written. Raises LeaseLostError."""
        now = self._ledger.clock()
        if now < self._renew_at:
            return
        with self.write() as connection:
            renewed = acquire(connection, NAME, self._lease.holder, now, LENGTH)
        if renewed is None:
            raise LeaseLostError("Another publisher has taken over.", "It goes on there.")
        self._lease, self._renew_at = renewed, now + LENGTH / 3

    def release(self) -> None:
        """Give the lease back, unless that was done with the last transaction."""
        if self.held:
            with self._ledger.write() as connection:
                release(connection, self._lease, self._ledger.clock())


@contextlib.contextmanager
def hold(ledger: Ledger) -> Iterator[Holding | None]:
    """Become the publisher, or get None while another one is at work."""
    with ledger.write() as connection:
        lease = acquire(connection, NAME, new_id(), ledger.clock(), LENGTH)
    if lease is None:
        yield None
        return
    holding = Holding(ledger, lease)
    try:
        yield holding
    finally:
        # A lease that can't be given back runs out by itself; the error that led here matters.
        with contextlib.suppress(Exception):
            holding.release()
