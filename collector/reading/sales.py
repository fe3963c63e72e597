"""Whether a reply sells something instead of answering."""

from __future__ import annotations

import re

from collector.reading.classify import _LINK, Scene

_PRICE = re.compile(r"[$€£₹¥₺₽₩]\s?\d|\d[\d.,]{0,12}\s?(?:[$€£₹₺₽₩¥]|kr\b|zł|Kč|руб|円|元|万円|USD|EUR|lei\b)", re.I)
_PERCENT = re.compile(r"\d\s?[%٪％]|[٠-٩]\s?٪")
_POINTER = re.compile("[👉➡🚀🔥💰🤑📈💸🎁⏰]")
SPAM_SCORE = 3
SPAM_SCORE_OF_ANSWER = 4


def sales_score(scene: Scene) -> int:
    """How much of a reply is an offer: 0 for none, 3 or more for an advertisement."""
    own = "\n".join(scene.text(unit) for unit in scene.units)
    places = {hit.start for unit in scene.units for hit in unit.hits.get("spam", ())}
    phrases = len(places)
    links = len({found.group() for found in _LINK.finditer(own[:4000])})
    score = 2 * min(phrases, 4) + min(links, 3) + len(set(_POINTER.findall(own[:4000])))
    priced = bool(_PRICE.search(own[:4000])) + bool(_PERCENT.search(own[:4000]))
    if phrases or links:
        score += 2 * priced
    return score if phrases or (links and priced) or links >= 3 else 0
