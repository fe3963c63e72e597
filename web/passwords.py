"""What a password must be (NIST SP 800-63B, section 3.1.1): long, not known, no other rules."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ledger.errors import DefinedbyError

SHORTEST = 12
LONGEST = 256
#: What long passwords that thousands share are made of, once digits and signs are taken away.
_COMMON = frozenset(
    {"abc", "abcdef", "abcdefghijkl", "abcdefghijklm", "admin", "administrator", "asdfghjkl"}
    | {"changeme", "correcthorsebatterystaple", "definedby", "hello", "iloveyou", "letmein"}
    | {"login", "master", "monkey", "newpassword", "passphrase", "passwd", "password"}
    | {"passwordpassword", "pleaseletmein", "princess", "qazwsx", "qazwsxedc", "qwerty"}
    | {"qwertyuiop", "qwertyuiopasdf", "qwertzuiop", "secret", "sunshine", "superman", "test"}
    | {"thisismypassword", "trustno", "welcome", "whatever", "zxcvbnm"}
)
_RUNS = ("01234567890123456789", "98765432109876543210", "abcdefghijklmnopqrstuvwxyz")
_SWAPPED = str.maketrans("@$!013457", "asioieast")


class PasswordError(DefinedbyError):
    """This password would be guessed."""


def check_password(password: str, personal: Iterable[str] = ()) -> None:
    """Raise PasswordError, with the reason, unless the password may be used.

    `personal` are words that are known of its owner: the address, the name.
    """
    if len(password) < SHORTEST:
        raise PasswordError(
            f"The password has {len(password)} characters; it needs at least {SHORTEST}.",
            "Three or four words that don't belong together make a good one.",
        )
    if len(password) > LONGEST:
        raise PasswordError(
            f"The password is longer than {LONGEST} characters.", "Take a shorter one."
        )
    if _well_known(password.casefold()) or _is_personal(password.casefold(), personal):
        raise PasswordError(
            "This password would be among the first to be guessed.",
            "Take three or four words that don't belong together.",
        )


def _well_known(password: str) -> bool:
    if re.fullmatch(r"(.{1,6}?)\1+.{0,5}", password, re.DOTALL) or len(set(password)) < 5:
        return True
    if any(password in run * 4 for run in _RUNS):
        return True
    letters = {re.sub(r"[\W\d_]", "", spelled) for spelled in _spellings(password)}
    return not _COMMON.isdisjoint(letters) or letters == {""}


def _spellings(password: str) -> tuple[str, ...]:
    """As it is, and with @ for a and the like undone, with and without what hangs on its ends."""
    core = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", password)
    return password, password.translate(_SWAPPED), core.translate(_SWAPPED)


def _is_personal(password: str, personal: Iterable[str]) -> bool:
    known = {word.casefold() for word in personal if word}
    known |= {word.partition("@")[0] for word in known}
    bare = re.sub(r"[\W\d_]", "", password)
    return any(password == word or bare == re.sub(r"[\W\d_]", "", word) for word in known)
