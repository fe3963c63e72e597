"""The stage of a person: how far we have come with each other, and what comes next.

Pure: a function of the facts, so that it can never disagree with what happened.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ledger.etiquette import Action, Block, Rules, Verdict, may
from ledger.person import PersonFacts


class Stage(StrEnum):
    STRANGER = "stranger"
    GREETED = "greeted"
    REPLIED = "replied"
    TALKING = "talking"
    ASKED = "asked"
    GRANTED = "granted"
    PUBLISHED = "published"
    THANKED = "thanked"
    INTERVIEWED = "interviewed"
    OPTED_OUT = "opted out"


@dataclass(frozen=True)
class Step:
    """One thing that could come next: whether it may be done now, else by which rule not."""

    action: Action
    verdict: Verdict

    @property
    def block(self) -> Block | None:
        return self.verdict.block


#: From how many messages of theirs on it is a conversation.
TALKING_FROM = 2

#: What may come after each stage. After a publication, what they may be asked for is an interview.
_NEXT: dict[Stage, tuple[Action, ...]] = {
    Stage.STRANGER: (Action.GREET,),
    Stage.GREETED: (Action.FOLLOW_UP, Action.ASK),
    Stage.REPLIED: (Action.ASK,),
    Stage.TALKING: (Action.ASK,),
    Stage.ASKED: (),
    Stage.GRANTED: (Action.THANK,),
    Stage.PUBLISHED: (Action.THANK, Action.ASK),
    Stage.THANKED: (Action.ASK,),
    Stage.INTERVIEWED: (),
    Stage.OPTED_OUT: (),
}


def stage_of(facts: PersonFacts) -> Stage:
    """The furthest stage that what happened has reached and that still stands."""
    reached = (
        (Stage.OPTED_OUT, facts.stopped_at is not None),
        (Stage.ASKED, facts.question_is_open),
        (Stage.INTERVIEWED, facts.interviewed),
        (Stage.THANKED, facts.granted and facts.published and facts.thanks > 0),
        (Stage.PUBLISHED, facts.granted and facts.published),
        (Stage.GRANTED, facts.granted),
        (Stage.TALKING, facts.messages >= TALKING_FROM),
        (Stage.REPLIED, facts.messages > 0),
        (Stage.GREETED, facts.greeted_at is not None),
    )
    return next((stage for stage, is_reached in reached if is_reached), Stage.STRANGER)


def next_steps(facts: PersonFacts, rules: Rules, now: datetime) -> list[Step]:
    """What comes next from here, each with the verdict of the rules."""
    return [Step(action, may(action, facts, rules, now)) for action in _NEXT[stage_of(facts)]]
