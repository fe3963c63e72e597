"""Editions on a schedule: when a period is over, what it brought is gathered in a draft."""

from __future__ import annotations

from sqlalchemy import Connection, select

from ledger.campaigns import all_campaigns
from ledger.database import Ledger
from ledger.editions import Edition, add_edition, editions_in
from ledger.model import Campaign
from ledger.periods import Every, Period, period_before
from ledger.tables import site_entries


def draft_due(ledger: Ledger) -> list[Edition]:
    """Draft the edition of each campaign's last period, once; the drafts that were made.

    A period without a definition that may stand in one makes none. A draft is not public: an
    editor writes its introduction, puts it in order and publishes it.
    """
    made = []
    with ledger.read() as connection:
        campaigns = [one for one in all_campaigns(connection) if one.edition_every]
    for campaign in campaigns:
        period = period_before(Every(campaign.edition_every), ledger.clock())
        with ledger.read() as connection:
            if not _is_due(connection, campaign, period):
                continue
        with ledger.write() as connection:
            # Asked again: another worker may have been quicker.
            if _is_due(connection, campaign, period):
                made.append(_draft(connection, ledger, campaign, period))
    return made


def _is_due(connection: Connection, campaign: Campaign, period: Period) -> bool:
    known = editions_in(connection, campaign.id)
    if any(one.period == period or one.slug == period.slug for one in known):
        return False
    return bool(_brought(connection, campaign, period))


def _draft(connection: Connection, ledger: Ledger, campaign: Campaign, period: Period) -> Edition:
    return add_edition(
        connection,
        ledger.clock(),
        campaign_id=campaign.id,
        definition_ids=_brought(connection, campaign, period),
        period=period,
    )


def _brought(connection: Connection, campaign: Campaign, period: Period) -> tuple[str, ...]:
    """What was granted for editions in a period, the oldest grant first."""
    entry = site_entries.c
    since, until = (moment.isoformat(timespec="microseconds") for moment in period)
    rows = connection.execute(
        select(entry.definition_id)
        .where(
            entry.campaign_id == campaign.id,
            entry.granted_at >= since,
            entry.granted_at < until,
            entry.in_editions,
        )
        .order_by(entry.granted_at, entry.definition_id)
    )
    return tuple(rows.scalars())
