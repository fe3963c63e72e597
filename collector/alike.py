"""Words that somebody else in the campaign has given already, or nearly.

Editors are told and decide: people think alike, and people copy. Compares with what has been
taken as a definition; cheap for 10,000 of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from ledger.definitions import WordsTaken

#: How alike two texts are that differ in a few letters, of 100.
NEAR = 88
#: Shorter words are alike by chance: only the same count, in letters.
FEW_LETTERS = 20


@dataclass(frozen=True)
class Alike:
    """A definition whose words are the same (`is_same`) or nearly the same."""

    definition_id: str
    text: str
    is_same: bool


class Taken:
    """The words taken in a campaign, ready for comparing."""

    def __init__(self, taken: Sequence[WordsTaken], prompt_before: str = "") -> None:
        self._before = letters(prompt_before)
        self._taken = taken
        self._letters = [self._plain(one.text) for one in taken]
        self._by_letters: dict[str, list[int]] = {}
        for number, plain in enumerate(self._letters):
            self._by_letters.setdefault(plain, []).append(number)

    def alike(self, words: str, authors: Iterable[str]) -> Alike | None:
        """The oldest definition like these words by none of `authors` (ids and addresses)."""
        plain, own = self._plain(words), set(authors)
        if not plain:
            return None
        for number in self._by_letters.get(plain, ()):
            if own.isdisjoint(self._taken[number].authors):
                return self._found(number, is_same=True)
        if len(plain) < FEW_LETTERS:
            return None
        for _, _, number in process.extract(
            plain, self._letters, scorer=fuzz.ratio, score_cutoff=NEAR, limit=5
        ):
            if own.isdisjoint(self._taken[number].authors):
                return self._found(number, is_same=False)
        return None

    def _found(self, number: int, *, is_same: bool) -> Alike:
        one = self._taken[number]
        return Alike(one.definition_id, one.text, is_same)

    def _plain(self, text: str) -> str:
        plain = letters(text)
        return plain.removeprefix(self._before) or plain


def letters(text: str) -> str:
    """Letters and digits alone, in lower case."""
    return "".join(filter(str.isalnum, text.casefold()))
