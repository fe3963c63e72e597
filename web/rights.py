"""What somebody may ask about themselves on their own page: everything kept, and its end."""

from __future__ import annotations

import tempfile

from flask import Blueprint, send_file
from flask.typing import ResponseReturnValue

from consent.rights.export import export
from web.access import contributor_id, contributor_only
from web.here import ledger
from web.language import language

pages = Blueprint("rights", __name__)
FILE_NAME = "everything-kept-about-me.zip"
#: Larger exports are written to the disk while they are made, and are gone once they are sent.
MOST_IN_MEMORY = 4 << 20


@pages.get("/me/export")
@contributor_only
def download() -> ResponseReturnValue:
    """Everything held about them, in one file; reads only."""
    file = tempfile.SpooledTemporaryFile(max_size=MOST_IN_MEMORY)  # noqa: SIM115 - closed when sent
    export(ledger(), contributor_id(), file, language())
    file.seek(0)
    answer = send_file(
        file, mimetype="application/zip", as_attachment=True, download_name=FILE_NAME
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer
