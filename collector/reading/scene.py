"""A reply as the rules look at it: its words, its prompt, and what it says one by one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from collector.reading.asked import Prompt
from collector.reading.interleaved import NOTHING, Below
from collector.reading.lexicon import Hit, Lexicon
from collector.reading.tokens import Tokens, is_cjk
from collector.reading.units import EMOJI, Unit

#: Languages that say what a sentence does at its end.
VERB_LAST = frozenset(["ja", "zh", "ko", "hi", "tr"])
LINK = re.compile(
    r"https?://\S|www\.\S|(?<![@\w.])[\w-]{2,60}(?:\.[\w-]{2,40}){1,4}/[\w?#]", re.IGNORECASE
)
MENTION = re.compile(r"(?<![\w@])@[\w.@-]{1,100}(?::\d{2,5}\b)?")
TAG = re.compile(r"[#＃][\w\u0300-\u036f\u0610-\u065f\u0900-\u0dff\u200c\u200d&·]+")
_QUESTION_END = re.compile(rf"[?？؟;;][\s!?.\"'”’»)\]{EMOJI}]*$")


@dataclass(frozen=True)
class Scene:
    """A reply as the rules look at it."""

    tokens: Tokens
    prompt: Prompt
    words: Lexicon
    units: Sequence[Unit]
    is_mail: bool = False
    #: Which regions stand below the quoted prompt, and which below another question.
    below: Below = NOTHING

    def text(self, unit: Unit) -> str:
        return self.tokens.text[unit.start : unit.end]

    def in_list(self, section: str, said: str) -> bool:
        return said in self.words.lists.get(section, ())

    def spoken(self, unit: Unit) -> list[str]:
        return self.tokens.words[unit.first : unit.last]

    def is_small(self, word: str) -> bool:
        return word in self.words.lists.get("small", ())


def opening(scene: Scene, unit: Unit, section: str, slack: int = 0) -> Hit | None:
    """The first phrase of a section at the start of what is said, or its like for verb-last."""
    hits = unit.hits.get(section)
    if hits is None:
        return None
    loose = is_loose(scene, unit)
    for hit in hits:
        if hit.start - unit.first <= slack or (loose and hit.end - hit.start >= 2):
            return hit
    return None


def is_loose(scene: Scene, unit: Unit) -> bool:
    """Whether what is said is in a language that puts its verbs last."""
    if unit.first == unit.last:
        return False
    word = scene.tokens.words[unit.first]
    return is_cjk(word) or scene.words.langs[0] in VERB_LAST


def links_in(text: str) -> set[str]:
    """The links of a text."""
    if "/" not in text and "ww." not in text.lower():
        return set()
    return set(LINK.findall(text))


def anywhere(unit: Unit, section: str, least: int = 1) -> Hit | None:
    for hit in unit.hits.get(section, ()):
        if hit.end - hit.start >= least:
            return hit
    return None


def is_question(scene: Scene, unit: Unit) -> bool:
    return _QUESTION_END.search(scene.text(unit)[-40:]) is not None and not _greek_stop(scene, unit)


def _greek_stop(scene: Scene, unit: Unit) -> bool:
    said = scene.text(unit)
    if not said.rstrip().endswith((";", ";")):
        return False
    return not any("\u0370" <= char <= "\u03ff" for char in said[-12:])
