"""What somebody may ask about themselves on their own page: everything kept, and its end."""

from __future__ import annotations

import io

from flask import Blueprint, redirect, render_template, send_file, session, url_for
from flask.typing import ResponseReturnValue

from consent.rights.erasing import erase, what_goes
from consent.rights.export import export
from web.access import LINK, contributor_id, contributor_only, open_to_all
from web.answers import ARRIVED
from web.here import ledger
from web.language import language

pages = Blueprint("rights", __name__)
#: Which page somebody decided on; kept as evidence.
PAGE_VERSION = "erase-1"
FILE_NAME = "everything-kept-about-me.zip"


@pages.get("/me/export")
@contributor_only
def download() -> ResponseReturnValue:
    """Everything held about them, in one file; reads only."""
    file = io.BytesIO()
    export(ledger(), contributor_id(), file, language())
    file.seek(0)
    answer = send_file(
        file, mimetype="application/zip", as_attachment=True, download_name=FILE_NAME
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


@pages.get("/me/erase")
@contributor_only
def ask_first() -> ResponseReturnValue:
    """What would go, what would remain and why; nothing happens by looking."""
    return render_template(
        "contributor/erase.html",
        going=what_goes(ledger(), contributor_id()),
        backup_days=ledger().settings.backup_days,
    )


@pages.post("/me/erase")
@contributor_only
def erase_me() -> ResponseReturnValue:
    """One press; whoever presses it has the link, and needs to say nothing."""
    erase(ledger(), contributor_id(), {"channel": "page", "page": PAGE_VERSION})
    session.pop(LINK, None)
    session.pop(ARRIVED, None)
    return redirect(url_for("rights.erased"), 303)


@pages.get("/erased")
@open_to_all
def erased() -> ResponseReturnValue:
    """It is done. This page knows of nobody."""
    return render_template("contributor/erased.html")
