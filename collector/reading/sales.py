"""Whether a reply sells something instead of answering."""

from __future__ import annotations

import re
from itertools import groupby

from collector.reading.scene import Scene, links_in
from collector.reading.units import Unit

_PRICE = re.compile(
    r"[$€£₹¥₺₽₩]\s?\d|\d[\d.,]{0,12}\s?(?:[$€£₹₺₽₩¥]|kr\b|zł|Kč|руб|円|元|万円|USD|EUR|lei\b)",
    re.IGNORECASE,
)
#: An address as people say it, without "https://".
_HOST = re.compile(
    r"(?<![@\w./-])(?:[a-z\d][a-z\d-]{1,40}\.){1,3}"
    r"(?:example|com|net|org|info|biz|io|co|app|dev|shop|store|online|site|xyz|club|academy|pro)"
    r"(?:\.[a-z]{2})?(?![\w.]\w)",
    re.IGNORECASE,
)
#: What to do comes before the address: "Get yours here: https://…"
_CALL = re.compile(
    r"(?:[:：→👉]|->|=>)\s{0,3}(?:https?://\S{4,200}|[\w.-]{4,80}(?:/\S{0,200})?)\s*$"
)
_PERCENT = re.compile(r"\d\s?[%٪％]|[٠-٩]\s?٪")
_POINTER = re.compile("[👉➡🚀🔥💰🤑📈💸🎁⏰]")
#: From here on a reply is an advertisement; one that takes up the prompt needs a little more.
SPAM_SCORE = 3
SPAM_SCORE_OF_ANSWER = 4
#: From here on an editor is told.
SALES_TALK = 2


def sales_score(scene: Scene) -> int:
    """How much of a reply is an offer: 0 for none, 3 or more for an advertisement.

    After an answer, what is said in later paragraphs counts for less: people add their own
    address to an honest answer.
    """
    answers = {unit.paragraph for unit in scene.units if unit.kind in ("lead", "label")}
    score = 0
    apart = 0
    for paragraph, units in groupby(scene.units, key=lambda unit: unit.paragraph):
        some = _score(scene, list(units))
        if answers and paragraph not in answers:
            apart += some
        else:
            score += some
    return score + apart // 3 if answers else score


def _score(scene: Scene, units: list[Unit]) -> int:
    own = "\n".join(scene.text(unit) for unit in units)[:4000]
    phrases = len({hit.start for unit in units for hit in unit.hits.get("spam", ())})
    links = len(links_in(own))
    if not phrases and not links:
        return 0
    links = links or int(_HOST.search(own) is not None)
    score = bool(links) * any(unit.hits.get("ours") for unit in units)
    score += bool(phrases and _CALL.search(own))
    score += 2 * min(phrases, 4) + min(links, 3) + len(set(_POINTER.findall(own)))
    priced = bool(_PRICE.search(own)) + bool(_PERCENT.search(own))
    return score + 2 * priced if phrases or priced or links >= 3 else 0
