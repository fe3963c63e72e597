"""The worker's clock: runs each job at its interval, as long as this worker holds the lease.

APScheduler only wakes the jobs; they are plain functions that find their own work in the
ledger, so a worker that dies at any point is replaced by simply starting another.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler

from ledger.database import Ledger
from ledger.errors import DefinedbyError
from ledger.leases import WORKER, Lease, LeaseLostError, acquire, release, renew

LEASE_LENGTH = timedelta(seconds=10)
HEARTBEAT_SECONDS = 3
THREADS = 4

log = structlog.get_logger("worker")


@dataclass(frozen=True)
class Task:
    """One thing the worker does every so many seconds; it gets the worker's lease.

    `rest` ends what `run` has left going on; it is called when the lease is lost or given up.
    """

    name: str
    seconds: float
    run: Callable[[Ledger, Lease], object]
    rest: Callable[[], None] | None = None


class Worker:
    """Runs the tasks while it holds the lease; waits as a stand-by while another does."""

    def __init__(self, ledger: Ledger, tasks: Sequence[Task], holder: str = "") -> None:
        self.ledger = ledger
        self.tasks = tasks
        self.holder = holder or f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self.lease: Lease | None = None
        self.stopping = threading.Event()
        self._scheduler: BackgroundScheduler | None = None

    def run(self) -> None:
        """Work until `stop`; returns when every running task has ended."""
        # It tells of every single turn, of a turn that was skipped because the last one still
        # runs (as it shall), and of failures once more than we do.
        logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
        scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(THREADS)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": 60},
            timezone="UTC",
        )
        for task in self.tasks:
            scheduler.add_job(
                self._perform, "interval", seconds=task.seconds, args=[task], id=task.name
            )
        self._beat()
        self._scheduler = scheduler
        scheduler.start()
        log.debug("worker started", holder=self.holder)
        try:
            while not self.stopping.wait(HEARTBEAT_SECONDS):
                self._beat()
        finally:
            self._rest()
            scheduler.shutdown(wait=True)
            self._give_up_lease()
            log.debug("worker stopped")

    def stop(self, *_signal: Any) -> None:
        self.stopping.set()

    def hurry(self, name: str) -> None:
        """Run this task now instead of at its next turn; for any thread."""
        if self._scheduler is not None and not self.stopping.is_set():
            with contextlib.suppress(JobLookupError):  # it has just been shut down
                self._scheduler.modify_job(name, next_run_time=datetime.now(UTC))

    def _beat(self) -> None:
        """Keep the lease, or take it when it is free. A full disk or a lost database is not
        the end: the next beat tries again, and until then nothing is done.
        """
        now = self.ledger.clock()
        try:
            with self.ledger.write() as connection:
                if self.lease is not None:
                    renew(connection, self.lease, now, LEASE_LENGTH)
                    return
                self.lease = acquire(connection, WORKER, self.holder, now, LEASE_LENGTH)
        except LeaseLostError:
            self._lose_lease()
            log.warning("another worker has taken over; this one stands by")
        except Exception as error:  # noqa: BLE001  the heart must go on beating
            self._lose_lease()
            log.error("the ledger can't be reached", error=str(error))

    def _lose_lease(self) -> None:
        self.lease = None
        self._rest()

    def _rest(self) -> None:
        for task in self.tasks:
            if task.rest is not None:
                task.rest()

    def _give_up_lease(self) -> None:
        if self.lease is None:
            return
        try:
            with self.ledger.write() as connection:
                release(connection, self.lease, self.ledger.clock())
        except DefinedbyError as error:
            log.warning("the lease runs out by itself", error=str(error))

    def _perform(self, task: Task) -> None:
        lease = self.lease
        if lease is None or self.stopping.is_set():
            return
        try:
            task.run(self.ledger, lease)
        except LeaseLostError:
            self._lose_lease()
        except DefinedbyError as error:
            log.warning(f"{task.name}: {error}")
        except Exception:
            # One broken task must not end the others; it is tried again at its next turn.
            log.exception(f"{task.name} failed in a way nobody foresaw")
        # The lease may have been lost, or the end have come, while it was at it.
        if task.rest is not None and (self.lease is not lease or self.stopping.is_set()):
            task.rest()


def run_once(ledger: Ledger, tasks: Sequence[Task]) -> None:
    """Every task once, in order, for a cron job. Raises what the first failing one raises."""
    holder = f"once:{os.getpid()}:{secrets.token_hex(4)}"
    with ledger.write() as connection:
        lease = acquire(connection, WORKER, holder, ledger.clock(), timedelta(minutes=10))
    if lease is None:
        log.info("another worker is at work")
        return
    try:
        for task in tasks:
            task.run(ledger, lease)
    finally:
        with ledger.write() as connection:
            release(connection, lease, ledger.clock())
