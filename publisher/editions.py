"""Make an edition public, and take it away."""

from __future__ import annotations

from ledger.campaigns import campaign_by_id
from ledger.database import Ledger
from ledger.editions import Edition, EditionKind, find_edition, set_published
from ledger.errors import DefinedbyError
from ledger.jobs import JobKind, add_job
from ledger.model import Campaign
from ledger.paused import paused
from ledger.posts import Post, bury_post, put_post


def edition_address(campaign: Campaign, edition: Edition) -> str:
    return f"/{campaign.slug}/editions/{edition.slug}/"


def publish_edition(ledger: Ledger, edition_id: str) -> str:
    """Give an edition its address and ask for a build; returns the address.

    Publishing again changes nothing but the build. Raises DefinedbyError for an unknown edition,
    for the best of a year without a winner or a method, and while publishing is paused.
    """
    with ledger.write() as connection:
        edition = find_edition(connection, edition_id)
        if edition is None:
            raise DefinedbyError("There is no such edition.", "See 'definedby edition list'.")
        _check_best(edition)
        reason = paused(connection)
        if reason:
            raise DefinedbyError(
                f"Publishing is paused: {reason}", "Publish the edition after 'definedby resume'."
            )
        now = ledger.clock()
        address = edition_address(campaign_by_id(connection, edition.campaign_id), edition)
        published_at = edition.published_at or now
        set_published(connection, edition_id, now)
        put_post(
            connection, ledger.keys, Post("edition", edition_id, address, "", "", published_at)
        )
        add_job(connection, JobKind.PUBLISH, edition_id, now)
    return address


def _check_best(edition: Edition) -> None:
    """Whoever is passed over may know how the choice was made."""
    if edition.kind is not EditionKind.BEST:
        return
    if edition.winner_id not in edition.definition_ids:
        raise DefinedbyError("It has no winner.", "Choose one from the shortlist, then publish.")
    if not edition.method.strip():
        raise DefinedbyError(
            "It does not say how the winner was chosen.", "Write it in a sentence or two."
        )


def retract_edition(ledger: Ledger, edition_id: str) -> bool:
    """Take an edition away: its address answers 410 from now on. False when it was not public."""
    with ledger.write() as connection:
        now = ledger.clock()
        set_published(connection, edition_id, None)
        was_public = bury_post(connection, ledger.keys, edition_id, now)
        if was_public:
            add_job(connection, JobKind.PUBLISH, edition_id, now)
    return was_public
