"""What is asked for to add an X account, and what becomes of the answers."""

from __future__ import annotations

import json

import pytest

from collector.channels.x import ASKS, account_from
from collector.x_login import Login
from ledger.errors import SettingError

OAUTH1 = {
    "consumer_key": "k",
    "consumer_secret": "ks",
    "access_token": "12-t",
    "access_token_secret": "ts",
}
OAUTH2 = {"client_id": "c", "access_token": "t", "refresh_token": "r"}


@pytest.mark.parametrize("tokens", [OAUTH1, OAUTH2])
def test_answers_become_options_and_a_secret(tokens: dict[str, str]) -> None:
    answers = {ask.name: ask.default for ask in ASKS} | tokens
    options, secret = account_from(answers)
    assert options == {"monthly_cap": 10.0, "messages": "yes"}
    assert json.loads(secret) == tokens
    assert Login.of(secret).is_oauth1 is (tokens is OAUTH1)
    assert Login.of(secret).is_renewable is (tokens is OAUTH2)


def test_spaces_from_copying_are_left_out_and_options_kept() -> None:
    answers = {name: f" {part}\n" for name, part in OAUTH1.items()}
    answers |= {"monthly_cap": "$2.50", "messages": "No", "base_url": "https://gateway.example"}
    options, secret = account_from(answers)
    assert options == {
        "monthly_cap": 2.5,
        "messages": "no",
        "base_url": "https://gateway.example",
    }
    assert json.loads(secret) == OAUTH1


@pytest.mark.parametrize(
    "wrong",
    [
        {"access_token": ""},
        {"consumer_secret": " "},
        {"access_token_secret": ""},
        {"monthly_cap": "much"},
        {"monthly_cap": "-1"},
        {"monthly_cap": "nan"},
        {"messages": "perhaps"},
    ],
)
def test_what_can_not_be_used_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(SettingError):
        account_from(OAUTH1 | wrong)


def test_everything_asked_for_is_used_and_secrets_are_not_shown() -> None:
    used = {*Login.__annotations__, "monthly_cap", "messages", "base_url"}
    assert {ask.name for ask in ASKS} == used - {"user_id"}
    assert {ask.name for ask in ASKS if ask.secret} == {
        "consumer_secret",
        "access_token",
        "access_token_secret",
        "client_secret",
        "refresh_token",
    }
    shown = repr(Login(**{name: f"sentinel-{name}" for name in Login.__annotations__}))
    for ask in ASKS:
        assert not (ask.secret and f"sentinel-{ask.name}" in shown), ask.name
