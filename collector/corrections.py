"""What editors corrected, as labelled rows for tests of the reading, without who said it.

What names a person in a row is replaced: addresses, links, mentions, telephone numbers, and the
author's own name. Other names can't be found by a rule; look through the rows before you share
them (docs/how-to/add-a-language.md).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any, TextIO

from ledger.campaigns import campaign_by_id
from ledger.database import Ledger
from ledger.model import Campaign, Reply, ReplyKind
from ledger.replies import corrected_replies

_ADDRESS = re.compile(r"[^\s@<>()\[\],;:\"]{1,64}@[^\s@<>()\[\],;:\"]{1,190}\.[^\W\d_]{2,24}")
_LINK = re.compile(r"(?:https?://|www\.)[^\s<>\"')\]]+", re.IGNORECASE)
_MENTION = re.compile(r"(?<![\w@])@[\w.-]{1,100}(?:@[\w.-]{1,190})?")
_TELEPHONE = re.compile(r"(?<!\w)\+?\(?\d[\d ()/.-]{6,24}\d(?!\w)")
_NAME_PART = re.compile(r"[^\W\d_]{2,}")


def write_corrections(ledger: Ledger, out: TextIO) -> int:
    """Write a row for each reply that an editor corrected; returns how many."""
    count = 0
    for row in _rows(ledger):
        out.write(json.dumps(row, ensure_ascii=False) + "\n")
        count += 1
    return count


def _rows(ledger: Ledger) -> Iterator[dict[str, Any]]:
    campaigns: dict[str, Campaign] = {}
    with ledger.read() as connection:
        for reply in corrected_replies(connection):
            campaign = campaigns.get(reply.campaign_id)
            if campaign is None:
                campaign = campaign_by_id(connection, reply.campaign_id)
                campaigns[reply.campaign_id] = campaign
            yield _row(reply, campaign)


def _row(reply: Reply, campaign: Campaign) -> dict[str, Any]:
    words = reply.reading.words(reply.text)
    is_definition = reply.reading.kind is ReplyKind.DEFINITION
    said = f"{reply.channel}{reply.external_id}".encode()
    return {
        "id": "corrected-" + hashlib.sha256(said).hexdigest()[:12],
        "channel": reply.channel.value,
        "prompt": campaign.prompt,
        "term": campaign.term,
        "lang": campaign.lang,
        "text": anonymous(reply.text, reply.handle.name),
        "html": "",
        "kind": reply.reading.kind.value,
        "definition": anonymous(words, reply.handle.name) if is_definition and words else None,
        "note": "corrected by an editor",
    }


def anonymous(text: str, name: str = "") -> str:
    """A text with stand-ins for what tells who wrote it. `name` is its author's, as known."""
    text = _ADDRESS.sub("someone@mail.example", text)
    text = _LINK.sub("https://site.example", text)
    text = _MENTION.sub("@someone_example", text)
    text = _TELEPHONE.sub("555 0100", text)
    for part in _NAME_PART.findall(name):
        text = re.sub(rf"(?<!\w){re.escape(part)}(?!\w)", "Sample", text)
    return text
