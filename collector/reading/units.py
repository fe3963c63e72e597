"""A reply cut into the things it says: sentences, lines, greetings, each with what it matches."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
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
    rf"(?:(?<![.!?…])[.!?…؟।॥;]++[{_CLOSERS}]*+"
    rf"(?:[ \t]*+(?:[{EMOJI}]++|(?:{_SMILEY})(?=\s|$)))*+(?=\s|$)"
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
_MENTIONS = re.compile(r"(?:[.\s]*@[\w.@-]{1,200}(?::\d{2,5}\b)?[:,]?)++\s*+")
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
    region: int
    opens_line: bool = False
    closes_line: bool = False
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
    """What a reply says, in order, with what each of it matches.

    Quoted lines and holes lie between units, never inside.
    """
    cutter = _Cutter(tokens, words, holes)
    for line in lines:
        cutter.take(line)
    cutter.close()
    _mark_parts(cutter.units, holes)
    for unit in cutter.units:
        for hit in words.hits(tokens.words, unit.first, unit.last):
            unit.hits.setdefault(hit.section, []).append(hit)
    return cutter.units


class _Cutter:
    """Puts lines together that belong together, and cuts them into what they say."""

    def __init__(self, tokens: Tokens, words: Lexicon, holes: Sequence[tuple[int, int]]) -> None:
        self.units: list[Unit] = []
        self._tokens = tokens
        self._text = tokens.text
        self._words = words
        self._holes = holes
        self._group: list[Line] = []
        self._paragraph = 0
        self._region = 0
        self._seen = False

    def take(self, line: Line) -> None:
        """The next line of the text."""
        if not line.is_own or not self._text[line.start : line.end].strip(_SPACE):
            self.close()
            self._paragraph += self._seen
            self._seen = False
            self._region += not line.is_own
            return
        self._seen = True
        if self._group and not _is_wrapped(self._text, self._group[-1], line):
            self.close()
        self._group.append(line)

    def close(self) -> None:
        """Cut the lines that were gathered."""
        if not self._group:
            return
        start, end = self._group[0].start, self._group[-1].end
        self._group = []
        before = len(self.units)
        for piece_start, piece_end in self._pieces(start, end):
            at = piece_start
            for stop in self._stops(piece_start, piece_end):
                self._add(at, stop, greets=True)
                at = stop
            self._add(at, piece_end, greets=True)
        if len(self.units) > before:
            self.units[before].opens_line = True
            self.units[before].follows_bullet = _BULLET.match(self._text, start, end) is not None
            self.units[-1].closes_line = True

    def _pieces(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """What lies between the holes."""
        for hole_start, hole_end in islice(self._holes, bisect_left(self._holes, (start, 0)), None):
            if hole_start >= end:
                break
            if hole_end > start:
                yield start, max(start, hole_start)  # marks may touch
                start = hole_end
        yield start, end

    def _stops(self, start: int, end: int) -> Iterator[int]:
        """Where sentences end."""
        for found in _BREAK.finditer(self._text, start, end):
            if found.end() > start and not self._goes_on(found, start, end):
                start = found.end()
                yield start

    def _goes_on(self, found: re.Match[str], start: int, end: int) -> bool:
        """Whether a mark that may end a sentence doesn't here."""
        text, mark = self._text, found.group()
        if _EMOJI.match(mark):
            if not text[start : found.start()].strip():
                return True
            return _WORD_FOLLOWS.match(text, found.end()) is None
        if (
            mark[0] in "….·"
            and mark[:3] in ("…", "...")
            and text[found.end() :][:2].strip().islower()
        ):
            return True  # "Trust is … a lamp"
        if mark[0] == ";":  # the Greek question mark, which is written as a semicolon
            return not "\u0370" <= text[max(start, found.start() - 1)] <= "\u03ff"
        return _is_abbreviation(text, start, found.start()) or _quotes_on(
            text, mark, found.end(), end
        )

    def _add(self, start: int, end: int, *, greets: bool) -> None:
        text = self._text
        while start < end and text[start] in _SPACE:
            start += 1
        found = _MENTIONS.match(text, start, end)
        if found is not None and found.end() < end:
            start = found.end()
        while end > start and text[end - 1] in _SPACE:
            end -= 1
        if start >= end:
            return
        first, last = self._tokens.first_from(start), self._tokens.first_from(end)
        stop = _after_greeting(self._tokens, first, last, end, self._words) if greets else 0
        if stop:
            self._keep(start, stop, first, self._tokens.first_from(stop))
            self._add(stop, end, greets=False)
        else:
            self._keep(start, end, first, last)

    def _keep(self, start: int, end: int, first: int, last: int) -> None:
        self.units.append(Unit(start, end, first, last, self._paragraph, self._region))


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
