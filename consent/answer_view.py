"""An answer as the rules look at it: sentences, clauses, phrases, and whose words they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from consent.answer_lines import Line, own_lines
from consent.answer_sentences import Sentence
from consent.answer_signature import without_signature
from consent.answer_words import Word, folded, is_ideograph, words_of
from consent.lexicon import (
    Language,
    bare_vocabulary,
    codes,
    language,
    line_words,
    vocabulary,
)
from consent.phrase_finding import find_hits
from consent.sentence_parting import sentences_of
from consent.typing_slips import mend, stretched

#: Phrases that look like a yes; by themselves they decide nothing.
AFFIRMING = frozenset({"allow", "yes", "assent", "soft"})
#: Faces that mock what they stand beside.
MOCKING = frozenset("🙄😏🤡😒🙃🤨🤥😑🫠")
#: What opens a quotation, and what may close it.
QUOTED = {'"': '"', "“": "”", "„": "“”", "«": "»", "»": "«", "「": "」", "『": "』", "‹": "›"}
#: No answer is read beyond this, in characters; a longer one is for a person to read.
LONGEST = 10_000
#: A language this much as likely as the likeliest has a say where the two differ.
RIVALRY = 0.75


@dataclass
class View:
    """The whole answer."""

    text: str
    words: list[Word]
    sentences: list[Sentence]
    #: What they wrote themselves, marks and emoji included.
    own: str
    signed_by_another: bool = False

    def quote(self, start: int, end: int) -> str:
        """What stands there, word by word of the answer."""
        if end <= start:
            return ""
        first, last = self.words[start].start, self.words[end - 1].end
        said = self.text[first:last]
        opening, after = self.text[max(first - 1, 0) : first], self.text[last : last + 2]
        closing = after.lstrip()[:1]
        if closing and any(
            closing in ends and _is_open(said, mark) for mark, ends in QUOTED.items()
        ):
            last += after.index(closing) + 1
        elif opening in QUOTED and any(mark in said for mark in QUOTED[opening]):
            first -= len(opening)
        return self.text[first:last]


def view_of(asked: Mapping[str, str], answer: str) -> View:
    """Cut an answer up. `asked` may hold "text", "credit" and "question"."""
    question = asked.get("question", "")
    text = answer
    lines = own_lines(text, question, line_words(), asked.get("credit", ""))
    lines = _without_what_is_below(text, lines, question)
    words = words_of(text, lines)
    languages, rivals = _languages(words, question, asked.get("text", ""))
    words = mend(words, languages)
    words, by_another = without_signature(words, languages, _names(asked))
    hits = [h for h in find_hits(words, languages, rivals) if not words[h.start].quoted]
    echoes = _echoes(text, words, asked)
    sentences = sentences_of(words, hits, languages, echoes)
    own = "\n".join(text[line.start : line.end] for line in lines)
    return View(text, words, sentences, own, by_another)


def _without_what_is_below(text: str, lines: list[Line], question: str) -> list[Line]:
    """The lines without those that dashes part off, unless they go on with a "but"."""
    above = [line for line in lines if not line.below]
    for number in range(len(above), len(lines)):
        words = words_of(text, lines[number : number + 1])
        hits = find_hits(words, _languages(words, question)[0])
        if hits and hits[0].start == 0 and hits[0].section == "contrast":
            return [*above, *lines[number:]]
    return above


def _is_open(said: str, mark: str) -> bool:
    """A quotation begins within these words and doesn't end there."""
    ends = sum(said.count(end) for end in QUOTED[mark])
    return bool(ends % 2) if mark in QUOTED[mark] else said.count(mark) > ends


# ---------------------------------------------------------------- languages
def _languages(
    words: Sequence[Word], question: str, wrote: str = ""
) -> tuple[list[Language], frozenset[str]]:
    """The languages an answer may be in, the likeliest first; the question's and English too.

    What they `wrote` before, the words asked for, tells which language is theirs. Also which
    of them are about as likely as the first.
    """
    spoken = [word.exact for word in words if word.kind == "word"]
    scores = dict(_scores([*spoken, *stretched(spoken)]))
    asked_in = (*_asked_in(question), *_asked_in(wrote))
    for code in dict.fromkeys(asked_in):
        scores[code] = scores.get(code, 0.0) + 0.75
    best = max(scores.values(), default=0.0)
    likely = sorted(
        (code for code, score in scores.items() if score >= best * 0.5), key=lambda c: -scores[c]
    )[:3]
    chosen = dict.fromkeys([*likely, *asked_in, *(["en"] if "en" in codes() else [])])
    rivals = frozenset(code for code in likely if scores[code] >= best * RIVALRY)
    return [language(code) for code in chosen], rivals


def _scores(keys: Sequence[str]) -> list[tuple[str, float]]:
    scores: dict[str, float] = {}
    for key in dict.fromkeys(keys):
        langs = [code for code in codes() if key in vocabulary(code)]
        langs = langs or [code for code in codes() if key in bare_vocabulary(code)]
        for code in langs:
            scores[code] = scores.get(code, 0.0) + 1.0 / len(langs)
    return list(scores.items())


@lru_cache(maxsize=256)
def _asked_in(question: str) -> tuple[str, ...]:
    lines = own_lines(question, "", line_words())
    keys = [word.exact for word in words_of(question, lines) if not word.quoted]
    ranked = sorted(_scores(keys), key=lambda pair: -pair[1])
    return tuple(code for code, _ in ranked[:1])


# ------------------------------------------------------------------ whose words
def _names(asked: Mapping[str, str]) -> frozenset[str]:
    """The words of the credit, as they are compared."""
    credit = asked.get("credit", "")
    pieces = "".join(char if char.isalnum() else " " for char in credit).split()
    return frozenset(form for piece in pieces for form in folded(piece))


def _echoes(text: str, words: Sequence[Word], asked: Mapping[str, str]) -> set[int]:
    """Where an answer repeats what it was asked: the very words, the credit, a name in it."""
    found: set[int] = set()
    for shown in (asked.get("text", ""), asked.get("credit", "")):
        at = text.find(shown) if len(shown) > 3 else -1
        if at >= 0:
            end = at + len(shown)
            found.update(n for n, word in enumerate(words) if at <= word.start and word.end <= end)
    names = _names(asked)
    for number, word in enumerate(words):
        owned = word.exact.endswith("s") and word.exact[:-1] in names
        if word.kind == "mention" or (word.kind == "word" and (word.exact in names or owned)):
            found.add(number)
    initials = {name[:1] for name in names}
    for at in range(len(words) - 1):
        if words[at].capital and words[at].exact in initials and at + 1 in found:
            found.add(at)
    return found | _short_signatures(words, asked.get("credit", ""), names)


def _short_signatures(words: Sequence[Word], credit: str, names: frozenset[str]) -> set[int]:
    """Lines that hold only a name of the credit in single characters, or its initial."""
    whole = "".join(credit.split())
    initials = {name[:1] for name in names}
    lines: dict[int, list[int]] = {}
    for at, word in enumerate(words):
        lines.setdefault(word.line, []).append(at)
    found: set[int] = set()
    for number, line in enumerate(lines.values()):
        signs = "".join(words[at].exact for at in line)
        named = len(line) > 1 and len(signs) == len(line) and signs in whole
        initial = number > 0 and len(signs) == 1 and words[line[0]].capital and signs in initials
        if (named and all(map(is_ideograph, signs))) or initial:
            found.update(line)
    return found
