"""The text of a post from its HTML: what its author wrote, as people see it.

Mastodon shortens links for the eye: <span class="invisible"> hides a part of the address and
<span class="ellipsis"> stands for an ellipsis (docs.joinmastodon.org/spec/activitypub, HTML). The
author wrote the whole address, so that is what is kept; anything else invisible is left out, or
words could be slipped past the people who read the post. Linear in the length of the post.
"""

from __future__ import annotations

import re
from html import escape, unescape

from collector.mail.html import visible_text

#: Attributes may hold '>' in quotes; possessive, so that nothing is tried twice.
_TAG = re.compile(
    r"""<(/?)(a|span|p|img)\b((?:"[^"<]*+"|'[^'<]*+'|[^<>"'])*+)>""",
    re.IGNORECASE,
)
_ATTRIBUTE = re.compile(
    r"""\b(class|href|alt)\s*+=\s*+(?:"([^"<]*+)"|'([^'<]*+)')""", re.IGNORECASE
)
_ADDRESS = re.compile(r"https?://\S+")
_SHORTCODE = re.compile(r":\w+:")


def post_text(html: str) -> str:
    """The text of a post, one line per block; mentions, hashtags and :shortcodes: stay as text."""
    post = _Post()
    at = 0
    for found in _TAG.finditer(html):
        post.add(html[at : found.start()])
        at = found.end()
        post.turn(found[2].lower(), found[3], closing=bool(found[1]))
    post.add(html[at:])
    return visible_text(post.whole())


def _attributes(markup: str) -> dict[str, str]:
    return {
        found[1].lower(): unescape(found[2] if found[2] is not None else found[3])
        for found in _ATTRIBUTE.finditer(markup)
    }


class _Post:
    """HTML put together again without links and spans."""

    def __init__(self) -> None:
        self._kept: list[str] = []
        self._spans: list[bool] = []
        self._link: tuple[list[str], list[str]] | None = None
        self._is_fallback = False

    def add(self, markup: str) -> None:
        if self._is_fallback:
            return
        is_hidden = bool(self._spans) and self._spans[-1]
        if self._link is None:
            self._kept += [] if is_hidden else [markup]
            return
        whole, shown = self._link
        whole.append(markup)
        shown += [] if is_hidden else [markup]

    def turn(self, tag: str, attributes: str, *, closing: bool) -> None:
        given = {} if closing else _attributes(attributes)
        classes = given.get("class", "").split()
        if tag == "a":
            self._end_link()
            self._link = None if closing else ([], [])
        elif tag == "span":
            self._turn_span(classes, closing=closing)
        elif tag == "img":
            if _SHORTCODE.fullmatch(given.get("alt", "")):
                self.add(given["alt"])
        else:
            self._end_link()
            # Servers put "RE: <link>" before a quote post, for programs that know no quotes.
            self._is_fallback = "quote-inline" in classes
            self._kept.append("</p>" if closing else "<p>")

    def whole(self) -> str:
        self._end_link()
        return "".join(self._kept)

    def _turn_span(self, classes: list[str], *, closing: bool) -> None:
        if not closing:
            is_inside = bool(self._spans) and self._spans[-1]
            self._spans.append(is_inside or "invisible" in classes)
        elif self._spans:
            self._spans.pop()

    def _end_link(self) -> None:
        if self._link is None:
            return
        whole, shown = ("".join(parts) for parts in self._link)
        self._link = None
        address = unescape(whole)
        self._kept.append(escape(address) if _ADDRESS.fullmatch(address) else shown)
