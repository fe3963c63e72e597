"""What programs read of a page: JSON-LD with terms of schema.org (W3C JSON-LD 1.1).

It says what the page says and nothing besides: an author's name and address as they were granted,
no author where somebody is anonymous. Its licence is what the author was asked for and has granted,
and the page says it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from markupsafe import Markup

from ledger.model import Campaign
from ledger.piece_text import piece_of
from publisher.compose import picture_address
from publisher.render import encoded_path
from publisher.site.entries import Entry

#: Where a definition's page says why it may be published.
WHY = "why"
#: What could end the element or begin another one, in ways that JSON has of writing it.
_ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


def quotation(entry: Entry, campaign: Campaign, base: str, blog: str) -> Markup:
    """A `Quotation` about the campaign's `DefinedTerm`."""
    address = base + encoded_path(entry.address)
    found: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Quotation",
        "@id": address,
        "url": address,
        "text": entry.words,
        "inLanguage": entry.lang,
        "datePublished": entry.granted_at[:10],
        # What was granted, in words on the page itself: no licence of others says the same.
        "license": f"{address}#{WHY}",
    }
    if entry.person:
        found["creator"] = {"@type": "Person", "name": entry.name}
        if entry.url:
            found["creator"]["url"] = entry.url
        if entry.picture:
            found["creator"]["image"] = base + picture_address(entry.picture)
    # Put together by hand: the part about the campaign is the same for all of its definitions.
    whole = f'{_written(found)[:-1]}, "about": {_term(campaign, base, blog)}}}'
    return Markup(whole)  # noqa: S704 - no character is left that HTML would read


def article(entry: Entry, campaign: Campaign, base: str, blog: str) -> Markup:
    """An interview or an endorsement: an `Article` whose parts are what each person says."""
    address = base + encoded_path(entry.address)
    piece = piece_of(entry.words)
    people = [_person(name, url) for name, url in json.loads(entry.people)]
    found: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Article",
        "@id": address,
        "url": address,
        "headline": entry.title,
        "inLanguage": entry.lang,
        "datePublished": entry.granted_at[:10],
        "license": f"{address}#{WHY}",
        "contributor": [one for one in people if one],
        "hasPart": [
            {
                "@type": "Quotation",
                "text": turn.words,
                **({"creator": people[turn.person - 1]} if people[turn.person - 1] else {}),
            }
            for turn in piece.turns
            if turn.person
        ],
    }
    whole = f'{_written(found)[:-1]}, "about": {_term(campaign, base, blog)}}}'
    return Markup(whole)  # noqa: S704 - no character is left that HTML would read


def _person(name: str, url: str) -> dict[str, str]:
    """Nothing for somebody anonymous."""
    if not name:
        return {}
    return {"@type": "Person", "name": name, **({"url": url} if url else {})}


def defined_term(campaign: Campaign, base: str, blog: str) -> Markup:
    """The campaign's term, in the set of terms that the blog is."""
    whole = '{"@context": "https://schema.org", ' + _term(campaign, base, blog)[1:]
    return Markup(whole)  # noqa: S704 - no character is left that HTML would read


def term_set(campaigns: Iterable[Campaign], base: str, blog: str) -> Markup:
    """The set itself, with the term of each campaign."""
    terms = [
        {"@type": "DefinedTerm", "@id": at, "url": at, "name": one.term}
        for one in campaigns
        for at in [base + encoded_path(f"/{one.slug}/")]
    ]
    whole = {
        "@context": "https://schema.org",
        "@type": "DefinedTermSet",
        "@id": f"{base}/",
        "url": f"{base}/",
        "name": blog,
        "hasDefinedTerm": terms,
    }
    return Markup(_written(whole))  # noqa: S704 - no character is left that HTML would read


@lru_cache(maxsize=64)
def _term(campaign: Campaign, base: str, blog: str) -> str:
    address = base + encoded_path(f"/{campaign.slug}/")
    return _written(
        {
            "@type": "DefinedTerm",
            "@id": address,
            "url": address,
            "name": campaign.term,
            "inDefinedTermSet": {"@type": "DefinedTermSet", "@id": f"{base}/", "name": blog},
        }
    )


def _written(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False).translate(_ESCAPES)
