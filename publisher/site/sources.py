"""What the site was built from, besides consent: pages, campaigns, settings, theme, program."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup
from sqlalchemy import Connection, delete, insert, select

from ledger.database import Ledger
from ledger.model import Campaign
from ledger.tables import site_sources
from publisher.pages import HandPage, page_files, read_pages
from publisher.prose import ProseRenderer
from publisher.render import ROOT, THEME
from publisher.report import Refusal

#: Names of facts: how far the chain was read, a cheap stamp of all else, and the parts of that.
CURSOR = "cursor"
STAMP = "stamp"
SHAPE = "shape"
PAGES = "pages"
#: An edition's address when it was last shown, by which it is found when it is public no more.
EDITION = "edition:"


def read_source(connection: Connection, name: str) -> str:
    found = connection.execute(select(site_sources.c.value).where(site_sources.c.name == name))
    return found.scalar() or ""


def read_sources(connection: Connection) -> dict[str, str]:
    rows = connection.execute(select(site_sources.c.name, site_sources.c.value))
    return {row.name: row.value for row in rows}


def write_sources(connection: Connection, values: dict[str, str | None]) -> None:
    """Keep these facts; None forgets one."""
    connection.execute(delete(site_sources).where(site_sources.c.name.in_(list(values))))
    kept = [{"name": name, "value": value} for name, value in values.items() if value is not None]
    if kept:
        connection.execute(insert(site_sources), kept)


def stamp(ledger: Ledger, campaigns: Sequence[Campaign]) -> str:
    """A keyed hash over all that shapes the blog, definitions and editions aside."""
    settings = ledger.settings
    parts = (
        _stamps(settings.content),
        [_campaign(one) for one in campaigns],
        _settings(ledger),
        str(settings.site_folder.resolve()),
        program(),
    )
    return ledger.keys.token_hash(repr(parts))


@dataclass(frozen=True)
class Shape:
    """What stands on every page (`frame`), what each campaign's pages show, and the program."""

    frame: str
    program: str
    campaigns: dict[str, str]

    def text(self) -> str:
        return json.dumps(vars(self), sort_keys=True)

    @classmethod
    def of(cls, text: str) -> Shape | None:
        return cls(**json.loads(text)) if text else None


def shape_of(ledger: Ledger, campaigns: Sequence[Campaign], pages: Sequence[HandPage]) -> Shape:
    hashed = ledger.keys.token_hash
    frame = repr((_settings(ledger), [(one.slug, one.title) for one in pages], len(campaigns) > 1))
    return Shape(
        hashed(frame), program(), {one.id: hashed(repr(_campaign(one))) for one in campaigns}
    )


def why_everything(old: Shape | None, new: Shape) -> str:
    """Why every page has to be made again, or an empty string."""
    if old is None:
        return "the site has not been built yet, or not to its end"
    if old.program != new.program:
        return "the program or its theme has changed"
    if old.frame != new.frame:
        return "a setting or the menu of pages has changed"
    if any(new.campaigns.get(one) != value for one, value in old.campaigns.items()):
        return "a campaign has changed"
    return ""


@dataclass
class Prose:
    """The hand-written pages as they are now, and those that could not be used."""

    pages: list[HandPage] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)

    def text(self) -> str:
        return json.dumps(
            {
                "pages": [[one.slug, one.title, str(one.html)] for one in self.pages],
                "refused": [[one.what, one.reason, one.next_step] for one in self.refused],
            }
        )

    @classmethod
    def of(cls, text: str) -> Prose:
        if not text:
            return cls()
        stored: dict[str, Any] = json.loads(text)
        return cls(
            # As it was cleaned when it was read from its file.
            [HandPage(slug, title, Markup(html)) for slug, title, html in stored["pages"]],  # noqa: S704
            [Refusal(*parts) for parts in stored["refused"]],
        )


def read_prose(ledger: Ledger, campaigns: Sequence[Campaign], renderer: ProseRenderer) -> Prose:
    found = Prose()
    taken = frozenset(campaign.slug for campaign in campaigns)
    for page in read_pages(ledger.settings.content, taken, renderer):
        if isinstance(page, Refusal):
            found.refused.append(page)
        else:
            found.pages.append(page)
    return found


def _campaign(one: Campaign) -> tuple[object, ...]:
    return (one.slug, one.term, one.prompt, one.lang, one.is_open)


def _settings(ledger: Ledger) -> tuple[object, ...]:
    of = ledger.settings
    return (of.title, of.asker, of.contact, of.demo, of.public_url)


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
def program() -> str:
    """The theme and the code, as they were when this process began to use them."""
    found = hashlib.sha256()
    folders = (THEME, ROOT / "templates" / "post", Path(__file__).parent.parent)
    for path in sorted(path for folder in folders for path in folder.rglob("*")):
        if path.is_file() and path.suffix in {".html", ".md", ".css", ".svg", ".py"}:
            found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()
