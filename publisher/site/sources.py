"""What the site was built from, besides consent: pages, campaigns, settings, theme, program."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, bindparam, delete, insert, select

from ledger.database import Ledger
from ledger.etiquette import FILE as ETIQUETTE
from ledger.model import Campaign
from ledger.prepared import Prepared, inserting
from ledger.tables import instance, site_sources
from publisher.holding import Holding
from publisher.theme import ROOT, THEME

#: Names of facts: how far the chain was read, a cheap stamp of all else, and the parts of that.
CURSOR = "cursor"
STAMP = "stamp"
SHAPE = "shape"
PAGES = "pages"
#: The program by which every file of content/posts was last compared. A fact of the instance: it
#: outlives the site's graph, because the files do.
COMPOSED_BY = "posts_composed_by"
#: An edition's address when it was last shown, by which it is found when it is public no more.
EDITION = "edition:"


_ALL = Prepared(select(site_sources.c.name, site_sources.c.value))
_DROP = Prepared(delete(site_sources).where(site_sources.c.name == bindparam("of")))
_INSERT = inserting(site_sources)


def read_source(connection: Connection, name: str) -> str:
    found = connection.execute(select(site_sources.c.value).where(site_sources.c.name == name))
    return found.scalar() or ""


def read_sources(connection: Connection) -> dict[str, str]:
    return dict(_ALL.tuples(connection))


def write_sources(connection: Connection, values: dict[str, str | None]) -> None:
    """Keep these facts; None forgets one."""
    _DROP.run(connection, [{"of": name} for name in values])
    kept = [{"name": name, "value": value} for name, value in values.items() if value is not None]
    _INSERT.run(connection, kept)


def note_composer(holding: Holding, program: str) -> None:
    with holding.write() as connection:
        connection.execute(delete(instance).where(instance.c.name == COMPOSED_BY))
        connection.execute(insert(instance).values(name=COMPOSED_BY, value=program))


def stamped(ledger: Ledger, campaigns: Sequence[Campaign]) -> tuple[object, ...]:
    """All that shapes the blog, definitions and editions aside: quick to get and to compare."""
    settings = ledger.settings
    return (
        _stamps(settings.content),
        [_campaign(one) for one in campaigns],
        _settings(ledger),
        os.path.realpath(settings.site_folder),
        program(),
    )


def stamp_of(ledger: Ledger, parts: tuple[object, ...]) -> str:
    """A keyed hash over what `stamped` has found."""
    return ledger.keys.token_hash(repr(parts))


@dataclass(frozen=True)
class Shape:
    """What stands on every page (`frame`), what each campaign's pages show, and the program.

    `code` is the program without its theme: it decides which output shows what.
    """

    frame: str
    program: str
    code: str
    campaigns: dict[str, str]

    def text(self) -> str:
        return json.dumps(vars(self), sort_keys=True)

    @classmethod
    def of(cls, text: str) -> Shape | None:
        """None for none, and for one that another version of the program has written."""
        try:
            return cls(**json.loads(text)) if text else None
        except (TypeError, ValueError):
            return None


def shape_of(
    ledger: Ledger, campaigns: Sequence[Campaign], menu: Sequence[tuple[str, str]]
) -> Shape:
    """`menu` holds the addresses and titles of the hand-written pages."""
    hashed = ledger.keys.token_hash
    frame = repr((_settings(ledger), list(menu), len(campaigns) > 1))
    return Shape(
        hashed(frame),
        program(),
        code(),
        {one.id: hashed(repr(_campaign(one))) for one in campaigns},
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


def _campaign(one: Campaign) -> tuple[object, ...]:
    return (one.slug, one.term, one.prompt, one.lang, one.is_open, one.edition_every)


def _settings(ledger: Ledger) -> tuple[object, ...]:
    of = ledger.settings
    return (of.title, of.asker, of.contact, of.demo, of.public_url)


def page_files(content: Path) -> list[Path]:
    """The files of hand-written pages, whatever they hold."""
    return [content / PAGES / one.name for one in _page_files(content)]


def _page_files(content: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(content / PAGES) as found:
            pages = [
                one
                for one in found
                if one.name.endswith(".md") and one.name[0] != "." and one.is_file()
            ]
    except OSError:
        return []
    return sorted(pages, key=lambda one: one.name)


def _stamps(content: Path) -> list[tuple[str, int, int]]:
    stamps = []
    for page in _page_files(content):
        try:
            stat = page.stat()
        except OSError:
            continue
        stamps.append((page.name, stat.st_mtime_ns, stat.st_size))
    return stamps


@cache
def program() -> str:
    """The theme and the code, as they were when this process began to use them."""
    found = hashlib.sha256(code().encode())
    for folder in (THEME, ROOT / "templates" / "post"):
        _add(found, folder, {".html", ".md", ".css", ".svg"})
    # The page "how we ask" is made from it.
    found.update(ETIQUETTE.read_bytes())
    return found.hexdigest()


@cache
def code() -> str:
    """The code alone."""
    found = hashlib.sha256()
    _add(found, Path(__file__).parent.parent, {".py"})
    return found.hexdigest()


def _add(found: hashlib._Hash, folder: Path, suffixes: set[str]) -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in suffixes:
            found.update(path.name.encode() + path.read_bytes())
