"""Commands for accounts: add, list, test, rename, pause, resume, remove."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from collector.account_asking import (
    ASKING,
    account_of,
    asks_of,
    name_for,
    purpose_of,
    shown_answers,
)
from collector.connector import Ask
from ledger.command_line import example, json_option, show, with_ledger
from ledger.database import Ledger
from ledger.errors import SettingError
from ledger.model import Account, Channel, ReadingState

_MORE_EXAMPLES = {
    Channel.EMAIL: (
        "definedby account add email --name letters --address letters@blog.example \\",
        "    --imap imap.blog.example:993 --smtp smtp.blog.example:465",
    )
}


class ChannelGroup(click.Group):
    """`account add`: a command per channel, made from what the channel's module asks for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *ASKING]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in list(ASKING):
            return super().get_command(ctx, cmd_name)
        return _command(Channel(cmd_name))


def _command(channel: Channel) -> click.Command:
    shared = [
        click.Option(["--campaign", "slug"], default="", help="The campaign it serves first."),
        click.Option(["--name", "own_name"], default="", help="What to call the account."),
        click.Option(["--replace"], is_flag=True, help="Change the account; keep its replies."),
        click.Option(["--json", "as_json"], is_flag=True, help="Print JSON for programs."),
    ]

    @with_ledger
    def callback(ledger: Ledger, **given: Any) -> None:
        from collector.accounts import keep_account
        from ledger.campaigns import need_campaign

        with ledger.read() as connection:
            campaign = need_campaign(connection, given["slug"])
        answers = {ask.name: _answer(ask, given[ask.name]) for ask in asks_of(channel)}
        options, secret = account_of(channel, answers, ledger.settings)
        name = given["own_name"] or name_for(channel, options)
        if given["replace"]:
            kept_answers = _kept_answers(ledger, channel, name, given)
            options, secret = account_of(channel, answers | kept_answers, ledger.settings)
        kept, answer = keep_account(
            ledger, campaign, channel, name, options, secret, replace=given["replace"]
        )
        show(
            {"account": kept.name, "campaign": campaign.slug, "answer": answer},
            as_json=given["as_json"],
        )

    return click.Command(
        channel.value,
        callback=callback,
        params=[*map(_option, asks_of(channel)), *shared],
        help=purpose_of(channel),
        epilog=example(f"definedby account add {channel}", *_MORE_EXAMPLES.get(channel, ())),
    )


def _kept_answers(
    ledger: Ledger, channel: Channel, name: str, given: Mapping[str, Any]
) -> dict[str, str]:
    """What the account of this name has of what is not asked for here and was not given."""
    from ledger.accounts import find_account

    with ledger.read() as connection:
        known = find_account(connection, ledger.keys, channel, name)
    kept = shown_answers(known) if known is not None else {}
    asks = [ask for ask in asks_of(channel) if ask.rarely and not ask.is_server]
    return {
        ask.name: kept[ask.name] for ask in asks if given[ask.name] is None and ask.name in kept
    }


def _option(ask: Ask) -> click.Option:
    return click.Option(
        [f"--{ask.name.replace('_', '-')}", ask.name],
        help=f"{ask.prompt}. {ask.where}",
        envvar=ask.envvar or None,
        type=click.Choice(ask.choices) if ask.choices else None,
    )


def _answer(ask: Ask, given: str | None) -> str:
    """What was given on the command line, else what the person types."""
    if given is not None:
        return given
    if ask.rarely:
        return ask.default
    click.echo(ask.where, err=True)
    default = ask.default if ask.default or not ask.needed else None
    return str(
        click.prompt(ask.prompt, default=default, hide_input=ask.secret, show_default=bool(default))
    )


@click.group()
def account() -> None:
    """The mailboxes that are read, and how they fare."""


@account.command("list", epilog=example("definedby account list"))
@json_option
@with_ledger
def list_accounts(ledger: Ledger, *, as_json: bool) -> None:
    """All accounts: last read, next read, what went wrong and how to mend it."""
    from ledger.accounts import all_accounts

    with ledger.read() as connection:
        known = all_accounts(connection, ledger.keys)
    shown = (
        "channel",
        "name",
        "reading",
        "last_read_at",
        "next_poll_at",
        "stored",
        "skipped",
        "last_error",
    )
    show(
        [{name: getattr(account, name) for name in shown} for account in known],
        as_json=as_json,
        empty="No account yet. Add one with 'definedby account add email'.",
    )


@account.command("test", epilog=example("definedby account test letters"))
@click.argument("name")
@json_option
@with_ledger
def try_account_command(ledger: Ledger, name: str, *, as_json: bool) -> None:
    """Sign in to an account live and show the answer."""
    from collector.accounts import try_account
    from collector.context import context_of

    for each in _named(ledger, name):
        answer = try_account(each, context_of(ledger, each))
        show({"channel": each.channel, "answer": answer}, as_json=as_json)


@account.group("add", cls=ChannelGroup, epilog=example("definedby account add email"))
def add_account() -> None:
    """Add an account: asks for what is needed, signs in, and keeps it if that worked.

    Each channel's own --help says what it needs.
    """


@account.command("rename", epilog=example("definedby account rename letters answers"))
@click.argument("name")
@click.argument("new_name")
@with_ledger
def rename(ledger: Ledger, name: str, new_name: str) -> None:
    """Call an account by another name."""
    from ledger.accounts import rename_account

    found = _one_named(ledger, name)
    with ledger.write() as connection:
        rename_account(connection, ledger.keys, found.id, new_name)
    click.echo(f"It is called {new_name} now.")


@account.command("pause", epilog=example("definedby account pause letters"))
@click.argument("name")
@with_ledger
def pause(ledger: Ledger, name: str) -> None:
    """Read an account no more until it is resumed; nothing is lost meanwhile."""
    _set_reading(ledger, name, ReadingState.PAUSED)
    click.echo(f"{name} is not read until you say: definedby account resume {name}")


@account.command("resume", epilog=example("definedby account resume letters"))
@click.argument("name")
@with_ledger
def resume(ledger: Ledger, name: str) -> None:
    """Read a paused account again, from where it stopped."""
    _set_reading(ledger, name, ReadingState.ON)
    click.echo(f"{name} is read again, from where it stopped.")


@account.command("remove", epilog=example("definedby account remove letters"))
@click.argument("name")
@with_ledger
def remove(ledger: Ledger, name: str) -> None:
    """Forget an account's login and read it no more; its replies stay."""
    from ledger.accounts import remove_account

    found = _one_named(ledger, name)
    with ledger.write() as connection:
        remove_account(connection, found.id)
    click.echo(
        f"The login of {name} is forgotten; its replies stay. To take it up again: "
        f"definedby account add {found.channel} --name {name} --replace"
    )


def _set_reading(ledger: Ledger, name: str, state: ReadingState) -> None:
    from ledger.accounts import set_reading

    found = _one_named(ledger, name)
    if found.reading is ReadingState.REMOVED:
        raise SettingError(
            f"The login of '{name}' was removed.",
            f"Give it again: definedby account add {found.channel} --name {name} --replace",
        )
    with ledger.write() as connection:
        set_reading(connection, found.id, state)


def _named(ledger: Ledger, name: str) -> list[Account]:
    from ledger.accounts import all_accounts

    with ledger.read() as connection:
        known = [a for a in all_accounts(connection, ledger.keys) if a.name == name]
    if not known:
        raise SettingError(
            f"There is no account named '{name}'.", "'definedby account list' lists them."
        )
    return known


def _one_named(ledger: Ledger, name: str) -> Account:
    from collector.channels import POLLED

    known = [one for one in _named(ledger, name) if one.channel in POLLED]
    if len(known) != 1:
        raise SettingError(
            f"'{name}' names {len(known)} accounts that are read.",
            "Rename one of them on the desk, under Accounts.",
        )
    return known[0]
