"""How often somebody may do something; beyond that they are asked to wait (429)."""

from __future__ import annotations

from typing import Any

from flask import Flask, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from ledger.settings import Settings

#: Endpoint -> limits per address. Only requests that do something count.
PER_ADDRESS = {
    "answers.words": "10/minute;60/hour",
    "answers.send": "10/minute;60/hour",
    "personal.enter": "30/minute",
    "personal.decide": "60/minute",
    "personal.look": "240/minute",
    "correcting.decide": "60/minute",
    "correcting.look": "240/minute",
    "offers.decide": "60/minute",
    "offers.look": "240/minute",
    "personal.stop": "10/minute",
    "signing_in.sign_in": "5/minute;20/hour",
    "welcome.accept": "5/minute;20/hour",
    # Large mail providers send the clicks of all their users from few addresses.
    "unsubscribing.stop": "60/minute;600/hour",
    "webmentions.take": "30/minute;300/hour",
}
#: Guesses at one account's password that are looked at, wherever they come from (promise P23).
PER_ACCOUNT = "10/15 minutes"


def set_up_limits(app: Flask, settings: Settings) -> None:
    """Wrap the views named above. To be called once all blueprints are registered."""
    limiter = Limiter(
        get_remote_address, app=app, storage_uri=settings.rate_limit_storage, headers_enabled=False
    )
    views: dict[str, Any] = app.view_functions
    for endpoint, limits in PER_ADDRESS.items():
        methods = ["GET"] if endpoint == "personal.enter" else ["POST"]
        views[endpoint] = limiter.limit(limits, methods=methods)(views[endpoint])
    views["signing_in.sign_in"] = limiter.limit(
        PER_ACCOUNT, key_func=_account, methods=["POST"], scope="account"
    )(views["signing_in.sign_in"])


def _account() -> str:
    return request.form.get("email", "").strip().casefold()
