"""Error pages: what is wrong in one calm sentence, and the one next step."""

from __future__ import annotations

import logging

from flask import Flask, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException

from ledger.errors import DefinedbyError, TemporaryError

_log = logging.getLogger(__name__)

#: Status -> title, what is wrong, what to do next.
PAGES = {
    400: (
        "That did not arrive whole",
        "The page you sent this from was open for too long, or something was missing.",
        "Go back, load the page again and send it once more.",
    ),
    403: (
        "This is not open to you",
        "This page is for other people, or the request came from another site.",
        "Editors sign in at the desk; everybody else is welcome on the blog.",
    ),
    404: (
        "There is nothing here",
        "No page has this address.",
        "Check the address, or start from the front page.",
    ),
    405: (
        "That does not work here",
        "This page can't be used that way.",
        "Go back and use the buttons of the page.",
    ),
    410: (
        "This has been taken back",
        "What stood here is no longer published.",
        "The front page shows everything that is.",
    ),
    413: (
        "That is too long",
        "More was sent than this page can take.",
        "Go back and shorten it; nothing of it was stored.",
    ),
    429: (
        "A little slower, please",
        "There were too many requests from your address in a short time.",
        "Wait a minute, go back, and send it again.",
    ),
    500: (
        "That was our fault",
        "Something went wrong while making this page; it has been noted.",
        "Try again in a minute. If it stays like this, please tell the editor.",
    ),
}
PERSONAL_PAGES = frozenset({"offers", "personal", "receipts"})
#: For whoever opens /me or /p without a link that is good.
NO_LINK = (
    "This page needs your personal link",
    "The link you used is not valid any more, or your visit has ended.",
    "Open the newest link that you were given, or ask the person who wrote to you for another.",
)


def show_error_pages(app: Flask) -> None:
    """Answer every error of `app` with a page of ours."""
    app.register_error_handler(HTTPException, _of_status)
    app.register_error_handler(CSRFError, _of_status)
    app.register_error_handler(DefinedbyError, _of_known)
    app.register_error_handler(Exception, _of_surprise)


def page(status: int, title: str, what: str, next_step: str) -> tuple[str, int]:
    shown = render_template(
        "contributor/error.html", title=title, what=what, next_step=next_step, status=status
    )
    return shown, status


def _of_status(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if status < 400:
        return error.get_response()  # a redirect of the router's own
    if status == 404 and request.blueprint in PERSONAL_PAGES:
        return page(status, *NO_LINK)
    shown, _ = page(status, *PAGES.get(status, PAGES[400 if status < 500 else 500]))
    allowed = [("Allow", value) for name, value in error.get_headers() if name == "Allow"]
    return shown, status, Headers(allowed)


def _of_known(error: DefinedbyError) -> ResponseReturnValue:
    temporary = isinstance(error, TemporaryError)
    status, title = (503, "Not just now") if temporary else (409, "That can't be done")
    return page(status, title, error.what, error.next_step)


def _of_surprise(error: Exception) -> ResponseReturnValue:
    _log.error("A page could not be made: %s", request.endpoint, exc_info=error)
    return page(500, *PAGES[500])
