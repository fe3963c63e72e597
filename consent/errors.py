"""What stands in the way of a step of consent, said so that a person can act on it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ledger.consent_state import IllegalEventError
from ledger.errors import DefinedbyError


class NotNowError(DefinedbyError):
    """This step can't follow what has happened so far."""


@contextlib.contextmanager
def plain_objections() -> Iterator[None]:
    """Turn the state machine's objection into an error that names the next step."""
    try:
        yield
    except IllegalEventError as error:
        raise NotNowError(
            str(error), "Load the page again: it shows how things stand now."
        ) from error
