"""A file that goes with a message of the outbox, kept encrypted until the message has left."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from ledger.keys import Keys


@dataclass(frozen=True)
class Attachment:
    """A text file: its name, its media type (RFC 6838) and what is in it, as UTF-8."""

    name: str
    media_type: str
    content: str


def seal(keys: Keys, attachment: Attachment | None) -> str:
    """As it is stored; "" for none."""
    return keys.encrypt(json.dumps(asdict(attachment))) if attachment else ""


def opened(keys: Keys, sealed: str) -> Attachment | None:
    """What `seal` has sealed."""
    return Attachment(**json.loads(keys.decrypt(sealed))) if sealed else None
