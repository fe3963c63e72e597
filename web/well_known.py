"""The public keys that receipts and heads are verified with, at an address that never changes."""

from __future__ import annotations

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from ledger.public_keys import PATH, key_set
from web.access import open_to_all
from web.here import ledger

pages = Blueprint("well_known", __name__)


@pages.get(PATH)
@open_to_all
def keys() -> ResponseReturnValue:
    """The key in use and all former ones."""
    return jsonify(key_set(ledger().keys)), {"Cache-Control": "public, max-age=3600"}
