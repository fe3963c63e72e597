"""The prompt that a reply answers, cut up for finding its words again."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from collector.reading.languages import language_of_prompt
from collector.reading.lexicon import Lexicon, lexicon
from collector.reading.tokens import is_cjk, words_of

#: The ways people write a blank.
BLANK = re.compile(
    r"_{2,}|＿+|ــ+|﹏+|…|\.{3,}|·{3,}|-{3,}|–{2,}|—{2,}|～{2,}|〇{2,}"
    r"|[\[({<（［【]\s?(?:blank|lücke|vide|hueco|\.{2,}|…|_+|\?|\s)\s?[\])}>）］】]"
    r"|\[\]|（）|\(\)|「　*」",
    re.IGNORECASE,
)
#: No prompt is longer; the rest isn't looked at.
LENGTH = 500


@dataclass(frozen=True)
class Prompt:
    """A prompt: the words before and after its blank, and the term they are about."""

    text: str
    lang: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    term: tuple[str, ...]
    joined: frozenset[str] = field(default=frozenset())

    @property
    def has_verb(self) -> bool:
        """Whether more stands before the blank than the term."""
        return len(self.before) > len(self.term)


@lru_cache(maxsize=1024)
def prompt_of(text: str, term: str = "", lang: str = "") -> Prompt:
    """Cut up a prompt. Without a blank all of it stands before the answer. Never raises."""
    text = text[:LENGTH]
    blank = BLANK.search(text)
    before, after = (text, "") if blank is None else (text[: blank.start()], text[blank.end() :])
    lang = lang or language_of_prompt(before, after)
    words = lexicon(lang)
    start, end = words_of(before), words_of(after)
    named = words_of(term) if term else _term_of(start, words)
    if not named and not start:
        named = []
    named = _without_articles(named, words)
    joined = {"".join(named)} if named else set()
    slim = [word for word in named if word not in words.lists.get("small", ())]
    if slim:
        joined.add("".join(slim))
    return Prompt(text, lang, tuple(start), tuple(end), tuple(named), frozenset(joined))


_CJK_VERBS = ("というのは", "とは", "は", "指的是", "意味着", "就是", "才叫", "是", "を", "が")


def _term_of(before: list[str], words: Lexicon) -> list[str]:
    """The words before the blank without the verb at their end."""
    if before and is_cjk(before[-1]):
        for end in _CJK_VERBS:
            if "".join(before).endswith(end):
                return before[: -len(end)]
        return before
    verbs = _verbs_of(words.langs[0])
    for length in (3, 2, 1):
        if len(before) > length and " ".join(before[-length:]) in verbs:
            return before[:-length]
    return before[:-1] if len(before) > 2 and words.langs[0] not in ("tr", "hi") else before


@lru_cache(maxsize=64)
def _verbs_of(lang: str) -> frozenset[str]:
    found = set()
    words = lexicon(lang)
    for first, phrases in words.by_word.items():
        for phrase in phrases:
            if phrase.section != "is":
                continue
            rest = [
                next(iter(element))
                for element in phrase.rest
                if isinstance(element, frozenset) and len(element) == 1
            ]
            if len(rest) == len(phrase.rest):
                found.add(" ".join([first, *rest]))
    return frozenset(found)


def _without_articles(named: list[str], words: Lexicon) -> list[str]:
    small = words.lists.get("small", frozenset())
    while len(named) > 1 and named[0] in small:
        named = named[1:]
    return named
