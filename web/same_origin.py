"""Only our own pages may change something: Sec-Fetch-Site and Origin, beside the CSRF token.

Browsers send `Origin: null` from pages with Referrer-Policy no-referrer (Fetch standard,
"append a request Origin header"), as our personal pages are. There Sec-Fetch-Site decides; a
browser too old to send it has the CSRF token alone to show.
"""

from __future__ import annotations

from flask import abort, request

from web.here import ledger

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
#: What other servers call: a webmention, and the one click that ends our mails (RFC 8058).
FOR_OTHERS = frozenset({"webmentions.take", "unsubscribing.stop"})
OWN_SITE = frozenset({"same-origin", "none"})


def refuse_other_sites() -> None:
    """403 for an unsafe request that another site started."""
    if request.method in SAFE_METHODS or request.endpoint in FOR_OTHERS:
        return
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site not in OWN_SITE:
        abort(403)
    origin = request.headers.get("Origin", "null")
    if origin != "null" and origin not in (
        ledger().settings.public_url,
        request.host_url.rstrip("/"),
    ):
        abort(403)
