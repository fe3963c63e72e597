"""The rules that weigh an answer's sentences: who says what, under which condition, what is last.

Stop outranks all; then who speaks and whether it is an answer at all; then taking back, no,
"yes, but", and yes. Each finding names the words it rests on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from consent.answer_view import AFFIRMING, MOCKING, Sentence, View
from consent.lexicon import HARMLESS, Hit

#: A sentence with so many unexplained words tells a story; a no in it may be about anything.
STORY = 3
#: So many unexplained words may stand before a permission in its sentence, if a yes does too.
BEFORE_PERMISSION = 8


@dataclass(frozen=True)
class Finding:
    decision: str
    reason: str
    evidence: str = ""
    changes: tuple[tuple[str, str], ...] = ()
    take_down: bool = False


@dataclass(frozen=True)
class _Yes:
    """A sentence that says yes. `strong`: it permits in so many words."""

    number: int
    strong: bool
    plain: bool
    start: int
    end: int


_NOT_THEIRS = {
    "automatic": "It is an automatic reply.",
    "proxy": "Somebody else answers, not the person who was asked.",
    "orders": "It gives orders to the reader or a program instead of answering.",
}
_DOUBTS = (
    ("sarcasm", "It may be meant in mockery."),
    ("defer", "They have not decided yet."),
    ("unreal", "It says what might be, not what is."),
    ("elsewhere", "It seems to be about something else."),
    ("ack", "It says that they have read it, or that the words are theirs; no more."),
    ("reported", "It tells what somebody says or once said."),
    ("question", "It asks something back."),
)


def judge(view: View) -> Finding:
    """Read a view with at least one word in it."""
    for section, decided in (("stop", _stop), ("remove", _remove)):
        for number, sentence in enumerate(view.sentences):
            for hit in sentence.of(section):
                if section == "remove" and _is_denied(sentence, hit):
                    continue
                found = decided(view, number, hit)
                if found is not None:
                    return found
        if section == "stop" and (other := _somebody_elses(view)) is not None:
            return other
    return _answer(view)


# ------------------------------------------------------- stop, take-downs, others
def _stop(view: View, _number: int, hit: Hit) -> Finding:
    removes = any(not _is_denied(s, other) for s in view.sentences for other in s.of("remove"))
    reason = "They ask not to be written to any more."
    if removes:
        reason = "They ask not to be written to any more, and to have their words taken down."
    return Finding("stop", reason, view.quote(hit.start, hit.end), take_down=removes)


def _remove(view: View, number: int, hit: Hit) -> Finding | None:
    sentence = view.sentences[number]
    start, end = sentence.clause_of(hit.start)
    told = any(start <= other.start < hit.start for other in sentence.of("reported"))
    if told and not sentence.has("past"):
        return None
    return Finding(
        "withdraw",
        "They take back what they allowed, or want it taken down.",
        view.quote(min(start, hit.start), max(end, hit.end)),
    )


def _is_denied(sentence: Sentence, hit: Hit) -> bool:
    """As in "no need to remove it": a negation stands before it in its clause."""
    start, _ = sentence.clause_of(hit.start)
    return any(
        other.section in ("negation", "no", "condition") and start <= other.start < hit.start
        for other in sentence.hits
    )


def _somebody_elses(view: View) -> Finding | None:
    for sentence in view.sentences:
        for section, reason in _NOT_THEIRS.items():
            for hit in sentence.of(section):
                return Finding("unclear", reason, view.quote(hit.start, hit.end))
    if view.signed_by_another:
        return Finding("unclear", "It is signed by somebody else than the person who was asked.")
    if any(mark in view.own for mark in ("{", "}", "</", "[[", "=")):
        return Finding("unclear", "It looks like code or a form, not like somebody's answer.")
    return None


# ------------------------------------------------------------------- the answer
def _answer(view: View) -> Finding:
    yes = list(_yeses(view))
    against = list(_refusals(view))
    last = yes[-1] if yes else None
    if against:
        found = _weigh(view, last, against)
        if found is not None:
            return found
    conditions = list(_conditions(view))
    says_yes = any(
        not s.is_reported and s.has(*AFFIRMING) and not (s.asks and s.has("question"))
        for s in view.sentences
    )
    doubt = _doubt(view, last)
    changes = [hit for s in view.sentences for hit in s.of("change") if not s.is_reported]
    if conditions and doubt is None and (says_yes or changes):
        return _conditional(view, conditions)
    if conditions and changes and says_yes and not _is_put_off(view):
        return _conditional(view, conditions)
    if doubt is not None:
        return doubt
    if last is not None and not conditions:
        blocked = _blocked(view, last)
        if blocked is None:
            return Finding("grant", "An explicit yes, with no condition.", _evidence(view, last))
        return blocked
    return _no_answer(view)


def _yeses(view: View) -> Iterator[_Yes]:
    for number, sentence in enumerate(view.sentences):
        found = _strong(sentence, number) or _weak(sentence, number)
        if found is not None:
            yield found


def _strong(sentence: Sentence, number: int) -> _Yes | None:
    """A permission that opens its clause, in a sentence with nothing against it."""
    if (
        sentence.asks
        or sentence.quotes
        or sentence.alarming
        or any(hit.section != "ack" for hit in sentence.risks)
    ):
        return None
    for hit in sentence.of("allow"):
        start, _ = sentence.clause_of(hit.start)
        if any(start <= at < hit.start for at in sentence.strange):
            continue
        if any(at >= hit.start for at in sentence.strange):
            continue
        # "Fix it and go ahead", "she is away, go ahead": without a yes it may be about anything.
        before = len(sentence.strange)
        if before == 0 or (before <= BEFORE_PERMISSION and sentence.has("yes")):
            return _Yes(number, strong=True, plain=True, start=hit.start, end=hit.end)
    return None


def _weak(sentence: Sentence, number: int) -> _Yes | None:
    """A sentence that is nothing but yes, courtesy and the credit."""
    said = sentence.of("yes", "assent", "allow")
    if not said or sentence.asks or sentence.quotes or sentence.risks or sentence.uncovered:
        return None
    if sentence.trails_off and not sentence.has("allow"):
        return None
    plain = sentence.has("yes", "allow")
    return _Yes(number, strong=False, plain=plain, start=said[0].start, end=said[-1].end)


def _refusals(view: View) -> Iterator[tuple[int, Hit, bool]]:
    """Where somebody says no: sentence, phrase, and whether it may be beside the point."""
    agreed = False
    for number, sentence in enumerate(view.sentences):
        agreed = agreed or _affirms(sentence)
        for hit in sentence.hits:
            if hit.section == "refuse" and not (agreed and _is_a_limit(sentence, hit)):
                yield number, hit, sentence.is_reported and not _turns(sentence, hit)
            elif hit.section == "no" and _stands_alone(sentence, hit):
                story = sentence.is_reported or sentence.unknown >= STORY
                yield number, hit, story


def _stands_alone(sentence: Sentence, hit: Hit) -> bool:
    """A no that is said by itself, not the no of "no attachments"."""
    start, end = sentence.clause_of(hit.start)
    before = sentence.uncovered_in(start, hit.start)
    after = sentence.uncovered_in(hit.end, max(end, hit.end))
    nothing_after = after == 0 or hit.end == end or hit.end - hit.start > 1
    return (before == 0 and nothing_after) or (before <= 1 and hit.end >= sentence.end)


def _is_a_limit(sentence: Sentence, hit: Hit) -> bool:
    """As in "if you don't use it in adverts" or "my surname, please don't": no refusal as such."""
    start, end = sentence.clause_of(hit.start)
    return any(
        start <= other.start < end
        and (
            (other.section == "condition" and other.start < hit.start)
            or (other.section == "change" and other.start != hit.start)
        )
        for other in sentence.hits
    )


def _turns(sentence: Sentence, hit: Hit) -> bool:
    """As in "nearly said yes, but it is a no": after the turn it is their own word."""
    told = max(other.start for other in sentence.of("reported"))
    return any(told < other.start < hit.start for other in sentence.of("contrast"))


def _weigh(view: View, last: _Yes | None, against: list[tuple[int, Hit, bool]]) -> Finding | None:
    """A later no wins; a no in a story does not outweigh a permission that comes after it."""
    earnest = [(n, hit) for n, hit, aside in against if not aside]
    asides = [(n, hit) for n, hit, aside in against if aside]
    if last is not None and last.strong:
        earnest += [(n, hit) for n, hit in asides if hit.start > last.start]
    elif last is not None:
        earnest += asides
    elif not earnest:
        told = all(view.sentences[n].is_reported for n, _ in asides)
        earnest = [] if told else asides
    if not earnest:
        return None
    number, hit = max(earnest, key=lambda pair: pair[1].start)
    if last is not None and last.start > hit.start:
        return Finding(
            "unclear", "It says no first and yes later.", view.quote(hit.start, last.end)
        )
    doubts = view.sentences[number].of("unreal", "defer")
    if hit.section == "no" and any(doubt.end - doubt.start > 1 for doubt in doubts):
        return None
    evidence = view.quote(*_clause_around(view.sentences[number], hit))
    before = any(s.has("past") for s in view.sentences)
    if before and not any(s.has("yes", "assent") for s in view.sentences[:number]):
        return Finding("withdraw", "They said yes once and no longer do.", evidence)
    return Finding("refuse", "They say no.", evidence)


def _clause_around(sentence: Sentence, hit: Hit) -> tuple[int, int]:
    start, end = sentence.clause_of(hit.start)
    return start, max(end, hit.end)


# ------------------------------------------------------------------- conditions
def _conditions(view: View) -> Iterator[tuple[int, Hit]]:
    """What limits a yes: changes anywhere, and conditions that belong to the yes."""
    agreed = False
    for number, sentence in enumerate(view.sentences):
        affirms = _affirms(sentence)
        for hit in sentence.hits:
            if sentence.is_reported:
                continue
            if hit.section == "change" or (
                hit.section in ("condition", "contrast", "negation")
                and _limits(sentence, hit, affirms=affirms, agreed=agreed)
            ):
                yield number, hit
        agreed = agreed or affirms


def _affirms(sentence: Sentence) -> bool:
    """A yes, or what looks like one, opens one of its clauses."""
    return any(
        not sentence.uncovered_in(sentence.clause_of(hit.start)[0], hit.start)
        for hit in sentence.of(*AFFIRMING)
    )


def _limits(sentence: Sentence, hit: Hit, *, affirms: bool, agreed: bool) -> bool:
    opens = not sentence.uncovered_in(sentence.start, hit.start)
    short = sentence.unknown <= STORY
    if hit.section == "negation":
        return (agreed or affirms) and opens and not sentence.has("chat") and sentence.topics > 0
    if hit.section == "contrast" and sentence.asks and not sentence.has("change"):
        return False
    if affirms:
        return True
    if agreed:
        return opens or short or sentence.topics > 0
    return opens and short


def _conditional(view: View, conditions: list[tuple[int, Hit]]) -> Finding:
    quotes: dict[str, str] = {}
    for number, hit in conditions:
        sentence = view.sentences[number]
        start, end = _stretch(sentence, hit)
        quote = view.quote(start, end)
        if quote and not any(quote in known for known in quotes):
            quotes = {known: about for known, about in quotes.items() if known not in quote}
            quotes[quote] = _about(sentence, start, end)
    number, hit = conditions[0]
    start, end = _clause_around(view.sentences[number], hit)
    return Finding(
        "conditional",
        "They would say yes under a condition, or with a change.",
        view.quote(view.sentences[number].start, view.sentences[number].end),
        tuple(quotes.items()),
    )


def _stretch(sentence: Sentence, hit: Hit) -> tuple[int, int]:
    """From the condition to the end of its sentence; a "but" itself asks for nothing."""
    start, end = sentence.clause_of(hit.start)
    if hit.section == "contrast":
        return (hit.end, sentence.end) if hit.end < sentence.end else (start, end)
    if hit.section == "condition":
        return hit.start, sentence.end
    turns = [other.end for other in sentence.of("contrast") if start <= other.start < hit.start]
    return max([start, *turns]), max(end, hit.end)


def _about(sentence: Sentence, start: int, end: int) -> str:
    found = (sentence.subjects[at] for at in range(start, end) if at in sentence.subjects)
    return next(found, "other")


# ------------------------------------------------------------------------ doubts
def _doubt(view: View, last: _Yes | None) -> Finding | None:
    """What makes a yes doubtful wherever it stands."""
    for sentence in view.sentences:
        for hit in sentence.of("sarcasm"):
            return Finding("unclear", "It may be meant in mockery.", view.quote(hit.start, hit.end))
    if not MOCKING.isdisjoint(view.own):
        return Finding("unclear", "A face in it mocks; it may not be meant.", _whole(view))
    for number, sentence in enumerate(view.sentences):
        for hit in sentence.of("defer", "unreal", "elsewhere"):
            if _casts_doubt(sentence, number, hit, last):
                return Finding("unclear", dict(_DOUBTS)[hit.section], _of(view, sentence))
        if sentence.is_question and not sentence.has("change"):
            is_small_talk = not sentence.has("question") and not sentence.topics
            if not (last is not None and last.strong and is_small_talk):
                return Finding("unclear", "It asks something back.", _of(view, sentence))
    return None


def _casts_doubt(sentence: Sentence, number: int, hit: Hit, last: _Yes | None) -> bool:
    """Whether a "maybe" or a meeting on Friday touches the yes; in a story before it, not."""
    if hit.section == "elsewhere" and sentence.has("warm") and _is_beside(last, number):
        return False
    is_story = sentence.unknown >= STORY
    if last is None or not last.strong:
        return True
    if hit.section == "unreal" and number == last.number - 1 and not is_story:
        return True
    if hit.section == "defer":
        return number >= last.number or not is_story
    return number >= last.number and not (is_story and number != last.number)


def _is_beside(last: _Yes | None, number: int) -> bool:
    """A friendly sentence of its own beside a plain yes."""
    return last is not None and last.plain and number != last.number


def _is_put_off(view: View) -> bool:
    return any(s.has("defer", "sarcasm", "unreal", "elsewhere") for s in view.sentences)


def _blocked(view: View, yes: _Yes) -> Finding | None:
    """Why a yes does not count after all: something beside it that is not understood."""
    for number, sentence in enumerate(view.sentences):
        if number == yes.number or (not sentence.hits and not sentence.uncovered):
            continue
        reason = _reason_against(sentence, number, yes)
        if reason:
            return Finding("unclear", reason, _of(view, sentence))
    return None


def _reason_against(sentence: Sentence, number: int, yes: _Yes) -> str:
    follows = number > yes.number
    if sentence.is_reported:
        beside = not sentence.topics and not sentence.has(*AFFIRMING, "no", "refuse")
        trusted = yes.plain and beside and (not follows or _is_friendly(sentence))
        return "" if trusted or (yes.strong and not follows) else dict(_DOUBTS)["reported"]
    if follows and sentence.strange and not _is_friendly(sentence):
        return "What follows the yes may be a condition."
    return "" if yes.strong else _reason_beside(sentence, yes)


def _reason_beside(sentence: Sentence, yes: _Yes) -> str:
    """What a mere yes cannot stand beside, and a permission in so many words can."""
    warm = sentence.has("warm") and yes.plain
    for section, reason in _DOUBTS:
        if sentence.has(section) and not (warm and section == "elsewhere"):
            return reason
    if sentence.uncovered and not (yes.plain or sentence.has("warm")):
        return "Its yes may be about something else it says."
    if sentence.topics or (sentence.risks and not warm):
        return "It says yes, and more about it."
    return ""


def _is_friendly(sentence: Sentence) -> bool:
    """Warm words, or a good-bye that opens the sentence."""
    return sentence.has("warm") or any(hit.start == sentence.start for hit in sentence.of("bye"))


def _no_answer(view: View) -> Finding:
    for section, reason in _DOUBTS:
        for sentence in view.sentences:
            if sentence.has(section):
                return Finding("unclear", reason, _of(view, sentence))
    for sentence in view.sentences:
        if sentence.has(*AFFIRMING):
            return Finding(
                "unclear",
                "There is a yes in it, but not plainly to this question.",
                _of(view, sentence),
            )
    if all(hit.section in HARMLESS for s in view.sentences for hit in s.hits) and not any(
        s.uncovered for s in view.sentences
    ):
        return Finding("unclear", "It is friendly and decides nothing.")
    return Finding("unclear", "It says neither yes nor no.")


def _evidence(view: View, yes: _Yes) -> str:
    sentence = view.sentences[yes.number]
    if not sentence.uncovered:
        return _of(view, sentence)
    start, end = sentence.clause_of(yes.start)
    return view.quote(start, max(end, yes.end))


def _of(view: View, sentence: Sentence) -> str:
    return view.quote(sentence.start, sentence.end)


def _whole(view: View) -> str:
    return view.quote(0, len(view.words))
