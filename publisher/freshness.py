"""A cheap look at whether anything but consent has changed: pages, campaigns, settings, theme."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, delete, insert, select

from ledger.campaigns import all_campaigns
from ledger.database import Ledger
from ledger.etiquette import FILE as ETIQUETTE
from ledger.tables import instance
from publisher.pages import page_files
from publisher.render import ROOT, THEME
from publisher.site_folder import MARKER

#: The name of the fact in the table `instance`.
BUILT_FROM = "site_built_from"


def fingerprint(ledger: Ledger) -> str:
    """A keyed hash over all that shapes the blog, definitions and editions aside."""
    settings = ledger.settings
    with ledger.read() as connection:
        campaigns = [
            (one.slug, one.term, one.prompt, one.lang, one.is_open)
            for one in all_campaigns(connection)
        ]
    parts = (
        _stamps(settings.content),
        campaigns,
        (settings.title, settings.asker, settings.contact, settings.demo, settings.public_url),
        str(settings.site_folder.resolve()),
        _program(),
    )
    return ledger.keys.token_hash(repr(parts))


def is_stale(ledger: Ledger, now: str) -> bool:
    """Whether the blog was built from something else than `now`, or is not there."""
    with ledger.read() as connection:
        built_from = connection.execute(
            select(instance.c.value).where(instance.c.name == BUILT_FROM)
        ).scalar()
    return built_from != now or not (ledger.settings.site_folder / MARKER).exists()


def remember(connection: Connection, built_from: str) -> None:
    connection.execute(delete(instance).where(instance.c.name == BUILT_FROM))
    connection.execute(insert(instance).values(name=BUILT_FROM, value=built_from))


def _stamps(content: Path) -> list[tuple[str, int, int]]:
    stamps = []
    for path in page_files(content):
        try:
            stat = path.stat()
        except OSError:
            continue
        stamps.append((path.name, stat.st_mtime_ns, stat.st_size))
    return stamps


@cache
def _program() -> str:
    """The theme and the code, as they were when this process began to use them."""
    found = hashlib.sha256()
    folders = (THEME, ROOT / "templates" / "post", Path(__file__).parent)
    for path in sorted(path for folder in folders for path in folder.rglob("*")):
        if path.is_file() and path.suffix in {".html", ".md", ".css", ".svg", ".py"}:
            found.update(path.name.encode() + path.read_bytes())
    found.update(ETIQUETTE.read_bytes())
    return found.hexdigest()
