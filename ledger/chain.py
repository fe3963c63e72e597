"""The hash chain over all consent events, with payloads that can be erased.

Each event row holds `prev_hash`, `hash` and `commitment`, where

    commitment = HMAC-SHA256(event key, canonical payload)          (RFC 2104)
    hash       = SHA-256(canonical [seq, prev_hash, kind, subject, at, commitment])

The payload and its random 256-bit event key live sealed in another table. Deleting them leaves
the chain verifiable and the commitment unguessable: a bare hash of words could be guessed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass
from json.encoder import encode_basestring as _quote
from typing import Any

#: The link before the first event.
GENESIS = "0" * 64

_MARRED = {
    "kept": "its payload is still there, though an erasure names it",
    "unsigned": "its list of what was erased is not signed by this instance",
}


# Made once: making an encoder takes longer than a short event.
_encode = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
).encode


def canonical(value: Any) -> bytes:
    """One byte string per value: JSON with sorted keys, no spaces, UTF-8 (like RFC 8785)."""
    return _encode(value).encode()


def commitment(event_key: bytes, payload: dict[str, Any]) -> str:
    return committed(event_key, canonical(payload))


def committed(event_key: bytes, stated: bytes) -> str:
    """The commitment to a payload that is canonical JSON already."""
    return hmac.digest(event_key, stated, "sha256").hex()


def link_hash(seq: int, prev_hash: str, kind: str, subject: str, at: str, commit: str) -> str:
    # The canonical list, spelled out: this runs for every event of every walk. Raises TypeError
    # for another type, as the encoder itself would.
    parts = ",".join(map(_quote, (prev_hash, kind, subject, at, commit)))
    return hashlib.sha256(f"[{seq:d},{parts}]".encode()).hexdigest()


@dataclass(frozen=True)
class Link:
    """One event as stored; `stated` is its opened payload where that still exists, as canonical
    JSON: a walk proves the bytes and need not read them.

    `seal` says how the payload was found: "open"; "erased", by an erased event that names it;
    "kept", though one names it; "missing", "unreadable", or "unsigned" where it is an erased
    event's own.
    """

    seq: int
    prev_hash: str
    hash: str
    kind: str
    subject: str
    at: str
    commitment: str
    seal: str
    event_key: bytes = b""
    stated: bytes | None = None

    @property
    def payload(self) -> dict[str, Any]:
        """What the event states; empty where that was erased."""
        found: dict[str, Any] = json.loads(self.stated or b"{}")
        return found


@dataclass(frozen=True)
class Head:
    """The newest link: exported daily and signed, so that a cut-off tail is noticed."""

    seq: int
    hash: str


@dataclass(frozen=True)
class Break:
    """The first place where the chain does not hold."""

    seq: int
    reason: str


def verify(
    links: Iterable[Link], heads: Iterable[Head] = (), after: Head = Head(0, GENESIS)
) -> Break | Head:
    """Walk the chain from its start, or from `after`; return its head, or the first break.

    `heads` are exported heads: each must be a link of this chain.
    """
    expected: dict[int, set[str]] = {}
    for head in heads:
        expected.setdefault(head.seq, set()).add(head.hash)
    if expected.pop(0, {GENESIS}) != {GENESIS}:
        return Break(1, "a head states another beginning")
    last = after
    for link in links:
        reason = _out_of_place(link, last) or own_break(link)
        if not reason and expected.pop(link.seq, {link.hash}) != {link.hash}:
            reason = "it differs from the head of that number"
        if reason:
            return Break(link.seq, reason)
        last = Head(link.seq, link.hash)
    if expected:
        beyond = min(expected)
        return Break(last.seq + 1, f"the chain ends here, but a head of event {beyond} exists")
    return last


def own_break(link: Link) -> str:
    """What is wrong with this link by itself, or an empty string."""
    try:
        own = link_hash(link.seq, link.prev_hash, link.kind, link.subject, link.at, link.commitment)
    except (TypeError, ValueError):  # a column that holds bytes, or text that is not UTF-8
        return "its content can't be read"
    if own != link.hash:
        return "its content does not match its hash"
    if link.seal == "erased":
        return ""
    if link.seal in _MARRED:
        return _MARRED[link.seal]
    if link.seal != "open" or link.stated is None:
        return f"its payload is {link.seal}, and no erasure explains that"
    if committed(link.event_key, link.stated) != link.commitment:
        return "its payload does not match its commitment"
    return ""


def _out_of_place(link: Link, last: Head) -> str:
    if link.seq != last.seq + 1:
        return f"event {last.seq + 1} should stand here"
    if link.prev_hash != last.hash:
        return "it does not continue the event before it"
    return ""
