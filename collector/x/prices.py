"""What X charges for, in dollars, and which kind a text is.

Source: docs.x.com/x-api/getting-started/pricing, as of August 2026. Reads are charged per
resource, once per UTC day; writes per request. An account's `prices` option wins over these:
"mention" and "follower" are what an app pays that reads its own owner's account ("owned reads"),
other apps pay as for "post_read" and "user_read".
"""

from __future__ import annotations

import re

from collector.connector import LOOK

PRICES: dict[str, float] = {
    "mention": 0.001,
    "follower": 0.001,
    "post_read": 0.005,
    LOOK: 0.005,  # X charges it as reading a post
    "user_read": 0.010,
    "dm_read": 0.010,
    "post": 0.015,
    "post_with_url": 0.200,
    "dm": 0.015,
}

#: X makes a link of every bare domain too; this sees a few that X doesn't, never fewer.
_LINK = re.compile(r"https?://|\w\.[^\W\d_]{2}", re.IGNORECASE)


def kind_of_post(text: str) -> str:
    """What a post with this text is charged as; one with a link costs thirteen times as much.

    >>> kind_of_post("Thought leadership is ___?"), kind_of_post("See sample.example")
    ('post', 'post_with_url')
    """
    return "post_with_url" if _LINK.search(text) else "post"
