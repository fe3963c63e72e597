"""Where a reply takes up the prompt: "Thought leadership is …", "#Term = …", "It's …"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from collector import reading_patterns as patterns
from collector.reading_text import (
    Letters,
    Sentence,
    after_leading,
    find_phrase,
    is_word_char,
    words,
)
from ledger.model import Campaign

_TOKEN = re.compile(r"\S+")
#: Signs that mean "is".
_SIGNS = ("=", ":", "→", "->", "–", "—", "…", "...")
#: Words between the term and its verb: "Thought leadership, in my honest opinion, is".
_MOST_BETWEEN = 8
_MOST_BEFORE = 10
#: Characters to look at on either side of the term; a bound for hostile replies.
_FAR = 400
_TAIL_PUNCTUATION = " \t\n.!?…"


@dataclass(frozen=True)
class Lead:
    """Where an answer was introduced: the prompt's words at `found`, the answer from `start`.

    `is_inside`: the prompt's words are in the middle of a sentence that says something more,
    so that the sentence is kept whole.
    """

    found: int
    start: int
    sentence: Sentence
    confidence: float
    names_term_only: bool = False
    is_inside: bool = False

    def reason(self, term: str) -> str:
        if self.is_inside:
            return f"A sentence in it speaks of “{term}”; it is kept whole."
        if self.names_term_only:
            return f"It makes a statement about “{term}”."
        return "It answers in the words of the prompt."


@lru_cache(maxsize=256)
def _keys(campaign: Campaign) -> tuple[str, str]:
    """What stands before the blank, and the term, folded."""
    before, _ = campaign.prompt_parts
    return Letters.of(before.rstrip(" :=-–—…(\"'“‘«")).folded, Letters.of(campaign.term).folded


def repeats_prompt(text: str, campaign: Campaign) -> bool:
    """Whether these words are the prompt's own and no more."""
    said = Letters.of(text).folded.strip(".")
    return said in (*_keys(campaign), Letters.of(campaign.prompt).folded.strip("."))


def find_lead(text: str, start: int, sentences: list[Sentence], campaign: Campaign) -> Lead | None:
    """The first place after `start` where the reply answers in the words of the prompt."""
    letters = Letters.of(text)
    before, term = _keys(campaign)
    holders = _Holders(sentences)
    for found, end in find_phrase(text, letters, before):
        answer = _answer(text, end)
        if found >= start and answer is not None:
            return _lead(text, found, answer, holders, 0.95)
    mention: Lead | None = None
    holders = _Holders(sentences)
    for found, end in find_phrase(text, letters, term) if term != before else ():
        if found < start:
            continue
        after = _after_verb(text, found, end)
        answer = None if after is None else _answer(text, after)
        if answer is not None:
            return _lead(text, found, answer, holders, 0.9)
        mention = mention or _mention(text, found, end, holders)
    return mention


class _Holders:
    """Finds the sentence that holds an offset; offsets must be asked for in rising order."""

    def __init__(self, sentences: list[Sentence]) -> None:
        self._sentences = sentences
        self._at = 0

    def of(self, offset: int) -> Sentence:
        while self._at + 1 < len(self._sentences) and self._sentences[self._at].end <= offset:
            self._at += 1
        return self._sentences[self._at]


def _lead(text: str, found: int, answer: int, holders: _Holders, confidence: float) -> Lead:
    sentence = holders.of(found)
    if _is_clean(text[sentence.start : found]):
        return Lead(found, answer, sentence, confidence)
    return Lead(found, sentence.start, sentence, 0.5, is_inside=True)


def _mention(text: str, found: int, end: int, holders: _Holders) -> Lead | None:
    """A statement that starts with the term but has another verb: "… isn't", "… begins"."""
    sentence = holders.of(found)
    if text[sentence.end - 1] in "?？" or found - sentence.start > _FAR:
        return None
    said = words(text[end : min(sentence.end, end + _FAR)])
    if len(said) < 2 or not _is_clean(text[sentence.start : found]):
        return None
    start = found - 1 if found and text[found - 1] in "#＃" else found
    return Lead(found, start, sentence, 0.75, names_term_only=True)


def _is_clean(before: str) -> bool:
    """Whether only an opening such as "Hi Ada, I think" stands before the prompt's words."""
    spoken = words(before)
    if spoken and _is_opening(spoken[0]):
        cut = max(before.rfind(mark) for mark in ",:;!–—")
        spoken = words(before[cut + 1 :]) if cut >= 0 else spoken
    return (
        len(spoken) <= _MOST_BEFORE
        and all(word in patterns.FILLERS for word in spoken)
        and not (spoken and spoken[-1] in patterns.DETERMINERS)
    )


def _is_opening(word: str) -> bool:
    return word in patterns.GREETINGS or word in {"thanks", "thank", "danke", "merci", "gracias"}


def _answer(text: str, end: int) -> int | None:
    """Where the answer after a lead-in starts, if there are words."""
    start = after_leading(text, end, len(text))
    rest = text[start : start + 200]
    if any(is_word_char(char) for char in rest) or any(map(str.isalnum, text[start:])):
        return start
    return None


def _after_verb(text: str, found: int, end: int) -> int | None:
    """Past the verb or sign that joins the term at `found` to its answer."""
    if text[end : end + 1] == "?":
        return end + 1
    sign: int | None = None
    for token in islice(_TOKEN.finditer(text, end, end + _FAR), _MOST_BETWEEN):
        said = token.group()
        if sign is None and _is_new_line_of_hashtag(text, found, end, token.start()):
            return token.start()
        spoken = " ".join(words(said))
        if spoken in patterns.COPULAS:
            return token.end()
        if said.endswith((":", "=")) and spoken in patterns.FILLERS:
            return token.end()
        if said.startswith(_SIGNS) or said in ("-", ")-"):
            sign = token.start() if sign is None else sign
        elif said[-1] in ".!?;":
            return sign
        if spoken and spoken not in patterns.FILLERS:
            return sign
    return sign


def _is_new_line_of_hashtag(text: str, found: int, end: int, start: int) -> bool:
    """The term as a hashtag on a line of its own, the answer below it."""
    return found > 0 and text[found - 1] in "#＃" and "\n" in text[end:start].strip(" \t")


def find_pronoun(text: str, start: int, end: int) -> int | None:
    """Where the answer starts after "It's", "…is", "I think that's", "My answer:"."""
    tokens = list(islice(_TOKEN.finditer(text, start, end), 10))
    sign = _answer_within(text, start, end) if text.startswith(_SIGNS, start) else None
    spoken = [" ".join(words(token.group()[:40])) for token in tokens]
    for at, token in enumerate(tokens):
        for lead in patterns.PRONOUN_LEADS:
            last = at + len(lead) - 1
            if tuple(spoken[at : last + 1]) == lead and _is_spelled(lead, token.group()):
                return _answer_within(text, tokens[last].end(), end)
        if spoken[at] and spoken[at] not in patterns.FILLERS:
            return sign
        if spoken[at] and token.group().endswith((":", "=")):
            return _answer_within(text, token.end(), end)
    return sign


def _is_spelled(lead: tuple[str, ...], token: str) -> bool:
    """Whether the apostrophe of "it's" is there: "its own reward" is no lead-in."""
    return lead[0] not in patterns.NEEDS_APOSTROPHE or not token.isalpha()


def _answer_within(text: str, start: int, end: int) -> int | None:
    start = after_leading(text, start, end)
    return start if any(map(str.isalnum, text[start:end])) else None


def cut_tail(text: str, start: int, end: int, campaign: Campaign) -> tuple[int, int]:
    """The stretch without the prompt's own words after the blank: "… every day"."""
    tail = _tail(campaign)
    if not tail:
        return start, end
    from_here = max(start, end - 3 * len(campaign.prompt) - 40)
    letters = Letters.of(text[from_here:end])
    folded = letters.folded.rstrip(".")
    if not folded.endswith(tail) or folded == tail:
        return start, end
    at = from_here + letters.offsets[len(folded) - len(tail)]
    if at <= start or is_word_char(text[at - 1]):
        return start, end
    while at > start and text[at - 1] in " \t\n,":
        at -= 1
    return start, at


@lru_cache(maxsize=256)
def _tail(campaign: Campaign) -> str:
    return Letters.of(campaign.prompt_parts[1].strip(_TAIL_PUNCTUATION)).folded.strip(".")
