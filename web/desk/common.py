"""What the desk's pages share: the campaign in view, the banner, and telling what went wrong."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from flask import abort, flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user
from sqlalchemy import Connection

from collector.alerts import all_alerts
from ledger import jobs
from ledger.campaigns import all_campaigns, campaign_by_id
from ledger.definitions import find_definition
from ledger.errors import DefinedbyError
from ledger.handed_over import count_handed_over
from ledger.model import Campaign, Definition
from ledger.outbox import MessageState
from ledger.paused import paused
from ledger.rights_requests import count_open_rights
from ledger.sent import messages_in
from web.access import is_signed_in
from web.here import ledger

CAMPAIGN = "campaign"


def editor_name() -> str:
    """Who does this, for the records."""
    return str(current_user.shown_name)


def current_campaign(connection: Connection) -> Campaign | None:
    """The campaign chosen in the address or before, else the newest open one."""
    known = all_campaigns(connection)
    wanted = request.args.get(CAMPAIGN, "") or session.get(CAMPAIGN, "")
    chosen = next((campaign for campaign in known if campaign.slug == wanted), None)
    if chosen is None:
        chosen = next((c for c in reversed(known) if c.is_open), known[-1] if known else None)
    if chosen is not None and request.args.get(CAMPAIGN) == chosen.slug:
        session[CAMPAIGN] = chosen.slug
    return chosen


def definition_in_view(definition_id: str) -> tuple[Definition, Campaign]:
    """The definition of this page and its campaign; 404 when there is none."""
    with ledger().read() as connection:
        found = find_definition(connection, definition_id)
        if found is None:
            abort(404)
        return found, campaign_by_id(connection, found.campaign_id)


@contextlib.contextmanager
def saying_why() -> Iterator[None]:
    """Show what a person can mend on the next page instead of a page of its own."""
    try:
        yield
    except DefinedbyError as error:
        flash(str(error), "wrong")


def back(endpoint: str, **values: Any) -> ResponseReturnValue:
    """On to one of our own pages after a POST."""
    return redirect(url_for(endpoint, **values), 303)


def moment_given(field: str) -> datetime | None:
    """A moment in UTC from a field of the form; None for an empty one. Raises DefinedbyError."""
    typed = request.form.get(field, "").strip()
    if not typed:
        return None
    try:
        return datetime.fromisoformat(typed).replace(tzinfo=UTC)
    except ValueError as error:
        raise DefinedbyError("The time can't be read.", "Write it as 2026-01-31T18:30.") from error


def page_number() -> int:
    """Which page of a list is wanted, from 1."""
    return max(1, request.args.get("page", 1, type=int))


def desk_values() -> dict[str, Any]:
    """For every template of the desk: campaigns to switch to, and what needs attention."""
    if not request.path.startswith("/desk") or not is_signed_in():
        return {}
    with ledger().read() as connection:
        return {
            "campaigns": all_campaigns(connection),
            "current": current_campaign(connection),
            "paused": paused(connection),
            "job_error": jobs.last_error(connection),
            "unknown_messages": len(messages_in(connection, MessageState.UNKNOWN))
            + count_handed_over(connection),
            "rights_waiting": count_open_rights(connection),
            "alerts": all_alerts(connection, ledger().clock()),
        }
