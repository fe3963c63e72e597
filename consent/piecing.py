"""Keep an interview or an endorsement as an editor put it together; nothing is asked by that."""

from __future__ import annotations

from consent.errors import plain_objections
from consent.requests import record_revision
from ledger import pieces
from ledger.database import Ledger
from ledger.model import Definition
from ledger.pieces import Wish


def make_piece(ledger: Ledger, campaign_id: str, lang: str, wish: Wish) -> list[Definition]:
    """Keep a new piece: a definition for each person in it. Raises DefinedbyError."""
    with ledger.write() as connection:
        return pieces.make_piece(connection, ledger.clock(), campaign_id, lang, wish)


def change_piece(ledger: Ledger, piece_id: str, wish: Wish, by: str) -> list[Definition]:
    """Keep it as it is wanted now. Another text needs another yes: questions about the old one end.

    What was granted and stands stays as it was granted. Raises DefinedbyError.
    """
    with ledger.write() as connection, plain_objections():
        asked = pieces.was_asked(connection, piece_id)
        kept, changed = pieces.change_piece(connection, ledger.clock(), piece_id, wish)
        if asked and changed:
            record_revision(ledger, connection, kept[0], by)
    return kept


def drop_piece(ledger: Ledger, piece_id: str) -> None:
    """Forget one that nobody was asked about. Raises DefinedbyError for any other."""
    with ledger.write() as connection:
        pieces.drop_piece(connection, piece_id)
