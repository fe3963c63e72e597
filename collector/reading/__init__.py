"""What a reply seems to say: an answer to the prompt, a question, thanks, a wish to be left alone.

A reading suggests and never decides: it gives its reason and its confidence, and an editor
can correct it. The definition is always made of stretches of the reply itself; nothing is
reworded. Pure, and linear in the length of the reply.
"""

from __future__ import annotations

import re
from dataclasses import replace

from collector.reading.answer import answer_units
from collector.reading.asked import Prompt, prompt_of
from collector.reading.classify import classify
from collector.reading.foreign_stops import languages_of_stop
from collector.reading.interleaved import NOTHING, regions_below
from collector.reading.languages import language_of
from collector.reading.lexicon import Lexicon, lexicon_of
from collector.reading.own_text import Line, mark_own
from collector.reading.parts import marker_spans
from collector.reading.sales import SALES_TALK, SPAM_SCORE, SPAM_SCORE_OF_ANSWER, sales_score
from collector.reading.scene import Scene, anywhere, is_question, opening
from collector.reading.spans import spans_of
from collector.reading.stops import asks_to_stop
from collector.reading.tokens import Tokens
from collector.reading.units import Unit, units_of
from ledger.model import Campaign, Reading, ReplyKind

__all__ = ["prompt_of", "read_reply", "read_text"]

#: A reply longer than this, in words, that doesn't take up the prompt's is no answer.
MOST_BARE_WORDS = 150
#: What stands further on isn't looked at; mail is cut off before, posts are shorter.
MOST_CHARACTERS = 200_000
LIKELY_BARE_WORDS = 40
_COPY = re.compile(r"\s*(?:RT|MT|QT)\s+@[\w.@-]+")
_ATTRIBUTED = re.compile(
    r"\s*[“\"„«»‘‚「『'][^\n]{8,1200}?[”\"“»«’」』'][\s.,]*(?:\n\s*)?(?:[—–―]|--?|\(|,)\s*\S"
)


def read_reply(
    text: str,
    campaign: Campaign,
    *,
    automatic: bool = False,
    subject: str = "",
    is_mail: bool = False,
) -> Reading:
    """Read `text` as a reply to the campaign's prompt.

    `automatic` replies (RFC 3834) are never read further. `subject` counts only as a stop.
    Mail (`is_mail`) begins and ends with names more often than posts do. The spans are offsets
    into `text`. Never raises.
    """
    prompt = prompt_of(campaign.prompt, campaign.term, campaign.lang)
    return read_text(text, prompt, automatic=automatic, subject=subject, is_mail=is_mail)


def read_text(
    text: str, prompt: Prompt, *, automatic: bool = False, subject: str = "", is_mail: bool = False
) -> Reading:
    """Read `text` as a reply to a prompt; as `read_reply` but for knowing no campaign."""
    text = text[:MOST_CHARACTERS]
    if automatic:
        return Reading(ReplyKind.OTHER, "This is an automatic reply.", 1.0, (), prompt.lang)
    lines = mark_own(text, lexicon_of(prompt.lang, "en"))
    own = "\n".join(text[line.start : line.end] for line in lines if line.is_own)
    lang = language_of(own, prompt.lang, prompt.text)
    words = lexicon_of(lang, prompt.lang, "en")
    if lang not in ("en", prompt.lang):
        lines = mark_own(text, words)
    reading = _read(text, prompt, words, lines, subject, is_mail=is_mail)
    if reading.kind is not ReplyKind.STOP:
        for other in languages_of_stop(own, (lang, prompt.lang, "en")):
            words = lexicon_of(other, prompt.lang, "en")
            again = _read(text, prompt, words, mark_own(text, words), subject, is_mail=is_mail)
            if again.kind is ReplyKind.STOP:
                reading, lang = again, other
                break
    return Reading(reading.kind, reading.reason, reading.confidence, reading.spans, lang)


def _read(
    text: str,
    prompt: Prompt,
    words: Lexicon,
    lines: list[Line],
    subject: str,
    *,
    is_mail: bool,
) -> Reading:
    tokens = Tokens(text)
    holes = marker_spans(text)
    units = units_of(tokens, lines, words, holes)
    below = regions_below(text, lines, prompt) if is_mail else NOTHING
    scene = Scene(tokens, prompt, words, units, is_mail, below)
    classify(scene)
    if asks_to_stop(scene, subject):
        return Reading(ReplyKind.STOP, "They ask not to be written to again.", 0.95)
    return (
        _read_automatic(scene)
        or _read_nothing(scene)
        or _read_spam(scene)
        or _read_quotation(scene, text)
        or _read_answer(scene, holes)
        or _read_rest(scene)
    )


def _read_automatic(scene: Scene) -> Reading | None:
    for unit in scene.units[:6]:
        if unit.kind == "lead":
            return None
        if anywhere(unit, "automatic"):
            return Reading(ReplyKind.OTHER, "It looks like an automatic reply.", 0.9)
    return None


def _read_nothing(scene: Scene) -> Reading | None:
    kinds = {unit.kind for unit in scene.units}
    if kinds <= {"mark", "tags"}:
        return Reading(ReplyKind.OTHER, "There are no words in it.", 1.0)
    if kinds <= {"mark", "tags", "link"}:
        return Reading(ReplyKind.OTHER, "There is nothing but a link in it.", 0.9)
    return None


def _read_spam(scene: Scene) -> Reading | None:
    score = sales_score(scene)
    has_answer = any(unit.kind in ("lead", "label") for unit in scene.units)
    if score < (SPAM_SCORE_OF_ANSWER if has_answer else SPAM_SCORE):
        return None
    return Reading(
        ReplyKind.SPAM, "It offers something instead of answering.", min(0.95, 0.5 + score / 12)
    )


def _read_quotation(scene: Scene, text: str) -> Reading | None:
    words = [unit for unit in scene.units if unit.first < unit.last]
    if not words:
        return None
    first = words[0]
    start = first.start
    if _COPY.match(text, start):
        return Reading(ReplyKind.OTHER, "It repeats somebody else's post.", 0.9)
    said = Reading(ReplyKind.OTHER, "It quotes somebody else.", 0.8)
    for unit in words:
        if unit.kind in ("greeting", "thanks", "polite", "prompt"):
            continue
        if opening(scene, unit, "opinion"):
            break
        if unit.kind != "lead" and _has_speaker(scene, unit):
            return said
        if opening(scene, unit, "quoting", 1):
            return said
        if anywhere(unit, "quoting", 2) and unit.kind != "lead":
            return said
        if _ATTRIBUTED.match(text[unit.start : unit.start + 1400]) and _names_somebody(scene, unit):
            return said
        break
    return None


def _has_speaker(scene: Scene, unit: Unit) -> bool:
    """Whether it starts with a name and a word for saying: "Ada Sample once said"."""
    tokens = scene.tokens
    for at in range(unit.first + 1, min(unit.last, unit.first + 5)):
        if scene.in_list("said", tokens.words[at]):
            names = [
                number
                for number in range(unit.first, at)
                if tokens.text[tokens.starts[number]].isupper()
                and not scene.is_small(tokens.words[number])
            ]
            return bool(names) and not any(
                hit.start == unit.first for hit in unit.hits.get("it", ())
            )
    return False


def _names_somebody(scene: Scene, unit: Unit) -> bool:
    """Whether what follows the closing mark is a name rather than more of the sentence."""
    text = scene.tokens.text[unit.start : unit.start + 1400]
    found = _ATTRIBUTED.match(text)
    assert found is not None
    rest = text[found.end() - 1 :].partition("\n")[0].strip()
    last = scene.units[-1].end <= unit.start + found.end() + len(rest)
    named = rest[:1].isupper() or bool(anywhere(unit, "quoting")) or last
    return 0 < len(rest.split()) <= 8 and named


def _read_answer(scene: Scene, holes: list[tuple[int, int]]) -> Reading | None:
    kept = answer_units(scene)
    spans = spans_of(scene, kept, holes)
    if not spans:
        return None
    found = _answer(scene, kept, spans)
    if found.kind is ReplyKind.DEFINITION and sales_score(scene) >= SALES_TALK:
        return replace(found, reason=f"{found.reason} Something in it sounds like selling.")
    return found


def _answer(scene: Scene, kept: list[Unit], spans: tuple[tuple[int, int], ...]) -> Reading:
    count = sum(unit.count for unit in kept)
    kinds = {unit.kind for unit in kept}
    if "lead" in kinds:
        return Reading(ReplyKind.DEFINITION, "It answers in the words of the prompt.", 0.95, spans)
    if "label" in kinds:
        return Reading(ReplyKind.DEFINITION, "An answer follows the prompt or a label.", 0.9, spans)
    if "mention" in kinds:
        return Reading(ReplyKind.DEFINITION, "A sentence in it speaks of the term.", 0.8, spans)
    if count > MOST_BARE_WORDS:
        return Reading(
            ReplyKind.OTHER, "It is long and doesn't take up the words of the prompt.", 0.5
        )
    if opening(scene, kept[0], "it") or opening(scene, kept[0], "opinion"):
        return Reading(
            ReplyKind.DEFINITION, "It takes up the prompt without naming the term.", 0.8, spans
        )
    goes_on = any(
        unit.start > kept[-1].end and unit.kind in ("content", "chat") for unit in scene.units
    )
    unsure = goes_on or count > LIKELY_BARE_WORDS or is_question(scene, kept[-1])
    confidence = 0.4 if unsure else 0.6
    return Reading(
        ReplyKind.DEFINITION,
        "It reads like an answer that leaves out the prompt.",
        confidence,
        spans,
    )


def _read_rest(scene: Scene) -> Reading:
    """No answer: a question, thanks, or something else."""
    kinds = [unit.kind for unit in scene.units]
    if "question" in kinds:
        return Reading(ReplyKind.QUESTION, "It asks something and gives no answer.", 0.8)
    if "no_answer" in kinds:
        return Reading(ReplyKind.OTHER, "They would rather not answer, or not yet.", 0.8)
    if "thanks" in kinds or any(
        unit.kind == "closing" and anywhere(unit, "thanks") for unit in scene.units
    ):
        return Reading(ReplyKind.THANKS, "It says thanks and nothing else.", 0.9)
    if "prompt" in kinds:
        return Reading(ReplyKind.OTHER, "It repeats the prompt and adds no words.", 0.9)
    return Reading(ReplyKind.OTHER, "It greets or comments and gives no answer.", 0.8)
