"""Post the campaign's prompt by an account, and see what became of earlier posts."""

from __future__ import annotations

from flask import Blueprint, abort, flash, render_template, request
from flask.typing import ResponseReturnValue

from collector.channels import POSTING
from ledger.accounts import all_accounts
from ledger.model import ReadingState
from ledger.prompts import PromptState, mark_not_posted, prompts_of_campaign
from web.access import editor_only
from web.desk.common import back, current_campaign, editor_name, saying_why
from web.here import ledger

pages = Blueprint("prompting", __name__, url_prefix="/desk/prompts")


@pages.get("")
@editor_only
def overview() -> ResponseReturnValue:
    ours = ledger()
    with ours.read() as connection:
        campaign = current_campaign(connection)
        if campaign is None:
            return render_template("desk/first_campaign.html")
        known = all_accounts(connection, ours.keys)
        posted = prompts_of_campaign(connection, campaign.id)
    return render_template(
        "desk/prompts.html",
        campaign=campaign,
        accounts=[
            account
            for account in known
            if account.channel in POSTING and account.reading is not ReadingState.REMOVED
        ],
        names={account.id: account.name for account in known},
        posted=posted,
    )


@pages.post("/<int:account_id>")
@editor_only
def post(account_id: int) -> ResponseReturnValue:
    """Post it now: a person's doing, once."""
    from collector.prompting import post_prompt

    ours = ledger()
    with ours.read() as connection:
        campaign = current_campaign(connection)
        known = {account.id: account for account in all_accounts(connection, ours.keys)}
    if campaign is None or account_id not in known:
        abort(404)
    with saying_why():
        post_prompt(ours, campaign, known[account_id], request.form.get("text", ""), editor_name())
        flash("It is posted. Answers to it are read from now on.", "done")
    return back("prompting.overview", campaign=campaign.slug)


@pages.post("/<int:account_id>/remember")
@editor_only
def remember(account_id: int) -> ResponseReturnValue:
    """It was posted by hand, or is there after all: remember it, so that answers are found."""
    from collector.prompting import remember_prompt

    ours = ledger()
    with ours.read() as connection:
        campaign = current_campaign(connection)
        known = {account.id: account for account in all_accounts(connection, ours.keys)}
    if campaign is None or account_id not in known:
        abort(404)
    address = request.form.get("address", "")
    with saying_why():
        _, moved = remember_prompt(ours, campaign, known[account_id], address, editor_name())
        flash("It is remembered. Answers to it are read from now on.", "done")
        if moved:
            flash(f"Replies that had come before now belong here: {moved}", "done")
    return back("prompting.overview", campaign=campaign.slug)


@pages.post("/<int:prompt_id>/missing")
@editor_only
def missing(prompt_id: int) -> ResponseReturnValue:
    """A person has looked: the post whose outcome nobody knew is not there."""
    ours = ledger()
    with ours.write() as connection:
        campaign = current_campaign(connection)
        waiting = (PromptState.UNKNOWN, PromptState.POSTING)
        if campaign is None or not any(
            prompt.id == prompt_id and prompt.state in waiting
            for prompt in prompts_of_campaign(connection, campaign.id)
        ):
            abort(404)
        mark_not_posted(connection, prompt_id, PromptState.FAILED, "It was not there.")
    flash("It can be posted again.", "done")
    return back("prompting.overview")
