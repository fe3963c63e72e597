"""Who signed an answer, and what below the name still belongs to it."""

from __future__ import annotations

from collections.abc import Sequence

from consent.answer_words import Break, Word
from consent.lexicon import Language
from consent.phrase_finding import find_hits

#: So many lines may follow a name that begins a signature.
SIGNATURE_LINES = 6
_AFTERTHOUGHTS = ("ps", "pps", "nb")


def without_signature(
    words: list[Word], languages: Sequence[Language], names: frozenset[str]
) -> tuple[list[Word], bool]:
    """Drop the lines after a good-bye or below the author's own name, unless they add something.

    `names` are the words of the credit. Also says whether the name that stands there is nobody's
    whom we asked.
    """
    by_line: dict[int, list[int]] = {}
    for at, word in enumerate(words):
        by_line.setdefault(word.line, []).append(at)
    numbers = sorted(by_line)
    for position, number in enumerate(numbers):
        line = by_line[number]
        bye = _bye_length(words, line, languages)
        named = position > 0 and len(line) <= 8 and words[line[0]].exact in names
        if not (bye or named):
            continue
        block = _block(words, [by_line[n] for n in numbers[position + 1 :]], languages, named=named)
        signed = [at for other in block for at in other] or (line[bye:] if bye else [])
        gone = {words[other[0]].line for other in block[:SIGNATURE_LINES]}
        kept = [word for word in words if word.line not in gone]
        return kept, bool(names) and _is_another([words[at] for at in signed[:4]], names)
    last = by_line[numbers[-1]] if numbers else []
    lone = [words[at] for at in last] if len(numbers) > 1 and len(last) <= 3 else []
    by_another = lone and _looks_like_name(lone, languages) and _is_another(lone, names)
    return words, bool(names) and bool(by_another)


def _block(
    words: list[Word], rest: list[list[int]], languages: Sequence[Language], *, named: bool
) -> list[list[int]]:
    """The lines that belong to the signature."""
    block: list[list[int]] = []
    for line in rest:
        first = words[line[0]]
        apart = first.before is Break.PARAGRAPH and (named or len(line) > 6)
        if apart or len(line) > 12 or first.exact in _AFTERTHOUGHTS:
            break
        if _adds(words, line, languages):
            break
        block.append(line)
    return block


def _bye_length(words: list[Word], line: list[int], languages: Sequence[Language]) -> int:
    """How many words of a good-bye begin this line; 0 when it is none."""
    hits = find_hits([words[at] for at in line], languages)
    if not hits or hits[0].start != 0 or hits[0].section != "bye":
        return 0
    return hits[0].end if len(line) - hits[0].end <= 6 else 0


def _adds(words: list[Word], line: list[int], languages: Sequence[Language]) -> bool:
    """Whether a line below the name goes on with the answer."""
    hits = find_hits([words[at] for at in line], languages)
    return any(
        hit.section in ("contrast", "change", "stop", "remove", "refuse", "condition", "allow")
        and (hit.start == 0 or hit.section in ("change", "remove"))
        for hit in hits
    )


def _looks_like_name(words: Sequence[Word], languages: Sequence[Language]) -> bool:
    return all(
        word.capital and word.kind == "word" and not any(lang.atoms(word) for lang in languages)
        for word in words
    )


def _is_another(signed: Sequence[Word], names: frozenset[str]) -> bool:
    """A name of one to four words, none of which begins as a word of the credit does."""
    given = [word.bare for word in signed if word.kind == "word" and word.capital]
    if not given or len(given) != len([word for word in signed if word.kind == "word"]):
        return False
    for name in names:
        for word in given:
            short, long = sorted((name, word), key=len)
            if long.startswith(short) or (len(short) >= 4 and long.startswith(short[:3])):
                return False
    return True
