"""A text as words with their places: folded for comparing, never changed.

CJK writing has no gaps between words, so there each character is a token of its own and a
phrase is a row of characters; everywhere else a token is a word with its inner apostrophes.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from functools import lru_cache

_CJK = "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f"
_CJK += "\U00020000-\U0003134f"
#: Combining marks and vowel signs that belong to the word they stand in.
_MARKS = (
    "\u00ad\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1-\u05c7\u0610-\u061a\u0640"
    "\u064b-\u065f\u0670\u06d6-\u06dc\u0900-\u0963\u0971-\u0df3\u0e31-\u0e3a\u0e47-\u0e4e"
    "\u0eb1-\u0ebc\u1ab0-\u1aff\u200b-\u200d\u2060"
)
_LETTER = rf"(?:[^\W_{_CJK}]|[{_MARKS}])"
_TOKEN = re.compile(rf"[{_CJK}]|{_LETTER}++(?:['’‘´`ʼ]{_LETTER}++)*+")
_CJK_CHAR = re.compile(rf"[{_CJK}]")
_DROPPED = re.compile("['’‘´`ʼ\u00ad\u0640\u200b-\u200d\u2060]")
#: Letters that people and keyboards write in several ways.
_ALIKE = str.maketrans(
    {"ı": "i", "ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "ى": "ي", "ة": "ه", "ی": "ي"}
    | {"ک": "ك", "ـ": None, "ё": "е", "ς": "σ"}
)


@lru_cache(maxsize=16384)
def fold(word: str) -> str:
    """A word as it is compared: no case, accents or apostrophes."""
    if word.isascii():
        return word.lower().replace("'", "").replace("`", "")
    if is_cjk(word):
        return unicodedata.normalize("NFKC", word).lower()
    plain = unicodedata.normalize("NFKD", word.casefold())
    plain = "".join(c for c in plain if unicodedata.category(c) != "Mn" or _is_indic(c))
    return _DROPPED.sub("", plain).translate(_ALIKE)


def _is_indic(char: str) -> bool:
    return "\u0900" <= char <= "\u0dff" or "\u0e00" <= char <= "\u0eff"


def is_cjk(word: str) -> bool:
    """Whether a word of `Tokens` is a character of a writing without gaps."""
    return len(word) == 1 and word > "\u3004" and _CJK_CHAR.match(word) is not None


def words_of(text: str) -> list[str]:
    """The folded words of a text."""
    return [fold(found) for found in _TOKEN.findall(text)]


class Tokens:
    """The words of a text, folded, and where they stand."""

    def __init__(self, text: str) -> None:
        self.text = text
        found = [(fold(m[0]), *m.span()) for m in _TOKEN.finditer(text)]
        self.words: list[str] = [word for word, _, _ in found if word]
        self.starts: list[int] = [start for word, start, _ in found if word]
        self.ends: list[int] = [end for word, _, end in found if word]

    def first_from(self, offset: int) -> int:
        """The number of the first word that starts at `offset` or after it."""
        return bisect_left(self.starts, offset)
