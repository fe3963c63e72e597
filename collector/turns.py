"""Work in a thread of its own that can be given up: a server that hangs must delay nobody else.

A thread can't be killed. One that was given up ends by itself when its server lets go of it;
until then what it does counts for nothing (`Turn.given_up`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from ledger.errors import TemporaryError

Result = TypeVar("Result")


class TookTooLongError(TemporaryError):
    """It was given up because it took too long."""


class Turn(Generic[Result]):
    """One piece of work, begun at once; it is told its turn, to see whether it was given up."""

    def __init__(self, work: Callable[[Turn[Result]], Result], name: str = "") -> None:
        self.given_up = threading.Event()
        self.began = time.monotonic()
        self._ended = threading.Event()
        self._error: Exception | None = None
        self._result: Result
        self._work = work
        threading.Thread(target=self._run, name=name or "turn", daemon=True).start()

    @property
    def has_ended(self) -> bool:
        return self._ended.is_set()

    @property
    def seconds(self) -> float:
        """How long ago it began."""
        return time.monotonic() - self.began

    def wait(self, seconds: float) -> bool:
        """Wait at most so long; returns whether it has ended."""
        return self._ended.wait(max(0.0, seconds))

    def result(self) -> Result:
        """What the work returned; raises what it raised. Only once it has ended."""
        if self._error is not None:
            raise self._error
        return self._result

    def _run(self) -> None:
        try:
            self._result = self._work(self)
        except Exception as error:  # noqa: BLE001 - raised again where somebody waits for it
            self._error = error
        finally:
            self._ended.set()


def within(seconds: float, work: Callable[[], Result], what: str) -> Result:
    """What `work` returns, if that takes no longer. Raises TookTooLongError, naming `what`."""
    turn = Turn(lambda _: work(), what)
    if not turn.wait(seconds):
        turn.given_up.set()
        raise TookTooLongError(
            f"{what} gave no answer within {seconds:.0f} seconds.",
            "Try again later; if it stays so, see whether the server works.",
        )
    return turn.result()
