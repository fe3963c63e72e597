"""Part markers of threads: "1/2 … 2/2", "(1/3)", "🧵". Fractions are not among them."""

from __future__ import annotations

import re
from itertools import islice
from typing import NamedTuple

_MARKER = re.compile(r"[(\[]?(?<![\d/.,])(\d{1,2})\s?[/⁄]\s?(\d{1,2})(?![\d/%])[)\]]?[.:]?")
_THREAD = re.compile("🧵\ufe0f?|⬇️|👇(?=\\s*$)")
#: Nobody answers in more parts than this.
MOST_PARTS = 30
#: No more marks than this are looked at.
MOST_MARKS = 200


class _Marker(NamedTuple):
    start: int
    end: int
    number: int
    of: int
    in_brackets: bool


def marker_spans(text: str) -> list[tuple[int, int]]:
    """Where the part markers of a text stand, in order."""
    found = [
        _Marker(m.start(), m.end(), int(m[1]), int(m[2]), m[0][0] in "([")
        for m in islice(_MARKER.finditer(text), MOST_MARKS)
        if _at_edge(text, m.start(), m.end())
    ]
    parts = [m for m in found if 1 <= m.number <= m.of <= MOST_PARTS and m.of >= 2]
    spans = [(m.start, m.end) for m in parts] if _is_row(parts, text) else []
    spans += [
        m.span()
        for m in islice(_THREAD.finditer(text), MOST_MARKS)
        if _stands_alone(text, *m.span())
    ]
    return sorted(spans)


def _is_row(parts: list[_Marker], text: str) -> bool:
    """Whether the markers count up in one total; a single one needs brackets or a line's end."""
    if not parts:
        return False
    numbers = [m.number for m in parts]
    if len({m.of for m in parts}) > 1:
        return False
    if len(parts) > 1:
        return numbers == list(range(numbers[0], numbers[0] + len(parts)))
    one = parts[0]
    alone = not _spoken(text[: one.start]) or not text[one.end :].strip()
    whole = one.number == one.of  # nobody measures 2/2 of anything
    return alone and (whole or one.in_brackets or _opens_sentence(text, one))


def _spoken(text: str) -> str:
    return " ".join(w for w in text.split() if not w.startswith("@") and w != "🧵")


def _opens_sentence(text: str, marker: _Marker) -> bool:
    """Whether a single marker counts: "1/2 Leadership is" does, "1/2 cup of tea" measures."""
    if not text[marker.end :].strip():
        return text[marker.end - 1] == ")" or "\n" in text[max(0, marker.start - 2) : marker.start]
    after = text[marker.end :].lstrip(" \t:.-–—")
    return (
        "\n" in text[marker.end : marker.end + 2]
        or (after[:1].isupper() and marker.of != 2)
        or (after[:1].isupper() and marker.number == 1)
    )


def _at_edge(text: str, start: int, end: int) -> bool:
    """Whether it stands at the beginning or the end of a line, mentions aside."""
    before = text[max(0, start - 200) : start].rpartition("\n")[2]
    before = " ".join(w for w in before.split() if not w.startswith("@") and w != "🧵")
    after = text[end : end + 200].partition("\n")[0]
    after = " ".join(w for w in after.split() if not w.startswith(("@", "#")) and w != "🧵")
    return (not before or not after) and (
        start == 0 or text[start - 1].isspace() or not text[start - 1].isalnum()
    )


def _stands_alone(text: str, start: int, end: int) -> bool:
    """At the beginning or end of the text or a line."""
    before, after = (
        text[max(0, start - 20) : start].rstrip(" \t"),
        text[end : end + 20].lstrip(" \t"),
    )
    return not before or before[-1] in "\n)" or not after or after[0] == "\n"


class Part(NamedTuple):
    """A text's mark as a part: `number` of `of`, standing at text[start:end]."""

    number: int
    of: int
    start: int
    end: int


def part_of(text: str) -> Part | None:
    """How a text is marked as a part, at its beginning or its end; None when it isn't."""
    for found in _MARKER.finditer(text[:200]):
        if not _spoken(text[: found.start()]):
            return _counted(found)
    at = max(0, len(text) - 40)
    for found in _MARKER.finditer(text, at):
        if not text[found.end() :].strip():
            return _counted(found)
    return None


def without_mark(spans: tuple[tuple[int, int], ...], text: str) -> tuple[tuple[int, int], ...]:
    """The spans of a part without its mark and what surrounds that."""
    mark = part_of(text)
    if mark is None:
        return spans
    return tuple(
        span for span in (_beside(mark, span, text) for span in spans) if span[0] < span[1]
    )


def _beside(mark: Part, span: tuple[int, int], text: str) -> tuple[int, int]:
    """The larger side of a span that has the mark in it, trimmed."""
    start, end = span
    if start <= mark.start and mark.end <= end:
        sides = ((start, mark.start), (mark.end, end))
        start, end = max(sides, key=lambda side: len(text[slice(*side)].strip()))
    while start < end and text[start] in " \t\n:–—":
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _counted(found: re.Match[str]) -> Part | None:
    number, of = int(found[1]), int(found[2])
    if not (1 <= number <= of <= MOST_PARTS and of > 1):
        return None
    return Part(number, of, found.start(), found.end())
