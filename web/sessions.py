"""The session: one signed cookie that holds ids and no words."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask, Response, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin

from ledger.settings import Settings

#: A session ends after this long without a request.
IDLE = timedelta(hours=12)


class QuietSessions(SecureCookieSessionInterface):
    """Signed cookies, and none for readers of the blog: their pages may be cached by anyone."""

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if request.blueprint != "blog" and request.endpoint != "static":
            super().save_session(app, session, response)


def set_up_sessions(app: Flask, settings: Settings) -> None:
    """The name prefix __Host- ties the cookie to this very host (RFC 6265bis); it needs https."""
    https = settings.public_url.startswith("https://")
    app.session_interface = QuietSessions()
    app.config.update(
        SESSION_COOKIE_NAME="__Host-definedby" if https else "definedby",
        SESSION_COOKIE_SECURE=https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=IDLE,
    )
