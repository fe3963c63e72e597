"""What somebody wrote themselves: without quoted mail, what announces it, and signatures.

Works on lines with their places, so that a definition stays a stretch of the text as given. The
habits of mail programs are much alike in all languages: a line that ends with a colon and names
an address and a date announces a quotation; several "Name: value" lines with an address in them
are the head of an earlier mail. Only what goes beyond that needs words from the lexicons.
Linear in the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from collector.reading.lexicon import Lexicon
from collector.reading.tokens import is_cjk, words_of

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
#: "On <date>, <name> wrote:" may be wrapped over this many lines,
ATTRIBUTION_LINES = 4
#: and is never longer than this, in characters.
ATTRIBUTION_LENGTH = 400
FIELD_LENGTH = 60
#: How an attribution begins that is wrapped over lines.
_STARTS = ("on ", "am ", "le ", "el ", "il ", "op ", "em ", "den ", "dne ", "dnia ", "w dniu ")
#: A line that begins with a word or two of a mail program's is no longer than this.
DEVICE_LENGTH = 80

_INVISIBLE = "\ufeff\u200b\u200e\u200f\u202a\u202b\u202c\u2066\u2067\u2068\u2069\xa0 \t\r\n"
_ADDRESS = re.compile(r"[^\s@<>()]{1,64}@[^\s@<>()]{1,190}\.[^\W\d_]{2,24}")
_TIME = re.compile(r"(?<!\d)\d{1,2}\s?[:.h時시点٫][\s]?\d{2}(?!\d)")
_DATE = re.compile(r"(?<!\d)(?:\d{4}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4})(?!\d)")
_RULE = re.compile(r"[―━─═_=*~—–-]{5,}")
_DIVIDER = re.compile(r"-{3,20}\s*\S[^-]{0,60}-{3,20}|-{5,}\s*[^\W\d_][^-]{2,60}:?")
_FIELD = re.compile(r"\s*\*?([^\W\d_][^:：\n]{0,24}?)\*?\s?[:：]\*?(?=\s|\S)")
_GADGET = re.compile(
    r"iphone|ipad|android|outlook|galaxy|smartphone|protonmail|blackberry", re.IGNORECASE
)


@dataclass
class Line:
    """A line's place. `is_quoted`: somebody else's words; `is_gone`: no part of the message."""

    start: int
    end: int
    is_quoted: bool = False
    is_gone: bool = False

    @property
    def is_own(self) -> bool:
        return not (self.is_quoted or self.is_gone)


def lines_of(text: str) -> list[Line]:
    """All lines of a text, unmarked."""
    found = []
    for match in _LINE.finditer(text):
        end = match.end()
        while end > match.start() and text[end - 1] in "\r\n":
            end -= 1
        found.append(Line(match.start(), end))
    return found


def mark_own(text: str, words: Lexicon, *, cautious: bool = False) -> list[Line]:
    """The lines of a text, with those that its author didn't write for us marked.

    What follows an attribution without a mark is somebody else's where words of theirs stand
    before; `cautious` has it so in any case.
    """
    lines = lines_of(text)
    if len(lines) < 2 and not text.lstrip(_INVISIBLE).startswith(">"):
        return lines
    for line in lines:
        line.is_quoted = text[line.start : line.end].lstrip(_INVISIBLE).startswith((">", "|>"))
    _mark_attributions(text, lines, words, cautious=cautious)
    _mark_heads(text, lines, words)
    _mark_signature(text, lines)
    _mark_device(text, lines, words)
    return lines


def _first_own(text: str, lines: Sequence[Line]) -> int:
    """The number of the first line with words of theirs."""
    for number, line in enumerate(lines):
        if line.is_own and any(map(str.isalnum, text[line.start : line.end])):
            return number
    return len(lines)


def _mark_attributions(text: str, lines: list[Line], words: Lexicon, *, cautious: bool) -> None:
    number, first_own = 0, len(lines)
    while number < len(lines):
        length = _attribution_at(text, lines, number, words)
        if not length:
            said = text[lines[number].start : lines[number].end]
            if first_own == len(lines) and lines[number].is_own and any(map(str.isalnum, said)):
                first_own = number
            number += 1
            continue
        for line in lines[number : number + length]:
            line.is_quoted = True
        number += length
        following = next(
            (line for line in lines[number:] if text[line.start : line.end].strip(_INVISIBLE)), None
        )
        is_marked = following is None or following.is_quoted
        if not is_marked and (cautious or first_own < number):
            for line in lines[number:]:
                line.is_gone = True
            return


def _attribution_at(text: str, lines: list[Line], number: int, words: Lexicon) -> int:
    """How many lines from here announce a quotation; 0 when none do."""
    if lines[number].is_quoted or not text[lines[number].start : lines[number].end].strip():
        return 0
    for length in range(1, ATTRIBUTION_LINES + 1):
        some = lines[number : number + length]
        if len(some) < length or some[-1].is_quoted or some[-1].end == some[-1].start:
            return 0
        if some[-1].end - some[0].start > ATTRIBUTION_LENGTH:
            return 0
        said = text[some[0].start : some[-1].end].rstrip(_INVISIBLE)
        if said.endswith((":", "：", ">", "،")):
            after = number + length
            quoted_next = after < len(lines) and lines[after].is_quoted
            if _announces(said, words, quoted_next=quoted_next):
                return length if length == 1 or _starts_so(text, some, words) else 0
            if length == 1 and said.endswith((":", "：")):
                return 0
    return 0


def _starts_so(text: str, lines: Sequence[Line], words: Lexicon) -> bool:
    """Whether the first of several lines belongs to the attribution that the last one ends.

    It does when it begins as one, or when the rest alone would not announce anything.
    """
    first = text[lines[0].start : lines[0].end].strip(_INVISIBLE).lower()
    if first.startswith(_STARTS) and any(map(str.isdigit, first)):
        return True
    if first[:1].isdigit() or first.endswith("<") or _TIME.search(first) or _DATE.search(first):
        return True
    rest = text[lines[1].start : lines[-1].end].rstrip(_INVISIBLE)
    return not _announces(rest, words, quoted_next=True)


def _announces(said: str, words: Lexicon, *, quoted_next: bool) -> bool:
    addressed = _ADDRESS.search(said) is not None
    timed = _TIME.search(said) is not None or _DATE.search(said) is not None
    if not said.endswith((":", "：")):
        return False
    if addressed and timed:
        return True
    spoken = words_of(said)
    plain, joined = f" {' '.join(spoken)} ", "".join(spoken)
    wrote = any(
        f" {phrase} " in plain or (is_cjk(phrase[0]) and phrase.replace(" ", "") in joined)
        for phrase in words.lists.get("wrote", ())
    )
    return wrote and (addressed or timed or quoted_next)


def _mark_heads(text: str, lines: list[Line], words: Lexicon) -> None:
    """All that follows the head of an earlier mail, as Outlook and forwarding put it."""
    froms = words.lists.get("from", frozenset())
    originals = words.lists.get("original", frozenset())
    row = 0
    row_has_address = starts_from = False
    first, first_own = 0, _first_own(text, lines)
    for number, line in enumerate(lines):
        said = text[line.start : line.end]
        if line.is_quoted:
            continue
        stripped = said.strip(_INVISIBLE)
        if not stripped:
            continue
        if _is_divider(stripped, originals) and first_own < number:
            _drop(lines[number:])
            return
        found = _FIELD.match(said[:FIELD_LENGTH])
        if found is None:
            row, row_has_address = 0, False
            continue
        name = " ".join(words_of(found[1]))
        row += 1
        row_has_address = row_has_address or _ADDRESS.search(said[:400]) is not None
        known_from = name in froms
        if row == 1:
            first, starts_from = number, known_from
        if row >= 3 and (row_has_address or starts_from):
            _drop(lines[first:])
            return


def _is_divider(said: str, originals: frozenset[str]) -> bool:
    if said[0] not in "-_—–" and said[:1].isascii():
        plain = " ".join(words_of(said[:80]))
        return plain in originals
    if len(said) > 90:
        return not said.strip("_")
    if not said.strip("_") and len(said) >= 20:
        return True
    return _DIVIDER.fullmatch(said) is not None and bool(words_of(said))


def _drop(lines: Iterable[Line]) -> None:
    for line in lines:
        line.is_gone = True


def _mark_signature(text: str, lines: list[Line]) -> None:
    """From "-- " (RFC 3676 4.3) or a ruled line to the end of what they wrote."""
    first_own = _first_own(text, lines)
    for number, line in enumerate(lines):
        if not line.is_own:
            continue
        said = text[line.start : line.end].strip(_INVISIBLE)
        if said in ("--", "—", "––", "– –", "---", "***") or _RULE.fullmatch(said):
            if first_own >= number:
                continue
            below = [other for other in lines[number + 1 :] if other.is_own]
            if _is_like_signature(text, below):
                _drop([line, *below])
            return


def _is_like_signature(text: str, below: list[Line]) -> bool:
    """Few short lines; a poem in two parts may have a ruled line in it as well."""
    said = [text[line.start : line.end] for line in below]
    said = [line for line in said if line.strip(_INVISIBLE)]
    return len(said) <= 12


def _mark_device(text: str, lines: list[Line], words: Lexicon) -> None:
    own = [line for line in lines if line.is_own and text[line.start : line.end].strip(_INVISIBLE)]
    spaced, glued = words.device_phrases
    for number, line in enumerate(own):
        said = text[line.start : line.end]
        spoken = words_of(said[:120])
        plain, joined = " ".join(spoken), "".join(spoken)
        told = bool(spoken) and any(
            (plain == phrase or plain.startswith(phrase + " "))
            and (len(said) <= DEVICE_LENGTH or phrase.count(" ") > 1)
            for phrase in spaced.get(spoken[0], ())
        )
        told = told or any(phrase in joined for phrase in glued)
        last = len(own) - number <= 2 and len(said) <= 60 and number > 0
        if told or (last and _GADGET.search(said) and len(spoken) <= 12):
            if number or len(own) > 1:
                _drop(own[number:])
            return
