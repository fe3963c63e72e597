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
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

#: The link before the first event.
GENESIS = "0" * 64


def canonical(value: Any) -> bytes:
    """One byte string per value: JSON with sorted keys, no spaces, UTF-8 (like RFC 8785)."""
    return _CANONICAL.encode(value).encode()


_CANONICAL = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)
#: Texts that JSON writes as they are.
_PLAIN = re.compile(r"[0-9A-Za-z:+. _-]*")


def commitment(event_key: bytes, payload: dict[str, Any]) -> str:
    return commitment_of(event_key, canonical(payload))


def commitment_of(event_key: bytes, written: bytes) -> str:
    """The commitment to a payload by its canonical bytes."""
    return hmac.digest(event_key, written, "sha256").hex()


def link_hash(seq: int, prev_hash: str, kind: str, subject: str, at: str, commit: str) -> str:
    if type(seq) is int and _PLAIN.fullmatch(prev_hash + kind + subject + at + commit):
        # The very bytes of `canonical`, which takes five times as long.
        text = f'[{seq},"{prev_hash}","{kind}","{subject}","{at}","{commit}"]'
        return hashlib.sha256(text.encode()).hexdigest()
    parts = [seq, prev_hash, kind, subject, at, commit]
    return hashlib.sha256(canonical(parts)).hexdigest()


@dataclass(frozen=True)
class Link:
    """One event as stored, with its opened payload where that still exists.

    `seal` says how the payload was found: "open", "erased" (by an erased event, or none was
    kept), "missing" or "unreadable".
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
    payload: dict[str, Any] | None = None
    #: The bytes that the payload was read from, where it was.
    written: bytes = b""


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


def verify(links: Iterable[Link], heads: Iterable[Head] = ()) -> Break | Head:
    """Walk the chain from its start; return its head, or the first break.

    `heads` are exported heads: each must be a link of this chain.
    """
    expected: dict[int, set[str]] = {}
    for head in heads:
        expected.setdefault(head.seq, set()).add(head.hash)
    if expected.pop(0, {GENESIS}) != {GENESIS}:
        return Break(1, "a head states another beginning")
    last = Head(0, GENESIS)
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
    if link.seal != "open" or link.payload is None:
        return f"its payload is {link.seal}, and no erasure explains that"
    # What was committed to are the canonical bytes, and those are what was sealed.
    written = link.written or canonical(link.payload)
    if commitment_of(link.event_key, written) != link.commitment:
        return "its payload does not match its commitment"
    return ""


def _out_of_place(link: Link, last: Head) -> str:
    if link.seq != last.seq + 1:
        return f"event {last.seq + 1} should stand here"
    if link.prev_hash != last.hash:
        return "it does not continue the event before it"
    return ""
