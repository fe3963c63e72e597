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
    return alone and (one.in_brackets or _opens_sentence(text, one))


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


def part_of(text: str) -> tuple[int, int] | None:
    """Which part of how many a text is marked as, at its beginning or its end; None for none."""
    spoken = _spoken(text)
    for found in _MARKER.finditer(spoken[:40]):
        if not spoken[: found.start()].strip():
            return _counted(found)
    tail = spoken[-20:]
    ending = [found for found in _MARKER.finditer(tail) if not tail[found.end() :].strip()]
    return _counted(ending[0]) if ending else None


def _counted(found: re.Match[str]) -> tuple[int, int] | None:
    number, of = int(found[1]), int(found[2])
    return (number, of) if 1 <= number <= of <= MOST_PARTS and of > 1 else None
