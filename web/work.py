"""What the worker does, and how often: the one list of everything that happens by itself."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from collector.dispatch import dispatch
from collector.idling import Idling
from collector.polling import Poller, poll_due
from collector.read import read_new
from collector.schedule import Task, Worker, run_once
from collector.source_check import check_sources
from collector.telling import tell_pages
from collector.webmention.checking import check_mentions
from consent.answering import read_answers
from consent.requests import expire_overdue
from consent.rights.in_words import read_rights
from ledger import log
from ledger.database import Ledger, open_ledger
from ledger.expired_backups import expire_backups
from ledger.heads import export_head
from ledger.heads_git import keep_in_git
from ledger.leases import Lease
from ledger.paused import pause_when_moved
from ledger.reached import note_reached
from ledger.scrub import scrub
from ledger.settings import Settings
from ledger.stop_list import sync_stops
from publisher.edition_drafts import draft_due
from publisher.kept import Kept
from publisher.publish import publish_pending

HOUR = 3600
#: The accounts that are being read by this process.
_poller = Poller()


def _poll(ledger: Ledger, lease: Lease) -> None:
    _poller.start_due(ledger, lease)


def _poll_to_the_end(ledger: Ledger, lease: Lease) -> None:
    poll_due(ledger, lease)


def _read(ledger: Ledger, _lease: Lease) -> None:
    read_new(ledger)


def _read_answers(ledger: Ledger, _lease: Lease) -> None:
    read_answers(ledger)
    read_rights(ledger)


def _check_mentions(ledger: Ledger, _lease: Lease) -> None:
    check_mentions(ledger)


def _dispatch(ledger: Ledger, _lease: Lease) -> None:
    dispatch(ledger)


def _tell(ledger: Ledger, _lease: Lease) -> None:
    tell_pages(ledger)


def _publish(ledger: Ledger, _lease: Lease) -> None:
    publish_pending(ledger)


def _publish_and_keep() -> Callable[[Ledger, Lease], None]:
    """The same for one worker, which keeps what it has found out for the next time."""
    kept = Kept()

    def publish(ledger: Ledger, _lease: Lease) -> None:
        publish_pending(ledger, kept)

    return publish


def _expire(ledger: Ledger, _lease: Lease) -> None:
    expire_overdue(ledger)


def _check_sources(ledger: Ledger, _lease: Lease) -> None:
    check_sources(ledger)


def _keep_stops(ledger: Ledger, _lease: Lease) -> None:
    sync_stops(ledger)
    note_reached(ledger)


def _scrub(ledger: Ledger, _lease: Lease) -> None:
    scrub(ledger)


def _draft_editions(ledger: Ledger, _lease: Lease) -> None:
    draft_due(ledger)


def _expire_backups(ledger: Ledger, _lease: Lease) -> None:
    expire_backups(ledger)


def _export_head(ledger: Ledger, _lease: Lease) -> None:
    export_head(ledger)
    keep_in_git(ledger.settings)


#: Each finds its own work in the ledger, so that a turn which never came is made up by the next.
TASKS = (
    Task("poll", 2, _poll),
    Task("read", 1, _read),
    Task("answers", 1, _read_answers),
    Task("mentions", 5, _check_mentions),
    Task("stops", 5, _keep_stops),
    Task("dispatch", 1, _dispatch),
    # Often, because whoever has withdrawn is waiting; to look and find nothing costs little.
    Task("publish", 0.25, _publish),
    Task("tell", 5, _tell),
    Task("scrub", 20, _scrub),
    Task("expire", HOUR, _expire),
    Task("sources", 600, _check_sources),
    Task("head", HOUR, _export_head),
    Task("editions", HOUR, _draft_editions),
    Task("backups", HOUR, _expire_backups),
)


def work(settings: Settings, *, once: bool = False, holder: str = "") -> None:
    """Run the worker until SIGINT or SIGTERM, or each task once.

    `holder` names it in the lease; a worker started with the name of a dead one takes its place.
    """
    log.configure(settings)
    ledger = open_ledger(settings, create=not once)
    try:
        if ledger.engine.dialect.name == "sqlite":
            # A database server is not copied by copying files, and a key file that comes with a
            # container image is a new one at each start: there this would only cry wolf.
            pause_when_moved(ledger)
        # Before the first message: the database may be an older copy.
        note_reached(ledger)
        sync_stops(ledger)
        if once:
            run_once(ledger, (Task("poll", 0, _poll_to_the_end), *TASKS[1:]))
            return
        idling = Idling()
        tasks = [
            replace(one, run=_publish_and_keep()) if one.run is _publish else one for one in TASKS
        ]
        worker = Worker(ledger, (*tasks, Task("idle", 2, idling.tend, idling.rest)), holder)
        idling.hurry = partial(worker.hurry, "poll")
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, worker.stop)
        worker.run()
    finally:
        ledger.close()
