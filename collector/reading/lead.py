"""Where something said takes up the prompt: by its words, its term, or a label."""

from __future__ import annotations

import re
from typing import NamedTuple

from collector.reading.asked import Prompt
from collector.reading.lexicon import Lexicon
from collector.reading.tokens import Tokens, is_cjk
from collector.reading.units import Unit

#: Words between the term and its verb: "Thought leadership, in my honest opinion, is".
MOST_BETWEEN = 7
_ARROW = re.compile(r"\s*[*_”\"'»]*\s*(?:[:：]|-+>|=+>|→|➡️?|⇒|»|~>)\s*")
_ASKED = re.compile(
    r"[\s*_”\"'’»“„]*(?:_{2,}|…|\.{3}|＿+|\[[^\]\n]{0,12}\]|ــ+)?[\s*_]*[?？؟.!]*[\s”\"'’»“„]*"
)
_BLANKS = re.compile(r"_{2,}|＿+|ــ+|\[(?:blank|\.\.\.|…)?\]")


class Lead(NamedTuple):
    """`kind`: "sentence", "label", "copy" or "mention". The answer stands from `cut` on."""

    kind: str
    cut: int


def find_lead(tokens: Tokens, unit: Unit, prompt: Prompt, words: Lexicon) -> Lead | None:
    """How a unit takes up the prompt, or None."""
    copied = _copy(tokens, unit, prompt)
    if copied is not None:
        return copied
    for start, end in _term_at(tokens, unit, prompt):
        found = _after_term(tokens, unit, start, end, prompt, words)
        if found is not None:
            return found
    if _has_after(tokens, unit, prompt):
        return Lead("sentence", unit.start)
    return None


def near(one: str, other: str) -> bool:
    """Whether two words are the same but for one slip or an ending."""
    if one == other:
        return True
    if abs(len(one) - len(other)) > 2 or min(len(one), len(other)) < 5:
        return False
    longest = max(len(one), len(other))
    same = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        same += 1
    if same == min(len(one), len(other)):
        return True
    tail = 0
    for a, b in zip(reversed(one), reversed(other), strict=False):
        if a != b or same + tail >= min(len(one), len(other)):
            break
        tail += 1
    return same > 0 and same + tail >= longest - 2


def _copy(tokens: Tokens, unit: Unit, prompt: Prompt) -> Lead | None:
    """The prompt itself, quoted before the answer or alone."""
    before, after = prompt.before, prompt.after
    if not before and not after:
        return None
    words, text = tokens.words, tokens.text
    # Without words before the blank, the prompt is copied at the start or not at all.
    for at in range(unit.first, unit.last if before else min(unit.first + 1, unit.last)):
        if before and words[at] != before[0]:
            continue
        if before and tuple(words[at : at + len(before)]) != before:
            continue
        end = at + len(before)
        if end > unit.last:
            break
        stop = tokens.ends[end - 1] if before else unit.start
        gap = text[stop : tokens.starts[end]] if end < len(words) else text[stop : unit.end]
        blank = _BLANKS.search(gap)
        has_after = tuple(words[end : end + len(after)]) == after
        if blank is None and (
            at > unit.first + 6 or not before or not (end == unit.last or (after and has_after))
        ):
            continue
        close = end + len(after) if has_after else end
        if close >= unit.last:
            said_on = blank is None and prompt.has_verb and not after and not gap.strip(" \n")
            return Lead("open" if said_on else "copy", unit.end)
        cut = tokens.ends[close - 1] if close > end else stop
        matched = _ASKED.match(text, cut)
        if blank is not None and blank.end() + stop > cut:
            matched = _ASKED.match(text, stop + blank.end())
        return Lead("copy", matched.end() if matched else cut)
    return None


def _term_at(tokens: Tokens, unit: Unit, prompt: Prompt) -> list[tuple[int, int]]:
    """The first places where the term stands in a unit, hashtags and slips included."""
    term, joined, words = prompt.term, prompt.joined, tokens.words
    if not term:
        return []
    found: list[tuple[int, int]] = []
    long = [word for word in joined if len(word) >= 6]
    # Words that are near begin alike: most are told apart by their first letter.
    firsts = {word[0] for word in (*joined, term[0])}
    size = len(term)
    for at in range(unit.first, unit.last):
        word = words[at]
        if word[0] not in firsts:
            continue
        if word in joined or any(len(word) >= 8 and near(word, one) for one in long):
            found.append((at, at + 1))
        elif (
            at + size <= unit.last
            and near(word, term[0])
            and all(near(words[at + n], term[n]) for n in range(1, size))
        ):
            found.append((at, at + size))
        if len(found) == 3:
            break
    return found


def _after_term(
    tokens: Tokens,
    unit: Unit,
    start: int,
    end: int,
    prompt: Prompt,
    words: Lexicon,
) -> Lead | None:
    text = tokens.text
    stop = tokens.ends[end - 1]
    opens = (
        start - unit.first <= 1 or text[unit.start : tokens.starts[start]].strip(" #*\"'“„«") == ""
    )
    if end == unit.last:
        rest = text[stop : unit.end].strip()
        if opens:
            # The term alone, on a line or with a question mark: a heading.
            return Lead("copy", unit.end) if _is_heading(rest) else Lead("mention", unit.start)
        return Lead("mention", unit.start)
    gap = text[stop : tokens.starts[end]]
    arrow = _ARROW.match(text, stop, tokens.starts[end])
    if opens and arrow is not None:
        return Lead("label", arrow.end())
    if opens and gap.strip() in ("?", "？", "?!", "؟", "…?", "...?"):
        return Lead("copy", tokens.starts[end])
    if "=" in gap or "≠" in gap or "≈" in gap or gap.strip() in ("–", "—", "-"):
        return Lead("sentence", unit.start)
    if _says_is(tokens, unit, end, prompt, words):
        close = _label_after_verb(tokens, unit, start, end, prompt)
        return close if close is not None and opens else Lead("sentence", unit.start)
    return Lead("mention", unit.start)


def _is_heading(rest: str) -> bool:
    return not rest or rest[0] in "?:：？؟_…"


def _says_is(tokens: Tokens, unit: Unit, end: int, prompt: Prompt, words: Lexicon) -> bool:
    said = tokens.words
    verb = prompt.before[-1] if prompt.has_verb else ""
    far = min(unit.last, end + MOST_BETWEEN)
    if verb and any(near(said[at], verb) for at in range(end, far)):
        return True
    if any(hit.section == "is" for hit in words.hits(said, end, far)):
        return True
    return is_cjk(said[end]) and said[end] in "とは是就を"


def _label_after_verb(
    tokens: Tokens, unit: Unit, start: int, end: int, prompt: Prompt
) -> Lead | None:
    """A blank right after the verb makes it a copy of the prompt; a colon doesn't."""
    text = tokens.text
    size = len(prompt.before)
    at = end + 1
    if at < unit.last and size and at - start <= size + 2:
        gap = text[tokens.ends[at - 1] : tokens.starts[at]]
        blank = _BLANKS.search(gap)
        if blank is not None:
            matched = _ASKED.match(text, tokens.ends[at - 1] + blank.end())
            assert matched is not None
            return Lead("copy", matched.end())
    return None


def _has_after(tokens: Tokens, unit: Unit, prompt: Prompt) -> bool:
    """Whether a unit ends as the prompt does: "___ makes a team."."""
    after = prompt.after
    if not after or (len(after) < 2 and len(after[0]) < 5):
        return False
    words = tokens.words
    last = unit.last - len(after)
    return any(
        near_enough(words[at], after[0])
        and all(near_enough(words[at + n], after[n]) for n in range(1, len(after)))
        for at in range(unit.first, last + 1)
    )


def near_enough(one: str, other: str) -> bool:
    """As `near`, or a verb in another number: makes, make."""
    return near(one, other) or (
        min(len(one), len(other)) >= 3
        and (one.startswith(other) or other.startswith(one))
        and abs(len(one) - len(other)) <= 2
    )
