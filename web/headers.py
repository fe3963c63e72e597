"""Security headers on every answer (promise P33), and who may keep a copy of it."""

from __future__ import annotations

from functools import partial

from flask import Flask, Response, request
from secure import Secure
from secure.headers import (
    ContentSecurityPolicy,
    CrossOriginOpenerPolicy,
    CrossOriginResourcePolicy,
    PermissionsPolicy,
    ReferrerPolicy,
    StrictTransportSecurity,
    XContentTypeOptions,
    XFrameOptions,
)

from ledger.settings import Settings
from web.webmentions import link_header

#: Pages whose address or content is one person's secret: they name no referrer at all.
PERSONAL = frozenset(
    {"correcting", "offers", "personal", "receipts", "rights", "unsubscribing", "welcome"}
)
#: Pages that load a script of the desk; no other page runs any.
SCRIPTED = frozenset(
    {
        *("inbox.replies", "threads.overview", "threads.thread", "threads.write"),
        *(
            "definitions.definition",
            "definitions.words",
            "asking.ask",
            "thanking.send",
            "reminding.send",
        ),
    }
)
#: Pages whose script asks this server how something would look.
LIVE = frozenset(
    {"personal.item", "personal.decide", "offers.offer", "offers.decide"}
    | {"correcting.correct", "correcting.decide", "correcting.words"}
)
#: Answers that may be cached as their own headers say.
PUBLIC = frozenset({"blog", "feeds"})
YEAR = 365 * 24 * 60 * 60


def send_security_headers(app: Flask, settings: Settings) -> None:
    """Set the headers on every answer of `app`, error pages included."""
    https = settings.public_url.startswith("https://")
    policies = {
        (scripted, live, personal): _policy(
            https=https, scripted=scripted, live=live, personal=personal
        )
        for scripted, live in ((False, False), (True, False), (True, True))
        for personal in (False, True)
    }
    app.after_request(partial(_finish, policies))


def blog_headers(settings: Settings) -> dict[str, str]:
    """The headers of a page of the blog, for a web server that serves it by itself."""
    https = settings.public_url.startswith("https://")
    return dict(_policy(https=https, scripted=False, live=False, personal=False).headers)


def _finish(policies: dict[tuple[bool, bool, bool], Secure], response: Response) -> Response:
    live = request.endpoint in LIVE
    kind = (live or request.endpoint in SCRIPTED, live, request.blueprint in PERSONAL)
    policies[kind].set_headers(response)
    if request.blueprint in PUBLIC and response.mimetype == "text/html":
        response.headers["Link"] = link_header()
    public = request.blueprint in PUBLIC or request.endpoint == "static"
    if not public or response.status_code >= 400:
        response.headers["Cache-Control"] = "no-store"
    return response


def _policy(*, https: bool, scripted: bool, live: bool, personal: bool) -> Secure:
    csp = (
        ContentSecurityPolicy()
        .default_src("'none'")
        .style_src("'self'")
        .img_src("'self'")
        .form_action("'self'")
        .frame_ancestors("'none'")
        .base_uri("'none'")
    )
    if scripted:
        csp = csp.script_src("'self'")
    if live:
        csp = csp.connect_src("'self'")
    referrer = ReferrerPolicy()
    permissions = PermissionsPolicy()
    for feature in ("camera", "geolocation", "microphone", "payment", "usb"):
        permissions = permissions.directive(feature)
    return Secure(
        csp=csp,
        referrer=referrer.no_referrer() if personal else referrer.same_origin(),
        xcto=XContentTypeOptions(),
        xfo=XFrameOptions().deny(),
        coop=CrossOriginOpenerPolicy().same_origin(),
        corp=CrossOriginResourcePolicy().same_origin(),
        permissions=permissions,
        hsts=StrictTransportSecurity().max_age(YEAR) if https else None,
    )
