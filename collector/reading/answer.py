"""Which stretches of a reply are the answer."""

from __future__ import annotations

import re
from collections.abc import Sequence

from collector.reading.scene import (
    LINK,
    MENTION,
    TAG,
    Scene,
    anywhere,
    opening,
)
from collector.reading.units import EMOJI, Unit

#: What an answer is made of, for certain or likely.
STRONG = frozenset(["lead", "label"])
WEAK = frozenset(["content", "mention"])
NAME_WORDS = 4
#: "— Ada", "/Göran", "-- Sam"
DASHED_NAME = re.compile(r"\s*(?:[—–/~]|--?)\s?(?=[^\W\d_])")
_OPENING = re.compile(
    r"(?:[\s\u200e\u200f\ufeff\u2066-\u2069\u202a-\u202e]|…|\.{2,}|[=＝:]+\s|[-–—―・•*]+\s|—|–)+"
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
_TRAILING = re.compile(rf"[\s{EMOJI}]*$")


def answer_units(scene: Scene) -> list[Unit]:
    """The units that answer, in order; none when nothing does."""
    units = _before_sign_off(scene)
    strong = [number for number, unit in enumerate(units) if unit.kind in STRONG]
    if strong:
        first = strong[0]
    else:
        weak = [n for n, unit in enumerate(units) if unit.kind in WEAK]
        if not weak:
            return []
        first = _first_of(scene, units, weak)
    return _go_on(scene, units, first)


def _first_of(scene: Scene, units: Sequence[Unit], weak: list[int]) -> int:
    """The first that may answer; one that starts as an answer does comes before chat."""
    for number in weak:
        if units[number].kind == "mention":
            return number
    for number in weak:
        unit = units[number]
        takes_up = opening(scene, unit, "it") and anywhere(unit, "it", 2)
        chatted = any(units[n].kind in ("chat", "no_answer") for n in range(min(number, 8)))
        if takes_up and chatted and number - weak[0] <= 3:
            return number
    return weak[0]


def _go_on(scene: Scene, units: Sequence[Unit], first: int) -> list[Unit]:
    kept = [units[first]]
    pending: list[Unit] = []
    closed = False
    for unit in units[first + 1 :]:
        if unit.kind in STRONG and (unit.kind == "label" or not closed):
            kept += pending if not closed else []
            pending = []
            kept.append(unit)
            closed = False
            continue
        if unit.kind == "closing":
            break
        if closed and unit.region == kept[-1].region:
            continue
        if unit.kind == "mark":
            pending.append(unit)
        elif _follows(scene, unit, kept):
            kept += [*pending, unit]
            pending = []
            closed = False
        else:
            closed = True
            pending = [p for p in pending if p.end < unit.start]
            kept += pending if not closed else []
            pending = []
    # Emoji right after the last sentence belong to it.
    kept += [p for p in pending if p.paragraph == kept[-1].paragraph]
    return kept


def _follows(scene: Scene, unit: Unit, kept: list[Unit]) -> bool:
    """Whether something said after an answer still belongs to it."""
    if unit.follows_part and unit.kind not in ("tags", "link", "closing"):
        return True
    if unit.kind in (
        "question",
        "thanks",
        "polite",
        "greeting",
        "more",
        "link",
        "tags",
        "no_answer",
        "prompt",
        "heading",
    ):
        return False
    if unit.kind == "reaction":
        return unit.count <= 3 and not unit.opens_line and unit.paragraph == kept[-1].paragraph
    if anywhere(unit, "remark") and opening(scene, unit, "remark"):
        return False
    if unit.kind == "chat":
        return (
            unit.paragraph == kept[-1].paragraph
            and not unit.opens_line
            and (kept[-1].kind not in STRONG or len(kept) > 1)
            and not LINK.search(scene.text(unit))
        )
    return True


def _before_sign_off(scene: Scene) -> list[Unit]:
    """The units up to a good-bye, a dashed name, or a last line that is but a name."""
    units = list(scene.units)
    spoken = [n for n, unit in enumerate(units) if unit.first < unit.last]
    for place, number in enumerate(spoken):
        unit = units[number]
        if not place:
            continue
        if unit.kind == "closing":
            if _is_end(units, spoken[place + 1 :]):
                return units[:number]
            unit.kind = "thanks" if anywhere(unit, "thanks") else "polite"
        if unit.kind in STRONG:
            continue
        if _is_dashed_name(scene, unit, units[spoken[place - 1]]):
            return units[:number]
    return _without_name(scene, units, spoken)


def _is_end(units: Sequence[Unit], after: Sequence[int]) -> bool:
    """Whether what follows a good-bye is no more than names, roles and addresses."""
    return len(after) <= 12 and all(
        units[n].kind not in STRONG and units[n].count <= 14 for n in after
    )


def _is_dashed_name(scene: Scene, unit: Unit, before: Unit) -> bool:
    if not unit.closes_line or unit.count > NAME_WORDS:
        return False
    if not unit.opens_line and (unit is not scene.units[-1] or unit.count > 3):
        return False
    said = scene.text(unit)
    if DASHED_NAME.match(said) is None or not _is_name(scene, unit):
        return False
    return not (before.follows_bullet and unit.follows_bullet)


def _without_name(scene: Scene, units: list[Unit], spoken: list[int]) -> list[Unit]:
    """Without the last paragraph or the last lines when they are a name and a role."""
    if len(spoken) < 2:
        return units
    last_paragraph = units[spoken[-1]].paragraph
    region = units[spoken[-1]].region
    tail = [n for n in spoken if units[n].paragraph == last_paragraph and units[n].region == region]
    if tail[0] != spoken[0]:
        head = units[tail[0]]
        if (
            _is_name(scene, head)
            and head.closes_line
            and len(tail) <= 5
            and all(units[n].count <= 8 for n in tail)
        ):
            return units[: tail[0]]
    last = units[spoken[-1]]
    before = units[spoken[-2]]
    ends = ("greeting", "closing", *(("thanks", "polite") if scene.is_mail else ()))
    if before.kind in ends and len(spoken) > 2 and _is_name(scene, last) and last.count <= 3:
        return units[: spoken[-2]]
    if (
        len(tail) > 1
        and scene.is_mail
        and last.opens_line
        and last.closes_line
        and (_is_name(scene, last) and last.count <= 3 and units[spoken[-2]].kind not in WEAK)
    ):
        return units[: spoken[-1]]
    return units


_INITIALS = re.compile(r"(?:\S{0,3}\.\s?){1,3}")


def _is_name(scene: Scene, unit: Unit) -> bool:
    """Few words, each with a capital, with no full stop but after an initial."""
    said = DASHED_NAME.sub("", scene.text(unit), count=1).strip()
    if unit.count > NAME_WORDS or unit.kind in STRONG or unit.kind in ("reaction", "question"):
        return False
    if said.endswith((".", "!", "?", "…")) and not (
        len(said) <= 4 or _INITIALS.fullmatch(said) or re.search(r"\b\w\.$", said)
    ):
        return False
    words = [word for word in re.split(r"[\s,]+", said) if any(map(str.isalpha, word))]
    if not words:
        return False
    first: str = words[0].lstrip("(")[:1]
    if not (first.isupper() or not (first.islower() or first.isupper())):
        return False
    if not any(c.isupper() or c.islower() for c in said):
        return len(said) <= 12 and unit.count <= 6 and "。" not in said
    return sum(1 for word in words if word.lstrip("(-")[:1].islower()) <= 1


# ----------------------------------------------------------------------- spans
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
