"""The instance's keys, in a file beside the database and never inside it.

`seal` and `unseal` keep event payloads under a key of their own per contributor (AES-256-GCM,
NIST SP 800-38D), so that deleting that key forgets the person. `encrypt` and `decrypt` keep
channel passwords (Fernet). `sign` signs heads and receipts (Ed25519, RFC 8032).
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ledger import durable
from ledger.errors import DefinedbyError

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

# cryptography is imported where it is used: what only hashes starts faster without it.
FILE_NAME = "keys.json"
NONCE_BYTES = 12


@dataclass(frozen=True, repr=False)
class Keys:
    """`fernet` newest first; `web` signs cookies; `tokens` keys the hashes of personal links.

    `former` are the public keys that signed before `signing` was made anew, newest first.
    """

    fernet: tuple[str, ...]
    signing: str
    web: str
    tokens: str
    former: tuple[str, ...] = ()

    def encrypt(self, text: str) -> str:
        return self._fernet().encrypt(text.encode()).decode()

    def decrypt(self, token: str) -> str:
        """Raises DefinedbyError when no key of this instance fits."""
        from cryptography.fernet import InvalidToken

        try:
            return self._fernet().decrypt(token.encode()).decode()
        except InvalidToken as error:
            raise DefinedbyError(
                "The key file does not fit this database.",
                f"Put back the {FILE_NAME} that belongs to it, or restore both from one backup.",
            ) from error

    def _fernet(self) -> MultiFernet:
        return _fernet_of(self.fernet)

    def token_hash(self, token: str) -> str:
        """What is stored of a personal link's token."""
        return hmac.digest(self.tokens.encode(), token.encode(), "sha256").hex()

    def sign(self, message: bytes) -> str:
        return base64.b64encode(self._private().sign(message)).decode()

    def _private(self) -> Ed25519PrivateKey:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(self.signing))

    @property
    def public_key(self) -> str:
        """The raw Ed25519 public key, base64."""
        return base64.b64encode(self._private().public_key().public_bytes_raw()).decode()

    @property
    def public_keys(self) -> tuple[str, ...]:
        """All keys that this instance has signed with, the one in use first."""
        return (self.public_key, *self.former)

    def opener(self) -> Callable[[str], str]:
        """`decrypt` for many, without making the keys ready each time. Raises ValueError."""
        from cryptography.fernet import InvalidToken

        fernet = self._fernet()

        def opened(token: str) -> str:
            try:
                return fernet.decrypt(token.encode()).decode()
            except InvalidToken as error:
                raise ValueError("no key of this instance fits") from error

        return opened

    def with_new_signing_key(self) -> Keys:
        """The same keys, but for a new one to sign with; the old one is kept to verify."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        fresh = base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()).decode()
        return replace(self, signing=fresh, former=self.public_keys)


@lru_cache(maxsize=4)
def _fernet_of(keys: tuple[str, ...]) -> MultiFernet:
    from cryptography.fernet import Fernet, MultiFernet

    return MultiFernet([Fernet(key) for key in keys])


def verify_signature(public_key: str, message: bytes, signature: str) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key))
        key.verify(base64.b64decode(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def seal(key: bytes, plain: bytes, bound_to: bytes) -> bytes:
    """Encrypt; `bound_to` must be given again to open it (GCM associated data)."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound_to)


def unseal(key: bytes, sealed: bytes, bound_to: bytes) -> bytes:
    """Raises ValueError when anything has been changed."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to)
    except InvalidTag as error:
        raise ValueError("the sealed text has been changed") from error


class Unsealer:
    """Opens many texts that were sealed with one key."""

    def __init__(self, key: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._cipher = AESGCM(key)

    def open(self, sealed: bytes, bound_to: bytes) -> bytes:
        """As `unseal`."""
        from cryptography.exceptions import InvalidTag

        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to)
        except InvalidTag as error:
            raise ValueError("the sealed text has been changed") from error


def new_keys() -> Keys:
    from cryptography.fernet import Fernet
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Keys(
        fernet=(Fernet.generate_key().decode(),),
        signing=base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()).decode(),
        web=secrets.token_urlsafe(48),
        tokens=secrets.token_urlsafe(48),
    )


def write_keys(home: Path, keys: Keys) -> Path:
    """Store new keys, readable by their owner only: whole, or not at all (OSError).

    Raises FileExistsError rather than overwrite a key file.
    """
    path = home / FILE_NAME
    text = json.dumps(vars(keys), indent=2)
    return durable.write_file(path, text.encode() + b"\n", new=True)


def replace_keys(home: Path, keys: Keys) -> Path:
    """Write changed keys over the old ones: whole, or not at all (OSError)."""
    text = json.dumps(vars(keys), indent=2)
    return durable.write_file(home / FILE_NAME, text.encode() + b"\n")


def read_keys(home: Path) -> Keys:
    path = home / FILE_NAME
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        former = tuple(stored.get("former", ()))
        return Keys(**{**stored, "fernet": tuple(stored["fernet"]), "former": former})
    except FileNotFoundError as error:
        raise DefinedbyError(
            f"The key file {path} is missing.",
            "Restore it from a backup; without it the stored consent can't be read.",
        ) from error
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DefinedbyError(
            f"The key file {path} can't be read ({error}).",
            "Restore it from a backup, and let only the user that runs definedby read it.",
        ) from error
