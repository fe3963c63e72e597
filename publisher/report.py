"""What a publication did, for the desk, the command line and the log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ledger.errors import Exit

#: Told how far a step has come: (step, done, total). The steps are those of STEPS, in order.
Progress = Callable[[str, int, int], None]
STEPS = ("read", "compose", "render", "write", "record")

#: How the note and the reason of a job begin that waits for the end of a pause.
HELD = "Publishing is paused:"


def no_progress(_step: str, _done: int, _total: int) -> None:
    """For callers that don't watch."""


@dataclass(frozen=True)
class Refusal:
    """Something that was left out: `what` (a file or a thing), why, and what mends it."""

    what: str
    reason: str
    next_step: str

    @property
    def sentence(self) -> str:
        return f"{self.what}: {self.reason} {self.next_step}"


@dataclass(frozen=True)
class BuildReport:
    """How many files of the site and of content/posts changed, and what was refused.

    `posts` counts the definitions that stand on the blog; `note` says why less was done than
    was asked for (paused, or another publisher is at work), else it is empty.
    """

    written: int = 0
    removed: int = 0
    unchanged: int = 0
    refused: tuple[Refusal, ...] = ()
    posts: int = 0
    note: str = ""

    @property
    def exit_code(self) -> Exit:
        return Exit.PARTLY if self.refused or self.note else Exit.DONE
