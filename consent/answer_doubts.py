"""What speaks against a yes: mockery, a maybe, another matter, a question back, a word too many."""

from __future__ import annotations

from dataclasses import dataclass

from consent.answer_sentences import Sentence
from consent.answer_view import AFFIRMING, MOCKING, View
from consent.lexicon import HARMLESS
from consent.phrase_finding import Hit

#: A sentence with so many unexplained words tells a story; a no in it may be about anything.
STORY = 3
DOUBTS = (
    ("sarcasm", "It may be meant in mockery."),
    ("defer", "They have not decided yet."),
    ("unreal", "It says what might be, not what is."),
    ("elsewhere", "It seems to be about something else."),
    ("ack", "It says that they have read it, or that the words are theirs; no more."),
    ("reported", "It tells what somebody says or once said."),
    ("question", "It asks something back."),
)

_NOT_THEIRS = {
    "automatic": "It is an automatic reply.",
    "proxy": "Somebody else answers, not the person who was asked.",
    "orders": "It gives orders to the reader or a program instead of answering.",
}


@dataclass(frozen=True)
class Finding:
    decision: str
    reason: str
    evidence: str = ""
    changes: tuple[tuple[str, str], ...] = ()
    take_down: bool = False


@dataclass(frozen=True)
class Yes:
    """A sentence that says yes. `strong`: it permits in so many words."""

    number: int
    strong: bool
    plain: bool
    start: int
    end: int


def somebody_elses(view: View) -> Finding | None:
    """Why it is not an answer by the person who was asked, if it is none."""
    for sentence in view.sentences:
        for section, reason in _NOT_THEIRS.items():
            for hit in sentence.of(section):
                return Finding("unclear", reason, view.quote(hit.start, hit.end))
    if view.signed_by_another:
        return Finding("unclear", "It is signed by somebody else than the person who was asked.")
    if any(mark in view.own for mark in ("{", "}", "</", "[[", "=")):
        return Finding("unclear", "It looks like code or a form, not like somebody's answer.")
    return None


def doubt_about(view: View, last: Yes | None) -> Finding | None:
    """What makes a yes doubtful wherever it stands."""
    for sentence in view.sentences:
        for hit in sentence.of("sarcasm"):
            return Finding("unclear", "It may be meant in mockery.", view.quote(hit.start, hit.end))
    if not MOCKING.isdisjoint(view.own):
        return Finding("unclear", "A face in it mocks; it may not be meant.", _whole(view))
    for number, sentence in enumerate(view.sentences):
        for hit in sentence.of("defer", "unreal", "elsewhere"):
            if _casts_doubt(sentence, number, hit, last):
                return Finding("unclear", dict(DOUBTS)[hit.section], said_in(view, sentence))
        if sentence.is_question and not sentence.has("change"):
            is_small_talk = not sentence.has("question") and not sentence.topics
            if not (last is not None and last.strong and is_small_talk):
                return Finding("unclear", "It asks something back.", said_in(view, sentence))
    return None


def _casts_doubt(sentence: Sentence, number: int, hit: Hit, last: Yes | None) -> bool:
    """Whether a "maybe" or a meeting on Friday touches the yes; in a story before it, not."""
    if hit.section == "elsewhere" and sentence.has("warm") and _is_beside(last, number):
        return False
    is_story = sentence.unknown >= STORY
    beside = last is not None and last.plain and number != last.number
    if beside and hit.section != "unreal" and _is_aside(sentence):
        return False
    if last is None or not last.strong:
        return True
    if hit.section == "unreal" and number == last.number - 1 and not is_story:
        return True
    if hit.section == "defer":
        return number >= last.number or not is_story
    return number >= last.number and not (is_story and number != last.number)


def _is_beside(last: Yes | None, number: int) -> bool:
    """A friendly sentence of its own beside a plain yes."""
    return last is not None and last.plain and number != last.number


def is_put_off(view: View) -> bool:
    return any(s.has("defer", "sarcasm", "unreal", "elsewhere") for s in view.sentences)


def blocked_by(view: View, yes: Yes) -> Finding | None:
    """Why a yes does not count after all: something beside it that is not understood."""
    for number, sentence in enumerate(view.sentences):
        if number == yes.number or (not sentence.hits and not sentence.uncovered):
            continue
        reason = _reason_against(sentence, number, yes)
        if reason and number > yes.number and _names_a_part(sentence):
            said = said_in(view, sentence)
            about = next(iter(sentence.subjects.values()), "credit")
            reason = "They say yes, and something about the words or the credit."
            return Finding("conditional", reason, said, ((said, about),))
        if reason:
            return Finding("unclear", reason, said_in(view, sentence))
    return None


def _reason_against(sentence: Sentence, number: int, yes: Yes) -> str:
    follows = number > yes.number
    told = sentence.is_reported and _tells_a_yes(sentence)
    if yes.plain and not told and not sentence.has("no", "refuse") and _is_aside(sentence):
        return ""
    if sentence.is_reported:
        beside = not sentence.topics and not sentence.has(*AFFIRMING, "no", "refuse")
        trusted = yes.plain and beside and (not follows or _is_friendly(sentence))
        own = yes.strong and not follows and not _tells_a_yes(sentence)
        return "" if trusted or own else dict(DOUBTS)["reported"]
    if follows and sentence.named and sentence.bare:
        return "What follows the yes may be another credit."
    if follows and sentence.strange and not _is_friendly(sentence):
        return "What follows the yes may be a condition."
    return "" if yes.strong else _reason_beside(sentence, yes)


def _reason_beside(sentence: Sentence, yes: Yes) -> str:
    """What a mere yes cannot stand beside, and a permission in so many words can."""
    warm = sentence.has("warm") and yes.plain
    for section, reason in DOUBTS:
        if sentence.has(section) and not (warm and section == "elsewhere"):
            return reason
    if sentence.uncovered and not (yes.plain or sentence.has("warm")):
        return "Its yes may be about something else it says."
    if sentence.topics or (sentence.risks and not warm):
        return "It says yes, and more about it."
    return ""


def _names_a_part(sentence: Sentence) -> bool:
    """It names the words, the credit or a part of them, and says something about it."""
    named = sentence.subjects or sentence.named
    doubtful = sentence.has("ack", "elsewhere", "defer", "unreal", "reported", "question")
    return bool(named and sentence.bare and not doubtful and not sentence.asks)


def _tells_a_yes(sentence: Sentence) -> bool:
    """As in "she says yes"; but not in "yes, that is what I said"."""
    first = min(hit.start for hit in sentence.of("reported"))
    return any(hit.start > first for hit in sentence.of("yes", "allow", "assent"))


def _is_aside(sentence: Sentence) -> bool:
    return (
        sentence.is_apology
        or sentence.is_beside
        or sentence.is_small_talk(sentence.start, sentence.end)
    )


def _is_friendly(sentence: Sentence) -> bool:
    """Warm words, or a good-bye that opens the sentence, and nothing that bears on a yes."""
    if sentence.bearing & sentence.strange:
        return False
    return sentence.has("warm") or any(hit.start == sentence.start for hit in sentence.of("bye"))


def no_answer(view: View) -> Finding:
    for section, reason in DOUBTS:
        for sentence in view.sentences:
            if sentence.has(section):
                return Finding("unclear", reason, said_in(view, sentence))
    for sentence in view.sentences:
        if sentence.has(*AFFIRMING):
            return Finding(
                "unclear",
                "There is a yes in it, but not plainly to this question.",
                said_in(view, sentence),
            )
    if all(hit.section in HARMLESS for s in view.sentences for hit in s.hits) and not any(
        s.uncovered for s in view.sentences
    ):
        return Finding("unclear", "It is friendly and decides nothing.")
    return Finding("unclear", "It says neither yes nor no.")


def said_in(view: View, sentence: Sentence) -> str:
    return view.quote(sentence.start, sentence.end)


def _whole(view: View) -> str:
    return view.quote(0, len(view.words))
