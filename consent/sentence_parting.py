"""Parting an answer into sentences, and telling what each word of them is."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from consent.answer_sentences import Sentence
from consent.answer_words import Break, Word, is_ideograph
from consent.lexicon import HARMLESS, Language
from consent.phrase_finding import Hit

#: A good-bye has no more words: "greetings from a very wet harbour".
LONGEST_BYE = 7
#: Shorter words also stand elsewhere: "ihr", "love".
LEAST_BYE = 5
#: A word that no file knows has at least so many letters, or it may be a slip.
LEAST_FOREIGN = 4
#: Longer words are no particles.
PARTICLE = 3
#: A sentence of more words is cut where it pauses: no rule looks that far.
ENDLESS = 80


def sentences_of(
    words: list[Word], hits: list[Hit], languages: Sequence[Language], echoes: set[int]
) -> list[Sentence]:
    inside = {at for hit in hits for at in range(hit.start + 1, hit.end)}
    starts = [0]
    for at in range(1, len(words)):
        length = at - starts[-1]
        is_endless = length >= ENDLESS and (words[at].before or length >= 2 * ENDLESS)
        if _parts(words, at) or (is_endless and at not in inside):
            starts.append(at)
    told = [hit for hit in hits if hit.section == "reported"]
    turns = {
        hit.start for hit, after in pairwise(hits)
        if hit.start not in starts
        and after.start == hit.end and after.section in ("yes", "allow")
        and not (told and told[0].start < hit.start)
        and (hit.section == "contrast" or (
            hit.section in HARMLESS and _concludes(words[hit.start], languages)
        ))
    }  # fmt: skip
    starts = sorted({*starts, *turns})
    hits = [replace(hit, section="chat") if hit.start in turns else hit for hit in hits]
    found = []
    rest = iter([*hits, None])
    hit = next(rest)
    for start, end in zip(starts, [*starts[1:], len(words)], strict=True):
        own = []
        while hit is not None and hit.start < end:
            own.append(hit)
            hit = next(rest)
        if end > start:
            found.append(_sentence(words, own, start, end, languages, echoes))
    return found


def _parts(words: list[Word], at: int) -> bool:
    """Whether a new sentence begins here: after a full stop, or after an emoji with a capital."""
    word = words[at]
    if word.before >= Break.SENTENCE:
        return True
    return (
        word.before is Break.CLAUSE
        and word.capital
        and any(
            ord(mark) > 0x2100 and not mark.isalnum() and ord(mark) not in range(0x3000, 0x3040)
            for mark in words[at - 1].marks
        )
    )


def _sentence(
    words: list[Word],
    hits: list[Hit],
    start: int,
    end: int,
    languages: Sequence[Language],
    echoes: set[int],
) -> Sentence:
    made = Sentence(words, hits, start, end)
    explained = {at for at in range(start, end) if at in echoes}
    for hit in hits:
        if hit.section in HARMLESS:
            explained.update(range(hit.start, hit.end))
    inside = {at for hit in hits for at in range(hit.start + 1, hit.end)}
    cuts = [at for at in range(start + 1, end) if words[at].before and at not in inside]
    cuts += [
        hit.end for hit in hits
        if hit.section == "filler" and hit.end < end and hit.end - hit.start == 1
        and any("<and>" in lang.atoms(words[hit.start]) for lang in languages)
    ]  # fmt: skip
    edges = sorted({start, *cuts, end})
    made.clauses = list(pairwise(edges))
    pauses = [at for at in range(start + 1, end) if words[at].before and at not in inside]
    explained.update(_befriended(made, pauses, languages))
    explained.update(_greeted(made))
    made.covered = {at for at in range(start, end) if at in explained}
    known = made.covered.union(*(range(hit.start, hit.end) for hit in hits))
    made.unknown = end - start - len(known)
    made.strange = {
        at for at in range(start, end)
        if at not in made.covered and not _is_fitting(words[at], languages)
    }  # fmt: skip
    made.permitting = frozenset(
        at for at in made.strange if _is_one(words[at], languages, "permitting")
    )
    made.alarming = any(
        atom in lang.alarms
        for at in range(start, end)
        if at not in made.covered
        for lang in languages
        for atom in lang.atoms(words[at])
    )
    made.topics = sum(
        at not in made.covered and not words[at].quoted and _is_one(words[at], languages, "topics")
        for at in range(start, end)
    )
    loose = [at for at in range(start, end) if at not in made.covered]
    made.ties = frozenset(
        at for at in range(start, end) if any(words[at].exact in lang.ties for lang in languages)
    )
    made.bearing = frozenset(
        at for at in loose
        if _costs(words[at]) or _is_one(words[at], languages, "topics", "alarms")
        or any(lang.bears(words[at]) for lang in languages)
    )  # fmt: skip
    made.weak = frozenset(
        at for at in made.bearing if any(words[at].exact in lang.weak for lang in languages)
    )
    if languages[0].telling:
        made.telling = frozenset(
            at for at in range(start, end)
            if any(words[at].exact in lang.telling for lang in languages)
        )  # fmt: skip
    made.foreign = frozenset(at for at in loose if _is_foreign(words[at], languages))
    made.things = frozenset(
        at for at in range(start, end)
        if any(atom in ("<it>", "<use>") for lang in languages for atom in lang.atoms(words[at]))
    )  # fmt: skip
    made.particles = frozenset(
        at for at in made.strange
        if _is_particle(words[at], languages) and (at == start or at - 1 in made.covered)
    )  # fmt: skip
    made.named = frozenset(at for at in range(start, end) if at in echoes)
    for at in range(start, end):
        for lang in languages:
            for atom in lang.atoms(words[at]):
                if atom.startswith("<about-"):
                    made.subjects.setdefault(at, atom[7:-1])
    return made


def _befriended(made: Sentence, pauses: list[int], languages: Sequence[Language]) -> set[int]:
    """The words of friendly clauses, and of friendly stretches between two pauses."""
    found: set[int] = set()
    stretches = list(pairwise([made.start, *pauses, made.end]))
    for first, last in [*made.clauses, *stretches]:
        own = [hit for hit in made.hits if first <= hit.start < last]
        agrees = any(hit.section in ("yes", "allow", "assent") for hit in own)
        if agrees and (first, last) not in made.clauses:
            continue
        if _is_friendly(made.words, own, first, last, languages):
            found.update(range(first, last))
    return found


def _is_friendly(
    words: Sequence[Word], own: list[Hit], first: int, last: int, languages: Sequence[Language]
) -> bool:
    """Joy, thanks or a good-bye, and nothing that bears on a permission."""
    parts = any(
        hit.section == "bye" and hit.start == first and len(words[first].exact) >= LEAST_BYE
        for hit in own
    )
    if not any(hit.section == "warm" for hit in own) and not (
        parts and last - first <= LONGEST_BYE
    ):
        return False
    said = {at for hit in own for at in range(hit.start, hit.end)}
    weighs = any(
        lang.bears(words[at]) for at in range(first, last) if at not in said for lang in languages
    )
    return not weighs and all(hit.section in HARMLESS for hit in own)


def _concludes(word: Word, languages: Sequence[Language]) -> bool:
    """As in "I thought about it, so yes"."""
    return any("<so>" in lang.atoms(word) for lang in languages)


def _greeted(sentence: Sentence) -> range:
    """The name after the greeting that an answer begins with."""
    first, last = sentence.clauses[0]
    opens = [hit for hit in sentence.hits if hit.section == "filler" and hit.start == 0]
    if not opens or first != 0:
        return range(0)
    named = range(opens[0].end, last)
    ends = last == len(sentence.words) or sentence.words[last].before >= Break.CLAUSE
    is_name = len(named) <= 2 and all(sentence.words[at].capital for at in named)
    return named if ends and is_name else range(0)


def _is_fitting(word: Word, languages: Sequence[Language]) -> bool:
    """It only says what a permission is for: "to publish it as shown above"."""
    if _is_one(word, languages, "frame") or any("<use>" in lang.atoms(word) for lang in languages):
        return True
    bears = any(lang.bears(word) for lang in languages)
    return not bears and _is_one(word, languages, "fitting")


def _is_one(word: Word, languages: Sequence[Language], *lists: str) -> bool:
    """Whether a language has the word in one of these lists."""
    return any(
        atom in getattr(lang, name)
        for lang in languages
        for atom in lang.atoms(word)
        for name in lists
    )


def _is_foreign(word: Word, languages: Sequence[Language]) -> bool:
    """A word of letters that no file of these languages knows."""
    return (
        word.kind == "word"
        and len(word.exact) >= LEAST_FOREIGN
        and word.exact.isalpha()
        and not is_ideograph(word.exact[0])
        and not any(lang.knows(word) for lang in languages)
    )


def _costs(word: Word) -> bool:
    return any(unicodedata.category(char) == "Sc" for char in word.exact)


def _is_particle(word: Word, languages: Sequence[Language]) -> bool:
    short = (
        word.exact.isascii()
        and word.exact.isalpha()
        and not word.capital
        and len(word.exact) <= PARTICLE
    )
    return short and not any(lang.atoms(word) or lang.bears(word) for lang in languages)
