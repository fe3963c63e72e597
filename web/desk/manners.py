"""How a campaign treats people: its time zone, where it is stricter, its own templates."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, render_template, request
from flask.typing import ResponseReturnValue

from collector.greetings import checked_template, default_template
from ledger.errors import DefinedbyError, SettingError
from ledger.etiquette import Action, Rule, checked_overrides, checked_zone, movable_rules
from ledger.facts import Manners, keep_manners, manners_of
from ledger.model import Campaign
from web.access import editor_only, owner_only
from web.desk.common import back, current_campaign
from web.here import ledger

pages = Blueprint("manners", __name__, url_prefix="/desk/manners")
FIELDS = ("zone", "greeting", "follow_up")


@pages.get("")
@editor_only
def form() -> ResponseReturnValue:
    with ledger().read() as connection:
        campaign = current_campaign(connection)
        if campaign is None:
            return render_template("desk/first_campaign.html")
        kept = manners_of(connection, campaign.id)
    typed = {
        **{name: getattr(kept, name) for name in FIELDS},
        **{name: _shown(value) for name, value in (kept.stricter or {}).items()},
    }
    return _page(campaign, typed)


@pages.post("")
@owner_only
def keep() -> ResponseReturnValue:
    """Keep them for this campaign. What is less strict than we promise is refused."""
    typed = {name: value.strip()[:1000] for name, value in request.form.items()}
    ours = ledger()
    with ours.read() as connection:
        campaign = current_campaign(connection)
    if campaign is None:
        abort(404)
    try:
        kept = Manners(
            checked_zone(typed.get("zone", "")),
            checked_overrides(
                {
                    rule.name: _read(rule, typed[rule.name])
                    for rule in movable_rules()
                    if typed.get(rule.name)
                }
            ),
            checked_template(typed.get("greeting", ""), campaign),
            checked_template(typed.get("follow_up", ""), campaign),
        )
    except DefinedbyError as error:
        return _page(campaign, typed, error), 400
    with ours.write() as connection:
        keep_manners(connection, campaign.id, kept)
    flash("Kept. It holds from now on, also for what waits in the outbox.", "done")
    return back("manners.form")


def _page(campaign: Campaign, typed: dict[str, Any], wrong: DefinedbyError | None = None) -> str:
    return render_template(
        "desk/manners.html",
        campaign=campaign,
        rules=movable_rules(),
        shown=_shown,
        typed=typed,
        wrong=wrong,
        defaults={
            "greeting": default_template(campaign.lang),
            "follow_up": default_template(campaign.lang, Action.FOLLOW_UP),
        },
    )


def _shown(value: Any) -> str:
    return "-".join(value) if isinstance(value, list) else str(value)


def _read(rule: Rule, typed: str) -> Any:
    if rule.stricter == "hours":
        return [part.strip() for part in typed.split("-")]
    try:
        return int(typed)
    except ValueError as error:
        raise SettingError(
            f"'{typed}' is no number ({rule.name}).", "Write it in digits."
        ) from error
