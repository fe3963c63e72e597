"""What moves a message of the outbox from one state to another; docs/explanation/outbox.md is
made from this, and a test drives every move and finds no other.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.outbox import MessageState

#: What each state means, in a sentence.
MEANINGS = {
    MessageState.DRAFT: "It is written. A person sends it by hand, or lets it go.",
    MessageState.APPROVED: "A person has let it go. It waits for its turn, its hour or a retry.",
    MessageState.CLAIMED: "A worker is about to send it, and has said so before it began.",
    MessageState.SENT: "It has left, by the program or by a person's hand.",
    MessageState.FAILED: "It does not leave; or the platform leaves it to people, and it waits.",
    MessageState.UNKNOWN: "Nobody knows whether it left. It waits for a person, and for no retry.",
}


@dataclass(frozen=True)
class Move:
    """From one state (None: it did not exist) to another; `by` tells who or what does it."""

    before: MessageState | None
    after: MessageState
    by: str
    why: str


MOVES = (
    Move(
        None,
        MessageState.DRAFT,
        "An editor, or the program in answer",
        "writes, asks, thanks or greets; or a yes gets its receipt, and a stop its goodbye.",
    ),
    Move(
        MessageState.DRAFT,
        MessageState.APPROVED,
        "An editor",
        "lets it go, by the press that wrote it: each message has its own. What answers somebody "
        "by itself is let go with what it answers.",
    ),
    Move(
        MessageState.DRAFT,
        MessageState.SENT,
        "An editor",
        "has sent it in the platform's own composer, and says when.",
    ),
    Move(
        MessageState.DRAFT,
        MessageState.FAILED,
        "An editor, a stop or a rule",
        "drops it; or its reader asks not to be written to; or a rule that no hour lifts is in the "
        "way when it is opened; or its question was answered or taken back.",
    ),
    Move(
        MessageState.APPROVED,
        MessageState.CLAIMED,
        "The worker",
        "takes the oldest that is due and that every rule allows. This is committed before the "
        "network is touched.",
    ),
    Move(
        MessageState.APPROVED,
        MessageState.APPROVED,
        "A rule, or the platform",
        "puts it off to its hour (quiet hours, caps, too many requests).",
    ),
    Move(
        MessageState.APPROVED,
        MessageState.FAILED,
        "A stop or a rule",
        "its reader asked not to be written to; or a rule that no hour lifts is in the way when it "
        "would be claimed; or its question was answered or taken back.",
    ),
    Move(
        MessageState.CLAIMED,
        MessageState.SENT,
        "The platform",
        "has taken it, and said that it has.",
    ),
    Move(
        MessageState.CLAIMED,
        MessageState.APPROVED,
        "The platform",
        "has certainly not taken it, and may later.",
    ),
    Move(
        MessageState.CLAIMED,
        MessageState.FAILED,
        "The platform",
        "refuses it for good, or leaves it to people: then its words wait with the address of the "
        "platform's composer.",
    ),
    Move(
        MessageState.CLAIMED,
        MessageState.UNKNOWN,
        "The worker",
        "lost the connection when it might have been taken, or was stopped in the middle.",
    ),
    Move(
        MessageState.UNKNOWN,
        MessageState.SENT,
        "An editor, or a late worker",
        "has looked: it left; or the worker was only slow, and tells after all.",
    ),
    Move(
        MessageState.UNKNOWN,
        MessageState.APPROVED,
        "An editor",
        "has looked: it did not leave, and is to be sent again.",
    ),
    Move(
        MessageState.UNKNOWN,
        MessageState.FAILED,
        "A mail server",
        "reports that it could not be delivered.",
    ),
    Move(
        MessageState.FAILED,
        MessageState.SENT,
        "An editor",
        "has sent by hand what the platform left to people, or had sent it before a rule put it "
        "away.",
    ),
    Move(
        MessageState.FAILED,
        MessageState.FAILED,
        "An editor, a stop or a rule",
        "drops what the platform left to people, or it is not to be sent any more; its words go.",
    ),
    Move(
        MessageState.SENT,
        MessageState.FAILED,
        "A mail server",
        "reports that it could not be delivered.",
    ),
)
