"""Slips of the finger: "yse", "go ahed", "ouiii". Only words no language knows are mended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

from consent.answer_words import Word
from consent.lexicon import Language

#: Words of longer answers are not mended: there a slip does not stand in the way.
MOST_WORDS = 60
#: A word with one letter too few or too many is mended from this length on.
LONG_ENOUGH = 5


def mend(words: list[Word], languages: Sequence[Language]) -> list[Word]:
    """The words with slips mended; their places in the answer stay as they are."""
    if len(words) > MOST_WORDS:
        return words
    return [_mended(word, languages) for word in words]


def stretched(typed: Sequence[str]) -> list[str]:
    """Words with a letter held down, as they were meant: "ouiii" as "oui"."""
    return [
        meant
        for word in typed
        if any(word[at] == word[at + 1] == word[at + 2] for at in range(len(word) - 2))
        for meant in _squeezed(word)
    ]


def _mended(word: Word, languages: Sequence[Language]) -> Word:
    if word.kind != "word" or len(word.bare) < 3 or not word.bare.isalpha():
        return word
    if any(lang.atoms(word) for lang in languages) or not word.bare[0].isascii():
        return word
    for meant in _meant(word.exact):
        for lang in languages:
            if meant in lang.weighty:
                return replace(word, exact=meant, bare=meant)
    if len(word.exact) >= LONG_ENOUGH - 1:
        for lang in languages:
            known = _one_letter_less(lang.code).get(word.exact)
            if known:
                return replace(word, exact=known, bare=known)
    return word


def _meant(typed: str) -> Iterator[str]:
    """Letters held down too long, two letters swapped, one letter too many."""
    yield from _squeezed(typed)
    for at in range(len(typed) - 1):
        if typed[at] != typed[at + 1]:
            yield typed[:at] + typed[at + 1] + typed[at] + typed[at + 2 :]
    if len(typed) > LONG_ENOUGH:
        for at in range(len(typed)):
            yield typed[:at] + typed[at + 1 :]


def _squeezed(typed: str) -> Iterator[str]:
    once, twice = "", ""
    for char in typed:
        if not once.endswith(char):
            once += char
        if not twice.endswith(char * 2):
            twice += char
    if once != typed:
        yield twice
        yield once


@cache
def _one_letter_less(code: str) -> dict[str, str]:
    """Every longer word of a language with one letter left out, for letters that were missed."""
    from consent.lexicon import language

    found: dict[str, str] = {}
    for form in language(code).weighty:
        if len(form) >= LONG_ENOUGH and form.isalpha() and form[0].isascii():
            for at in range(len(form)):
                found.setdefault(form[:at] + form[at + 1 :], form)
    return found
