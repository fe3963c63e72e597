"""Paste-in: what somebody copied from a place that we cannot read, with its source and date.

An encrypted message, a talk, a letter: from there on it takes the same path as any reply.
"""

from __future__ import annotations

from datetime import datetime

from collector.channels.form import is_visible
from collector.connector import Connector, Context
from collector.unpolled import Unpolled
from ledger.errors import DefinedbyError
from ledger.model import UNSHOWABLE, Account, IncomingReply, clean_name

MOST_CHARACTERS = 20_000


def paste_reply(
    text: str,
    *,
    token: str,
    name: str = "",
    handle: str = "",
    source: str = "",
    source_url: str = "",
    written_at: datetime | None = None,
) -> IncomingReply:
    """A pasted reply. `token` makes sending the same form twice harmless; `source` says in words
    where it was heard or read. Raises DefinedbyError when the words or the source are missing.
    """
    words = UNSHOWABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if not is_visible(words):
        raise DefinedbyError("There are no words.", "Paste what they said or wrote.")
    if len(words) > MOST_CHARACTERS:
        raise DefinedbyError(
            f"These are {len(words)} characters; at most {MOST_CHARACTERS} can be pasted.",
            "Paste the part that matters.",
        )
    where = clean_name(source)
    if not where:
        raise DefinedbyError(
            "The source is missing.", "Say where you heard or read it, such as 'a letter'."
        )
    if source_url and not source_url.startswith(("https://", "http://")):
        raise DefinedbyError(
            "The link to the source is not a web address.", "Write it whole, or leave it empty."
        )
    return IncomingReply(
        external_id=token,
        address=clean_name(handle) or f"pasted:{token}",
        text=words,
        author_name=clean_name(name),
        subject=where,
        written_at=written_at,
        source_url=source_url,
        raw=text,
    )


def open_connector(_account: Account, _context: Context | None = None) -> Connector:
    return Unpolled(
        answer="Editors paste replies on the desk.",
        refusal="What was pasted came from a place that we can't write to.",
        mend="Bring them the message the way their words came to you.",
    )
