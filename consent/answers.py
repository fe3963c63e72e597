"""What did they decide? An answer in words read into a decision, with the words that say so.

A suggestion with its reason, never a decision of ours: a proposed grant waits for an editor.
A false grant is the one unforgivable error, so a yes counts only when everything around it is
understood or plainly beside the point; whatever is in doubt is unclear.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from consent.answer_doubts import Finding
from consent.answer_rules import judge
from consent.answer_view import LONGEST, view_of


class Decided(StrEnum):
    """What somebody decided, as far as their words say."""

    GRANT = "grant"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    STOP = "stop"
    CONDITIONAL = "conditional"
    UNCLEAR = "unclear"


class About(StrEnum):
    """What a change that somebody asks for is about."""

    WORDS = "words"
    CREDIT = "credit"
    USES = "uses"
    OTHER = "other"


@dataclass(frozen=True)
class Change:
    """A stretch of the answer that asks for a change, and what it is about."""

    quote: str
    about: About


@dataclass(frozen=True)
class Decision:
    """A reading of an answer. `evidence` and the changes are stretches of it, never reworded.

    `take_down`: with a stop, they also want published words removed.
    """

    decision: Decided
    reason: str
    evidence: str = ""
    changes: tuple[Change, ...] = ()
    take_down: bool = False


def read_answer(
    asked: Mapping[str, str], answer: str, channel: str = "", *, automatic: bool = False
) -> Decision:
    """Read `answer` as an answer to a consent request.

    `asked` may hold "text", "credit" and "question" as they were shown. `automatic` answers
    (RFC 3834) decide nothing. The channel is told in the reason of an answer without words only.
    Linear in the length of the answer; never raises.
    """
    if automatic:
        return Decision(Decided.UNCLEAR, "This is an automatic reply: nobody decided anything.")
    if len(answer) > LONGEST:
        # What is cut off could take back what stands before it.
        return Decision(Decided.UNCLEAR, "It is too long to be read here: read it yourself.")
    view = view_of(asked, answer)
    if not view.words:
        return Decision(Decided.UNCLEAR, _nothing(answer, channel))
    found = judge(view)
    return _decision(found)


def _decision(found: Finding) -> Decision:
    return Decision(
        Decided(found.decision),
        found.reason,
        found.evidence,
        tuple(Change(quote, About(about)) for quote, about in found.changes),
        found.take_down,
    )


def _nothing(answer: str, channel: str) -> str:
    if not answer.strip():
        return "There is nothing in it."
    if any(char.isalnum() for char in answer):
        return "There is nothing in it but quoted text and what a mail program added."
    where = " as on other networks" if channel in ("x", "mastodon", "bluesky") else ""
    return f"A sign or an emoji{where} is not a yes: it says no words."
