"""What limits a yes: changes, conditions, wishes put as questions, and what is quoted of them."""

from __future__ import annotations

from collections.abc import Iterator

from consent.answer_doubts import STORY, Finding, said_in
from consent.answer_sentences import Sentence
from consent.answer_view import AFFIRMING, View
from consent.lexicon import language
from consent.phrase_finding import Hit


def clause_around(sentence: Sentence, hit: Hit) -> tuple[int, int]:
    start, end = sentence.clause_of(hit.start)
    return start, max(end, hit.end)


def conditions_in(view: View) -> Iterator[tuple[int, Hit]]:
    """What limits a yes: changes anywhere, and conditions that belong to the yes."""
    agreed = False
    for number, sentence in enumerate(view.sentences):
        says_yes = affirms(sentence)
        told = min((hit.start for hit in sentence.of("reported")), default=sentence.end)
        for hit in () if sentence.is_beside and not says_yes else sentence.hits:
            yes_after = hit.section == "condition" and closes(sentence, hit)
            if hit.start > told or (
                sentence.is_reported and hit.section != "change" and not yes_after
            ):
                continue
            if (
                hit.section == "change"
                or (hit.section == "remove" and agreed)
                or yes_after
                or (
                    hit.section in ("condition", "contrast", "negation")
                    and _limits(sentence, hit, affirms=says_yes, agreed=agreed)
                )
            ):
                yield number, hit
        agreed = agreed or says_yes


def closes(sentence: Sentence, condition: Hit) -> bool:
    """As in "when my boss agrees, yes": the condition first, and a yes ends the sentence."""
    said = sentence.of("yes", "allow", "assent")
    return (
        bool(said)
        and condition.end <= said[-1].start
        and not sentence.uncovered_in(said[-1].end, sentence.end)
        and not sentence.asks
        and not any(hit.start < condition.start for hit in sentence.of("reported"))
    )


def provisos_in(view: View) -> Iterator[tuple[int, Hit]]:
    """As in "only if I see it first": to a question for a yes that is an answer by itself."""
    for number, sentence in enumerate(view.sentences):
        for hit in sentence.of("condition"):
            said = " ".join(word.exact for word in view.words[hit.start : hit.end])
            opens = sentence.clause_of(hit.start)[0] == hit.start
            if opens and said in language(hit.lang).provisos and not sentence.asks:
                yield number, hit


def bargains_in(view: View) -> list[int]:
    """Sentences like "can you leave out the title? Then yes": a wish put as a question."""
    return [
        number for number, sentence in enumerate(view.sentences[:-1])
        if sentence.asks and affirms(view.sentences[number + 1])
        and not view.sentences[number + 1].asks
        and not sentence.has("yes", "allow", "defer", "unreal", "reported")
        and (sentence.subjects or sentence.has("change"))
    ]  # fmt: skip


def bargain(view: View, numbers: list[int]) -> Finding:
    quotes = []
    for number in numbers:
        sentence = view.sentences[number]
        about = next(iter(sentence.subjects.values()), "other")
        quotes.append((said_in(view, sentence), about))
    return Finding(
        "conditional",
        "They ask for a change, and say yes with it.",
        view.quote(view.sentences[numbers[0]].start, view.sentences[numbers[-1] + 1].end),
        tuple(quotes),
    )


def affirms(sentence: Sentence) -> bool:
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
    if (
        hit.section == "contrast"
        and agreed
        and not opens
        and sentence.is_small_talk(sentence.start, sentence.end)
    ):
        return False
    if hit.section == "contrast" and (
        (sentence.asks and not sentence.has("change"))
        or (sentence.unknown and not (agreed or affirms))
        or (affirms and not hit.start)
    ):
        return False
    if affirms:
        return True
    if agreed:
        return opens or short or sentence.topics > 0 or bool(sentence.bearing)
    return opens and short


def conditional(view: View, conditions: list[tuple[int, Hit]]) -> Finding:
    quotes: dict[str, str] = {}
    for number, hit in conditions:
        sentence = view.sentences[number]
        start, end = _stretch(sentence, hit)
        quote = view.quote(start, end)
        if quote and not any(quote in known for known in quotes):
            quotes = {known: about for known, about in quotes.items() if known not in quote}
            quotes[quote] = _about(sentence, start, end)
    number, hit = conditions[0]
    start, end = clause_around(view.sentences[number], hit)
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
    while end < sentence.end and (sentence.words[end].quoted or sentence.words[end - 1].quoted):
        end = sentence.clause_of(end)[1]
    while start > sentence.start and sentence.words[start - 1].quoted:
        start = sentence.clause_of(start - 1)[0]
    return max([start, *turns]), max(end, hit.end)


def _about(sentence: Sentence, start: int, end: int) -> str:
    found = (sentence.subjects[at] for at in range(start, end) if at in sentence.subjects)
    return next(found, "other")
