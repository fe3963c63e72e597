"""Personal sentences that are nearly what was written to somebody else.

A sentence with another name, other marks or a word exchanged is a circular letter, so the linter
of greetings refuses it like one that is the same (promise P13). Only what an editor adds counts:
the words of the template, of the question and of the way to stop are every greeting's. Pure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from rapidfuzz import fuzz

from collector.greetings import (
    Objection,
    default_template,
    is_unspaced,
    likeness,
    stop_words,
)
from ledger.etiquette import Action
from ledger.model import Campaign
from ledger.written import Written

#: How alike the letters of two sentences are that differ by typing slips, of 100.
NEAR = 88
#: The same without spaces between words, where an exchanged word is a few letters of twenty.
NEAR_UNSPACED = 78
#: Of so many words one may be another, and it is the same sentence still.
WORDS_FOR_ANOTHER = 4
_FIELD = re.compile(r"\{(?:name|personal|prompt)\}")
#: Stands where words of the template stood; no sentence has it, so none is found across it.
_GAP = "\0"


def lint_written(
    personal: str,
    name: str,
    campaign: Campaign,
    written: Sequence[Written],
    templates: Iterable[str] = (),
) -> list[Objection]:
    """What to say when the sentence is nearly one of `written`; empty: it is not.

    `templates` are those of the campaign; ours are known.
    """
    new = likeness(personal, name)
    if not new:
        return []
    shared = _shared_words(campaign, templates)
    for one in written:
        if _is_near(new, _without_shared(likeness(one.words, " ".join(one.names)), shared)):
            return [_nearly(personal, one)]
    return []


def _shared_words(campaign: Campaign, templates: Iterable[str]) -> list[str]:
    """What every greeting of the campaign says, longest first."""
    ours = [default_template(campaign.lang, action) for action in (Action.GREET, Action.FOLLOW_UP)]
    parts = [part for template in (*templates, *ours) for part in _FIELD.split(template)]
    plain = {likeness(part, "") for part in (*parts, campaign.prompt, stop_words(campaign.lang))}
    return sorted(plain - {""}, key=len, reverse=True)


def _without_shared(words: str, shared: list[str]) -> str:
    around = f" {words} "
    for part in shared:
        around = around.replace(f" {part} ", f" {_GAP} ")
    return around.strip()


def _is_near(new: str, old: str) -> bool:
    """Whether the old text has nearly the new sentence in it."""
    if is_unspaced(new):
        return _letters_are_near(new.replace(" ", ""), old.replace(" ", ""), NEAR_UNSPACED)
    return _words_are_near(new.split(), old.split()) or _letters_are_near(new, old, NEAR)


def _letters_are_near(new: str, old: str, limit: int) -> bool:
    return len(old) >= len(new) * limit / 100 and fuzz.partial_ratio(new, old) >= limit


def _words_are_near(new: list[str], old: list[str]) -> bool:
    """Whether nearly all of the words stand close together there too, in whatever order."""
    others = max(1, len(new) // WORDS_FOR_ANOTHER)
    wanted, least, length = Counter(new), len(new) - others, len(new) + others
    if (wanted & Counter(old)).total() < least:
        return False
    starts = range(max(1, len(old) - length + 1))
    return any((wanted & Counter(old[at : at + length])).total() >= least for at in starts)


def _nearly(personal: str, one: Written) -> Objection:
    whom = one.names[0] if one.names else "somebody else"
    return Objection(
        "again",
        personal.strip(),
        f"You wrote nearly the same to {whom}: a name, a mark or a word apart. What is true of "
        "this person alone?",
    )
