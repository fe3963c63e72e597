"""A stop in a language that could not be told, for a few words tell no model what they are.

Missing one is worse than reading on: so the words of every language are looked through for one.
"""

from __future__ import annotations

from collector.reading.languages import is_told
from collector.reading.lexicon import languages, stops_of
from collector.reading.tokens import words_of

#: Whoever writes more is told by the model.
MOST_WORDS = 12
#: A single word may be one of another language.
LEAST_WORDS_OF_PHRASE = 2


def languages_of_stop(own: str, known: tuple[str, ...]) -> list[str]:
    """The languages, but for the `known` ones, in which these few words may ask to stop."""
    words = words_of(own)
    if not LEAST_WORDS_OF_PHRASE <= len(words) <= MOST_WORDS or is_told(own, known[0]):
        return []
    return [lang for lang in languages() if lang not in known and _says_stop(words, lang)]


def _says_stop(words: list[str], lang: str) -> bool:
    return any(
        hit.end - hit.start >= LEAST_WORDS_OF_PHRASE
        for hit in stops_of(lang).hits(words, 0, len(words))
    )
