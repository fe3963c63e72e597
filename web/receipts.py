"""The receipt of a consent: to read, and as a signed file to keep."""

from __future__ import annotations

from flask import Blueprint, Response, render_template
from flask.typing import ResponseReturnValue

from consent.offering import BY_AUTHOR
from consent.receipts import receipt
from consent.receipts import receipt_file as as_file
from web.access import contributor_only
from web.here import ledger
from web.language import speak
from web.own import own_item

pages = Blueprint("receipts", __name__)


@pages.get("/me/<definition_id>/receipt")
@contributor_only
def receipt_page(definition_id: str) -> ResponseReturnValue:
    found = own_item(definition_id)
    speak(question=found.campaign.lang)
    record = receipt(ledger(), definition_id)
    return render_template("contributor/receipt.html", item=found, record=record, unasked=BY_AUTHOR)


@pages.get("/me/<definition_id>/receipt.json")
@contributor_only
def receipt_file(definition_id: str) -> ResponseReturnValue:
    """The signed record as a file to keep."""
    own_item(definition_id)
    file = as_file(receipt(ledger(), definition_id))
    answer = Response(file.content, mimetype="application/json")
    answer.headers.set("Content-Disposition", "attachment", filename=file.name)
    return answer
