"""Which stretches of a reply are the answer."""

from __future__ import annotations

import re
from collections.abc import Sequence

from collector.reading.interleaved import units_here
from collector.reading.scene import (
    LINK,
    Scene,
    anywhere,
    opening,
)
from collector.reading.units import Unit

#: What an answer is made of, for certain or likely.
STRONG = frozenset(["lead", "label"])
WEAK = frozenset(["content", "mention"])
#: What stands by news of the writer's own in a mail.
_NEWS = frozenset(["chat", "thanks", "polite", "greeting", "reaction"])
NAME_WORDS = 4
#: "What a surprise that is!"
MOST_EXCLAIMED = 6
FAREWELL_WORDS = 4
#: "— Ada", "/Göran", "-- Sam"
DASHED_NAME = re.compile(r"\s*(?:[—–/~]|--?)\s?(?=[^\W\d_])")


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
    headed = _under_heading(units, weak)
    if headed >= 0:
        return headed
    asked = [number for number in weak if units[number].region in scene.below.prompt]
    if asked:
        weak = asked
    for number in weak:
        if units[number].kind == "mention":
            return number
    for number in weak:
        unit = units[number]
        takes_up = opening(scene, unit, "it") and anywhere(unit, "it", 2)
        chatted = any(units[n].kind in ("chat", "no_answer") for n in range(min(number, 8)))
        if takes_up and chatted and number - weak[0] <= 3:
            return number
    return _said_with_news(scene, units, weak)


def _under_heading(units: Sequence[Unit], weak: list[int]) -> int:
    """The first below "Answer:" on a line of its own; -1 when there is none."""
    headings = [number for number, unit in enumerate(units) if unit.kind == "heading"]
    return next((number for number in weak if headings and number > headings[0]), -1)


def _said_with_news(scene: Scene, units: Sequence[Unit], weak: list[int]) -> int:
    """In a mail, where "I think" begins a paragraph after one of news; the first otherwise."""
    first = units[weak[0]]
    exclaims = scene.text(first).endswith("!") and first.count <= MOST_EXCLAIMED
    takes_up = opening(scene, first, "opinion") or opening(scene, first, "it")
    if not scene.is_mail or (takes_up and not exclaims):
        return weak[0]
    if not any(unit.paragraph == first.paragraph and unit.kind in _NEWS for unit in units):
        return weak[0]
    for number in weak[1:]:
        unit = units[number]
        if (
            unit.paragraph != first.paragraph
            and unit.opens_line
            and opening(scene, unit, "opinion")
        ):
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
    if unit.region != kept[-1].region and not _goes_on(scene, unit, kept[-1]):
        return False
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


def _goes_on(scene: Scene, unit: Unit, before: Unit) -> bool:
    """Whether it is the rest of a sentence, or starts like one: "And writing it down"."""
    if unit.first == unit.last:
        return False
    open_yet = not scene.text(before).endswith((".", "!", "?", "…", "。", "！", "？", "؟", "।"))
    begun = scene.text(unit)[:1]
    if begun.islower() or (open_yet and not begun.isupper()):
        return True
    return scene.is_small(scene.tokens.words[unit.first])


def _before_sign_off(scene: Scene) -> list[Unit]:
    """The units up to a good-bye, a dashed name, or a last line that is but a name."""
    units = units_here(scene.units, scene.below)
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
    if _is_farewell(scene, units, spoken, tail):
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


def _is_farewell(scene: Scene, units: list[Unit], spoken: list[int], tail: list[int]) -> bool:
    """Whether a mail's last paragraph is a wish and a name, each on its line, in few words."""
    if not scene.is_mail or len(tail) < 2 or tail[0] == spoken[0]:
        return False
    last = units[tail[-1]]
    if not (last.opens_line and last.count <= 3 and _is_name(scene, last)):
        return False
    if any(units[n].kind in STRONG or units[n].count > FAREWELL_WORDS for n in tail):
        return False
    return any(units[n].kind in STRONG | WEAK for n in spoken if n < tail[0])


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
