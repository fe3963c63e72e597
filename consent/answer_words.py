"""An answer cut into words: each with its place, how words are compared, and what stands before.

One pass over the text with offsets into the original; nothing backtracks (promise P32).
Comparing folds what people type in many ways: capitals, full-width letters, decomposed accents,
invisible characters, Arabic vowel marks and letter forms, Devanagari nukta, apostrophes.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from consent.answer_lines import Line


class Break(IntEnum):
    """What lies between a word and the one before it."""

    NONE = 0
    CLAUSE = 1
    SENTENCE = 2
    PARAGRAPH = 3


@dataclass
class Word:
    """One word. `exact` keeps its accents, `bare` does not; `quoted`: said in quotation marks.

    `kind` is "word", or "link" or "mention", which say nothing about a decision. `marks` are the
    punctuation and emoji that follow it.
    """

    start: int
    end: int
    exact: str
    bare: str
    kind: str = "word"
    before: Break = Break.NONE
    quoted: bool = False
    capital: bool = False
    line: int = 0
    marks: str = ""


_SENTENCE_MARKS = frozenset(".!?…。！？｡؟۔।॥‽")
_CLAUSE_MARKS = frozenset(',;:，；：、،؛()[]{}（）【】–—―•|/\\=~〜～*"“”„‟«»「」『』‹›')
_OPENING = {
    "“": "”“", "„": "“”", "«": "»", "»": "«", "「": "」", "『": "』", "‹": "›", "‘": "’",
    "‚": "‘’", "”": "”",
}  # fmt: skip
_APOSTROPHES = frozenset("'’‘´`ʼ＇")
#: In French, Italian and their like these are words of their own before an apostrophe.
ELIDED = frozenset((
    "c", "d", "j", "l", "m", "n", "s", "t", "qu", "jusqu", "lorsqu", "puisqu", "quelqu", "un",
    "all", "dell", "nell", "sull", "dall", "com", "dov", "quest",
))  # fmt: skip
#: Lines of at least this many characters may have been wrapped by a mail program.
_WRAPPED = 50
#: After so many words a colon ends what leads up to the point: "To answer you at last: yes."
_LONG_LEAD = 5
#: No quotation is longer, in characters.
_QUOTATION = 400
_JOINING = frozenset("\u00ad\u200b\u200c\u200d\u2060\ufeff\u034f\u200e\u200f\u061c\u180e\u0640")
_LOOK_ALIKE = str.maketrans(
    {
        **dict.fromkeys("أإآٱ", "ا"), "ى": "ي", "ة": "ه", "ؤ": "و", "ئ": "ي", "ی": "ي", "ک": "ك",
        "ё": "е", "ँ": "ं", "़": None, "ـ": None, "ʼ": None,
        **dict.fromkeys(map(chr, (*range(0x64B, 0x660), 0x670, *range(0x591, 0x5C8))), None),
    }
)  # fmt: skip
_STROKES = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "ð": "d"})


def folded_text(text: str) -> str:
    """A whole text of lower case and composed letters, folded as its words would be."""
    return text.translate(_LOOK_ALIKE)


def without_accents(text: str) -> str:
    parts = unicodedata.normalize("NFD", text).translate(_ACCENTS).translate(_STROKES)
    return unicodedata.normalize("NFC", parts)


_ACCENTS = dict.fromkeys(range(0x300, 0x370))


@lru_cache(maxsize=32768)
def folded(raw: str) -> tuple[str, str]:
    """A word as it is compared: with its accents, and without."""
    if raw.isascii() and raw.isalnum():
        plain = raw.lower()
        return plain, plain
    plain = unicodedata.normalize("NFKC", raw).replace("İ", "i").casefold()
    plain = unicodedata.normalize("NFC", plain).translate(_LOOK_ALIKE)
    if not plain.isascii():
        plain = "".join(c for c in plain if not _is_invisible(c) and c not in _APOSTROPHES)
    exact = plain.replace("'", "")
    if exact.isascii():
        return exact, exact
    return exact, without_accents(exact)


def words_of(text: str, lines: list[Line]) -> list[Word]:
    """The words of these lines of `text`, in order."""
    found: list[Word] = []
    closing = ""
    for number, line in enumerate(lines):
        gap = _between(text, lines[number - 1], line) if number else Break.NONE
        if gap is Break.PARAGRAPH:
            closing = ""
        closing = _read_line(text, line, number, gap, closing, found)
    if found and all(word.quoted for word in found if word.kind == "word"):
        for word in found:
            word.quoted = False
    return found


def _between(text: str, above: Line, line: Line) -> Break:
    if line.after_blank:
        return Break.PARAGRAPH
    length = above.end - above.start
    wrapped = length >= _WRAPPED and text[above.end - 1] not in ",:;"
    return Break.NONE if wrapped else Break.SENTENCE


def _read_line(
    text: str, line: Line, number: int, gap: Break, closing: str, found: list[Word]
) -> str:
    """Add the line's words to `found`; returns the mark that would end an open quotation."""
    at, end = line.start, line.end
    while at < end:
        char = text[at]
        kind = _kind(char)
        if kind == "word" or (kind == "at" and _is_handle(text, at, end)):
            stop = _word_end(text, at, end)
            for first, last, sort in _pieces(text, at, stop):
                exact, bare = folded(text[first:last]) if sort == "word" else ("", "")
                if exact or sort != "word":
                    capital = text[first].isupper()
                    said = bool(closing)
                    found.append(Word(first, last, exact, bare, sort, gap, said, capital, number))
                    gap = Break.NONE
            at = stop
            continue
        gap, closing = _mark(text, at, end, gap, closing, found)
        at += 1
    return closing


def _mark(
    text: str, at: int, end: int, gap: Break, closing: str, found: list[Word]
) -> tuple[Break, str]:
    """What a character that belongs to no word does: it parts, or opens or ends a quotation."""
    char = text[at]
    if char.isspace() or char in _JOINING:
        return gap, closing
    if found:
        found[-1].marks += char
    if closing and char in closing:
        return max(gap, Break.CLAUSE), ""
    if not closing and char == '"':
        closes = text.find('"', at + 1, at + _QUOTATION) > 0
        return max(gap, Break.CLAUSE), '"' if closes else ""
    if not closing and char in _OPENING:
        closes = any(text.find(mark, at + 1, at + _QUOTATION) > 0 for mark in _OPENING[char])
        return max(gap, Break.CLAUSE), _OPENING[char] if closes else ""
    if char == "." and found and found[-1].end == at and _is_short_for(found[-1], at, end):
        return gap, closing
    if char in _SENTENCE_MARKS or (char in ":：" and _since_sentence(found) >= _LONG_LEAD):
        gap = max(gap, Break.SENTENCE)
    elif (
        char in _CLAUSE_MARKS
        or _kind(char) == "emoji"
        or (char == "-" and (at + 1 >= end or text[at + 1] in " -"))
    ):
        gap = max(gap, Break.CLAUSE)
    return gap, closing


def _is_short_for(word: Word, at: int, end: int) -> bool:
    """A full stop after an initial or a number, as in "A. Sample" or "12. Mai", ends nothing."""
    return at + 1 < end and (
        word.exact.isdecimal() or (len(word.exact) == 1 and not is_ideograph(word.exact))
    )


def _since_sentence(found: list[Word]) -> int:
    """How many words the sentence has so far, counted no further than needed."""
    for count, word in enumerate(reversed(found[-_LONG_LEAD:]), 1):
        if word.before >= Break.SENTENCE:
            return count
    return min(len(found), _LONG_LEAD)


def _word_end(text: str, at: int, end: int) -> int:
    """Where a word stops; one that stands in a script without blanks is a single character."""
    if is_ideograph(text[at]):
        return at + 1
    stop = at + 1
    while stop < end:
        kind = _kind(text[stop])
        inside = kind in ("word", "join") or (
            text[stop] in _INSIDE and stop + 1 < end and _kind(text[stop + 1]) == "word"
        )
        if not inside or is_ideograph(text[stop]):
            break
        stop += 1
    return stop


#: Between letters these do not part: don't, site.example/page, 3.5, ada@sample.example.
_INSIDE = _APOSTROPHES | frozenset(".@:/_&+?=#%")


def _pieces(text: str, start: int, end: int) -> list[tuple[int, int, str]]:
    """A run of characters as words: a link or mention whole, "c'est" as two, "ok.thanks" too."""
    raw = text[start:end]
    if raw[0] in "@＠":
        return [(start, end, "mention")]
    if (
        "://" in raw
        or "@" in raw
        or (
            "." in raw
            and all(len(part) > 1 for part in raw.split("/")[0].split("."))
            and (raw.count(".") > 1 or "/" in raw or raw.rpartition(".")[2] in _TOP)
        )
    ):
        return [(start, end, "link")]
    pieces: list[tuple[int, int, str]] = []
    first = at = start
    while at < end:
        char = text[at]
        if char in _APOSTROPHES:
            if text[first:at].lower() in ELIDED:
                pieces.append((first, at, "word"))
                first = at + 1
        elif char in _INSIDE:
            if at > first:
                pieces.append((first, at, "word"))
            first = at + 1
        at += 1
    if first < end:
        pieces.append((first, end, "word"))
    return pieces


#: What a bare host may end in, so that "ok.thanks" is no link.
_TOP = frozenset((
    "example", "com", "org", "net", "io", "de", "fr", "es", "pt", "it", "nl", "se", "pl", "jp",
    "in", "eu", "uk", "app", "dev", "blog", "social",
))  # fmt: skip


def _is_handle(text: str, at: int, end: int) -> bool:
    return at + 1 < end and _kind(text[at + 1]) == "word"


def _is_invisible(char: str) -> bool:
    return (
        char in _JOINING
        or "\ufe00" <= char <= "\ufe0f"
        or "\U000e0000" <= char <= "\U000e01ef"
        or "\u202a" <= char <= "\u202e"
        or "\u2060" <= char <= "\u206f"
    )


@lru_cache(maxsize=4096)
def _kind(char: str) -> str:
    """A "word", "join" (invisible within a word), "at", "emoji" or "mark"."""
    if _is_invisible(char):
        return "join"
    category = unicodedata.category(char)
    if char.isalnum() or category == "Sc":
        return "word"
    if category in ("Mn", "Mc", "Me"):
        return "join"
    if char in "@＠":
        return "at"
    return "emoji" if category in ("So", "Sk", "Cn", "Co") and ord(char) > 0x2100 else "mark"


@lru_cache(maxsize=4096)
def is_ideograph(char: str) -> bool:
    """Han and kana, which are written without blanks between words."""
    code = ord(char)
    return (
        0x3040 <= code <= 0x30FF
        or 0x3400 <= code <= 0x4DBF
        or 0x4E00 <= code <= 0x9FFF
        or 0xF900 <= code <= 0xFAFF
        or 0xFF66 <= code <= 0xFF9F
        or 0x20000 <= code <= 0x323AF
        or code == 0x3005
    )
