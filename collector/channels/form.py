"""The web form: answers are pushed to us, one at a time, so there is nothing to poll."""

from __future__ import annotations

import json
import secrets
import unicodedata
from dataclasses import dataclass

from collector.connector import Connector, Context
from collector.unpolled import Unpolled
from ledger.definitions import MOST_CHARACTERS
from ledger.errors import DefinedbyError
from ledger.model import Account, IncomingReply, clean_name

MOST_NAME_CHARACTERS = 120
MOST_LINKS = 3
#: RFC 5321, 4.5.3.1: the longest address that mail can reach.
MOST_ADDRESS_CHARACTERS = 254
MOST_TOKEN_CHARACTERS = 200


class LooksAutomatic(DefinedbyError):  # noqa: N818 - it says what the sender looks like
    """The field that people don't see was filled in."""


@dataclass(frozen=True)
class FormAnswer:
    """An answer typed into the form. `contact`: the e-mail address given, or ""."""

    reply: IncomingReply
    contact: str


def form_reply(
    text: str,
    name: str,
    contact_email: str,
    *,
    token: str,
    visitor: str = "",
    trap: str = "",
) -> FormAnswer:
    """Check one answer; its words stay as typed but for line ends and control characters.

    `token` makes a second sending of the same form harmless: it is the reply's id. `visitor` is
    a random id of who typed it, made here when it is not given. `trap` is the hidden field.
    Raises DefinedbyError, and LooksAutomatic when `trap` holds anything.
    """
    if trap.strip():
        raise LooksAutomatic(
            "A field that nobody can see was filled in.",
            "Turn off the program that fills in forms, empty the field and send it again.",
        )
    if not token or len(token) > MOST_TOKEN_CHARACTERS:
        raise DefinedbyError("The form has expired.", "Load the page again and send it once more.")
    words = _checked_words(text)
    author = clean_name(name)
    if len(author) > MOST_NAME_CHARACTERS:
        raise DefinedbyError(
            f"The name is longer than {MOST_NAME_CHARACTERS} characters.", "Shorten it."
        )
    reply = IncomingReply(
        external_id=token,
        address=f"visitor:{visitor or secrets.token_hex(16)}",
        text=words,
        author_name=author,
        # In ASCII, so that even what the words had to lose can be stored.
        raw=json.dumps({"text": text, "name": name}),
    )
    return FormAnswer(reply, _checked_address(contact_email))


def _checked_words(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    words = "".join(c for c in lines if c == "\n" or unicodedata.category(c) not in ("Cc", "Cs"))
    if not is_visible(words):
        raise DefinedbyError("There is no answer yet.", "Write a few words and send it again.")
    if len(words) > MOST_CHARACTERS:
        raise DefinedbyError(
            f"The answer has {len(words):,} characters; {MOST_CHARACTERS:,} are allowed.",
            "Shorten it and send it again.",
        )
    lower = words.lower()
    if lower.count("http://") + lower.count("https://") > MOST_LINKS:
        raise DefinedbyError(
            f"The answer has more than {MOST_LINKS} links.", "Leave some out and send it again."
        )
    return words


def is_visible(words: str) -> bool:
    """Whether there is anything to see: spaces and characters without a shape are no words."""
    return any(
        not char.isspace() and unicodedata.category(char) not in ("Cf", "Mn", "Cn", "Co")
        for char in words
    )


def _checked_address(contact_email: str) -> str:
    address = contact_email.strip()
    if not address:
        return ""
    name, at, host = address.rpartition("@")
    is_clean = address.isprintable() and not any(c in ' \\"<>()[],;:' for c in address)
    is_host = "." in host.strip(".") and ".." not in host and not host.startswith((".", "-"))
    if not (name and at and "@" not in name and is_clean and is_host):
        raise DefinedbyError(
            "The e-mail address is not complete.",
            "Write it like ada@sample.example, or leave the field empty.",
        )
    if len(address) > MOST_ADDRESS_CHARACTERS:
        raise DefinedbyError("The e-mail address is too long.", "Give a shorter one, or none.")
    return address


def open_connector(_account: Account, _context: Context | None = None) -> Connector:
    """The connector of a form account."""
    return Unpolled(
        answer="The form on the blog is open.",
        refusal="The form can't carry a message to the person who filled it in.",
        mend="Write to the e-mail address they left, if they left one.",
    )
