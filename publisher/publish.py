"""Make the blog what the consent record allows: publish what is granted, retract the rest.

Every step looks at what should be and makes it so, whatever an earlier run left behind. Jobs and
events only say where to look; they are finished last, so that a kill anywhere is mended by the
next run.
"""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta

from sqlalchemy import Connection

from ledger.campaigns import all_campaigns
from ledger.database import Ledger
from ledger.errors import DefinedbyError
from ledger.jobs import JobKind, add_job, is_waiting, open_jobs, postpone_jobs
from ledger.leases import LeaseLostError
from publisher.holding import hold
from publisher.kept import Kept
from publisher.report import BuildReport, Progress, no_progress
from publisher.site import behind, sources, tree
from publisher.site.behind import Glance, glance

#: The subject of a job that asks for the site alone.
SITE = behind.SITE
MOST_JOBS = 100_000
#: Beyond every postponement: a person who asks for a publication means all of it.
FAR = timedelta(days=1)
GIVEN_WAY = "Another publisher is at work, and takes this on as well."


def publish(
    ledger: Ledger,
    *,
    recompose: bool = False,
    full: bool = True,
    progress: Progress | None = None,
) -> BuildReport:
    """Bring content/posts and the blog to what is granted now.

    With `full` every record is opened and every file compared, whatever was known about it;
    without, only what has changed is looked at. With `recompose`, files that were changed by
    hand are put back. Raises DefinedbyError when a folder can't be written; everything then
    stays as it was and the work remains to be done.
    """
    if not full and not recompose:
        done = _nothing_to_do(ledger)
        if done is not None:
            return done
    return _publish(
        ledger,
        ledger.clock() + FAR,
        progress or no_progress,
        recompose=recompose,
        full=full or recompose,
        counting=True,
    )


def _nothing_to_do(ledger: Ledger) -> BuildReport | None:
    """What there is, when nothing has changed: found without loading what builds."""
    with ledger.read() as connection:
        seen = glance(connection, ledger.clock() + FAR)
        if seen.due or _is_behind(ledger, connection, seen, Kept()):
            return None
        if behind.is_unfinished(connection):
            return None
        outputs, posts = behind.counts(connection)
    return BuildReport(unchanged=outputs, posts=posts)


def publish_pending(ledger: Ledger, kept: Kept | None = None) -> BuildReport | None:
    """Publish if there is anything to do; None when there is not. Cheap enough for each second.

    What stands unchanged is not counted in its report. Whoever calls it again and again gives the
    same `kept` each time.

    Raises DefinedbyError; the work is then put off and tried again, later each time.
    """
    now, kept = ledger.clock(), kept or Kept()
    kept.begin(ledger)
    with ledger.read() as connection:
        seen = glance(connection, now)
        resumed = seen.held and not seen.paused
        if not (seen.due or resumed) and (
            seen.put_off or not _is_behind(ledger, connection, seen, kept)
        ):
            return None
    try:
        report = _publish(ledger, now + FAR if resumed else now, no_progress, kept=kept)
    except LeaseLostError:
        return None
    except DefinedbyError as error:
        _put_off(ledger, error, now)
        raise
    return None if report.note == GIVEN_WAY else report


def _is_behind(ledger: Ledger, connection: Connection, seen: Glance, kept: Kept) -> bool:
    """Whether the site was made from something else than what is there now, or is not there."""
    campaigns = all_campaigns(connection)
    return (
        not seen.shape  # a whole build has not come to its end
        or seen.stamp != kept.stamp_of(ledger, sources.stamped(ledger, campaigns))
        or not tree.is_ours(ledger.settings.site_folder)
        or _consent_has_changed(connection, seen, kept)
    )


def _consent_has_changed(connection: Connection, seen: Glance, kept: Kept) -> bool:
    """Whether consent has changed after what the site knows; looks at each event once."""
    cursor = int(seen.cursor or 0)
    looked = kept.quiet[1] if kept.quiet[0] == cursor else cursor
    if seen.head == looked:
        return False
    if behind.changed_since(connection, looked):
        return True
    kept.quiet = (cursor, seen.head)
    return False


def _put_off(ledger: Ledger, error: DefinedbyError, now: datetime) -> None:
    # With a full disk even this may fail; then the jobs simply stay as they are.
    with contextlib.suppress(DefinedbyError), ledger.write() as connection:
        if not is_waiting(connection, JobKind.PUBLISH, SITE):
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
    full: bool = False,
    counting: bool = False,
    kept: Kept | None = None,
) -> BuildReport:
    # Loaded here: a run that finds nothing to do, and most do, needs no templates.
    from publisher import pages, posts_folder
    from publisher.files import friendly_file_errors
    from publisher.publication import Publication

    content = ledger.settings.content
    with hold(ledger) as holding:
        if holding is None:
            return BuildReport(note=GIVEN_WAY)
        missing = not tree.is_ours(ledger.settings.site_folder)
        tree.prepare(ledger.settings.site_folder)
        with friendly_file_errors(content, "The content folder"):
            pages.make_folder(content)
        posts_folder.make_folder(ledger)
        posts_folder.clear_staging(ledger)
        work = Publication(
            ledger, holding, progress, counting=counting, kept=kept, ends_holding=True
        )
        if missing:
            work.forget_site()
        try:
            return work.run(horizon, recompose=recompose, full=full)
        except LeaseLostError:
            # We may have moved a file after the other one was done: let it look again.
            with contextlib.suppress(DefinedbyError), ledger.write() as connection:
                add_job(connection, JobKind.PUBLISH, SITE, ledger.clock())
            raise
        finally:
            if holding.held:  # else all is done, and another publisher may be at work already
                posts_folder.clear_staging(ledger)
