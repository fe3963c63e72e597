"""Errors that a person reads: one sentence on what is wrong, one on what to do next."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command; documented in docs/reference/exit-codes.md."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    PARTLY = 3
    TEMPORARY = 4
    BROKEN_LEDGER = 5


class DefinedbyError(Exception):
    """Something a person can mend: `what` went wrong and the `next_step` that mends it."""

    exit_code = Exit.FAILED

    def __init__(self, what: str, next_step: str) -> None:
        super().__init__(f"{what} {next_step}")
        self.what = what
        self.next_step = next_step


class SettingError(DefinedbyError):
    """A setting, option or argument that can't be used as given."""

    exit_code = Exit.USAGE


class TemporaryError(DefinedbyError):
    """Likely to work later without anyone changing anything."""

    exit_code = Exit.TEMPORARY
