"""The mark by which people ask programs to leave them alone, wherever they write it."""

from __future__ import annotations

import re
from typing import Any

from collector.post_html import post_text

#: A custom of the fediverse that we keep everywhere.
_MARK = re.compile(r"#no_?(?:bots?|automation)\b", re.IGNORECASE)
#: Where profiles have words of their owner's: Mastodon's entities/Account, X's user, Bluesky's
#: app.bsky.actor.defs#profileView.
_WORDS = ("note", "description", "display_name", "displayName", "name")


def says_no_bots(about: str) -> bool:
    """Whether what somebody says about themselves has the mark in it."""
    return _MARK.search(about) is not None


def wants_no_bots(profile: Any) -> bool:
    """Whether the mark stands anywhere in a profile as its platform sends it, HTML or not."""
    if not isinstance(profile, dict):
        return False
    parts = [profile.get(name) for name in _WORDS]
    fields = profile.get("fields")
    for each in fields if isinstance(fields, list) else []:
        parts += [each.get("name"), each.get("value")] if isinstance(each, dict) else []
    words = [part for part in parts if isinstance(part, str)]
    return any(says_no_bots(part) or says_no_bots(post_text(part)) for part in words)
