"""The words of each language: files that people can read, matched in one pass over a text.

A file has sections in [brackets]; a line or a "|" parts its phrases. In a phrase "/" parts
alternatives for one word, ".." stands for up to six words, "*" ends the beginning of a word,
"^" means at the start and "$" at the end of what is said, "~" anywhere in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from itertools import chain, product
from pathlib import Path
from typing import NamedTuple, TypeAlias

from collector.reading.tokens import is_cjk, words_of

_FOLDER = Path(__file__).parent.parent / "languages"
#: Words that ".." may stand for at most; CJK counts characters.
GAP = 6
CJK_GAP = 14
#: So many words are remembered with the phrases that they begin, and none longer than this.
MOST_REMEMBERED = 20_000
LONGEST_REMEMBERED = 40
#: Languages whose words carry endings or stand without gaps.
CJK = frozenset(["ja", "zh"])


class Hit(NamedTuple):
    """A phrase of `section` over the words [start, end); `anywhere`: marked "~"."""

    section: str
    start: int
    end: int
    anywhere: bool


@dataclass(frozen=True)
class _Beginnings:
    whole: frozenset[str]
    starts: tuple[str, ...]

    def __contains__(self, word: str) -> bool:
        return word in self.whole or word.startswith(self.starts)


#: A set of words, a set that knows beginnings too, or None for a gap.
_Element: TypeAlias = frozenset[str] | _Beginnings | None


class _Phrase(NamedTuple):
    section: str
    #: What each further word may be: a set of words, a set and beginnings, or None for a gap.
    rest: tuple[_Element, ...]
    at_start: bool
    at_end: bool
    anywhere: bool
    gap: int


@dataclass
class Lexicon:
    """The phrases of one language, or of several together, by their first word."""

    langs: tuple[str, ...]
    by_word: dict[str, list[_Phrase]] = field(default_factory=dict)
    by_beginning: dict[str, list[tuple[str, _Phrase]]] = field(default_factory=dict)
    #: What has been asked of `_phrases`.
    _begun_by: dict[str, tuple[_Phrase, ...]] = field(default_factory=dict)
    #: Sections that hold single words or whole lines rather than phrases in a sentence.
    lists: dict[str, frozenset[str]] = field(default_factory=dict)

    @cached_property
    def device_phrases(self) -> tuple[dict[str, list[str]], list[str]]:
        """Lines of mail programs by their first word, and those in writing without gaps."""
        spaced: dict[str, list[str]] = {}
        glued: list[str] = []
        for phrase in self.lists.get("device", ()):
            if is_cjk(phrase[0]):
                glued.append(phrase.replace(" ", ""))
            else:
                spaced.setdefault(phrase.partition(" ")[0], []).append(phrase)
        return spaced, glued

    def hits(self, words: list[str], start: int, end: int) -> Iterator[Hit]:
        """Every phrase that begins in words[start:end], which is one thing said."""
        begun_by = self._begun_by
        for at in range(start, end):
            phrases = begun_by.get(words[at])
            if phrases is None:
                phrases = self._phrases(words[at])
            for phrase in phrases:
                if phrase.at_start and at != start:
                    continue
                # Most phrases fail at their second word: look before calling.
                rest = phrase.rest
                if rest:
                    second = rest[0]
                    if second is not None and (at + 1 >= end or words[at + 1] not in second):
                        continue
                stop = self._match(phrase, words, at + 1, end)
                if stop:
                    yield Hit(phrase.section, at, stop, phrase.anywhere)

    def _phrases(self, word: str) -> tuple[_Phrase, ...]:
        """The phrases that a word may begin, whole or by its own beginning."""
        found = (
            *self.by_word.get(word, ()),
            *(p for begun, p in self.by_beginning.get(word[:2], ()) if word.startswith(begun)),
        )
        if len(self._begun_by) < MOST_REMEMBERED and len(word) <= LONGEST_REMEMBERED:
            self._begun_by[word] = found
        return found

    def hits_at(self, words: list[str], start: int, end: int) -> Iterator[Hit]:
        """Every phrase that begins with words[start] and ends before `end`."""
        for phrase in self.by_word.get(words[start], ()):
            stop = self._match(phrase, words, start + 1, end)
            if stop:
                yield Hit(phrase.section, start, stop, phrase.anywhere)

    def _match(self, phrase: _Phrase, words: list[str], at: int, end: int) -> int:
        """Where the phrase ends when its first word stands before `at`; 0 when it doesn't."""
        gap = False
        for element in phrase.rest:
            if element is None:
                gap = True
                continue
            if gap:
                last = min(end, at + phrase.gap + 1)
                while at < last and words[at] not in element:
                    at += 1
                if at == last:
                    return 0
                gap = False
            elif at >= end or words[at] not in element:
                return 0
            at += 1
        return at if not phrase.at_end or at == end else 0


#: Sections that are looked up as lists.
_LISTS = frozenset(
    [
        *("courtesy", "stop_alone", "reaction", "wrote", "from", "original"),
        *("small", "device", "said", "filler", "whether", "work"),
    ]
)


@cache
def languages() -> list[str]:
    """The languages that have a file, in order."""
    return sorted(path.stem for path in _FOLDER.glob("*.txt"))


@cache
def lexicon(lang: str) -> Lexicon:
    """The lexicon of a language; an empty one where there is no file."""
    found = Lexicon((lang,))
    source = _FOLDER / f"{lang}.txt"
    if lang not in languages():
        return found
    section = ""
    listed: dict[str, set[str]] = {}
    for written in source.read_text("utf-8").splitlines():
        line = written.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        elif section in _LISTS:
            listed.setdefault(section, set()).update(
                " ".join(words_of(phrase)) for phrase in line.split("|")
            )
        else:
            for phrase in line.split("|"):
                _add(found, section, phrase)
    found.lists = {name: frozenset(phrases - {""}) for name, phrases in listed.items()}
    return found


@cache
def stops_of(lang: str) -> Lexicon:
    """Nothing of a language but how people ask to be left alone, anywhere in a sentence."""
    found = Lexicon((lang,))
    text = (_FOLDER / f"{lang}.txt").read_text("utf-8")
    section = text.partition("\n[stop]\n")[2].partition("\n[")[0]
    for line in section.splitlines():
        for phrase in line.split("|"):
            if "~" in phrase and not line.startswith("#"):
                _add(found, "stop", phrase)
    return found


#: So alike that a few words can't tell them apart.
_KIN = {"da": "nb", "nb": "da"}


@lru_cache(maxsize=128)
def lexicon_of(*langs: str) -> Lexicon:
    """The lexicons of several languages as one; the first is what the text is written in."""
    kin = [_KIN[lang] for lang in langs if lang in _KIN]
    parts = [lexicon(lang) for lang in dict.fromkeys((*langs, *kin))]
    found = Lexicon(tuple(dict.fromkeys(langs)))
    small = parts[0].lists.get("small", frozenset()) if parts else frozenset()
    for part in parts:
        for word, listed_phrases in part.by_word.items():
            phrases = listed_phrases
            if part is not parts[0] and word in small:
                # "I" of English is "and" in Polish: alone it says nothing foreign.
                phrases = [phrase for phrase in phrases if phrase.rest]
            if not phrases:
                continue
            found.by_word[word] = (
                found.by_word[word] + phrases if word in found.by_word else phrases
            )
        for word, begun in part.by_beginning.items():
            known = found.by_beginning.get(word)
            found.by_beginning[word] = known + begun if known else begun
        for name, listed in part.lists.items():
            found.lists[name] = found.lists.get(name, frozenset()) | listed
    return found


def _add(into: Lexicon, section: str, written: str) -> None:
    anywhere = at_start = at_end = False
    gap = CJK_GAP if into.langs[0] in CJK else GAP
    #: For each place the ways to fill it: a gap, or words in a row, or one of a set.
    places: list[list[tuple[_Element, ...]]] = []
    for piece in written.split():
        if piece == "~":
            anywhere = True
        elif piece == "^":
            at_start = True
        elif piece == "$":
            at_end = True
        elif piece == "..":
            places.append([(None,)])
        else:
            places.append(_ways(piece))
    for row in product(*(ways for ways in places if ways)):
        elements = list(chain.from_iterable(row))
        while elements and elements[0] is None:
            elements.pop(0)
        while elements and elements[-1] is None:
            elements.pop()
        if elements:
            rest = tuple(elements[1:])
            _keep(into, elements[0], _Phrase(section, rest, at_start, at_end, anywhere, gap))


def _ways(piece: str) -> list[tuple[_Element, ...]]:
    """The ways to say a piece with "/" and "*": single words as one set, the others by name."""
    whole: set[str] = set()
    starts: list[str] = []
    ways: list[tuple[_Element, ...]] = []
    for option in piece.split("/"):
        words = words_of(option)
        if len(words) > 1:
            ways.append(tuple(frozenset([word]) for word in words))
        elif words and option.endswith("*") and len(words[0]) > 1:
            starts.append(words[0])
        elif words:
            whole.add(words[0])
    if starts:
        ways.append((_Beginnings(frozenset(whole), tuple(starts)),))
    elif whole:
        ways.append((frozenset(whole),))
    return ways


def _keep(into: Lexicon, first: _Element, phrase: _Phrase) -> None:
    assert first is not None
    whole = first.whole if isinstance(first, _Beginnings) else first
    for word in whole:
        into.by_word.setdefault(word, []).append(phrase)
    if isinstance(first, _Beginnings):
        for begun in first.starts:
            into.by_beginning.setdefault(begun[:2], []).append((begun, phrase))
