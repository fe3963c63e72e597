"""The lines of an answer that its author wrote: no quoted mail, no signature, no device line,
and not the question that we sent.

Line by line, in linear time. Cutting too much can only lose a yes; so can cutting too little,
because words that nobody understands are never a yes.
"""

from __future__ import annotations

from dataclasses import dataclass

#: "On <date>, <name> wrote:" may be wrapped over this many lines, of this many characters.
ATTRIBUTION_LINES = 3
ATTRIBUTION_LENGTH = 400
#: No notice of confidentiality is shorter, in characters.
LEGAL_LENGTH = 40
#: After a delimiter the rest is a signature, unless it begins with one of these.
_AFTERTHOUGHTS = ("ps", "p.s", "p. s", "p.-s", "pps", "nb", "n.b", "pd:", "pd.", "追伸", "附言")
_RULES = frozenset("-_=*―–—─━~·•")


@dataclass(frozen=True)
class Line:
    """A kept line as offsets into the answer, white space trimmed."""

    start: int
    end: int
    after_blank: bool
    #: It stands below a line that parts off a signature.
    below: bool = False


@dataclass(frozen=True)
class LineWords:
    """What mail programs write, from the language files, in lower case."""

    wrote: tuple[str, ...]
    headers: frozenset[str]
    device: tuple[str, ...]
    original: tuple[str, ...]
    legal: tuple[str, ...]


def own_lines(text: str, question: str, known: LineWords, credit: str = "") -> list[Line]:
    """The lines that were written for this answer. The credit by itself is their signature."""
    ours = {_plain(line) for line in question.splitlines() if len(line.strip()) > 8}
    ours.add(_plain(question))
    ours -= {"", _plain(credit)}
    spans = list(_spans(text))
    kept: list[Line] = []
    blank = below = False
    number = 0
    while number < len(spans):
        start, end = spans[number]
        line = text[start:end]
        if not line:
            blank = True
        elif _is_quoted(line):
            pass
        elif (length := _attribution(text, spans, number, known)) > 0:
            number += length
            if not _quoted_next(text, spans, number):
                break
            continue
        elif _begins_original(text, spans, number, known):
            break
        elif _ends_here(text, spans, number, kept):
            below = True
        elif not (_is_device(line, known) or _plain(line) in ours):
            kept.append(Line(start, end, blank and bool(kept), below))
            blank = False
        number += 1
    return _without_legal(text, kept, known)


def _spans(text: str) -> list[tuple[int, int]]:
    """Each line, trimmed."""
    spans = []
    at = 0
    for line in text.splitlines(keepends=True):
        stripped = line.strip()
        first = at + (len(line) - len(line.lstrip())) if stripped else at
        spans.append((first, first + len(stripped)))
        at += len(line)
    return spans


def _plain(line: str) -> str:
    return "".join(char for char in line.casefold() if char.isalnum())


def _is_quoted(line: str) -> bool:
    return line.startswith((">", "|>", "＞", "&gt;"))


def _attribution(text: str, spans: list[tuple[int, int]], number: int, known: LineWords) -> int:
    """How many lines from here say "On <date>, <name> wrote:"; 0 when none do."""
    whole = ""
    for length in range(1, ATTRIBUTION_LINES + 1):
        if number + length > len(spans):
            return 0
        start, end = spans[number + length - 1]
        if start == end or len(whole) + end - start > ATTRIBUTION_LENGTH:
            return 0
        whole += " " + text[start:end].lower()
        if whole.endswith((":", "：", "︰")):
            return length if _announces(whole, known) else 0
    return 0


def _announces(whole: str, known: LineWords) -> bool:
    dated = "@" in whole or any(char.isdigit() for char in whole)
    if "@" in whole and whole.rstrip(":： ").endswith(">"):
        return True
    return dated and any(word in whole for word in known.wrote)


def _quoted_next(text: str, spans: list[tuple[int, int]], number: int) -> bool:
    for start, end in spans[number : number + 4]:
        if end > start:
            return _is_quoted(text[start:end])
    return False


def _begins_original(
    text: str, spans: list[tuple[int, int]], number: int, known: LineWords
) -> bool:
    """Whether an earlier mail begins here, as Outlook and forwarding mark it."""
    start, end = spans[number]
    line = text[start:end]
    if line[0] in "-*_" and len(line) < 80:
        inner = line.strip("-*_ ").lower()
        if inner and inner.startswith(known.original):
            return True
    if _field(line) not in known.headers:
        return False
    following = [text[a:b] for a, b in spans[number + 1 : number + 5]]
    return sum(_field(other) in known.headers for other in following) >= 1


def _field(line: str) -> str:
    """The name in "*Name:* value", in lower case."""
    name, colon, _ = line[:40].replace("：", ":").lstrip("* ").partition(":")
    return name.strip("* \xa0").lower() if colon else ""


def _ends_here(text: str, spans: list[tuple[int, int]], number: int, kept: list[Line]) -> bool:
    """A line that parts the signature from the mail (RFC 3676 4.3, and looser habits)."""
    start, end = spans[number]
    line = text[start:end]
    if not kept or not (set(line) <= _RULES) or (len(line) < 2 and line not in "—―"):
        return False
    rest = next((text[a:b] for a, b in spans[number + 1 :] if b > a), "")
    return not rest.lower().startswith(_AFTERTHOUGHTS)


def _is_device(line: str, known: LineWords) -> bool:
    return len(line) <= 120 and line.strip(" .-–—*_").lower().startswith(known.device)


def _without_legal(text: str, kept: list[Line], known: LineWords) -> list[Line]:
    """Without a notice of confidentiality at the end, in whatever paragraph it begins."""
    for number, line in enumerate(kept):
        if number and line.after_blank:
            said = text[line.start : line.end].lower()
            if len(said) >= LEGAL_LENGTH and any(phrase in said for phrase in known.legal):
                return kept[:number]
    return kept
