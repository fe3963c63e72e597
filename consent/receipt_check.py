"""Verify a receipt that somebody kept: offline, and without the instance that made it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledger import chain
from ledger.errors import DefinedbyError
from ledger.keys import verify_signature

#: A receipt is some kilobytes; what is much larger is none.
MOST_BYTES = 4 << 20


class NotGenuineError(DefinedbyError):
    """This file is not what an instance signed."""


@dataclass(frozen=True)
class Verified:
    """A genuine receipt. `known_key`: signed by one of the keys that were given."""

    record: dict[str, Any]
    known_key: bool


def verify_receipt(path: Path, public_keys: Sequence[str] = ()) -> Verified:
    """Check the signature of a receipt, by one of `public_keys` or else by the key it names.

    Raises NotGenuineError for a file that is no receipt, that was changed, or that none of
    `public_keys` signed. A key that the receipt names itself proves only that it was not changed.
    """
    with path.open("rb") as file:
        return verify_content(path, file.read(MOST_BYTES), public_keys)


def verify_content(path: Path, content: bytes, public_keys: Sequence[str] = ()) -> Verified:
    """The same for a receipt that was read from `path` already."""
    record = _read(path, content)
    signature = record.pop("signature")
    named = record["public_key"]
    if public_keys and named not in public_keys:
        raise NotGenuineError(
            f"{path} was signed with a key that is not among those given.",
            "It is another instance's receipt, or a forgery. Compare where the key came from.",
        )
    try:
        genuine = verify_signature(named, chain.canonical(record), signature)
    except (TypeError, ValueError, AttributeError):
        genuine = False
    if not genuine:
        raise NotGenuineError(
            f"{path} is not what was signed: it was changed, or never signed.",
            "Use another copy of it, or get it again from the personal page.",
        )
    return Verified(record, bool(public_keys))


def _read(path: Path, content: bytes) -> dict[str, Any]:
    try:
        # A name that stands twice would be read in two ways by two programs.
        record = json.loads(content, object_pairs_hook=_once, parse_constant=_refuse)
        if {"signature", "public_key", "record_id", "events", "status"} <= record.keys():
            return dict(record)
    except (ValueError, AttributeError, RecursionError):
        pass
    raise NotGenuineError(f"{path} is no receipt.", "Give the JSON file from the personal page.")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")
