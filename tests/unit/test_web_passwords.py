"""Which passwords may be used."""

from __future__ import annotations

import pytest

from web.passwords import PasswordError, check_password


@pytest.mark.parametrize(
    "password",
    [
        "lamp otter seventeen quilts",
        "vrn4-TTk2-0plx",
        "überall stehen Lampen",
        "x7" + "aq9z" * 3 + "!k",
        "絵を描く象と静かな湖の朝",
        "a passphrase of sixty-four characters is never too long for anyone",
    ],
)
def test_long_and_unknown_is_enough(password: str) -> None:
    check_password(password, ("ada@sample.example", "Ada Sample"))


@pytest.mark.parametrize(
    "password",
    [
        *("short", "eleven chars"[:11], ""),
        *("aaaaaaaaaaaa", "abababababab", "123456789012", "987654321098", "abcdefghijklm"),
        *("passwordpassword", "Password1234", "P@ssw0rd!2026", "qwertyuiop123", "123qwerty456!"),
        *("correcthorsebatterystaple", "letmein123456", "welcome-2026!!", "definedby1234"),
        *("000000000000", "202620262026"),
        "x" * 257,
    ],
)
def test_what_would_be_guessed_first_is_refused(password: str) -> None:
    with pytest.raises(PasswordError) as refused:
        check_password(password)
    assert password not in str(refused.value) or not password


@pytest.mark.parametrize(
    "password", ["ada@sample.example", "ADA@sample.example", "Ada Sample 1990", "adasample2026"]
)
def test_ones_own_name_is_no_password(password: str) -> None:
    with pytest.raises(PasswordError):
        check_password(password, ("ada@sample.example", "Ada Sample"))
