"""The stage of a definition's author, and what comes next: for their page at the desk."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, flash, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from consent.reminding import may_remind
from consent.thanking import draft_thanks, may_thank
from ledger.contributors import set_zone
from ledger.courtesies import courtesies_to
from ledger.database import Ledger
from ledger.etiquette import Action, Verdict, checked_zone, may
from ledger.facts import facts_of, manners_of, once_key
from ledger.model import Definition
from ledger.person import PersonFacts
from ledger.stages import Stage, Step, next_steps, stage_of
from web.access import editor_only
from web.desk.common import back, definition_in_view, saying_why
from web.here import ledger

pages = Blueprint("stages", __name__, url_prefix="/desk/definitions")


@dataclass(frozen=True)
class PersonView:
    """What the desk shows of a definition's author beside the definition itself.

    `thanks`: the state of the thanks for this definition, "" before there are any.
    `reminding` is None where there is no question to remind of.
    """

    facts: PersonFacts
    stage: Stage
    steps: list[Step]
    asking: Verdict
    thanking: Verdict
    thanks: str
    reminding: Verdict | None
    zone: str

    @property
    def all_stages(self) -> tuple[Stage, ...]:
        return tuple(Stage)


def person_view(ours: Ledger, connection: Connection, definition: Definition) -> PersonView:
    from ledger.definitions import reply_of

    reply, now = reply_of(connection, definition), ours.clock()
    facts = facts_of(
        connection,
        ours.keys,
        now,
        campaign_id=definition.campaign_id,
        channel=reply.channel,
        contributor_id=definition.contributor_id,
    )
    rules = manners_of(connection, definition.campaign_id).rules(reply.channel)
    once = once_key(Action.THANK, definition.contributor_id, definition.id)
    return PersonView(
        facts,
        stage_of(facts),
        next_steps(facts, rules, now),
        may(Action.ASK, facts, rules, now),
        may_thank(ours, connection, definition),
        next(
            (
                row.state
                for row in courtesies_to(connection, definition.contributor_id)
                if row.once == once
            ),
            "",
        ),
        may_remind(ours, connection, definition),
        facts.zone,
    )


def thanks_draft(ours: Ledger, definition: Definition) -> str:
    """The words of the thanks, as long as nobody has changed them."""
    return draft_thanks(ours, definition.id)[1]


@pages.post("/<definition_id>/zone")
@editor_only
def zone(definition_id: str) -> ResponseReturnValue:
    """Their time zone, as an editor knows it; for quiet hours."""
    found, _ = definition_in_view(definition_id)
    with saying_why():
        name = checked_zone(request.form.get("zone", "")[:64])
        with ledger().write() as connection:
            set_zone(connection, found.contributor_id, name)
        flash("Kept.", "done")
    return back("definitions.definition", definition_id=definition_id)
