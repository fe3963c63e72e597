"""The hand-written pages as the site shows them, kept so that they are read when they change."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from ledger.database import Ledger
from ledger.model import Campaign
from publisher.pages import HandPage, read_pages
from publisher.prose import ProseRenderer
from publisher.report import Refusal


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
