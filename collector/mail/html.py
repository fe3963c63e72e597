"""The visible text of an HTML mail, with quoted blocks marked by '> ' as in plain mail.

A scan for tags and no parser: building a tree, as every HTML parser must, takes quadratic time
for deep nesting. The result is text for people and for the reading, never markup to be shown.
"""

from __future__ import annotations

import re
from html import unescape

#: Quotes nested deeper than this are all marked alike.
DEEPEST_QUOTE = 5
#: A tag ends at the next '<' at the latest, which keeps the scan linear.
_TAG = re.compile(r"<!--|<(/?)([a-zA-Z][a-zA-Z0-9]{0,20})\b[^<>]*>|<[!?][^<>]*>")
_BLOCK = re.compile(
    r"address|article|blockquote|br|center|d[dlt]|div|footer|h[1-6r]|header|li|ol|p|pre|section"
    r"|table|t[drh]|ul"
)
_APART = frozenset(["p", "ul", "ol", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6"])
#: Neither shown nor, when struck out, meant any more.
_UNSEEN = frozenset(["script", "style", "title", "del", "s", "strike"])


def visible_text(html: str) -> str:
    """What a person sees of `html`, one line per block. Linear in the length of `html`."""
    text = _Text()
    at = 0
    while found := _TAG.search(html, at):
        text.add(html[at : found.start()])
        at = found.end()
        closing, tag = found[1], (found[2] or "").lower()
        if found[0] == "<!--":
            at = _after(html, r"-->", at)
        elif tag in _UNSEEN and not closing:
            at = _after(html, rf"</{tag}\b[^<>]*>?", at)
        elif _BLOCK.fullmatch(tag):
            text.turn(tag, -1 if closing else 1)
    text.add(html[at:])
    return text.whole()


def _after(html: str, end: str, start: int) -> int:
    """Where the pattern `end` ends; without it, all that follows is unseen."""
    found = re.compile(end, re.IGNORECASE).search(html, start)
    return found.end() if found else len(html)


class _Text:
    """Lines as they are put together from text and block tags."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._words: list[str] = []
        self._quote = 0
        self._pre = 0

    def add(self, markup: str) -> None:
        first, *others = unescape(markup).split("\n") if self._pre > 0 else [unescape(markup)]
        self._words.append(first)
        for line in others:
            self._end_line()
            self._words.append(line)

    def turn(self, tag: str, step: int) -> None:
        """Enter (1) or leave (-1) a block."""
        if tag == "br" or "".join(self._words).strip():
            self._end_line()
        self._words.clear()
        if tag in _APART and self._lines and self._lines[-1].strip("> "):
            self._end_line()
        if tag == "blockquote":
            self._quote = max(self._quote + step, 0)
        elif tag == "pre":
            self._pre = max(self._pre + step, 0)

    def whole(self) -> str:
        self._end_line()
        return "\n".join(self._lines).strip("\n")

    def _end_line(self) -> None:
        line = "".join(self._words)
        self._words.clear()
        if not self._pre:
            line = " ".join(line.split())
        self._lines.append("> " * min(self._quote, DEEPEST_QUOTE) + line)
