"""What belongs to the application that answers this request."""

from __future__ import annotations

from flask import current_app

from ledger.database import Ledger

EXTENSION = "definedby"


def ledger() -> Ledger:
    """The open instance behind this application."""
    found = current_app.extensions[EXTENSION]
    assert isinstance(found, Ledger)
    return found
