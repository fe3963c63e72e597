"""Commands for campaigns: new, list, show."""

from __future__ import annotations

import click

from ledger.command_line import example, json_option, show, with_ledger
from ledger.database import Ledger
from ledger.model import BLANK


@click.group()
def campaign() -> None:
    """The questions you ask, each with a blank in it."""


@campaign.command("new", epilog=example('definedby campaign new "A good meeting is ___?"'))
@click.argument("prompt")
@click.option("--term", default="", help="What is being defined; else guessed from the prompt.")
@click.option("--slug", default="", help="Its address on the blog; else made from the term.")
@click.option("--lang", default="en", show_default=True, help="Language of the prompt.")
@json_option
@with_ledger
def new(ledger: Ledger, prompt: str, term: str, slug: str, lang: str, *, as_json: bool) -> None:
    """Start a campaign. PROMPT has one blank, written as three underscores."""
    from ledger.campaigns import add_campaign
    from ledger.jobs import JobKind, add_job

    with ledger.write() as connection:
        made = add_campaign(
            connection, ledger.clock(), prompt=prompt, term=term, slug=slug, lang=lang
        )
        add_job(connection, JobKind.PUBLISH, "site", ledger.clock())
    show(
        {
            "slug": made.slug,
            "term": made.term,
            "prompt": made.prompt,
            "address": f"{ledger.settings.public_url}/{made.slug}/",
        },
        as_json=as_json,
    )


@campaign.command("list", epilog=example("definedby campaign list --json"))
@json_option
@with_ledger
def list_campaigns(ledger: Ledger, *, as_json: bool) -> None:
    """All campaigns, oldest first."""
    from ledger.campaigns import all_campaigns

    with ledger.read() as connection:
        known = all_campaigns(connection)
    show(
        [{"slug": c.slug, "term": c.term, "prompt": c.prompt, "open": c.is_open} for c in known],
        as_json=as_json,
        empty=f'No campaign yet. Start one: definedby campaign new "A good talk is {BLANK}?"',
    )


@campaign.command("show", epilog=example("definedby campaign show thought-leadership"))
@click.argument("slug", default="")
@json_option
@with_ledger
def show_campaign(ledger: Ledger, slug: str, *, as_json: bool) -> None:
    """One campaign: how many replies it has and how many definitions are published."""
    from ledger.campaigns import need_campaign
    from ledger.definitions import definitions_in
    from ledger.posts import live_posts
    from ledger.replies import count_by_state

    with ledger.read() as connection:
        found = need_campaign(connection, slug)
        replies = count_by_state(connection, found.id)
        own = {definition.id for definition in definitions_in(connection, found.id)}
        published = sum(post.subject in own for post in live_posts(connection, "definition"))
    show(
        {
            "slug": found.slug,
            "term": found.term,
            "prompt": found.prompt,
            "lang": found.lang,
            "open": found.is_open,
            "replies": sum(replies.values()),
            "definitions": len(own),
            "published": published,
        },
        as_json=as_json,
    )
