"""Finding the phrases of the language files in an answer: leftmost first, of those the longest.

Matching walks a net of words with every word of the answer, so time grows with the text alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from consent.answer_words import Break, Word
from consent.lexicon import GAP_SIGN, HARMLESS, RANK, Language, Node

#: No phrase has more words.
LONGEST_PHRASE = 24
#: What is never lost inside another phrase.
DECISIVE = frozenset({"stop", "remove", "refuse"})
#: Only these may reach over a comma: "yes, please"; but "why not, sure" is not "not sure".
_OVER_COMMAS = frozenset(
    {"remove", "refuse", "yes", "allow", "assent", "no", "proxy", "automatic", "orders", "sarcasm"}
)


@dataclass(frozen=True)
class Hit:
    """A phrase of a section, found at words[start:end]."""

    section: str
    start: int
    end: int
    lang: str


def find_hits(
    words: Sequence[Word], languages: Sequence[Language], rivals: frozenset[str] = frozenset()
) -> list[Hit]:
    """The phrases in these words, none overlapping: leftmost first, of those the longest.

    Of two of one length the language that comes first in `languages` counts; where others are
    about as likely (`rivals`), and within one language, caution does. A
    harmless phrase gives way to a shorter one when that lets the next reach further ("yes please"
    to "yes" and "please do").
    """
    found = _Finder(words, languages, rivals)
    hits: list[Hit] = []
    at = 0
    while at < len(words):
        best = found.best(at)
        if best is None or found.is_cut_off(best):
            at += 1
        else:
            hits.append(best)
            at = best.end
    return hits


class _Finder:
    def __init__(
        self, words: Sequence[Word], languages: Sequence[Language], rivals: frozenset[str]
    ) -> None:
        self.words = words
        self.rivals = rivals
        self.languages = languages
        self.atoms = [[language.atoms(word) for word in words] for language in languages]
        self.seen: dict[int, dict[int, Hit]] = {}

    def at(self, at: int) -> dict[int, Hit]:
        """The phrases that begin here, by where they end."""
        if at not in self.seen:
            found: dict[int, Hit] = {}
            for language, known in zip(self.languages, self.atoms, strict=True):
                if at < len(known) and known[at]:
                    for hit in _beginning(self.words, known, at, language):
                        known_hit = found.setdefault(hit.end, hit)
                        if hit.lang in self.rivals and _is_safer(hit, known_hit):
                            found[hit.end] = hit
            self.seen[at] = found
        return self.seen[at]

    def best(self, at: int) -> Hit | None:
        found = self.at(at)
        if not found:
            return None
        longest = found[max(found)]
        if longest.section not in HARMLESS or len(found) == 1:
            return longest
        reach = {end: self._reach(hit) for end, hit in found.items() if hit.section in HARMLESS}
        further = max(reach, key=lambda end: (reach[end], end))
        return found[further] if reach[further] > reach[longest.end] else longest

    def is_cut_off(self, hit: Hit) -> bool:
        """A no, a take-down or a stop begins within this phrase and goes on beyond it; or, within
        a harmless one, anything that is not.
        """
        harmless = hit.section in HARMLESS
        return any(
            inner.end > hit.end
            and (inner.section in DECISIVE or (harmless and inner.section not in HARMLESS))
            for start in range(hit.start + 1, hit.end)
            for inner in self.at(start).values()
        )

    def _reach(self, hit: Hit) -> int:
        following = [n.end for n in self.at(hit.end).values() if n.section in HARMLESS]
        return max(following, default=hit.end)


def _is_safer(hit: Hit, other: Hit) -> bool:
    """A risk before what is harmless, and a courtesy before a yes."""
    if hit.section in HARMLESS and other.section in HARMLESS:
        return RANK[hit.section] > RANK[other.section]
    return RANK[hit.section] < RANK[other.section]


def _beginning(
    words: Sequence[Word], known: Sequence[tuple[str, ...]], at: int, language: Language
) -> list[Hit]:
    roots = [language.root]
    if at == 0 or words[at].before >= Break.CLAUSE:
        roots.append(language.edge_root)
    best: dict[int, Hit] = {}
    crosses = False
    front: list[tuple[Node, int]] = [(root, 0) for root in roots]
    for position in range(at, min(len(words), at + LONGEST_PHRASE)):
        if position > at and words[position].before >= Break.SENTENCE:
            break
        if position > at and words[position].before >= Break.CLAUSE:
            front = [(node, gap) for node, gap in front if not gap]
            crosses = True
        front = list(_step(front, known[position], language.gap))
        if not front:
            break
        end = position + 1
        edge = end == len(words) or words[end].before >= Break.CLAUSE
        for node, gap in front:
            for section in () if gap else (node.section, node.edged if edge else ""):
                if crosses and section not in _OVER_COMMAS:
                    continue
                if section and (end not in best or RANK[section] < RANK[best[end].section]):
                    best[end] = Hit(section, at, end, language.code)
    return list(best.values())


def _step(
    front: Iterable[tuple[Node, int]], atoms: tuple[str, ...], widest: int
) -> Iterator[tuple[Node, int]]:
    """Where a word leads from each place; the number counts the words a gap has swallowed."""
    reached: dict[tuple[Node, int], None] = {}
    for node, gap in front:
        for atom in atoms:
            for further in node.after.get(atom, ()):
                reached[further, 0] = None
        if gap:
            if gap < widest:
                reached[node, gap + 1] = None
            continue
        for beyond in node.after.get(GAP_SIGN, ()):
            reached[beyond, 1] = None
            for atom in atoms:
                for further in beyond.after.get(atom, ()):
                    reached[further, 0] = None
    return iter(reached)
