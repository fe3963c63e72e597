"""What is known of one person when a rule or a stage is decided: facts, and no opinion."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ledger.model import Channel


@dataclass(frozen=True)
class PersonFacts:
    """One person, in one campaign, on the channel that a message would take.

    `messages`: how often they wrote to us. `greetings`, `follow_ups` and `thanks` count what has
    left, may have left, or is on its way, on any channel. `refused_at`: their latest no or
    withdrawal; `expired_at`: their latest question that ran out; `postponed_at`: their latest "not
    now". `question_left_at`: when the question that is open now was sent to them in private;
    `reminders` of it count like greetings. `account_sent`: when the account wrote to people of its
    own accord within the last day.
    `follows`: they followed us on this channel when we looked. `zone`: theirs, else the campaign's.
    """

    channel: Channel
    stopped_at: datetime | None = None
    is_bot: bool = False
    wants_no_bots: bool = False
    is_protected: bool = False
    follows: bool = False
    messages: int = 0
    last_wrote_at: datetime | None = None
    has_answered: bool = False
    greetings: int = 0
    greeted_at: datetime | None = None
    #: When the greeting was written: who wrote after that was not silent, even if it left later.
    greeted_from: datetime | None = None
    follow_ups: int = 0
    was_asked: bool = False
    question_is_open: bool = False
    question_left_at: datetime | None = None
    reminders: int = 0
    refused_at: datetime | None = None
    expired_at: datetime | None = None
    postponed_at: datetime | None = None
    granted: bool = False
    published: bool = False
    #: An interview with them is on the blog.
    interviewed: bool = False
    thanks: int = 0
    account_sent: tuple[datetime, ...] = ()
    zone: str = ""

    def wrote_since(self, moment: datetime) -> bool:
        """Whether they have written to us after this moment."""
        return self.last_wrote_at is not None and self.last_wrote_at > moment


@dataclass(frozen=True)
class FoundPerson:
    """Somebody as a channel shows them. `contact`: where a message reaches them there."""

    address: str
    name: str = ""
    url: str = ""
    contact: str = ""
    about: str = ""
    zone: str = ""
    is_bot: bool = False
    wants_no_bots: bool = False
    is_protected: bool = False
