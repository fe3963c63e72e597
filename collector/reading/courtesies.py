"""Greetings, thanks, praise and good-byes, told from sentences that only begin like them."""

from __future__ import annotations

from collector.reading.lexicon import Hit
from collector.reading.scene import Scene, anywhere, opening
from collector.reading.tokens import is_cjk
from collector.reading.units import Unit

LONGEST_CLOSING = 9
LONGEST_THANKS = 30
LONGEST_PRAISE = 24
MOST_PRAISING = 3
#: What starts with "I just wanted to say" may take longer.
LONGEST_TOLD = 60


def is_closing(scene: Scene, unit: Unit) -> bool:
    """Whether this is a good-bye: "Best," on its line, "Kind regards, Ada"."""
    said = scene.text(unit)
    if not (unit.opens_line or unit.closes_line) or is_first(scene, unit):
        return False
    for hit in unit.hits.get("closing", ()):
        if hit.start != unit.first:
            continue
        left = unit.last - hit.end
        if left == 0:
            return unit.closes_line or said.rstrip().endswith(",")
        rest = scene.tokens.text[scene.tokens.ends[hit.end - 1] : unit.end]
        if rest.lstrip()[:1] in ",!،、" and left <= 4:
            return True
        if hit.end - hit.start >= 2 and unit.count <= LONGEST_CLOSING and unit.opens_line:
            return True
        if left <= 3 and _are_names(scene, hit.end, unit.last):
            return True
        if hit.end - hit.start >= 2 and left <= 3 and unit.closes_line:
            return True
    return False


def is_first(scene: Scene, unit: Unit) -> bool:
    """Whether nothing was said before it."""
    return next((one for one in scene.units if one.first < one.last), unit) is unit


def _are_names(scene: Scene, first: int, last: int) -> bool:
    text, tokens = scene.tokens.text, scene.tokens
    return all(text[tokens.starts[at]].isupper() for at in range(first, last))


def is_greeting(scene: Scene, unit: Unit) -> bool:
    if unit.count > (14 if is_cjk(scene.tokens.words[unit.first]) else 7):
        return False
    if _is_salutation(scene, unit) or _ends_with_greeting(scene, unit):
        return True
    for hit in unit.hits.get("greeting", ()):
        if hit.start != unit.first and not (is_cjk(scene.tokens.words[hit.start])):
            continue
        if hit.start != unit.first and not (unit is scene.units[0] and len(scene.units) > 1):
            continue
        left = unit.last - hit.end
        if left and hit.end - hit.start >= 2 and len(scene.units) <= 2:
            return True
        if left and left <= 5 and scene.is_small(scene.tokens.words[hit.end]):
            return True
        if left <= 1 or is_cjk(scene.tokens.words[hit.start]):
            return True
        names = sum(
            scene.tokens.text[scene.tokens.starts[at]].isupper()
            or not scene.tokens.text[scene.tokens.starts[at]].islower()
            for at in range(hit.end, unit.last)
        )
        if names >= left - 1:
            return True
    return False


def _ends_with_greeting(scene: Scene, unit: Unit) -> bool:
    """Whether a reply opens with a name and then greets: "Ada, hello!"."""
    tokens = scene.tokens
    for hit in unit.hits.get("greeting", ()) if is_first(scene, unit) else ():
        if hit.end == unit.last and 0 < hit.start - unit.first <= 2:
            gap = tokens.text[tokens.ends[hit.start - 1] : tokens.starts[hit.start]]
            return "," in gap and _are_names(scene, unit.first, hit.start)
    return False


def _is_salutation(scene: Scene, unit: Unit) -> bool:
    """Whether this opens a mail, whatever its first word: "Carissimo Craig,"."""
    if not scene.is_mail or unit is not scene.units[0] or len(scene.units) == 1 or unit.count > 4:
        return False
    apart = scene.units[1].paragraph != unit.paragraph
    return (
        apart
        and unit.closes_line
        and scene.text(unit).endswith((",", "，", "、", "،", ":", "-", "–", "—"))
    )


def is_thanks(scene: Scene, unit: Unit) -> bool:
    hit = opening(scene, unit, "thanks", 2)
    if hit is not None and unit.count <= LONGEST_THANKS and not _thanks_to(scene, hit, unit):
        return True
    longest = LONGEST_TOLD if opening(scene, unit, "chat") else LONGEST_PRAISE
    if unit.count <= longest and anywhere(unit, "thanks", 2):
        return True
    if unit.count <= 12 and any(
        _stands_off(scene, hit, unit) for hit in unit.hits.get("thanks", ())
    ):
        return True
    if _praises_work(scene, unit):
        return True
    praised = opening(scene, unit, "praise", 2)
    if praised is not None and unit.count <= LONGEST_PRAISE:
        return praised.end - praised.start >= 2 or unit.count <= 8
    return unit.count <= 16 and anywhere(unit, "praise", 2) is not None


def _praises_work(scene: Scene, unit: Unit) -> bool:
    """Whether it is an adjective and a word for what we do: "Marvellous initiative!"."""
    words = scene.spoken(unit)
    return (
        2 <= len(words) <= MOST_PRAISING
        and scene.in_list("work", words[-1])
        and not scene.is_small(words[0])
        and not any(word in scene.prompt.joined for word in words)
    )


def _stands_off(scene: Scene, hit: Hit, unit: Unit) -> bool:
    """Whether a single word of thanks ends what is said or has a comma on either side."""
    ends = scene.tokens.ends
    if hit.start == unit.first:
        return False
    before = scene.tokens.text[ends[hit.start - 1] : scene.tokens.starts[hit.start]]
    return any(mark in before for mark in ",;،、，-–—")


def _thanks_to(scene: Scene, hit: Hit, unit: Unit) -> bool:
    return hit.end < unit.last and scene.tokens.words[hit.end] == "to"
