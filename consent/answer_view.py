"""An answer as the rules look at it: sentences, clauses, phrases, and whose words they are."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from itertools import pairwise

from consent.answer_lines import Line, own_lines
from consent.answer_signature import without_signature
from consent.answer_words import Break, Word, folded, is_ideograph, words_of
from consent.lexicon import (
    HARMLESS,
    Language,
    bare_vocabulary,
    codes,
    language,
    line_words,
    vocabulary,
)
from consent.phrase_finding import Hit, find_hits
from consent.typing_slips import mend, stretched

#: Phrases that look like a yes; by themselves they decide nothing.
AFFIRMING = frozenset({"allow", "yes", "assent", "soft"})
#: Faces that mock what they stand beside.
MOCKING = frozenset("🙄😏🤡😒🙃🤨🤥😑🫠")
#: No answer is read beyond this, in characters; a longer one is for a person to read.
LONGEST = 10_000
#: A language this much as likely as the likeliest has a say where the two differ.
RIVALRY = 0.75
#: What may stand in small talk.
BESIDE = frozenset({"ack", "elsewhere", "reported"})
#: Fewer words than these tell nothing; two signs of a script without blanks are a word.
LEAST_SAID = 3
#: "In the garden all is green" may begin so; "in Welsh" limits what stands before.
LEAST_TIED = 5
#: A good-bye has no more words: "greetings from a very wet harbour".
LONGEST_BYE = 7
#: Shorter words also stand elsewhere: "ihr", "love".
LEAST_BYE = 5
#: Adverbs end so: "go ahead, internally".
_MANNERS = ("ly", "mente", "ment", "weise", "lich", "ligt", "nie", "owo", "ně", "но")
#: Longer words are no particles.
PARTICLE = 3
#: A sentence of more words is cut where it pauses: no rule looks that far.
ENDLESS = 80


@dataclass
class Sentence:
    """Words that say one thing, and the phrases in them."""

    words: Sequence[Word]
    hits: list[Hit]
    start: int
    end: int
    topics: int = 0
    covered: set[int] = field(default_factory=set)
    #: Words that no phrase explains, and that are not just what the permission is for.
    strange: set[int] = field(default_factory=set)
    #: How many words belong to no phrase at all: how much of a story it tells.
    unknown: int = 0
    #: A word stands in it that would be a stop if it stood alone.
    alarming: bool = False
    clauses: list[tuple[int, int]] = field(default_factory=list)
    #: What a word is about, where it names it: "words", "credit" or "uses".
    subjects: dict[int, str] = field(default_factory=dict)
    #: Words that permissions are made of, and that may bear on a permission.
    permitting: frozenset[int] = frozenset()
    bearing: frozenset[int] = frozenset()
    ties: frozenset[int] = frozenset()
    #: Short words that no language knows: "n", "che", "uai".
    particles: frozenset[int] = frozenset()
    #: Words of the credit.
    named: frozenset[int] = frozenset()

    @cached_property
    def marks(self) -> str:
        return "".join(word.marks for word in self.words[self.start : self.end])

    @cached_property
    def asks(self) -> bool:
        """It ends as a question, and not just with "why not?"."""
        for at in range(self.start, self.end):
            if any(mark in "?？؟‽" for mark in self.words[at].marks):
                return not any(
                    hit.section == "soft" and hit.start <= at < hit.end for hit in self.hits
                )
        return False

    @cached_property
    def quotes(self) -> bool:
        """Something stands in quotation marks that is not what was asked."""
        return any(
            self.words[at].quoted and at not in self.covered for at in range(self.start, self.end)
        )

    @cached_property
    def trails_off(self) -> bool:
        last = self.words[self.end - 1].marks
        return "…" in last or ".." in last

    @property
    def bare(self) -> list[int]:
        """Where words stand that no phrase explains."""
        return [at for at in range(self.start, self.end) if at not in self.covered]

    @property
    def uncovered(self) -> int:
        """How many words say something that no phrase explains."""
        return self.end - self.start - len(self.covered)

    def of(self, *sections: str) -> list[Hit]:
        return [hit for hit in self.hits if hit.section in sections]

    def has(self, *sections: str) -> bool:
        return any(hit.section in sections for hit in self.hits)

    @cached_property
    def is_question(self) -> bool:
        """It asks, or has the words of a question and no full stop."""
        last = self.words[self.end - 1].marks
        return self.asks or (self.has("question") and not any(mark in ".!。！।" for mark in last))

    @property
    def is_reported(self) -> bool:
        """Somebody else's words, or words from another day."""
        return self.has("reported")

    @property
    def risks(self) -> list[Hit]:
        return [hit for hit in self.hits if hit.section not in HARMLESS]

    @property
    def dangers(self) -> list[Hit]:
        """The risks, but for words of a question within a statement: "use it when you like"."""
        return [
            hit for hit in self.risks
            if hit.section != "question" or self.is_question or hit.start == self.start
        ]  # fmt: skip

    def is_small_talk(self, start: int, end: int) -> bool:
        """These words tell something, and nothing in them bears on a permission."""
        stretch = range(start, end)
        whole = (start, end) == (self.start, self.end)
        turns = {
            at for hit in self.hits if hit.section == "contrast" or (whole and _is_light(hit))
            for at in range(hit.start, hit.end)
        }  # fmt: skip
        single = sum(is_ideograph(self.words[at].exact[:1] or " ") for at in stretch)
        length = len(stretch) - single + single // 2
        return (
            length >= LEAST_SAID
            and not (start in self.ties and (not whole or length < LEAST_TIED))
            and not any(at in self.bearing - turns or at in self.subjects for at in stretch)
            and not any(at in self.named or self.words[at].quoted for at in stretch)
            and not any(
                hit.section not in BESIDE
                and not (
                    hit.section in ("negation", "contrast")
                    and whole
                    and hit.start > start
                    and self.clause_of(hit.start)[0] < hit.start
                )
                and not (whole and _is_light(hit))
                for hit in self.risks
                if hit.start in stretch
            )
            and 3 * sum(_counts(self.words[at]) for at in stretch) <= len(stretch)
        )

    def passes(self, at: int) -> bool:
        """The clause of this unexplained word is small talk, or an address: "…, folks"."""
        start, end = self.clause_of(at)
        if end - start == 1:
            word = self.words[at]
            return not (
                word.capital or at in self.bearing or at in self.subjects or is_manner(word)
            )
        return self.is_small_talk(start, end)

    def is_unspaced(self, places: set[int]) -> bool:
        return all(is_ideograph(self.words[at].exact[:1] or " ") for at in places)

    def clause_of(self, at: int) -> tuple[int, int]:
        return next(clause for clause in self.clauses if clause[0] <= at < clause[1])

    def uncovered_in(self, start: int, end: int) -> int:
        return sum(at not in self.covered for at in range(start, end))


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
        return self.text[self.words[start].start : self.words[end - 1].end] if end > start else ""


def view_of(asked: Mapping[str, str], answer: str) -> View:
    """Cut an answer up. `asked` may hold "text", "credit" and "question"."""
    question = asked.get("question", "")
    text = answer
    lines = own_lines(text, question, line_words(), asked.get("credit", ""))
    lines = _without_what_is_below(text, lines, question)
    words = words_of(text, lines)
    languages, rivals = _languages(words, question)
    words = mend(words, languages)
    words, by_another = without_signature(words, languages, _names(asked))
    hits = [h for h in find_hits(words, languages, rivals) if not words[h.start].quoted]
    echoes = _echoes(text, words, asked)
    sentences = _sentences(words, hits, languages, echoes)
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


# ---------------------------------------------------------------- languages
def _languages(words: Sequence[Word], question: str) -> tuple[list[Language], frozenset[str]]:
    """The languages an answer may be in, the likeliest first; the question's and English too.

    Also which of them are about as likely as the first.
    """
    spoken = [word.exact for word in words if word.kind == "word"]
    scores = dict(_scores([*spoken, *stretched(spoken)]))
    asked_in = _asked_in(question)
    for code in asked_in:
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


# -------------------------------------------------------------------- sentences
def _sentences(
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
    turns = [
        hit for hit, after in pairwise(hits)
        if hit.start and after.start == hit.end and after.section in ("yes", "allow")
        and not (told and told[0].start < hit.start)
        and (hit.section == "contrast" or _concludes(words[hit.start], languages))
    ]  # fmt: skip
    starts = sorted({*starts, *(hit.start for hit in turns)})
    hits = [replace(hit, section="chat") if hit in turns else hit for hit in hits]
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
    for first, last in made.clauses:
        own = [hit for hit in hits if first <= hit.start < last]
        parts = any(
            hit.section == "bye" and hit.start == first and len(words[first].exact) >= LEAST_BYE
            for hit in own
        )
        friendly = any(hit.section == "warm" for hit in own)
        friendly = friendly or (parts and last - first <= LONGEST_BYE)
        said = {at for hit in own for at in range(hit.start, hit.end)}
        weighs = any(
            lang.bears(words[at]) for at in range(first, last) if at not in said
            for lang in languages
        )  # fmt: skip
        if friendly and not weighs and all(hit.section in HARMLESS for hit in own):
            explained.update(range(first, last))
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


def _is_light(hit: Hit) -> bool:
    """A single word like "must" or "later", which may just be about the bus."""
    return hit.section == "defer" and hit.end - hit.start == 1


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


def _counts(word: Word) -> bool:
    return any(char.isdecimal() for char in word.exact)


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


def is_manner(word: Word) -> bool:
    return word.exact.endswith(_MANNERS) or _counts(word)
