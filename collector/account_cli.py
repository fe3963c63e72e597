"""Commands for accounts: add, list, test."""

from __future__ import annotations

import importlib
from typing import Any

import click

from ledger.command_line import example, json_option, show, with_ledger
from ledger.database import Ledger
from ledger.errors import DefinedbyError, SettingError
from ledger.model import Channel

#: Channels whose module says what an account needs (`ASKS`), one command each.
ASKING = {
    "bluesky": "collector.channels.bluesky",
    "mastodon": "collector.channels.mastodon",
    "x": "collector.channels.x",
}


class ChannelGroup(click.Group):
    """`account add`: a command per channel, made from what the channel's module asks for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *ASKING]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in ASKING:
            return super().get_command(ctx, cmd_name)
        return _command(Channel(cmd_name), importlib.import_module(ASKING[cmd_name]))


def _command(channel: Channel, module: Any) -> click.Command:
    options = [
        click.Option(
            [f"--{ask.name.replace('_', '-')}", ask.name], help=f"{ask.prompt}. {ask.where}"
        )
        for ask in module.ASKS
    ]
    shared = [
        click.Option(["--campaign", "slug"], default="", help="The campaign it serves first."),
        click.Option(["--name", "own_name"], default="", help="What to call the account."),
        click.Option(["--replace"], is_flag=True, help="Change the account of that name."),
        click.Option(["--json", "as_json"], is_flag=True, help="Print JSON for programs."),
    ]

    @with_ledger
    def callback(ledger: Ledger, **given: Any) -> None:
        answers = {ask.name: _answer(ask, given[ask.name]) for ask in module.ASKS}
        settings, secret = module.account_from(answers)
        name = given["own_name"] or str(
            settings.get("handle") or settings.get("base_url") or channel
        )
        _keep(
            ledger,
            channel,
            given["slug"],
            name,
            settings,
            secret,
            replace=given["replace"],
            as_json=given["as_json"],
        )

    return click.Command(
        channel.value,
        callback=callback,
        params=[*options, *shared],
        help=(module.__doc__ or "").strip().splitlines()[0],
        epilog=example(f"definedby account add {channel}"),
    )


def _answer(ask: Any, given: str | None) -> str:
    """What was given on the command line, else what the person types."""
    if given is not None:
        return given
    if not ask.needed and not ask.prompt:
        return str(ask.default)
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
    shown = ("channel", "name", "last_read_at", "next_poll_at", "stored", "skipped", "last_error")
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
    from ledger.accounts import all_accounts

    with ledger.read() as connection:
        known = [a for a in all_accounts(connection, ledger.keys) if a.name == name]
    if not known:
        raise SettingError(
            f"There is no account named '{name}'.", "'definedby account list' lists them."
        )
    for each in known:
        answer = try_account(each, context_of(ledger, each).keep_secret)
        show({"channel": each.channel, "answer": answer}, as_json=as_json)


@account.group("add", cls=ChannelGroup, epilog=example("definedby account add email"))
def add_account() -> None:
    """Add an account: asks for what is needed, signs in, and keeps it if that worked.

    Each channel's own --help says what it needs.
    """


@add_account.command(
    "email",
    epilog=example(
        "definedby account add email",
        "definedby account add email --name letters --address letters@blog.example \\",
        "    --imap imap.blog.example:993 --smtp smtp.blog.example:465",
    ),
)
@click.option("--campaign", "slug", default="", help="The campaign whose answers arrive there.")
@click.option("--name", default="", help="What to call the account; else its address.")
@click.option("--address", prompt="E-mail address", help="The mailbox's own address.")
@click.option("--sender-name", default="", help="Name shown as the sender; else the asker.")
@click.option(
    "--imap", prompt="IMAP server (host:port, see your provider's help)", help="Reading: host:port."
)
@click.option(
    "--imap-security", type=click.Choice(["ssl", "starttls", "none"]), help="Else by the port."
)
@click.option("--smtp", prompt="SMTP server (host:port, same page)", help="Sending: host:port.")
@click.option(
    "--smtp-security", type=click.Choice(["ssl", "starttls", "none"]), help="Else by the port."
)
@click.option("--user", default="", help="Login name; else the address.")
@click.option(
    "--password",
    prompt="Password (an app password, made in your provider's security settings)",
    hide_input=True,
    envvar="MAILBOX_PASSWORD",
    help="Asked for when not given; MAILBOX_PASSWORD in the environment works too.",
)
@click.option("--folder", default="INBOX", show_default=True, help="Folder that is read.")
@click.option(
    "--plus-addresses",
    is_flag=True,
    help="The mailbox also gets mail for NAME+ANYTHING@...: answers find their question by that.",
)
@click.option("--replace", is_flag=True, help="Change the account of that name; keep its replies.")
@json_option
@with_ledger
def add_email(ledger: Ledger, slug: str, name: str, **given: Any) -> None:
    """A mailbox, read by IMAP and written from by SMTP."""
    options = {
        **_server("imap", given["imap"], given["imap_security"], {993: "ssl", 143: "starttls"}),
        **_server("smtp", given["smtp"], given["smtp_security"], {465: "ssl", 587: "starttls"}),
        "address": given["address"],
        "user": given["user"] or given["address"],
        "sender_name": given["sender_name"] or ledger.settings.asker,
        "folder": given["folder"],
        "plus_addresses": given["plus_addresses"],
    }
    _keep(
        ledger,
        Channel.EMAIL,
        slug,
        name or given["address"],
        options,
        given["password"],
        replace=given["replace"],
        as_json=given["as_json"],
    )


def _keep(
    ledger: Ledger,
    channel: Channel,
    slug: str,
    name: str,
    options: dict[str, Any],
    secret: str,
    *,
    replace: bool,
    as_json: bool,
) -> None:
    from collector.accounts import keep_account
    from ledger.campaigns import need_campaign

    with ledger.read() as connection:
        campaign = need_campaign(connection, slug)
    kept, answer = keep_account(ledger, campaign, channel, name, options, secret, replace=replace)
    show({"account": kept.name, "campaign": campaign.slug, "answer": answer}, as_json=as_json)


def _server(kind: str, given: str, security: str | None, usual: dict[int, str]) -> dict[str, Any]:
    host, colon, port = given.rpartition(":")
    if not colon:
        host, port = given, str(next(iter(usual)))
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise SettingError(
            f"'{given}' is not a server address.",
            f"Write it as host:port, e.g. {kind}.blog.example:{next(iter(usual))}.",
        )
    if security is None and int(port) not in usual:
        raise DefinedbyError(
            f"Port {port} does not say how the connection is kept secret.",
            f"Add --{kind}-security ssl or --{kind}-security starttls.",
        )
    return {
        f"{kind}_host": host.strip("[]"),
        f"{kind}_port": int(port),
        f"{kind}_security": security or usual[int(port)],
    }
