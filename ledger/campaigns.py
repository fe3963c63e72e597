"""Campaigns: one term to define, one prompt with a blank."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from slugify import slugify
from sqlalchemy import Connection, insert, select, update

from ledger.contributors import new_id
from ledger.errors import DefinedbyError, SettingError
from ledger.model import BLANK, Campaign
from ledger.periods import Every
from ledger.prepared import Prepared
from ledger.tables import campaigns

MOST_PROMPT_CHARACTERS = 280
#: Addresses of the blog that a campaign can't take.
RESERVED_SLUGS = frozenset(
    {"about", "answer", "answered", "assets", "desk", "feed", "feeds", "healthz", "me", "p", "page"}
    | {"pages", "people", "posts", "site", "sitemap", "static", "unsubscribe"}
    | {"webmention", "welcome"}
)


_ALL = Prepared(select(campaigns).order_by("created_at"))


def add_campaign(
    connection: Connection,
    at: datetime,
    *,
    prompt: str,
    term: str = "",
    slug: str = "",
    lang: str = "en",
) -> Campaign:
    """Make a campaign. `prompt` has one blank, written ___; `term` is guessed from it.

    Raises SettingError for a prompt that can't be used and DefinedbyError for a taken slug.
    """
    prompt = " ".join(prompt.split())
    if prompt.count(BLANK) != 1 or len(prompt) > MOST_PROMPT_CHARACTERS:
        raise SettingError(
            "A prompt has exactly one blank and at most 280 characters.",
            "Write the blank as three underscores, for example: 'Thought leadership is ___?'",
        )
    term = " ".join(term.split()) or guess_term(prompt)
    slug = slugify(slug or term, allow_unicode=True, max_length=60)
    if not slug or slug in RESERVED_SLUGS:
        raise SettingError(
            f"A campaign can't have the address '{slug}'.", "Give another one with --slug."
        )
    if find_campaign(connection, slug):
        raise DefinedbyError(
            f"There is a campaign with the address '{slug}' already.", "Give another with --slug."
        )
    made = Campaign(new_id(), slug, term, prompt, lang, at)
    connection.execute(insert(campaigns).values(**vars(made)))
    return made


def guess_term(prompt: str) -> str:
    """What stands before the blank, without a closing "is": "Thought leadership is ___?"."""
    before, _, after = prompt.partition(BLANK)
    words = before.split() or after.strip(" ?.!").split()
    if len(words) > 1 and words[-1].lower() in {"is", "=", "means", "ist", "est", "es", "är"}:
        words.pop()
    return " ".join(words).strip(" :=,")


def all_campaigns(connection: Connection) -> list[Campaign]:
    return [_campaign(row) for row in _ALL.rows(connection)]


def find_campaign(connection: Connection, slug: str) -> Campaign | None:
    row = connection.execute(select(campaigns).where(campaigns.c.slug == slug)).first()
    return None if row is None else _campaign(row)


def campaign_by_id(connection: Connection, campaign_id: str) -> Campaign:
    return _campaign(
        connection.execute(select(campaigns).where(campaigns.c.id == campaign_id)).one()
    )


def need_campaign(connection: Connection, slug: str) -> Campaign:
    """The campaign with this slug; with an empty slug, the only open one. Raises DefinedbyError."""
    known = all_campaigns(connection)
    if not slug:
        still_open = [campaign for campaign in known if campaign.is_open]
        if len(still_open) == 1:
            return still_open[0]
    for campaign in known:
        if campaign.slug == slug:
            return campaign
    names = ", ".join(campaign.slug for campaign in known) or "none yet"
    what = f"There is no campaign '{slug}'." if slug else "It is not clear which campaign is meant."
    raise DefinedbyError(what, f"Name one with --campaign; there are: {names}.")


def set_open(connection: Connection, campaign_id: str, *, is_open: bool) -> None:
    connection.execute(
        update(campaigns).where(campaigns.c.id == campaign_id).values(is_open=is_open)
    )


def set_edition_every(connection: Connection, campaign_id: str, every: Every) -> None:
    """How often an edition is drafted for a campaign from now on."""
    connection.execute(
        update(campaigns).where(campaigns.c.id == campaign_id).values(edition_every=str(every))
    )


def _campaign(row: Any) -> Campaign:
    return Campaign(
        row.id,
        row.slug,
        row.term,
        row.prompt,
        row.lang,
        row.created_at,
        is_open=row.is_open,
        edition_every=row.edition_every,
    )
