"""A second independent receiver of webmentions: `django-webmention` from PyPI, over real HTTP.

Where the other one (tests/servers/receiver.py) answers before it has looked at the page, and names
its endpoint in the page, this one looks first, answers 400 to what does not cite it, and names its
endpoint in a header alone.
"""

from __future__ import annotations

import threading
from pathlib import Path

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from werkzeug.serving import make_server

#: Where Django keeps the one configuration that a process may have.
_PAGE: list[str] = []


def _post(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(_PAGE[-1])


def _configure() -> None:
    if settings.configured:
        return
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3"}},
        INSTALLED_APPS=["webmention"],
        LOGGING_CONFIG=None,
        MIDDLEWARE=["webmention.middleware.webmention_middleware"],
        SECRET_KEY="of no site",
    )
    django.setup()
    settings.ROOT_URLCONF = (path("post", _post), path("mentioned/", include("webmention.urls")))


class DjangoReceiver:
    """A Django site that runs `django-webmention`; one at a time. Its one page is /post."""

    def __init__(self, folder: Path, page: str = "<h1>A post that we cite</h1>") -> None:
        _configure()
        _PAGE.append(page)
        self._database = connections["default"]
        self._database.settings_dict["NAME"] = str(folder / "received.sqlite")
        call_command("migrate", "webmention", verbosity=0)
        self._server = make_server("127.0.0.1", 0, WSGIHandler(), threaded=True)
        self.base = f"http://127.0.0.1:{self._server.port}"
        self.endpoint = f"{self.base}/mentioned/receive"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> DjangoReceiver:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._database.close()

    def received(self) -> list[tuple[str, str]]:
        """Source and target of each mention that stands."""
        from webmention.models import WebMentionResponse  # Django allows it once configured

        standing = WebMentionResponse.objects.filter(current=True)
        return list(standing.values_list("source", "response_to"))
