"""The web application: its settings, its safeguards in their order, its pages."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from flask import Flask, request
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from ledger.database import Ledger
from web.access import guard
from web.errors import show_error_pages
from web.headers import send_security_headers
from web.here import EXTENSION
from web.limits import set_up_limits
from web.same_origin import refuse_other_sites
from web.sessions import set_up_sessions
from web.showing import teach_templates
from web.users import set_up_sign_in

#: The project's folder in a checkout, and site-packages in an installation.
ROOT = Path(__file__).parent.parent
#: Each has `pages`, a blueprint.
PAGES = (
    *(
        "web.answers",
        "web.contributor",
        "web.offers",
        "web.receipts",
        "web.correcting",
        "web.rights",
        "web.invitations",
        "web.signing_in",
    ),
    *("web.desk.inbox", "web.desk.marking", "web.desk.definitions", "web.desk.asking"),
    *("web.desk.editions", "web.desk.accounts", "web.desk.outbox", "web.desk.campaigns"),
    "web.desk.answering",
    *("web.desk.pasting", "web.desk.prompting", "web.desk.adding"),
    *("web.desk.threads", "web.desk.pieces", "web.desk.joining", "web.desk.people"),
    *(
        "web.desk.greetings",
        "web.desk.manners",
        "web.desk.stages",
        "web.desk.thanking",
        "web.desk.reminding",
    ),
    *("web.webmentions", "web.unsubscribing", "web.well_known", "web.feeds"),
    "web.blog",
)
#: The form on the blog is a static page and has no token, and this view stores nothing; other
#: servers have none either, and all they can do is ask us to look at a page of theirs, or to
#: write to somebody no more.
WITHOUT_TOKEN = ("web.answers.words", "web.webmentions.take", "web.unsubscribing.stop")
KIB = 1024
MOST_BYTES = 64 * KIB
MOST_BYTES_AT_DESK = 1024 * KIB
#: An interview comes back with the answer, so that what was on the screen is what is allowed.
MOST_BYTES_OF_PIECES = 512 * KIB


def create_application(ledger: Ledger) -> Flask:
    """The WSGI application for an open instance."""
    settings = ledger.settings
    app = Flask(
        "web",
        root_path=str(ROOT / "web"),
        template_folder=str(ROOT / "templates"),
        static_folder="static",
    )
    app.config.update(
        SECRET_KEY=ledger.keys.web,
        MAX_CONTENT_LENGTH=MOST_BYTES,
        SEND_FILE_MAX_AGE_DEFAULT=3600,
        # A token lives as long as its session; ours sees to the origin of requests itself.
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
    )
    app.extensions[EXTENSION] = ledger
    set_up_sessions(app, settings)
    _set_up_safeguards(app, ledger)
    _add_pages(app)
    set_up_limits(app, settings)
    send_security_headers(app, settings)
    show_error_pages(app)
    teach_templates(app)
    hops = settings.trusted_proxies
    if hops:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops
        )
    return app


def _set_up_safeguards(app: Flask, ledger: Ledger) -> None:
    """In the order in which they look at a request: size, origin, access, token."""
    app.before_request(_allow_more_at_desk)
    app.before_request(refuse_other_sites)
    set_up_sign_in(app, ledger)
    app.before_request(guard)
    csrf = CSRFProtect(app)
    for view in WITHOUT_TOKEN:
        csrf.exempt(view)


def _add_pages(app: Flask) -> None:
    from web.access import open_to_all

    for name in PAGES:
        app.register_blueprint(import_module(name).pages)
    app.view_functions["static"] = open_to_all(app.view_functions["static"])


def _allow_more_at_desk() -> None:
    if request.path.startswith("/desk/"):
        request.max_content_length = MOST_BYTES_AT_DESK
    elif request.path.startswith("/me/"):
        request.max_content_length = MOST_BYTES_OF_PIECES
