"""The webmention endpoint: other servers say that a page of theirs links to one of ours.

Whatever passes a cheap look is kept and answered with 202; the worker checks it later
(collector/webmention/checking.py). Servers have no token of ours and no Origin: this one view
is open to them, and all it can do is add a row that says "look there".
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection
from werkzeug.security import safe_join

from collector.web_address import FetchError, WebAddress, read_address
from ledger.errors import DefinedbyError, TemporaryError
from ledger.mentions import MOST_CHARACTERS, campaign_of, receive
from ledger.posts import is_gone
from web.access import open_to_all
from web.errors import page
from web.here import ledger

pages = Blueprint("webmentions", __name__)
INDEX = "index.html"
FIELDS = ("source", "target")


@pages.post("/webmention")
@open_to_all
def take() -> ResponseReturnValue:
    """Keep a mention to be checked: 202, or 400 with the reason."""
    ours = ledger()
    try:
        source, target = _addresses(ours.settings.public_url)
        with ours.write() as connection:
            _check_target(connection, target)
            receive(connection, source.url, target.url, ours.clock())
    except TemporaryError as error:
        return _sentence(f"{error.what} {error.next_step}", 503)
    except DefinedbyError as error:
        return _sentence(f"{error.what} {error.next_step}", 400)
    return _sentence("Thank you. The page is looked at within a few minutes.", 202)


@pages.get("/webmention")
@open_to_all
def explain() -> ResponseReturnValue:
    """For people who find the address."""
    shown, status = page(
        405,
        "This address is for web servers",
        "When a page elsewhere links to this blog, its server can say so here.",
        "Answer on a site of your own, link to the question, and send a webmention.",
    )
    return shown, status, {"Allow": "POST"}


def link_header() -> str:
    """The value of the Link header that tells other servers about the endpoint (RFC 8288)."""
    return f'<{url_for("webmentions.take")}>; rel="webmention"'


def _addresses(public_url: str) -> tuple[WebAddress, WebAddress]:
    """Source and target as sent. Raises DefinedbyError for what can't be a mention of ours."""
    given = [request.form.getlist(field) for field in FIELDS]
    if any(len(values) != 1 for values in given):
        raise FetchError("A webmention has one source and one target.", "Send both as a form.")
    source, target = (read_address(values[0].strip()) for values in given)
    if max(len(source.url), len(target.url)) > MOST_CHARACTERS:
        raise FetchError(
            f"An address is longer than {MOST_CHARACTERS} characters.", "Use a shorter one."
        )
    own = read_address(public_url)
    if not _same_host(target, own):
        raise FetchError(
            "The target is not on this blog.", f"Send addresses that begin with {public_url}/."
        )
    if _same_host(source, own):
        raise FetchError("The source is a page of this blog.", "Send a page of your own.")
    return source, target


def _same_host(one: WebAddress, other: WebAddress) -> bool:
    """Whether both are one place; http and https at their usual ports are."""
    return urlsplit(one.url).netloc == urlsplit(other.url).netloc


def _check_target(connection: Connection, target: WebAddress) -> None:
    """Raises FetchError unless the target is a page of a campaign."""
    path = unquote(urlsplit(target.url).path)
    campaign = campaign_of(connection, target.url)
    own_pages = {"/", f"/{campaign.slug}/", f"/{campaign.slug}"} if campaign else set()
    gone = is_gone(connection, ledger().keys, path.removesuffix(INDEX).rstrip("/") + "/")
    if campaign is None or gone or not (path in own_pages or _is_built(path)):
        raise FetchError(
            "The target is no page that takes answers.", "Mention the page of a question."
        )


def _is_built(path: str) -> bool:
    """Whether the blog has a page at exactly this path."""
    if "//" in path or any(part.startswith(".") for part in path.split("/")):
        return False
    inside = safe_join(str(ledger().settings.site_folder.resolve()), path.lstrip("/"))
    return inside is not None and (Path(inside).is_file() or (Path(inside) / INDEX).is_file())


def _sentence(text: str, status: int) -> Response:
    return Response(text + "\n", status, mimetype="text/plain")
