"""What we said to somebody, kept for their conversation under their own key.

A message in the outbox forgets its body once it has left, because that may hold a personal link.
The words stay without it, and are gone when their addressee is erased.
"""

from __future__ import annotations

import re

from sqlalchemy import Connection

from ledger.contributors import contributor_key
from ledger.keys import Keys, seal, unseal

#: 43 characters: 256 random bits (ledger/links.py).
_PERSONAL_LINK = re.compile(r"https?://[^\s]{1,300}?/p/[\w-]{43}")
LEFT_OUT = "[their personal link]"


def seal_words(
    connection: Connection, keys: Keys, contributor_id: str, message_id: str, body: str
) -> bytes:
    """The words without the personal link, for nobody but this instance to read."""
    words = _PERSONAL_LINK.sub(LEFT_OUT, body)
    key = contributor_key(connection, keys, contributor_id)
    return seal(key, words.encode(), bound_to=message_id.encode())


def open_words(
    connection: Connection, keys: Keys, contributor_id: str, message_id: str, sealed: bytes
) -> str:
    """Raises ValueError when they were changed, DefinedbyError when their key is gone."""
    key = contributor_key(connection, keys, contributor_id)
    return unseal(key, sealed, bound_to=message_id.encode()).decode()
