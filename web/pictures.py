"""The picture of a contributor's profile, for their own eyes, until a grant of theirs shows it.

It comes from us, not from its platform: whoever looks at the preview is seen by nobody else. It is
fetched when its owner ticks that it shall be shown, and at no other time (docs/adr/0031).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import structlog
from flask import Blueprint, Response, abort, current_app

from consent.credit import CreditError
from ledger.errors import DefinedbyError
from ledger.model import Credit
from ledger.pictures import has_picture, keep_picture, open_picture, picture_from
from ledger.profile_pictures import may_try, profile_picture
from web.access import contributor_id, contributor_only
from web.here import ledger
from web.language import say

pages = Blueprint("pictures", __name__)
#: Where the preview has its pictures from.
PREVIEWED = "/me/pictures/"
#: Where the application keeps what fetches a picture.
FETCH = "definedby-fetch-picture"
#: The picture of an address is fetched anew after this.
FRESH_FOR = timedelta(hours=1)

#: Given an address: the picture as it would be shown. Raises DefinedbyError.
FetchPicture = Callable[[str], bytes]
_log = structlog.get_logger("definedby.pictures")


def fetch_picture(url: str) -> bytes:
    """As collector.picture, which is loaded when somebody wants a picture for the first time."""
    from collector.picture import fetch_picture as fetch

    return fetch(url)


@pages.get("/me/pictures/<name>.jpg")
@contributor_only
def show(name: str) -> Response:
    """One of their own pictures; 404 for anybody else's."""
    ours = ledger()
    with ours.read() as connection:
        if not has_picture(connection, contributor_id(), name):
            abort(404)
        content = open_picture(connection, ours.keys, contributor_id(), name)
    return Response(content, mimetype="image/jpeg")


@pages.app_context_processor
def _values() -> dict[str, Any]:
    return {"picture_offered": picture_offered}


def picture_offered(ticked: str) -> bool:
    """Whether there is a picture to choose: where none is known, nothing is asked about one."""
    with ledger().read() as connection:
        return bool(ticked) or bool(profile_picture(connection, contributor_id()))


def chosen_picture(shown: str) -> str:
    """The name of the picture that they want shown: that on the screen, else their profile's.

    Raises CreditError when it can't be had.
    """
    ours, whose = ledger(), contributor_id()
    with ours.read() as connection:
        if shown and has_picture(connection, whose, shown):
            return shown
        url = profile_picture(connection, whose)
        known = picture_from(connection, whose, url, ours.clock() - FRESH_FOR) if url else ""
    return known or _fetched(whose)


def spoken(credit: Credit) -> str:
    """The credit for those who hear the page."""
    return f"{credit.line}. {say('With your picture.')}" if credit.picture else credit.line


def _fetched(whose: str) -> str:
    """The picture as it stands in their profile now. No transaction is open while it is fetched."""
    ours = ledger()
    with ours.write() as connection:
        url = may_try(connection, whose, ours.clock())
    try:
        if not url:
            raise _unavailable()
        content = current_app.extensions[FETCH](url)
    except CreditError:
        raise
    except DefinedbyError as error:
        _log.info("a profile's picture could not be had", reason=type(error).__name__)
        raise _unavailable() from error
    with ours.write() as connection:
        return keep_picture(connection, ours.keys, whose, url, content, ours.clock())


def _unavailable() -> CreditError:
    return CreditError(
        "The picture of your profile could not be had.",
        "Do without it, or try again in a minute.",
    )
