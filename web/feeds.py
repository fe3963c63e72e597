"""Feeds that are no files: JSON Feed, those of people and of editions, and archives of all."""

from __future__ import annotations

import re

from flask import Blueprint, Response, abort, request
from flask.typing import ResponseReturnValue

from publisher.json_feed import MEDIA_TYPE
from publisher.subscribing import FOLDER, feed_for, read_address
from web.access import open_to_all
from web.here import ledger
from web.hosting import GONE

pages = Blueprint("feeds", __name__)
TYPES = {"xml": "application/atom+xml", "json": MEDIA_TYPE}


@pages.get(f"/{FOLDER}/<path:path>")
@open_to_all
def show(path: str) -> ResponseReturnValue:
    """A feed as it is at this moment; 410 where it was of somebody whose words are all gone."""
    asked = read_address(path)
    found = feed_for(ledger(), asked) if asked else None
    if asked is None or found is None:
        return abort(410 if asked and re.match(GONE, asked.page) else 404)
    answer = Response(found, mimetype=TYPES[asked.format])
    # Kept by readers, asked for each time: nothing that was taken back is shown from a cache.
    answer.headers["Cache-Control"] = "no-cache"
    answer.add_etag()
    return answer.make_conditional(request)
