"""The mark by which people ask programs to leave them alone, wherever they write it."""

from __future__ import annotations

import re

_MARK = re.compile(r"#no_?(?:bots?|automation)\b", re.IGNORECASE)


def says_no_bots(about: str) -> bool:
    """Whether a profile says #nobot; a custom of the fediverse that we keep everywhere."""
    return _MARK.search(about) is not None
