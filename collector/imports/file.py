"""Take in a file of replies: page by page, each page stored before the next is read.

A file is always read from its start: what is there already is left alone, so an import that was
stopped in the middle is finished by running it again. Importing never implies consent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from collector.channels.importing import ImportSource
from collector.poll import PAGE_SIZE, store_page, without_erased
from ledger.accounts import ensure_account
from ledger.database import Ledger
from ledger.model import Campaign, Channel, Skipped


@dataclass
class ImportReport:
    """`known` rows were in the ledger before; `skipped` ones say why, with their place."""

    stored: int = 0
    known: int = 0
    skipped: list[Skipped] = field(default_factory=list)


def import_file(
    ledger: Ledger,
    campaign: Campaign,
    source: ImportSource,
    file_name: str,
    progress: Callable[[int], None] | None = None,
) -> ImportReport:
    """Store a file's replies in a campaign. `progress` gets the bytes read so far."""
    with ledger.write() as connection:
        account = ensure_account(
            connection, ledger.keys, Channel.IMPORT, campaign.slug, campaign.id
        )
    report = ImportReport()
    cursor = ""
    while True:
        page = source.fetch(cursor, PAGE_SIZE)
        with ledger.read() as connection:
            page = without_erased(connection, ledger.keys, page)
        stored = store_page(
            ledger,
            account,
            replace(
                page,
                skipped=tuple(
                    replace(item, external_id=f"{file_name}, {item.external_id}")
                    for item in page.skipped
                ),
            ),
        )
        report.stored += stored
        report.known += len(page.replies) - stored
        report.skipped.extend(page.skipped)
        cursor = page.next_cursor
        if progress is not None:
            progress(source.position)
        if not page.more:
            return report
