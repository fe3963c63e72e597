"""A sentence of an answer: what is said in it, and what of it is beside the point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from consent.answer_words import Word, is_ideograph
from consent.lexicon import HARMLESS
from consent.phrase_finding import Hit

#: What may stand in small talk.
BESIDE = frozenset({"ack", "elsewhere", "reported"})
#: Fewer words than these tell nothing; two signs of a script without blanks are a word.
LEAST_SAID = 3
#: What no friendly word makes up for.
HEAVY = 9
#: What makes a sentence friendly.
LIGHT = frozenset({"warm", "chat", "sorry", "bye", "soft"})
#: "In the garden all is green" may begin so; "in Welsh" limits what stands before.
LEAST_TIED = 5
#: Adverbs end so: "go ahead, internally".
_MANNERS = ("ly", "mente", "ment", "weise", "lich", "ligt", "nie", "owo", "ně", "но")


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
    #: Words that no file knows: tomatoes, snow, seagulls.
    foreign: frozenset[int] = frozenset()
    #: Words of `bearing` that people also say of snow and seagulls: "ask", "first".
    weak: frozenset[int] = frozenset()
    #: Words that tell of somebody; None where the language has no list of them.
    telling: frozenset[int] | None = None
    #: Words for what was asked about: "it", "use", "print".
    things: frozenset[int] = frozenset()

    @cached_property
    def marks(self) -> str:
        return "".join(word.marks for word in self.words[self.start : self.end])

    @cached_property
    def asks(self) -> bool:
        """It ends as a question, and not just with "why not?" or "need you ask?"."""
        for at in range(self.start, self.end):
            if any(mark in "?？؟‽" for mark in self.words[at].marks):
                return not any(
                    hit.section in ("soft", "chat") and hit.start <= at < hit.end
                    for hit in self.hits
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
            at for hit in self.hits if hit.section == "contrast" or (whole and is_light(hit))
            for at in range(hit.start, hit.end)
        }  # fmt: skip
        single = sum(is_ideograph(self.words[at].exact[:1] or " ") for at in stretch)
        length = len(stretch) - single + single // 2
        return (
            length >= LEAST_SAID
            and self.tells(start, end)
            and not (start in self.ties and (not whole or length < LEAST_TIED))
            and not any(at in self.bearing - turns or at in self.subjects for at in stretch)
            and not any(
                hit.section == "elsewhere" and hit.end - hit.start > 2 and hit.start in stretch
                for hit in self.risks
            )
            and not any(at in self.named or self.words[at].quoted for at in stretch)
            and not any(
                hit.section not in BESIDE
                and not (
                    hit.section in ("negation", "contrast")
                    and whole
                    and hit.start > start
                    and self.clause_of(hit.start)[0] < hit.start
                )
                and not (whole and is_light(hit))
                for hit in self.risks
                if hit.start in stretch
            )
            and 3 * sum(_counts(self.words[at]) for at in stretch) <= len(stretch)
        )

    @cached_property
    def is_apology(self) -> bool:
        """It opens with "sorry for", and nothing in it is about the words, the name or a limit."""
        return (
            any(hit.section == "sorry" and hit.start == self.start for hit in self.hits)
            and not (self.subjects or self.topics or self.named or self.quotes or self.asks)
            and all(hit.section in BESIDE or hit.section == "negation" for hit in self.risks)
        )

    def tells(self, start: int, end: int) -> bool:
        """A statement about somebody or something, no fragment and no order.

        "We have snow here" tells; "Belgium excluded" and "strike the adverb" limit what they
        stand beside.
        """
        return self.telling is None or any(start <= at < end for at in self.telling)

    @cached_property
    def is_beside(self) -> bool:
        return self.weight(self.start, self.end) < 0

    def weight(self, start: int, end: int) -> int:
        """How much these words weigh on a yes that they stand beside; below 0: they tell of
        something else, as in "the tomatoes are doing well, since you ask".

        What names the words, the credit, a use or money weighs heavily, and so do orders and
        fragments; somebody who tells of himself, joy, and words that no file knows make it lighter.
        """
        stretch = range(start, end)
        own = [hit for hit in self.hits if hit.start in stretch]
        heavy = (self.bearing - self.weak) | self.named | set(self.subjects)
        if self.topics or self.quotes or self.alarming or any(at in heavy for at in stretch):
            return HEAVY
        weight = 1 + sum(self._weight_of(hit) for hit in own)
        weight += sum(at in self.weak for at in stretch) + any(at in self.things for at in stretch)
        weight += HEAVY if self.asks or start in self.ties else 0
        if self.telling is not None:
            tellers = sum(at in self.telling for at in stretch)
            weight += -min(tellers, 2) if tellers else 2
        weight -= min(sum(at in self.foreign for at in stretch), 2)
        if any(hit.section == "elsewhere" and hit.end - hit.start > 2 for hit in own):
            return HEAVY
        return weight - min(sum(hit.section in LIGHT for hit in own), 2)

    def _weight_of(self, hit: Hit) -> int:
        if hit.section in HARMLESS:
            return 0
        opens = self.clause_of(hit.start)[0] == hit.start
        if hit.section in ("condition", "contrast"):
            return 3 if opens else 1 + bool(self.things)
        if hit.section in ("negation", "no"):
            return 2 if opens else 1
        if hit.section in ("defer", "question", "reported", "ack", "elsewhere"):
            return 3 if hit.end - hit.start > 1 or opens else 1
        return HEAVY

    def passes(self, at: int) -> bool:
        """The clause of this unexplained word is small talk, or an address: "…, folks"."""
        start, end = self.clause_of(at)
        if end - start == 1:
            word = self.words[at]
            return not (
                word.capital or at in self.bearing or at in self.subjects or _is_manner(word)
            )
        return self.is_small_talk(start, end) or (
            end - start >= LEAST_SAID and self.weight(start, end) < 0
        )

    def is_sign(self, at: int) -> bool:
        """A number or a single letter, as in "your letter of 12 M."."""
        word = self.words[at]
        return _counts(word) or (len(word.exact) == 1 and not is_ideograph(word.exact))

    def is_unspaced(self, places: set[int]) -> bool:
        return all(is_ideograph(self.words[at].exact[:1] or " ") for at in places)

    def clause_of(self, at: int) -> tuple[int, int]:
        return next(clause for clause in self.clauses if clause[0] <= at < clause[1])

    def uncovered_in(self, start: int, end: int) -> int:
        return sum(at not in self.covered for at in range(start, end))


def is_light(hit: Hit) -> bool:
    """A single word like "must" or "later", which may just be about the bus."""
    return hit.section == "defer" and hit.end - hit.start == 1


def _counts(word: Word) -> bool:
    return any(char.isdecimal() for char in word.exact)


def _is_manner(word: Word) -> bool:
    return word.exact.endswith(_MANNERS) or _counts(word)
