"""The rules that weigh an answer's sentences: who says what, under which condition, what is last.

Stop outranks all; then who speaks and whether it is an answer at all; then taking back, no,
"yes, but", and yes. Each finding names the words it rests on.
"""

from __future__ import annotations

from collections.abc import Iterator

from consent.answer_conditions import (
    affirms,
    bargain,
    bargains_in,
    clause_around,
    closes,
    conditional,
    conditions_in,
    provisos_in,
)
from consent.answer_doubts import (
    STORY,
    Finding,
    Yes,
    blocked_by,
    doubt_about,
    is_put_off,
    no_answer,
    said_in,
    somebody_elses,
)
from consent.answer_sentences import Sentence
from consent.answer_view import AFFIRMING, View
from consent.phrase_finding import Hit

#: So many unexplained words may stand before a permission in its sentence, if a yes does too.
BEFORE_PERMISSION = 8
#: So many words of yes leave no doubt: "yes, you can", "ja, dat mag".
EMPHATIC = 3
#: A no among so many unexplained words may be about anything: "no, I have not forgotten you".
REMARK = 2
#: Without blanks, what is permitted stands ahead of the permission: so many signs of it.
OBJECT_AHEAD = 16


def judge(view: View) -> Finding:
    """Read a view with at least one word in it."""
    for section, decided in (("stop", _stop), ("remove", _remove)):
        for number, sentence in enumerate(view.sentences):
            for hit in sentence.of(section):
                if section == "remove" and (
                    _is_denied(sentence, hit) or _is_a_change(view, number, hit)
                ):
                    continue
                found = decided(view, number, hit)
                if found is not None:
                    return found
        if section == "stop" and (other := somebody_elses(view)) is not None:
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


def _is_a_change(view: View, number: int, hit: Hit) -> bool:
    """As in "with pleasure! But take out two commas": after a yes, part of the words goes."""
    if any(sentence.has("past") for sentence in view.sentences):
        return False
    if number in bargains_in(view):
        return True
    agreed = any(affirms(s) for s in view.sentences[:number]) or any(
        other.start < hit.start for other in view.sentences[number].of("yes", "allow", "assent")
    )
    _, end = view.sentences[number].clause_of(hit.start)
    return agreed and any(hit.end <= at < end for at in view.sentences[number].strange)


def _is_denied(sentence: Sentence, hit: Hit) -> bool:
    """As in "no need to remove it": a negation stands before it in its clause."""
    start, _ = sentence.clause_of(hit.start)
    return any(
        other.section in ("negation", "no", "condition") and start <= other.start < hit.start
        for other in sentence.hits
    )


# ------------------------------------------------------------------- the answer
def _answer(view: View) -> Finding:
    yes = list(_yeses(view))
    against = list(_refusals(view))
    last = yes[-1] if yes else None
    if against:
        found = _weigh(view, last, against)
        if found is not None:
            return found
    conditions = [pair for pair in conditions_in(view) if not _is_before(view, last, *pair)]
    doubt = doubt_about(view, last)
    limited = _limited(view, conditions, doubt)
    if limited is not None:
        return limited
    if doubt is not None:
        return doubt
    if last is not None and not conditions:
        blocked = blocked_by(view, last)
        if blocked is None:
            return Finding("grant", "An explicit yes, with no condition.", _evidence(view, last))
        return blocked
    return no_answer(view)


def _limited(
    view: View, conditions: list[tuple[int, Hit]], doubt: Finding | None
) -> Finding | None:
    """A yes under a condition or with a change, if that is what they say."""
    mocks = any(s.has("sarcasm") for s in view.sentences)
    bargains = bargains_in(view)
    if bargains and not mocks:
        return bargain(view, bargains)
    provisos = list(provisos_in(view))
    if provisos and not mocks and not any(s.has("unreal") for s in view.sentences):
        return conditional(view, provisos)
    says_yes = any(
        (not s.is_reported and s.has(*AFFIRMING) and not (s.asks and s.has("question")))
        or any(closes(s, hit) for hit in s.of("condition"))
        for s in view.sentences
    )
    changes = any(s.has("change") and not s.is_reported for s in view.sentences)
    if conditions and doubt is None and (says_yes or changes):
        return conditional(view, conditions)
    if conditions and changes and says_yes and not is_put_off(view):
        return conditional(view, conditions)
    limits = list(_afterwards(view, conditions))
    return conditional(view, limits) if limits and not mocks else None


def _afterwards(view: View, conditions: list[tuple[int, Hit]]) -> Iterator[tuple[int, Hit]]:
    """Wishes and conditions that open a sentence of their own after a yes has been said."""
    agreed = next((n for n, s in enumerate(view.sentences) if _agrees(s)), len(view.sentences))
    for number, hit in conditions:
        sentence = view.sentences[number]
        opens = hit.section == "change" or hit.start == sentence.start
        if number > agreed and opens and not sentence.asks and not sentence.has("defer"):
            yield number, hit


def _agrees(sentence: Sentence) -> bool:
    said = sentence.of("yes", "allow", "assent")
    return (
        bool(said) and said[0].start == sentence.start and not sentence.asks
        and not sentence.has("ack", "reported", "defer", "unreal", "question")
    )  # fmt: skip


def _is_before(view: View, last: Yes | None, number: int, hit: Hit) -> bool:
    """As in "we were behind with an invoice. Anyway: you may use it": part of a story."""
    sentence = view.sentences[number]
    start, end = sentence.clause_of(hit.start)
    return (
        last is not None
        and last.strong
        and number < last.number
        and sentence.unknown >= STORY
        and not any(start <= at < end for at in sentence.subjects)
    )


def _yeses(view: View) -> Iterator[Yes]:
    for number, sentence in enumerate(view.sentences):
        found = _strong(sentence, number) or _weak(sentence, number)
        if found is not None:
            yield found


def _strong(sentence: Sentence, number: int) -> Yes | None:
    """A permission that opens its clause, in a sentence with nothing against it."""
    if (
        sentence.asks
        or sentence.quotes
        or sentence.alarming
        or any(hit.section != "ack" for hit in sentence.dangers)
    ):
        return None
    for hit in sentence.of("allow"):
        start, end = sentence.clause_of(hit.start)
        end = max(end, hit.end)
        loose = sentence.strange - sentence.particles
        ahead = {
            at for at in loose - sentence.permitting
            if start <= at < hit.start and not sentence.is_sign(at)
        }  # fmt: skip
        if ahead and not (len(ahead) <= OBJECT_AHEAD and sentence.is_unspaced(ahead)):
            continue
        if any(hit.start <= at < end for at in loose):
            continue
        if any(at >= end and not sentence.passes(at) for at in loose):
            continue
        # "Fix it and go ahead", "she is away, go ahead": without a yes it may be about anything.
        heard = {at for other in sentence.of("ack") for at in range(other.start, other.end)}
        before = [at for at in loose - heard if at < start and not sentence.passes(at)]
        if not before or (len(before) <= BEFORE_PERMISSION and sentence.has("yes")):
            return Yes(number, strong=True, plain=True, start=hit.start, end=hit.end)
    return None


def _weak(sentence: Sentence, number: int) -> Yes | None:
    """A sentence that is nothing but yes, courtesy and the credit."""
    said = sentence.of("yes", "assent", "allow")
    if not said or sentence.asks or sentence.quotes or sentence.dangers or sentence.strange:
        return None
    if sentence.alarming or sentence.bearing or any(at in sentence.ties for at in sentence.bare):
        return None
    if sentence.trails_off and not sentence.has("allow"):
        return None
    plain = sentence.has("yes", "allow") or "!" in sentence.marks or "！" in sentence.marks
    affirmed = sum(hit.end - hit.start for hit in sentence.of(*AFFIRMING))
    return Yes(
        number,
        strong=plain and affirmed >= EMPHATIC,
        plain=plain,
        start=said[0].start,
        end=said[-1].end,
    )


def _refusals(view: View) -> Iterator[tuple[int, Hit, bool]]:
    """Where somebody says no: sentence, phrase, and whether it may be beside the point."""
    agreed = False
    for number, sentence in enumerate(view.sentences):
        agreed = agreed or affirms(sentence)
        for hit in sentence.hits:
            if hit.section == "refuse" and not (agreed and _is_a_limit(sentence, hit)):
                yield number, hit, sentence.is_reported and not _turns(sentence, hit)
            elif hit.section == "no" and not sentence.asks and _stands_alone(sentence, hit):
                yield number, hit, sentence.is_reported or sentence.unknown >= REMARK


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


def _weigh(view: View, last: Yes | None, against: list[tuple[int, Hit, bool]]) -> Finding | None:
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
    evidence = view.quote(*clause_around(view.sentences[number], hit))
    before = any(s.has("past") for s in view.sentences)
    if before and not any(s.has("yes", "assent") for s in view.sentences[:number]):
        return Finding("withdraw", "They said yes once and no longer do.", evidence)
    return Finding("refuse", "They say no.", evidence)


def _evidence(view: View, yes: Yes) -> str:
    sentence = view.sentences[yes.number]
    if not sentence.uncovered:
        return said_in(view, sentence)
    start, end = sentence.clause_of(yes.start)
    return view.quote(start, max(end, yes.end))
