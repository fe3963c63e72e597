"""The link in the header of our mails that ends them, for people and for their mail program.

A mail program sends the POST by itself when its user presses "unsubscribe" (RFC 8058). It comes
without cookies and from anywhere, and all it can do is to stop us from writing to somebody; so
this one view takes it without a CSRF token. Opening the address changes nothing (promise P03).
"""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue

from consent.notice import notice_version
from consent.stopping import is_stop_link, stop_by_link
from ledger.stop_links import PATH
from web.access import open_to_all
from web.here import ledger
from web.language import language

pages = Blueprint("unsubscribing", __name__)
#: RFC 8058 3.1: the one field that the POST has to hold.
FIELD, VALUE = "List-Unsubscribe", "One-Click"


@pages.get(f"{PATH}<token>")
@open_to_all
def look(token: str) -> ResponseReturnValue:
    """One button, for people who open the link themselves."""
    if not is_stop_link(ledger(), token):
        abort(404)
    return render_template("contributor/unsubscribe.html", field=FIELD, value=VALUE)


@pages.post(f"{PATH}<token>")
@open_to_all
def stop(token: str) -> ResponseReturnValue:
    """No more messages, on any channel. Answered at once: mail programs follow no redirects."""
    ours = ledger()
    if not is_stop_link(ours, token):
        abort(404)
    if request.form.get(FIELD) != VALUE:
        abort(400)
    evidence = {"channel": "email", "header": FIELD, "notice": notice_version(language())}
    if not stop_by_link(ours, token, evidence):
        abort(404)
    return render_template("contributor/unsubscribed.html")
