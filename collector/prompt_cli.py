"""Commands for the prompt: post it, list what was posted, remember one that was posted by hand."""

from __future__ import annotations

import getpass
import sys

import click

from ledger.command_line import example, json_option, show, with_ledger
from ledger.database import Ledger
from ledger.errors import DefinedbyError, SettingError
from ledger.model import Account


@click.group()
def prompt() -> None:
    """The question as your accounts post it: post, list, remember."""


@prompt.command(
    "post",
    epilog=example(
        "definedby prompt post thought-leadership --account lamps --dry-run",
        "definedby prompt post thought-leadership --account lamps --yes",
    ),
)
@click.argument("campaign")
@click.option("--account", "name", required=True, help="The account that posts it.")
@click.option("--text", default="", help="Other words than the question itself.")
@click.option("--again", is_flag=True, help="Post it although this account has posted it before.")
@click.option("--dry-run", is_flag=True, help="Show what would be posted; post nothing.")
@click.option("--yes", is_flag=True, help="Post without asking first.")
@json_option
@with_ledger
def post(
    ledger: Ledger,
    campaign: str,
    name: str,
    text: str,
    *,
    again: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Post a campaign's question by an account, for everyone to see; answers to it are read.

    Asks first when somebody is there to answer. Exit code 4 when the post may be out: it is not
    posted again before you have said whether it is there.
    """
    from collector.prompting import post_prompt
    from ledger.campaigns import need_campaign
    from ledger.prompts import PromptState, prompts_of_campaign

    with ledger.read() as connection:
        asked = need_campaign(connection, campaign)
        known = prompts_of_campaign(connection, asked.id)
    account = _account(ledger, name)
    words = " ".join(text.split()) or asked.prompt
    planned = {"campaign": asked.slug, "account": account.name, "text": words}
    if dry_run:
        show({**planned, "posted": False}, as_json=as_json)
        return
    before = [
        one for one in known if one.account_id == account.id and one.state is PromptState.POSTED
    ]
    if before and not again:
        raise DefinedbyError(
            f"{account.name} has posted this question already: {before[0].url}",
            "Post it once more with --again, if people shall see it twice.",
        )
    if not yes and not as_json and sys.stdin.isatty():
        click.echo(words, err=True)
        click.confirm(f"Post this by {account.name}, for everyone to see?", abort=True, err=True)
    posted = post_prompt(ledger, asked, account, words, _who())
    show({**planned, "posted": True, "url": posted.url}, as_json=as_json)


@prompt.command("list", epilog=example("definedby prompt list --json"))
@json_option
@with_ledger
def list_prompts(ledger: Ledger, *, as_json: bool) -> None:
    """Every post of a question, newest first, and what became of it."""
    from ledger.accounts import all_accounts
    from ledger.campaigns import all_campaigns
    from ledger.prompts import all_prompts

    with ledger.read() as connection:
        names = {one.id: one.name for one in all_accounts(connection, ledger.keys)}
        slugs = {one.id: one.slug for one in all_campaigns(connection)}
        known = all_prompts(connection)
    show(
        [
            {
                "campaign": slugs.get(one.campaign_id, ""),
                "account": names.get(one.account_id, ""),
                "state": one.state,
                "at": one.posted_at,
                "url": one.url,
                "text": one.text,
                "error": one.error,
            }
            for one in known
        ],
        as_json=as_json,
        empty="Nothing was posted yet. Post a question with 'definedby prompt post'.",
    )


@prompt.command(
    "remember",
    epilog=example(
        "definedby prompt remember https://social.example/@lamps/123 --account lamps",
    ),
)
@click.argument("address")
@click.option("--account", "name", required=True, help="The account that posted it.")
@click.option("--campaign", "slug", default="", help="The campaign whose question it asks.")
@json_option
@with_ledger
def remember(ledger: Ledger, address: str, name: str, slug: str, *, as_json: bool) -> None:
    """Remember a question that you posted by hand, by its ADDRESS, so that answers are found.

    It also settles a post of which nobody knew whether it was out.
    """
    from collector.prompting import remember_prompt
    from ledger.campaigns import need_campaign

    with ledger.read() as connection:
        asked = need_campaign(connection, slug)
    account = _account(ledger, name)
    kept, moved = remember_prompt(ledger, asked, account, address, _who())
    show(
        {"campaign": asked.slug, "account": account.name, "url": kept.url, "replies_moved": moved},
        as_json=as_json,
    )


def _account(ledger: Ledger, name: str) -> Account:
    from collector.channels import POSTING
    from ledger.accounts import all_accounts

    with ledger.read() as connection:
        known = [one for one in all_accounts(connection, ledger.keys) if one.name == name]
    posting = [one for one in known if one.channel in POSTING]
    if len(posting) == 1:
        return posting[0]
    if not known:
        what = f"There is no account named '{name}'."
    elif posting:
        what = f"'{name}' names {len(posting)} accounts."
    else:
        what = f"Nothing can be posted by '{name}'."
    raise SettingError(
        what, "Name an account on X, Mastodon or Bluesky; 'definedby account list' lists them."
    )


def _who() -> str:
    try:
        return f"{getpass.getuser()} at a terminal"
    except (KeyError, OSError):
        return "somebody at a terminal"
