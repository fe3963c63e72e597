"""A whole site of entries that a test makes up, without records behind them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, insert

from ledger.database import Ledger
from ledger.editions import Edition
from ledger.model import Campaign
from ledger.tables import campaigns, editions, site_entries
from publisher.pages import HandPage
from publisher.prose import ProseRenderer
from publisher.site.editions import ListedEdition
from publisher.site.entries import Entry, put_entries
from publisher.site.frame import Frame
from publisher.site.making import Maker
from publisher.site.places import count_all


def site_of(
    ledger: Ledger,
    campaign: Campaign,
    entries: Sequence[Entry],
    edition: Edition,
    pages: Sequence[HandPage],
    prose: ProseRenderer,
) -> dict[str, bytes]:
    address = f"/{campaign.slug}/editions/{edition.slug}/"
    with ledger.write() as connection:
        for table in (site_entries, editions, campaigns):
            connection.execute(delete(table))
        connection.execute(insert(campaigns).values(**vars(campaign)))
        values = {**vars(edition), "definition_ids": list(edition.definition_ids)}
        connection.execute(insert(editions).values(**values))
        for start in range(0, len(entries), 200):
            put_entries(connection, ledger.keys, entries[start : start + 200])
        count_all(connection)
        assert edition.published_at is not None
        listed = ListedEdition(
            edition.id, edition.campaign_id, edition.title, address, edition.published_at
        )
        maker = Maker(ledger, connection, Frame({campaign.id: campaign}, [listed], pages), prose)
        made = list(maker.everything())
    assert maker.refused == []
    assert len(dict(made)) == len(made), "two outputs want one path"
    return dict(made)
