"""What is asked for to add an X account, and what becomes of the answers."""

from __future__ import annotations

import json

import pytest

from collector.account_asking import completed
from collector.meter import TrialMeter
from collector.x.asks import ASKS, account_from
from collector.x.login import Login
from collector.x.prices import PRICES
from ledger.errors import SettingError
from ledger.model import Account, Channel

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


def test_prices_and_waiting_are_kept_when_the_login_is_given_again() -> None:
    """Who pays more would else go on below a cap that counts too little."""
    given = {"monthly_cap": "10", "prices": "mention=0.005, follower = $0.01", "timeout": "9"}
    options, secret = account_from(OAUTH1 | given)
    assert options["prices"] == {"mention": 0.005, "follower": 0.01}
    assert options["timeout"] == 9.0
    account = Account(1, Channel.X, "@asker_example", "c", options, secret)
    again, _ = account_from(completed(account, {"monthly_cap": "20"}))
    assert again == {**options, "monthly_cap": 20.0}
    meter = TrialMeter(options, PRICES)
    assert meter.hold("mention", 10_000).count == 2_000


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
        {"prices": "mention"},
        {"prices": "kindness=0.1"},
        {"prices": "mention=free"},
        {"timeout": "0"},
        {"timeout": "31"},
        {"timeout": "soon"},
    ],
)
def test_what_can_not_be_used_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(SettingError):
        account_from(OAUTH1 | wrong)


def test_everything_asked_for_is_used_and_secrets_are_not_shown() -> None:
    used = {*Login.__annotations__, "monthly_cap", "messages", "prices", "timeout", "base_url"}
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
