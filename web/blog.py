"""The built blog, as files; and /healthz for whoever watches over the server."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, abort, jsonify, redirect, render_template, send_file
from flask.typing import ResponseReturnValue
from sqlalchemy import text
from werkzeug.security import safe_join

from ledger import posts
from ledger.errors import DefinedbyError
from publisher.compose import PICTURES
from web.access import open_to_all
from web.here import ledger

pages = Blueprint("blog", __name__)
INDEX = "index.html"
UNCACHED = {"Cache-Control": "no-store"}


@pages.get("/healthz")
@open_to_all
def health() -> ResponseReturnValue:
    """200 once the ledger can be read."""
    try:
        with ledger().read() as connection:
            connection.execute(text("SELECT 1"))
    except DefinedbyError as error:
        return jsonify(status="down", what=error.what), 503, UNCACHED
    return jsonify(status="ok"), UNCACHED


@pages.get("/", defaults={"path": ""})
@pages.get("/<path:path>")
@open_to_all
def show(path: str) -> ResponseReturnValue:
    """A page or file of the blog; 410 for what was taken back, without naming anybody."""
    if _is_gone(path):
        return _own_page(410)
    found = _file(path)
    if found is None:
        return _nothing(path)
    if found.name == INDEX and path and not path.endswith(("/", INDEX)):
        return redirect(f"/{path.lstrip('/')}/", 308)
    fleeting = found.suffix == ".html" or f"/{path}".startswith(PICTURES)
    return send_file(found, conditional=True, max_age=0 if fleeting else 3600)


def _is_gone(path: str) -> bool:
    address = "/" + path.removesuffix(INDEX)
    ours = ledger()
    with ours.read() as connection:
        return any(
            posts.is_gone(connection, ours.keys, spelled)
            for spelled in {address, address.rstrip("/") + "/"}
        )


def _file(path: str) -> Path | None:
    """The file of the site at this address. Hidden files are ours alone."""
    if any(part.startswith(".") for part in path.split("/")):
        return None
    inside = safe_join(str(ledger().settings.site_folder.resolve()), path)
    if inside is None:
        return None
    found = Path(inside)
    if found.is_dir():
        found /= INDEX
    elif path.endswith("/"):
        return None
    return found if found.is_file() else None


def _nothing(path: str) -> ResponseReturnValue:
    if not path:
        return render_template("contributor/unbuilt.html"), 404
    return _own_page(404)


def _own_page(status: int) -> ResponseReturnValue:
    """The blog's own page for this status, in its own dress; else that of the application."""
    found = _file(f"{status}.html")
    return (send_file(found, conditional=False), status) if found else abort(status)
