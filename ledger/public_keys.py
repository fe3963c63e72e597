"""The keys that others verify our signatures with, as a JSON Web Key Set (RFC 7517, RFC 8037)."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from ledger.chain import canonical
from ledger.errors import SettingError
from ledger.keys import Keys

#: Where the web application answers with them.
PATH = "/.well-known/definedby-key.json"


def key_set(keys: Keys) -> dict[str, Any]:
    """The key in use first, then every one that was in use before: what they signed stays valid."""
    return {"keys": [_web_key(key) for key in keys.public_keys]}


def read_key_set(path: Path) -> tuple[str, ...]:
    """The public keys in a file that was saved from PATH, as they stand in our own records.

    Raises SettingError for a file that holds none.
    """
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        found = tuple(
            base64.b64encode(_bytes(one["x"])).decode()
            for one in stored["keys"]
            if (one["kty"], one["crv"]) == ("OKP", "Ed25519")
        )
    except (ValueError, TypeError, KeyError) as error:
        raise _no_keys(path) from error
    if not found:
        raise _no_keys(path)
    return found


def _no_keys(path: Path) -> SettingError:
    return SettingError(
        f"{path} holds no public key.", f"Save the page {PATH} of the blog whose key you want."
    )


def _web_key(public_key: str) -> dict[str, str]:
    raw = base64.b64decode(public_key)
    key = {"crv": "Ed25519", "kty": "OKP", "x": _text(raw)}
    # The key's own id is its thumbprint (RFC 7638).
    return {**key, "kid": _text(hashlib.sha256(canonical(key)).digest()), "use": "sig"}


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
