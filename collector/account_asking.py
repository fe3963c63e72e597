"""Adding an account, the same at a terminal and on the desk: what is asked, and what it makes."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from collector.connector import Ask
from ledger.errors import SettingError
from ledger.model import Account, Channel
from ledger.settings import Settings

#: The modules that say what an account needs: `ASKS`, `account_from` and `answers_of`.
ASKING = {
    Channel.EMAIL: "collector.mail.asks",
    Channel.MASTODON: "collector.mastodon.asks",
    Channel.BLUESKY: "collector.bluesky.asks",
    Channel.X: "collector.x.asks",
    Channel.COMMENTS: "collector.comments.asks",
}
MOST_ANSWER_CHARACTERS = 4000


def asks_of(channel: Channel) -> tuple[Ask, ...]:
    """What an account of this channel needs, in the order in which it is asked."""
    asks: tuple[Ask, ...] = _module(channel).ASKS
    return asks


def purpose_of(channel: Channel) -> str:
    """What the module that asks says of its channel, in one line."""
    return (_module(channel).__doc__ or "").strip().splitlines()[0]


def account_of(
    channel: Channel, answers: Mapping[str, str], settings: Settings
) -> tuple[dict[str, Any], str]:
    """Options and secret of an account from what was answered.

    Raises SettingError naming what is missing or can't be used.
    """
    given = {}
    for ask in asks_of(channel):
        answer = answers.get(ask.name, "")
        answer = answer if ask.secret and answer.strip() else answer.strip()
        if not answer and ask.setting:
            answer = str(getattr(settings, ask.setting))
        answer = answer or ask.default
        if ask.needed and not answer:
            raise SettingError(f"“{ask.prompt}” is missing.", ask.where)
        if len(answer) > MOST_ANSWER_CHARACTERS or not answer.isprintable():
            raise SettingError(f"“{ask.prompt}” can't be what was meant.", ask.where)
        if answer and ask.choices and answer not in ask.choices:
            raise SettingError(
                f"“{ask.prompt}” can't be '{answer}'.", f"Choose from {', '.join(ask.choices)}."
            )
        given[ask.name] = answer
    made: tuple[dict[str, Any], str] = _module(channel).account_from(given)
    return made


def name_for(channel: Channel, options: Mapping[str, Any]) -> str:
    """What an account is called when nobody names it."""
    known = ("address", "handle", "base_url")
    return next((str(options[name]) for name in known if options.get(name)), channel.value)


def shown_answers(account: Account) -> dict[str, str]:
    """The answers behind an account that may be shown: none that is secret."""
    kept = _module(account.channel).answers_of(account)
    return {
        ask.name: kept[ask.name]
        for ask in asks_of(account.channel)
        if not ask.secret and kept.get(ask.name)
    }


def completed(account: Account, answers: Mapping[str, str]) -> dict[str, str]:
    """`answers` with the account's own secrets where none was typed.

    Never when a server's address is another one: a stored password is not sent to a new place.
    """
    kept = _module(account.channel).answers_of(account)
    asks = asks_of(account.channel)
    for ask in asks:
        typed = answers.get(ask.name, "").strip() or ask.default
        if ask.is_server and typed != (kept.get(ask.name) or ask.default):
            return dict(answers)
    if any(ask.secret and answers.get(ask.name, "").strip() for ask in asks):
        return dict(answers)  # another login: nothing of the old one belongs to it
    secrets = {ask.name: kept.get(ask.name, "") for ask in asks if ask.secret}
    return {**kept, **answers, **secrets}


def _module(channel: Channel) -> Any:
    return importlib.import_module(ASKING[channel])
