"""What `serve` does before it serves: instance, first campaign, blog, the owner's link."""

from __future__ import annotations

from ledger.campaigns import add_campaign, all_campaigns
from ledger.database import Ledger, open_ledger
from ledger.jobs import JobKind, add_job
from ledger.model import BLANK
from ledger.settings import Settings

FIRST_PROMPT = f"Thought leadership is {BLANK}?"


def prepare(settings: Settings) -> str:
    """Make what is missing, repeat nothing; return the line that tells where to go.

    The owner's one-time link is part of it until a password has been set.
    """
    from ledger.editors import invite_owner, owner_exists

    ledger = open_ledger(settings, create=True)
    try:
        _first_campaign(ledger)
        if not (settings.site_folder / "index.html").exists():
            from publisher.publish import publish

            publish(ledger)
        line = f"Definedby is at {settings.public_url}/"
        if owner_exists(ledger):
            return f"{line} (desk: {settings.public_url}/desk)"
        return f"{line} – set the owner's password once: {invite_owner(ledger)}"
    finally:
        ledger.close()


def _first_campaign(ledger: Ledger) -> None:
    with ledger.read() as connection:
        if all_campaigns(connection):
            return
    with ledger.write() as connection:
        add_campaign(connection, ledger.clock(), prompt=FIRST_PROMPT)
        add_job(connection, JobKind.PUBLISH, "site", ledger.clock())
