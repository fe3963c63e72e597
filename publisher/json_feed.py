"""JSON Feed 1.1 (jsonfeed.org): what the Atom feeds say, for programs that would rather not XML."""

from __future__ import annotations

import json
from typing import Any

from publisher.feeds import Feed, content_of, seconds
from publisher.render import encoded_path
from publisher.site.entries import Entry

MEDIA_TYPE = "application/feed+json"
VERSION = "https://jsonfeed.org/version/1.1"


def written(feed: Feed) -> bytes:
    """The document; the same feed always gives the same bytes."""
    found: dict[str, Any] = {
        "version": VERSION,
        "title": feed.title,
        "home_page_url": feed.base + encoded_path(feed.page),
        "feed_url": feed.base + encoded_path(feed.path),
        "authors": [{"name": feed.author}],
    }
    if feed.older:
        found["next_url"] = feed.base + encoded_path(feed.older_path("json"))
    found["items"] = [_item(one, feed.base) for one in feed.entries]
    return json.dumps(found, ensure_ascii=False, indent=1).encode() + b"\n"


def _item(one: Entry, base: str) -> dict[str, Any]:
    address = base + encoded_path(one.address)
    at = seconds(one.granted_at)
    return {
        "id": address,
        "url": address,
        "title": one.title,
        "content_html": content_of(one),
        "date_published": at,
        "date_modified": at,
        "authors": [
            {"name": name, "url": url} if url else {"name": name} for name, url in one.authors
        ],
        "language": one.lang,
    }
