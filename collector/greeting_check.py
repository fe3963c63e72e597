"""Everything that keeps a greeting to one person from being sent, asked of the ledger too."""

from __future__ import annotations

from sqlalchemy import Connection

from collector.greetings import Objection, likeness, lint, lint_stop
from collector.written_before import lint_written
from ledger.courtesies import was_written_before
from ledger.facts import manners_of
from ledger.keys import Keys
from ledger.model import Campaign
from ledger.newcomers import Newcomer
from ledger.written import last_written


def mark_of(keys: Keys, personal: str, name: str) -> str:
    """The keyed hash by which this sentence is known when it is written to somebody else."""
    return keys.token_hash("likeness:" + likeness(personal, name))


def objections_to(
    connection: Connection,
    keys: Keys,
    campaign: Campaign,
    newcomer: Newcomer,
    personal: str,
    text: str,
) -> list[Objection]:
    """What is to be said against this text with this personal sentence; empty: it may go."""
    is_new = not was_written_before(connection, mark_of(keys, personal, newcomer.name))
    found = lint(text, campaign, newcomer.shown_name, personal, is_new=is_new)
    if is_new:
        manners = manners_of(connection, campaign.id)
        templates = (manners.greeting, manners.follow_up)
        written = last_written(connection, keys)
        found += lint_written(personal, newcomer.name, campaign, written, templates)
    found += lint_stop(text, campaign.lang)
    if personal and personal not in text:
        said = "The sentence about them is not in the text."
        found.append(Objection("personal", personal, said))
    return found
