"""Make the blog what the consent record allows: publish what is granted, retract the rest.

Every step looks at what should be and makes it so, whatever an earlier run left behind. Jobs
only wake it; they are finished last, so that a kill anywhere is mended by the next run.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from ledger import events
from ledger.campaigns import all_campaigns
from ledger.consent_state import ConsentEvent, EventKind, IllegalEventError
from ledger.database import Ledger
from ledger.editions import Edition, editions_in
from ledger.errors import DefinedbyError, TemporaryError
from ledger.jobs import Job, JobKind, add_job, finish_jobs, open_jobs, postpone_jobs
from ledger.leases import LeaseLostError
from ledger.model import Channel
from ledger.paused import paused
from ledger.posts import live_posts
from ledger.tables import jobs as jobs_table
from ledger.told_pages import tell_gone, tell_page
from publisher import freshness, pages
from publisher.files import friendly_file_errors
from publisher.holding import Holding, hold
from publisher.posts_folder import Settled, settle
from publisher.prose import ProseRenderer
from publisher.report import BuildReport, Progress, Refusal, no_progress
from publisher.shown import show
from publisher.site import Blog, outputs
from publisher.site_folder import prepare, put_in_place, stage
from publisher.standing import Outlook, Standing, look, marks, still_stand

#: The subject of a job that asks for the site alone.
SITE = "site"
#: Consent that changes while we build is taken up at once, but not without end.
MOST_ROUNDS = 5
MOST_JOBS = 100_000
#: Beyond every postponement: a person who asks for a publication means all of it.
FAR = timedelta(days=1)
#: Rows per transaction when the record is written.
BATCH = 100
GIVEN_WAY = "Another publisher is at work, and takes this on as well."
HELD = "Publishing is paused:"


@dataclass(frozen=True)
class _Round:
    """What one round of work rests on."""

    outlook: Outlook
    settled: Settled
    jobs: list[Job]
    pause: str


def publish(
    ledger: Ledger, *, recompose: bool = False, progress: Progress | None = None
) -> BuildReport:
    """Bring content/posts and the blog to what is granted now.

    With `recompose`, files that were changed by hand are put back. Raises DefinedbyError when a
    folder can't be written; everything then stays as it was and the work remains to be done.
    """
    return _publish(ledger, ledger.clock() + FAR, progress or no_progress, recompose=recompose)


def publish_pending(ledger: Ledger) -> BuildReport | None:
    """Publish if there is anything to do; None when there is not. Cheap enough for each second.

    Raises DefinedbyError; the work is then put off and tried again, later each time.
    """
    now = ledger.clock()
    with ledger.read() as connection:
        due = open_jobs(connection, JobKind.PUBLISH, now, limit=1)
        resumed = not paused(connection) and _is_open(
            connection, jobs_table.c.error.like(f"{HELD}%")
        )
        put_off = _is_open(connection, jobs_table.c.subject == SITE)
    if not (due or resumed) and (
        put_off or not freshness.is_stale(ledger, freshness.fingerprint(ledger))
    ):
        return None
    try:
        report = _publish(ledger, now + FAR if resumed else now, no_progress)
    except LeaseLostError:
        return None
    except DefinedbyError as error:
        _put_off(ledger, error, now)
        raise
    return None if report.note == GIVEN_WAY else report


def _is_open(connection: Connection, condition: object) -> bool:
    found = connection.execute(
        select(jobs_table.c.id)
        .where(jobs_table.c.kind == JobKind.PUBLISH, jobs_table.c.done_at.is_(None), condition)  # type: ignore[arg-type]
        .limit(1)
    )
    return found.first() is not None


def _put_off(ledger: Ledger, error: DefinedbyError, now: datetime) -> None:
    # With a full disk even this may fail; then the jobs simply stay as they are.
    with contextlib.suppress(DefinedbyError), ledger.write() as connection:
        if not _is_open(connection, jobs_table.c.subject == SITE):
            # Stands for the reasons to build that have no job, such as a changed page.
            add_job(connection, JobKind.PUBLISH, SITE, now)
        due = open_jobs(connection, JobKind.PUBLISH, now, limit=MOST_JOBS)
        postpone_jobs(connection, due, str(error), now)


def _publish(
    ledger: Ledger,
    horizon: datetime,
    progress: Progress,
    *,
    recompose: bool = False,
) -> BuildReport:
    content = ledger.settings.content
    with hold(ledger) as holding:
        if holding is None:
            return BuildReport(note=GIVEN_WAY)
        prepare(ledger.settings.site_folder)
        with friendly_file_errors(content, "The content folder"):
            pages.make_folder(content)
        try:
            return _rounds(ledger, holding, horizon, progress, recompose=recompose)
        except LeaseLostError:
            # We may have moved a file after the other one was done: let it look again.
            with contextlib.suppress(DefinedbyError), ledger.write() as connection:
                add_job(connection, JobKind.PUBLISH, SITE, ledger.clock())
            raise


def _rounds(
    ledger: Ledger,
    holding: Holding,
    horizon: datetime,
    progress: Progress,
    *,
    recompose: bool,
) -> BuildReport:
    """Build until nothing is left to do, taking up what changes meanwhile."""
    report = None
    for _ in range(MOST_ROUNDS):
        built = _build(ledger, holding, horizon, progress, recompose=recompose)
        if built is None:
            continue
        before = report or BuildReport()
        report = replace(
            built, written=before.written + built.written, removed=before.removed + built.removed
        )
        if not _more_to_do(ledger):
            return report
    if report is None:
        raise TemporaryError(
            "Consent changed again and again while the blog was being built.",
            "What was withdrawn is gone; the next run goes on.",
        )
    return replace(report, note="More has changed meanwhile; the next run goes on.")


def _more_to_do(ledger: Ledger) -> bool:
    with ledger.read() as connection:
        return bool(open_jobs(connection, JobKind.PUBLISH, ledger.clock(), limit=1))


def _build(
    ledger: Ledger,
    holding: Holding,
    horizon: datetime,
    progress: Progress,
    *,
    recompose: bool,
) -> BuildReport | None:
    """One round; None when consent was withdrawn before its pages were put in place."""
    built_from = freshness.fingerprint(ledger)
    with ledger.read() as connection:
        jobs = open_jobs(connection, JobKind.PUBLISH, horizon, limit=MOST_JOBS)
        pause = paused(connection)
    outlook = look(ledger, progress)
    settled = settle(
        ledger,
        holding,
        outlook,
        recompose=recompose,
        paused=bool(pause),
        progress=progress,
    )
    with ProseRenderer() as prose:
        blog = _blog(ledger, settled.shown, prose)
        staged = stage(ledger, holding, outputs(blog), len(settled.shown), progress)
    removed = put_in_place(
        ledger, holding, staged, progress, lambda: still_stand(ledger, settled.shown)
    )
    if removed is None:
        return None
    progress("record", 0, 1)
    _record(ledger, holding, _Round(outlook, settled, jobs, pause), built_from)
    return BuildReport(
        written=settled.written + len(staged.moves),
        removed=settled.removed + removed,
        unchanged=staged.unchanged,
        refused=(*settled.refused.values(), *settled.strays, *blog.refused),
        posts=len(settled.shown),
        note=f"{HELD} {pause}" if pause and settled.held else "",
    )


def _blog(ledger: Ledger, standing: list[Standing], prose: ProseRenderer) -> Blog:
    with ledger.read() as connection:
        campaigns = all_campaigns(connection)
        editions = _public_editions(connection)
    by_id = {campaign.id: campaign for campaign in campaigns}
    found: list[pages.HandPage] = []
    blog = Blog(
        ledger=ledger,
        campaigns=campaigns,
        shown=[show(one, by_id[one.campaign_id], ledger.keys) for one in reversed(standing)],
        editions=editions,
        pages=found,
        prose=prose,
    )
    taken = frozenset(campaign.slug for campaign in campaigns)
    for page in pages.read_pages(ledger.settings.content, taken, prose):
        if isinstance(page, Refusal):
            blog.refused.append(page)
        else:
            found.append(page)
    return blog


def _public_editions(connection: Connection) -> list[tuple[Edition, str]]:
    """Published editions with their addresses, newest first."""
    addresses = {post.subject: post.address for post in live_posts(connection, "edition")}
    found = [
        edition
        for campaign in all_campaigns(connection)
        for edition in editions_in(connection, campaign.id)
        if edition.published_at is not None and edition.id in addresses
    ]
    found.sort(key=lambda one: (one.published_at, one.id), reverse=True)
    return [(edition, addresses[edition.id]) for edition in found]


def _record(ledger: Ledger, holding: Holding, done: _Round, built_from: str) -> None:
    """Write what happened into the record, and finish the jobs that asked for it."""
    new = [one for one in done.settled.shown if not one.announced]
    for start in range(0, len(new), BATCH):
        with holding.write() as connection:
            events.lock(connection)
            batch = new[start : start + BATCH]
            now = marks(connection, batch)
            for one in batch:
                _announce(ledger, connection, one, unchanged=now.get(one.id) == one.mark)
    with holding.write() as connection:
        for gone in done.outlook.gone:
            if events.state_of(connection, ledger.keys, gone.id).published:
                event = ConsentEvent(EventKind.RETRACTED)
                events.record(
                    connection,
                    ledger.keys,
                    ledger.clock(),
                    event,
                    definition_id=gone.id,
                    contributor_id=gone.contributor_id,
                )
            tell_gone(connection, gone.id, ledger.clock())
        _settle_jobs(connection, done, ledger.clock())
        freshness.remember(connection, built_from)


def _announce(ledger: Ledger, connection: Connection, one: Standing, *, unchanged: bool) -> None:
    """Record that a grant's words are public; nothing where the grant has gone meanwhile."""
    now, granted = ledger.clock(), one.grant.event_hash
    if unchanged:
        # The history is the one that was folded, so this event may follow.
        payload = {"request_id": granted}
        kind = EventKind.PUBLISHED
        events.append(connection, ledger.keys, now, kind, one.id, one.contributor_id, payload)
        _tell_its_source(ledger, connection, one)
        return
    # Withdrawn since: its own job, still open, takes the page away again.
    with contextlib.suppress(IllegalEventError):
        events.record(
            connection,
            ledger.keys,
            now,
            ConsentEvent(EventKind.PUBLISHED, request_id=granted),
            definition_id=one.id,
            contributor_id=one.contributor_id,
        )
        _tell_its_source(ledger, connection, one)


def _tell_its_source(ledger: Ledger, connection: Connection, one: Standing) -> None:
    """A page that the words come from wants to know of it; the collector tells it."""
    source = one.source
    if source.channel is Channel.WEBMENTION and source.source_url:
        post = f"{ledger.settings.public_url}{source.address}"
        tell_page(connection, ledger.keys, one.id, source.source_url, post, ledger.clock())


def _settle_jobs(connection: Connection, done: _Round, now: datetime) -> None:
    finished = []
    for job in done.jobs:
        if job.subject in done.settled.refused:
            reason = done.settled.refused[job.subject].sentence
            postpone_jobs(connection, [job], reason, now)
        elif job.subject in done.settled.held:
            postpone_jobs(connection, [job], f"{HELD} {done.pause}", now)
        else:
            finished.append(job)
    for start in range(0, len(finished), BATCH):
        finish_jobs(connection, finished[start : start + BATCH], now)
