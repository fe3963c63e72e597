"""A reply cut into the things it says: sentences, lines, greetings, each with what it matches."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise

from collector.reading.lexicon import Hit, Lexicon
from collector.reading.own_text import Line
from collector.reading.tokens import Tokens

EMOJI = (
    "\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u2300-\u23ff\ufe0f\u200d\U000e0020-\U000e007f"
    "\u20e3♥❤"
)
_CLOSERS = "\"'”’»›)\\]}*_」』）】〉》"
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_SMILEY = r"[:;]-?[)(DPp]+|<3|\^\^|xD"
#: Where something said ends: marks and what clings to them, or emoji before a further word.
_BREAK = re.compile(
    rf"(?:(?<![.!?…])[.!?…؟।॥;]++[{_CLOSERS}]*+(?:[ \t]*+(?:[{EMOJI}]++|(?:{_SMILEY})(?=\s|$)))*+(?=\s|$)"
    rf"|[。！？]++[{_CLOSERS}]*+(?:[ \t]*+[{EMOJI}]++)*+"
    rf"|[!?][{_CLOSERS}]*+(?=[{_CJK}])"
    rf"|[{EMOJI}]++(?:[ \t]*+[{EMOJI}]++)*+[.!?]*+"
    rf"|(?:(?<=\s)|(?<=^))(?:{_SMILEY})(?=\s))"
)
_SHORT = re.compile(
    r"(?:^|[\s(])(?:\d{1,2}(?=\.$)|[^\W\d_]|[Mm]rs?|[DdMmSs]r|Dra|Sra|Prof|Profa|St|bzw|ca|etc|usw|vs|No|Nr|i\.e|e\.g|z\.\s?B|p\.\s?ej|tzv|np|tj)\.$"
)
_EMOJI = re.compile(f"[{EMOJI}]")
_WORD_FOLLOWS = re.compile(r"[ \t]{1,8}\S")
_BULLET = re.compile(r"\s*(?:[-–—•*·‣▪◦]|\d{1,2}[.)])\s")
#: Mentions before what is said are no part of it.
_MENTIONS = re.compile(r"(?:[.\s]*@[\w.@-]{1,200}[:,]?)++\s*+")
_WRAP_FROM = 60
_SPACE = " \t\r\n\v\f\x1c\x1d\x1e\x1f\x85\xa0\u3000\ufeff\u200e\u200f\u200b\u2060"


@dataclass
class Unit:
    """One thing said: text[start:end], words[first:last], and where it stands."""

    start: int
    end: int
    first: int
    last: int
    paragraph: int
    opens_line: bool
    closes_line: bool
    region: int
    hits: dict[str, list[Hit]] = field(default_factory=dict)
    kind: str = ""
    cut: int = 0
    follows_bullet: bool = False
    follows_part: bool = False

    @property
    def count(self) -> int:
        return self.last - self.first


def units_of(
    tokens: Tokens, lines: Sequence[Line], words: Lexicon, holes: Sequence[tuple[int, int]]
) -> list[Unit]:
    """What a reply says, in order; quoted lines and holes lie between units, never inside."""
    found: list[Unit] = []
    paragraph = region = 0
    group: list[Line] = []
    text = tokens.text
    seen = False
    for line in lines:
        blank = not text[line.start : line.end].strip(_SPACE)
        if not line.is_own or blank:
            _cut(tokens, group, found, paragraph, region, words, holes)
            group = []
            paragraph += seen
            seen = False
            region += not line.is_own
            continue
        seen = True
        if group and not _is_wrapped(text, group[-1], line):
            _cut(tokens, group, found, paragraph, region, words, holes)
            group = []
        group.append(line)
    _cut(tokens, group, found, paragraph, region, words, holes)
    _mark_parts(found, holes)
    return found


def _mark_parts(units: Sequence[Unit], holes: Sequence[tuple[int, int]]) -> None:
    """Note which units come right after a part marker that follows something said."""
    left = iter(holes)
    hole = next(left, None)
    for before, unit in pairwise(units):
        while hole is not None and hole[1] <= before.end:
            hole = next(left, None)
        if hole is not None and hole[1] <= unit.start:
            unit.follows_part = True


def _is_wrapped(text: str, before: Line, line: Line) -> bool:
    """Whether a mail program broke this line, not its author."""
    length = before.end - before.start
    if length < _WRAP_FROM or text[before.end - 1] in ".!?:;,…。！？":
        return text[before.end - 1] == "," and _WRAP_FROM <= length <= 80 and _goes_on(text, line)
    return length <= 100 and _goes_on(text, line)


def _goes_on(text: str, line: Line) -> bool:
    first = text[line.start : line.end].lstrip()[:1]
    return first.islower() and not _BULLET.match(text, line.start, line.end)


def _cut(
    tokens: Tokens,
    group: list[Line],
    into: list[Unit],
    paragraph: int,
    region: int,
    words: Lexicon,
    holes: Sequence[tuple[int, int]],
) -> None:
    if not group:
        return
    text = tokens.text
    start, end = group[0].start, group[-1].end
    pieces: list[tuple[int, int]] = []
    at = start
    for hole_start, hole_end in islice(holes, bisect_left(holes, (at, 0)), None):
        if hole_start >= end:
            break
        if hole_end <= at:
            continue
        pieces.append((at, hole_start))
        at = hole_end
    pieces.append((at, end))
    before = len(into)
    bullet = _BULLET.match(text, start, end) is not None
    for piece_start, piece_end in pieces:
        at = piece_start
        for found in _BREAK.finditer(text, piece_start, piece_end):
            if found.end() <= at or _is_abbreviation(text, at, found.start()):
                continue
            if _EMOJI.match(text, found.start()) and not _WORD_FOLLOWS.match(text, found.end()):
                continue
            if found.group()[0] == ";" and not (
                "\u0370" <= text[max(at, found.start() - 1)] <= "\u03ff"
            ):
                continue
            if _quotes_on(text, found.group(), found.end(), piece_end):
                continue
            _add(tokens, into, at, found.end(), paragraph, region, words)
            at = found.end()
        _add(tokens, into, at, piece_end, paragraph, region, words)
    fresh = into[before:]
    if fresh:
        fresh[0].opens_line = True
        fresh[-1].closes_line = True
        fresh[0].follows_bullet = bullet


def _quotes_on(text: str, mark: str, at: int, end: int) -> bool:
    """Whether the sentence goes on behind a quotation: "Who?" she asked."""
    if mark[-1] not in "\"'”’»›」』":
        return False
    after = text[at : min(end, at + 4)].lstrip()[:1]
    return after.islower() or after in ("-", "–", "—", ",")


def _is_abbreviation(text: str, start: int, stop: int) -> bool:
    if text[stop : stop + 1] != "." or text[stop : stop + 2] == "..":
        return False
    return _SHORT.search(text[max(start, stop - 8) : stop + 1]) is not None


def _add(
    tokens: Tokens,
    into: list[Unit],
    start: int,
    end: int,
    paragraph: int,
    region: int,
    words: Lexicon | None,
) -> None:
    text = tokens.text
    while start < end and text[start] in _SPACE:
        start += 1
    found = _MENTIONS.match(text, start, end)
    if found is not None and found.end() < end:
        start = found.end()
    while end > start and text[end - 1] in _SPACE:
        end -= 1
    if start == end:
        return
    first, last = tokens.first_from(start), tokens.first_from(end)
    greeted = 0 if words is None else _after_greeting(tokens, first, last, end, words)
    if greeted:
        into.append(
            _unit(tokens, start, greeted, first, tokens.first_from(greeted), paragraph, region)
        )
        _add(tokens, into, greeted, end, paragraph, region, None)
        return
    into.append(_unit(tokens, start, end, first, last, paragraph, region))


def _unit(
    tokens: Tokens, start: int, end: int, first: int, last: int, paragraph: int, region: int
) -> Unit:
    return Unit(start, end, first, last, paragraph, False, False, region)


def _after_greeting(tokens: Tokens, first: int, last: int, end: int, words: Lexicon) -> int:
    """Where "Hi Ada," ends; 0 when it doesn't start so."""
    if first == last:
        return 0
    said = 0
    for hit in words.hits_at(tokens.words, first, min(last, first + 6)):
        if hit.section == "greeting":
            said = max(said, hit.end)
    if not said:
        return 0
    strangers = 0
    for number in range(said - 1, min(last, said + 4)):
        stop = tokens.ends[number]
        if number >= said:
            strangers += tokens.text[tokens.starts[number]].islower()
            if strangers > 1:
                return 0
        rest = tokens.text[stop : min(end, stop + 3)]
        mark = rest.lstrip(" \t")[:1]
        if mark in ",，、،!！" and mark:
            return stop + rest.index(mark) + 1
        if rest[:1] == " " and mark in ("-", "–", "—", ":") and rest[2:3] == " ":
            return stop + rest.index(mark) + 1
    return 0


def find_hits(tokens: Tokens, units: Sequence[Unit], words: Lexicon) -> None:
    """Fill in what each unit matches."""
    for unit in units:
        for hit in words.hits(tokens.words, unit.first, unit.last):
            unit.hits.setdefault(hit.section, []).append(hit)
