"""Cutting a reply up for reading: folded words, sentences, quoted lines, the outer quote marks.

Everything is a single pass over the text with offsets into the original, and nothing
backtracks, so time grows only as fast as the text does (promise P32).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

_TOKEN = re.compile(r"\S+")
_LINE = re.compile(r"[^\n]*\n?")

#: Marks that open or close a quotation; the straight and curly single ones are apostrophes too.
QUOTES = frozenset("\"'“”„‟‘’‚‛«»‹›`´")
_APOSTROPHES = frozenset("'’‘´`")
#: Inside a word these join rather than part: don't, self-made, ad\u00adhoc.
_JOINERS = frozenset("'’‘´`-‐‑\u00ad\u200b\u200c\u200d\u2060")
_ENDS = frozenset(".!?…。！？")
_CLOSING = "\"'”’»›)]}*_"
#: What may stand between a lead-in and its answer.
_LEADING = frozenset(" \t\r\n\v\f\u00a0\u2009\u202f\u3000:=,;-–—→>….~|?!•·")
#: Lines shorter than this were ended by their author, not by a mail program that wraps.
_WRAPPED = 40
#: Mail programs put one of these at the end of the line above a quotation.
_WROTE = ("wrote:", "schrieb:", "a écrit :", "a écrit :", "écrit:", "escribió:", "skrev:")


def is_word_char(char: str) -> bool:
    return char.isalnum() or unicodedata.combining(char) != 0


def fold(char: str) -> str:
    """A character as words are compared: no case, no composition, nothing but letters, digits
    and combining marks.
    """
    return "".join(c for c in unicodedata.normalize("NFD", char.casefold()) if is_word_char(c))


def key(text: str) -> str:
    """Words for comparing with the phrase lists: folded, without accents and punctuation."""
    return " ".join(words(text))


def words(text: str) -> list[str]:
    """The words of `key`, one by one."""
    plain = text if text.isascii() else unicodedata.normalize("NFD", text)
    return plain.casefold().translate(_PLAIN).split()


class _Plain(dict[int, str]):
    """What becomes of each character in `words`; filled as characters are met."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        if char.isalnum():
            plain = char
        else:
            plain = "" if char in _JOINERS or unicodedata.combining(char) else " "
        if len(self) < _MOST_KNOWN:
            self[code] = plain
        return plain


_PLAIN = _Plain()


@dataclass(frozen=True)
class Letters:
    """The letters of a text, folded, with no gaps; `offsets` says where each one stands.

    White space, hashes, hyphens and quote marks vanish, so "Thought leadership" and
    "#ThoughtLeadership" are alike; other punctuation stays as a full stop.
    """

    folded: str
    offsets: list[int]

    @classmethod
    def of(cls, text: str) -> Letters:
        pieces = list(map(_LETTERS.__getitem__, text))
        folded = "".join(pieces)
        offsets = [offset for offset, piece in enumerate(pieces) if piece]
        if len(offsets) != len(folded):  # some characters fold to several letters
            offsets = [offset for offset, piece in enumerate(pieces) for _ in piece]
        return cls(folded, offsets)


class _Letters(dict[str, str]):
    """What becomes of each character in `Letters`; filled as characters are met."""

    def __missing__(self, char: str) -> str:
        vanishes = char.isspace() or char in QUOTES or char in "#＃*_" or char in _JOINERS
        letters = "" if vanishes else fold(char) or "."
        if len(self) < _MOST_KNOWN:
            self[char] = letters
        return letters


#: Characters remembered by the tables; a bound for replies made of every character there is.
_MOST_KNOWN = 4096
_LETTERS = _Letters()


def find_phrase(text: str, letters: Letters, phrase: str) -> Iterator[tuple[int, int]]:
    """Wherever `phrase`, folded by `Letters`, stands in `text` as whole words."""
    at = letters.folded.find(phrase) if phrase else -1
    while at >= 0:
        start = letters.offsets[at]
        end = letters.offsets[at + len(phrase) - 1] + 1
        if _whole(text, start, end):
            yield start, end
        at = letters.folded.find(phrase, at + 1)


def _whole(text: str, start: int, end: int) -> bool:
    before = start == 0 or not is_word_char(text[start - 1])
    after = end == len(text) or not is_word_char(text[end])
    return before and after


def without_quoted_lines(text: str) -> tuple[str, list[tuple[int, int]]]:
    """The text with quoted lines blanked out, offsets unchanged, and where those lines were."""
    if ">" not in text:
        return text, []
    parts: list[str] = []
    quoted: list[tuple[int, int]] = []
    lines = [(found.start(), found.end()) for found in _LINE.finditer(text) if found.group()]
    for number, (start, end) in enumerate(lines):
        line = text[start:end]
        is_quoted = line.lstrip().startswith(">")
        if not is_quoted and line.rstrip().endswith(_WROTE):
            is_quoted = _quotation_follows(text, lines[number + 1 : number + 3])
        parts.append(" " * len(line) if is_quoted else line)
        if is_quoted:
            quoted.append((start, end))
    return "".join(parts), quoted


def _quotation_follows(text: str, lines: list[tuple[int, int]]) -> bool:
    following = [text[start:end].strip() for start, end in lines]
    return any(line.startswith(">") for line in following)


class Sentence(NamedTuple):
    """A stretch that says one thing. `opens_paragraph`: a blank line stands before it."""

    start: int
    end: int
    words: list[str]
    opens_paragraph: bool

    @property
    def key(self) -> str:
        return " ".join(self.words)


def sentences(text: str, start: int, end: int, greetings: frozenset[str]) -> list[Sentence]:
    """Cut at full stops, at blank lines, at lines their author ended, and after "Hi Ada,"."""
    found: list[Sentence] = []
    first, opens, line_start = -1, False, start
    previous_end = start
    for token in _TOKEN.finditer(text, start, end):
        gap = text.count("\n", previous_end, token.start())
        if gap and first >= 0 and _line_ended(text, line_start, previous_end, gap):
            found.append(_sentence(text, first, previous_end, opens=opens))
            first = -1
        if gap:
            line_start = token.start()
        if first < 0:
            first, opens = token.start(), gap > 1
        previous_end = token.end()
        if _ends_sentence(token.group()) or _ends_greeting(text, first, previous_end, greetings):
            found.append(_sentence(text, first, previous_end, opens=opens))
            first = -1
    if first >= 0:
        found.append(_sentence(text, first, previous_end, opens=opens))
    return found


def _sentence(text: str, start: int, end: int, *, opens: bool) -> Sentence:
    return Sentence(start, end, words(text[start:end]), opens)


def _line_ended(text: str, line_start: int, line_end: int, breaks: int) -> bool:
    return breaks > 1 or line_end - line_start < _WRAPPED or text[line_end - 1] in ",:;"


def _ends_sentence(token: str) -> bool:
    bare = token.rstrip(_CLOSING)
    return bool(bare) and bare[-1] in _ENDS


def _ends_greeting(text: str, start: int, end: int, greetings: frozenset[str]) -> bool:
    """Whether this is the comma after "Hi Ada"."""
    if text[end - 1] != "," or end - start > _WRAPPED:
        return False
    spoken = words(text[start:end])
    return bool(spoken) and spoken[0] in greetings


def after_mentions(text: str, start: int) -> int:
    """Past the @mentions at the start and the punctuation that follows them."""
    for token in _TOKEN.finditer(text, start):
        mention = token.group().strip(".,:;()[]")
        if not (mention.startswith("@") and len(mention) > 1):
            return token.start()
    return len(text)


def after_leading(text: str, start: int, end: int) -> int:
    """Past the colons, dashes, dots and blanks between a lead-in and its answer."""
    while start < end and (text[start] in _LEADING or _is_blank(text, start)):
        start += 1
    return start


def _is_blank(text: str, at: int) -> bool:
    """The underscores of a blank; a single one is an emphasis."""
    return text[at] == "_" and (text[at + 1 : at + 2] == "_" or text[at - 1 : at] == "_")


def trim(text: str, start: int, end: int) -> tuple[int, int]:
    """The same stretch without white space and quote marks around it."""
    start, end = _trim_space(text, start, end)
    left, right = start, end
    while left < right and text[left] in QUOTES:
        left += 1
    stop = right
    while left > start and stop > left and text[stop - 1] in ".!?,;":
        stop -= 1
    tail = stop if stop > left and text[stop - 1] in QUOTES else right
    right = tail
    while right > left and text[right - 1] in QUOTES:
        right -= 1
    if left == start and all(mark in _APOSTROPHES for mark in text[right:end]):
        right = end  # the leaders': an apostrophe, nothing that was opened
    if _has_mark(text, left, right):
        return start, end  # "yes" and "no": the marks belong to the words
    return _trim_space(text, left, right)


def _has_mark(text: str, start: int, end: int) -> bool:
    return not QUOTES.isdisjoint(text[start:end]) and any(
        _is_mark(text, at) for at in range(start, end)
    )


def _is_mark(text: str, at: int) -> bool:
    if text[at] not in QUOTES:
        return False
    in_word = at > 0 and at + 1 < len(text) and text[at - 1].isalnum() and text[at + 1].isalnum()
    return not (in_word and text[at] in _APOSTROPHES)


def _trim_space(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def outside(span: tuple[int, int], holes: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The parts of a span that don't lie in any of the holes, in order."""
    start, end = span
    for hole_start, hole_end in holes:
        if hole_end <= start or hole_start >= end:
            continue
        if hole_start > start:
            yield start, hole_start
        start = hole_end
    if start < end:
        yield start, end
