"""Who may use a route. Each view says so by a decorator; a view that says nothing is closed.

The decorators only mark a view; `guard` runs before every request and decides (promise P25).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from flask import abort, current_app, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from ledger.editors import OWNER
from ledger.links import contributor_of_link
from web.here import ledger

View = TypeVar("View", bound=Callable[..., Any])

#: Where the session keeps the id of the personal link it was opened with.
LINK = "link"
#: When the editor signed in; a session ends this long after it, however busy it was.
SIGNED_IN_AT = "signed_in_at"
LONGEST_SESSION = timedelta(days=7)
_MARK = "access"


class Access(StrEnum):
    ALL = "all"
    CONTRIBUTOR = "contributor"
    EDITOR = "editor"
    OWNER = "owner"


def open_to_all(view: View) -> View:
    """Anybody may use this route, signed in or not."""
    return _marked(view, Access.ALL)


def contributor_only(view: View) -> View:
    """Only whoever came by a live personal link; `contributor_id()` says who that is."""
    return _marked(view, Access.CONTRIBUTOR)


def editor_only(view: View) -> View:
    """Only a signed-in editor."""
    return _marked(view, Access.EDITOR)


def owner_only(view: View) -> View:
    """Only a signed-in editor with the role of owner."""
    return _marked(view, Access.OWNER)


def _marked(view: View, access: Access) -> View:
    vars(view)[_MARK] = access
    return view


def access_of(endpoint: str) -> Access | None:
    """What the view of this endpoint declared; None when it declared nothing."""
    found = vars(current_app.view_functions[endpoint]).get(_MARK)
    return found if isinstance(found, Access) else None


def guard() -> ResponseReturnValue | None:
    """Let a request pass, or answer it: 403, 404 or the way to the sign-in page."""
    if request.endpoint is None:
        return None  # the router answers 404 or 405
    match access_of(request.endpoint):
        case Access.ALL:
            return None
        case Access.CONTRIBUTOR:
            return _guard_contributor()
        case Access.EDITOR:
            return _guard_editor()
        case Access.OWNER:
            return _guard_editor() or _guard_owner()
        case _:
            return abort(403)


def contributor_id() -> str:
    """Whose personal pages this request shows."""
    return str(g.contributor_id)


def _guard_contributor() -> ResponseReturnValue | None:
    ours, link_id = ledger(), session.get(LINK)
    found = None
    if link_id:
        with ours.read() as connection:
            found = contributor_of_link(connection, link_id, ours.clock())
    if found is None:
        session.pop(LINK, None)
        abort(404)
    g.contributor_id = found
    return None


def is_signed_in() -> bool:
    """Whether an editor is signed in, and not for too long."""
    from flask_security import current_user

    return bool(current_user.is_authenticated) and _recent(session.get(SIGNED_IN_AT, ""))


def _guard_editor() -> ResponseReturnValue | None:
    if is_signed_in():
        return None
    if request.method in ("GET", "HEAD"):
        return redirect(url_for("signing_in.sign_in"))
    return abort(403)


def _guard_owner() -> ResponseReturnValue | None:
    from flask_security import current_user

    if not current_user.has_role(OWNER):
        abort(403)
    return None


def _recent(stamp: str) -> bool:
    try:
        return ledger().clock() - datetime.fromisoformat(stamp) < LONGEST_SESSION
    except (TypeError, ValueError):
        return False
