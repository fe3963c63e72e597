"""The stretches of a reply's text that its answer stands for, trimmed of what clings to them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from collector.reading.scene import LINK, MENTION, TAG, Scene
from collector.reading.units import Unit

_OPENING = re.compile(
    r"(?:[\s\u200e\u200f\ufeff\u2066-\u2069\u202a-\u202e]|…|\.{2,}|[=＝:]+\s|(?:-+>|=+>|→|⇒|➡\ufe0f?|➜|»)\s+|[-–—―・•*]+\s|—|–)+"
)
_LEADING_MENTIONS = re.compile(r"(?:\s*\.?@[\w.@-]{1,100}(?::\d{2,5}\b)?[:,]?)+\s*")
_PAIRS = {"“": "”", "„": "“”", "«": "»", "»": "«", "‘": "’", "‚": "‘’", "「": "」", "『": "』"} | {
    '"': '"',
    "'": "'",
    "‹": "›",
    "›": "‹",
    "`": "`",
    "”": "”",
    "’": "’",
    "＂": "＂",
    "〝": "〟",
}


def spans_of(
    scene: Scene, kept: Sequence[Unit], holes: Sequence[tuple[int, int]]
) -> tuple[tuple[int, int], ...]:
    """The stretches of the text that these units stand for, trimmed."""
    index = {id(unit): n for n, unit in enumerate(scene.units)}
    runs: list[list[int]] = []
    previous = -2
    for unit in kept:
        number = index[id(unit)]
        begins = max(unit.start, unit.cut)
        joined = (
            number == previous + 1
            and begins == unit.start
            and runs
            and not any(runs[-1][1] <= hole[0] and hole[1] <= unit.start for hole in holes)
            and scene.units[previous].region == unit.region
        )
        if joined:
            runs[-1][1] = unit.end
        else:
            runs.append([begins, unit.end])
        previous = number
    text = scene.tokens.text
    bulleted = sum(unit.follows_bullet for unit in kept) > 1
    last = len(runs) - 1
    spans = []
    for number, (start, end) in enumerate(runs):
        span = trim(scene, start, end, keep_bullet=bulleted, is_last=number == last)
        if span[0] < span[1] and any(map(str.isalnum, text[slice(*span)])):
            spans.append(span)
    return tuple(spans)


def trim(
    scene: Scene, start: int, end: int, *, keep_bullet: bool, is_last: bool
) -> tuple[int, int]:
    """A stretch without mentions, dots, dashes and quotation marks around it."""
    text = scene.tokens.text
    while True:
        before = (start, end)
        found = _LEADING_MENTIONS.match(text, start, end)
        if found is not None and found.end() < end:
            start = found.end()
        if not keep_bullet:
            found = _OPENING.match(text, start, end)
            if found is not None:
                start = found.end()
        while start < end and text[start].isspace():
            start += 1
        if is_last:
            end = _without_pile(scene, start, end)
        while end > start and (text[end - 1].isspace() or text[end - 1] in "\u200b\u200e\u200f"):
            end -= 1
        start, end = _without_quotes(text, start, end)
        if (start, end) == before:
            return start, end


def _without_quotes(text: str, start: int, end: int) -> tuple[int, int]:
    """Without quotation marks that open at the start and close at the very end."""
    if end - start < 3 or text[start] not in _PAIRS:
        return start, end
    closers = _PAIRS[text[start]]
    stop = end
    if text[stop - 1] in ".!?" and text[stop - 2] in closers:
        stop -= 1
    if text[stop - 1] not in closers:
        return start, end
    inside = text[start + 1 : stop - 1]
    marks = [text[start], *closers]
    if any(_opens_again(inside, mark) for mark in marks):
        return start, end
    return start + 1, stop - 1


def _opens_again(inside: str, mark: str) -> bool:
    """Whether a mark stands inside as a quotation mark; inside a word it is an apostrophe."""
    at = inside.find(mark)
    while at >= 0:
        within = 0 < at < len(inside) - 1 and inside[at - 1].isalnum() and inside[at + 1].isalnum()
        if not (within and mark in "'’‘"):
            return True
        at = inside.find(mark, at + 1)
    return False


def _without_pile(scene: Scene, start: int, end: int) -> int:
    """Before the hashtags, mentions and bare links that are heaped at the end."""
    text = scene.tokens.text
    at = end
    while True:
        stop = at
        while stop > start and text[stop - 1].isspace():
            stop -= 1
        first = stop
        while first > start and not text[first - 1].isspace():
            first -= 1
        word = text[first:stop]
        if first == start or not word or len(word) > 200:
            return at
        if TAG.fullmatch(word.rstrip(".,!")) or MENTION.fullmatch(word.rstrip(".,!")):
            before = scene.tokens.first_from(first)
            if before and first and _needs_more(scene, start, first, before):
                return at
            at = first
            continue
        if LINK.match(word.lstrip("(<")) or word.lower() in ("cc", "cc:", "/cc", "via", "h/t"):
            at = first
            continue
        return at if at == end else _keep_space(text, start, at)


def _keep_space(text: str, start: int, at: int) -> int:
    while at > start and text[at - 1].isspace():
        at -= 1
    return at


def _needs_more(scene: Scene, start: int, at: int, token: int) -> bool:
    """Whether the word before can't end a sentence: "is #listening"."""
    tokens = scene.tokens
    if tokens.starts[token - 1] < start:
        return False
    gap = tokens.text[tokens.ends[token - 1] : at]
    return not gap.strip() and scene.is_small(tokens.words[token - 1])
