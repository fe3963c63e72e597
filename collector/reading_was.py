"""What a reply seems to say: an answer to the prompt, a question, thanks, a wish to be left alone.

A reading suggests and never decides: it gives its reason and its confidence, and an editor
can correct it. The definition is always made of stretches of the reply itself; nothing is
reworded. Pure, and linear in the length of the reply.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import dropwhile

from collector import reading_patterns as patterns
from collector.reading_lead import Lead, cut_tail, find_lead, find_pronoun, repeats_prompt
from collector.reading_text import (
    Letters,
    Sentence,
    after_mentions,
    key,
    outside,
    sentences,
    trim,
    without_quoted_lines,
    words,
)
from ledger.model import Campaign, Reading, ReplyKind

#: A reply without the prompt's words is taken for an answer up to this many words.
MOST_BARE_WORDS = 120
#: Up to this many it is quite likely one.
LIKELY_BARE_WORDS = 40
#: No clause that asks us to stop is longer, in characters.
_LONGEST_STOP = 300
_OPENS_STOP = patterns.STOP_COURTESIES | patterns.STOP_OPENERS
_REPEATS = Reading(ReplyKind.OTHER, "It repeats the prompt and adds no words.", 0.9)


@dataclass(frozen=True)
class _View:
    """A reply as the rules look at it: quoted lines blanked, mentions behind us."""

    text: str
    quoted: list[tuple[int, int]]
    start: int
    campaign: Campaign

    @cached_property
    def sentences(self) -> list[Sentence]:
        return sentences(self.text, self.start, len(self.text), patterns.GREETINGS)

    @cached_property
    def lead(self) -> Lead | None:
        return find_lead(self.text, self.start, self.sentences, self.campaign)

    def definition(self, start: int, end: int, confidence: float, reason: str) -> Reading:
        span = _without_hashtags(self.text, *trim(self.text, start, end), _names(self.campaign))
        span = trim(self.text, *cut_tail(self.text, *span, self.campaign))
        pieces = [trim(self.text, *piece) for piece in outside(span, self.quoted)]
        spans = tuple(piece for piece in pieces if _has_words(self.text[slice(*piece)]))
        if not spans:
            return _REPEATS
        return Reading(ReplyKind.DEFINITION, reason, confidence, spans)


def read_reply(
    text: str, campaign: Campaign, *, automatic: bool = False, subject: str = ""
) -> Reading:
    """Read `text` as a reply to the campaign's prompt.

    `automatic` replies (RFC 3834) are never read further. `subject` counts only as a stop.
    The spans are offsets into `text`. Never raises.
    """
    if automatic:
        return Reading(ReplyKind.OTHER, "This is an automatic reply.", 1.0)
    body, quoted = without_quoted_lines(text)
    view = _View(body, quoted, after_mentions(body, 0), campaign)
    return (
        _read_stop(view, subject)
        or _read_nothing(view)
        or _read_spam(view)
        or _read_lead(view)
        or _read_courtesy(view)
        or _read_bare(view)
    )


def _read_nothing(view: _View) -> Reading | None:
    tokens = view.text[view.start :].split()
    if any(_has_words(token) and not _is_link(token) for token in tokens):
        return None
    if any(_is_link(token) for token in tokens):
        return Reading(ReplyKind.OTHER, "There is nothing but a link in it.", 0.9)
    return Reading(ReplyKind.OTHER, "There are no words in it.", 1.0)


# ---------------------------------------------------------------------- stop
def _read_stop(view: _View, subject: str) -> Reading | None:
    lead = view.lead
    for sentence in view.sentences:
        if lead is not None and sentence.start <= lead.found < sentence.end:
            continue
        if any(_is_stop(words(clause)) for clause in _clauses(view.text, sentence)):
            return Reading(ReplyKind.STOP, "They ask not to be written to again.", 0.95)
    if _is_only_stop(view) or (lead is None and key(subject) in patterns.STOP_MESSAGES):
        return Reading(ReplyKind.STOP, "The whole message asks us to stop.", 0.95)
    return None


def _clauses(text: str, sentence: Sentence) -> list[str]:
    clauses = text[sentence.start : sentence.end].split(",")
    return [clause for clause in clauses if len(clause) <= _LONGEST_STOP]


def _is_stop(spoken: list[str]) -> bool:
    """Whether a clause tells us, by name as it were, to stop."""
    if not 2 <= len(spoken) <= patterns.MOST_STOP_WORDS:
        return False
    spoken = list(dropwhile(_OPENS_STOP.__contains__, spoken))
    if _starts(" ".join(spoken), patterns.STOP_SENTENCES):
        return True
    for lead in patterns.NOT_TO:
        if tuple(spoken[: len(lead)]) == lead:
            rest = spoken[len(lead) : len(lead) + 7]
            return bool(rest) and (
                rest[0] in patterns.CONTACT_VERBS and not patterns.TO_US.isdisjoint(rest)
            )
    return False


def _is_only_stop(view: _View) -> bool:
    found = False
    for sentence in view.sentences:
        said = sentence.words
        if _is_closer(view.text, sentence):
            break
        if len(said) > patterns.MOST_STOP_WORDS:
            return False
        kept = [word for word in said if word not in patterns.STOP_COURTESIES]
        if " ".join(dict.fromkeys(kept)) in patterns.STOP_MESSAGES or (
            " ".join(kept) in patterns.STOP_MESSAGES
        ):
            found = True
        elif kept and not _is_polite(sentence):
            return False
    return found


# ---------------------------------------------------------------------- spam
def _read_spam(view: _View) -> Reading | None:
    tokens = view.text[view.start :].split()
    others = [token for token in tokens if not _is_link(token)]
    links = len(tokens) - len(others)
    spoken = words(" ".join(others))
    padded = f" {' '.join(spoken)} "
    offers = sum(f" {offer} " in padded for offer in patterns.OFFERS)
    tempting = len(patterns.OFFER_WORDS.intersection(spoken))
    score = min(links, patterns.MANY_LINKS) + 2 * offers + tempting
    answers = view.lead is not None
    if score < (patterns.SPAM_SCORE_OF_ANSWER if answers else patterns.SPAM_SCORE):
        return None
    if links >= patterns.MANY_LINKS:
        reason = f"It has {links} links in it."
    else:
        reason = "It offers something instead of answering."
    return Reading(ReplyKind.SPAM, reason, min(0.95, 0.5 + score / 10))


def _is_link(token: str) -> bool:
    if "://" not in token and "ww." not in token.lower():
        return False
    return token.lstrip("(<[\"'").lower().startswith(patterns.LINK_STARTS)


# ------------------------------------------------------------------- answers
def _read_lead(view: _View) -> Reading | None:
    lead = view.lead
    if lead is None:
        return None
    said = view.text[lead.start : _end_of_answer(view, lead.start)]
    if _asks_back(said) or (lead.is_inside and _is_question(view.text, lead.sentence)):
        return Reading(ReplyKind.QUESTION, "It asks about the prompt.", 0.8)
    return view.definition(
        lead.start, lead.start + len(said), lead.confidence, lead.reason(view.campaign.term)
    )


def _asks_back(said: str) -> bool:
    spoken = words(said)
    return (
        bool(spoken)
        and len(spoken) <= patterns.MOST_ASK_BACK_WORDS
        and said.rstrip().endswith("?")
        and (spoken[0] in patterns.ASKS_BACK or spoken[0].removesuffix("s") in patterns.ASKS_BACK)
    )


def _end_of_answer(view: _View, start: int) -> int:
    """Where an answer that begins at `start` is over: its paragraph, less what is said to us."""
    kept: list[Sentence] = []
    for sentence in view.sentences:
        if sentence.end <= start:
            continue
        if kept and (
            _is_closer(view.text, sentence) or _next_paragraph(view.text, kept[-1], sentence)
        ):
            break
        kept.append(sentence)
    while len(kept) > 1 and (_is_polite(kept[-1]) or _asks_us(kept[-1])):
        kept.pop()
    return kept[-1].end if kept else len(view.text)


def _next_paragraph(text: str, before: Sentence, sentence: Sentence) -> bool:
    return sentence.opens_paragraph and text[before.end - 1] not in ":,;"


def _read_courtesy(view: _View) -> Reading | None:
    """Nothing but thanks, praise or a greeting."""
    left = _content(view)
    if left and _has_words(view.text[left[0].start : left[-1].end]):
        return None
    if any(_starts(s.key, patterns.THANKS) for s in view.sentences):
        return Reading(ReplyKind.THANKS, "It says thanks and nothing else.", 0.9)
    return Reading(ReplyKind.OTHER, "It greets or comments and gives no answer.", 0.8)


def _content(view: _View) -> list[Sentence]:
    """The sentences without greetings, thanks and praise at either end."""
    left = list(view.sentences)
    for number, sentence in enumerate(left):
        if number and _is_closer(view.text, sentence):
            left = left[:number]
            break
    first = 0
    while first < len(left) and (_is_polite(left[first]) or not left[first].key):
        first += 1
    left = left[first:]
    while left and (_is_polite(left[-1]) or (len(left) > 1 and _asks_us(left[-1]))):
        left.pop()
    names = _names(view.campaign)
    while left and _is_hashtags(view.text[left[-1].start : left[-1].end], names):
        left.pop()
    return left


def _read_bare(view: _View) -> Reading:
    """An answer without the words of the prompt, or something else altogether."""
    left = _content(view)
    said = " ".join(sentence.key for sentence in left)
    if repeats_prompt(view.text[left[0].start : left[-1].end], view.campaign):
        return _REPEATS
    if said in patterns.REACTIONS:
        return Reading(ReplyKind.OTHER, "It reacts and gives no answer.", 0.8)
    if len(left[0].words) <= patterns.MOST_NO_ANSWER_WORDS and _starts(said, patterns.NO_ANSWER):
        return Reading(ReplyKind.OTHER, "They would rather not answer, or not yet.", 0.8)
    if _asks_us(left[0]) or all(_is_question(view.text, sentence) for sentence in left):
        return Reading(ReplyKind.QUESTION, "It asks something.", 0.8)
    start, end = left[0].start, _end_of_answer(view, left[0].start)
    pronoun = find_pronoun(view.text, start, end)
    if pronoun is not None:
        return view.definition(pronoun, end, 0.8, "It takes up the prompt without naming the term.")
    bare = trim(view.text, start, end)
    if cut_tail(view.text, *bare, view.campaign) != bare:
        return view.definition(start, end, 0.9, "It ends with the words of the prompt.")
    return _read_plain(view, left, start, end)


def _read_plain(view: _View, left: list[Sentence], start: int, end: int) -> Reading:
    count = sum(len(sentence.words) for sentence in left)
    if count > MOST_BARE_WORDS:
        return Reading(
            ReplyKind.OTHER, "It is long and doesn't take up the words of the prompt.", 0.5
        )
    if left[-1].end > end:
        return view.definition(start, end, 0.4, "Its first paragraph could be an answer.")
    chatty = not {"i", "you", "your"}.isdisjoint(left[0].words)
    if chatty or count > LIKELY_BARE_WORDS or view.text[left[-1].end - 1] == "?":
        return view.definition(start, end, 0.4, "It could be an answer, or a message to us.")
    return view.definition(start, end, 0.6, "It reads like an answer that leaves out the prompt.")


# ----------------------------------------------------------------- sentences
def _starts(said: str, openings: tuple[str, ...]) -> bool:
    return said.startswith(openings) and any(
        said.startswith(opening) and said[len(opening) : len(opening) + 1] in ("", " ")
        for opening in openings
    )


def _is_polite(sentence: Sentence) -> bool:
    """Thanks, praise or a greeting and nothing more."""
    count = len(sentence.words)
    if not count or sentence.key.startswith("thanks to "):
        return False
    if count <= patterns.MOST_THANKS_WORDS and _starts(sentence.key, patterns.THANKS):
        return True
    if count <= patterns.MOST_PRAISE_WORDS and _starts(sentence.key, patterns.PRAISE):
        return True
    return count <= 4 and sentence.words[0] in patterns.GREETINGS


def _is_closer(text: str, sentence: Sentence) -> bool:
    """A good-bye: "Best," on a line of its own, "Kind regards, Ada", "— Ada"."""
    count = len(sentence.words)
    if not count or count > patterns.MOST_CLOSER_WORDS:
        return False
    said = text[sentence.start : sentence.end]
    if said.startswith(("—", "–", "--")):
        return count <= 3
    first = said.split()[0]
    single = key(first) in patterns.CLOSER_WORDS and (count == 1 or first.endswith(","))
    return single or _starts(sentence.key, patterns.CLOSER_STARTS)


def _asks_us(sentence: Sentence) -> bool:
    return _starts(sentence.key, patterns.ASKS_US)


def _is_question(text: str, sentence: Sentence) -> bool:
    if _asks_us(sentence):
        return True
    if text[sentence.end - 1] not in "?？":
        return False
    said = [word for word in sentence.words[:6] if word not in patterns.FILLERS]
    return bool(said) and said[0].removesuffix("s") in patterns.QUESTION_STEMS


# ------------------------------------------------------------------ hashtags
@lru_cache(maxsize=256)
def _names(campaign: Campaign) -> frozenset[str]:
    """The term and the campaign's address as they look in a hashtag."""
    return frozenset({Letters.of(campaign.term).folded, Letters.of(campaign.slug).folded})


def _is_hashtags(text: str, names: frozenset[str]) -> bool:
    tokens = text.split()
    return bool(tokens) and all(_is_hashtag(token, names) for token in tokens)


def _is_hashtag(token: str, names: frozenset[str]) -> bool:
    return token.startswith(("#", "＃")) and Letters.of(token.rstrip(".,!")).folded in names


def _without_hashtags(text: str, start: int, end: int, names: frozenset[str]) -> tuple[int, int]:
    """The stretch without the term's own hashtags at its end."""
    longest = max(map(len, names)) + 8
    while True:
        at = end
        while at > start and end - at <= longest and not text[at - 1].isspace():
            at -= 1
        if at == end or not _is_hashtag(text[at:end], names):
            return start, end
        end = at
        while end > start and text[end - 1].isspace():
            end -= 1


def _has_words(text: str) -> bool:
    return any(map(str.isalnum, text))
