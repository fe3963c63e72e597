"""P26: personal links are long, hashed at rest, revocable, scoped, and never in a log."""

from __future__ import annotations

import base64
import http.client
import io
import logging
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import structlog
from flask import Flask
from werkzeug.serving import make_server

from consent.requests import fresh_link
from ledger import log
from ledger.database import Ledger
from ledger.editors import invite_owner
from ledger.links import revoke_links
from ledger.model import Campaign
from ledger.stop_links import PATH, new_stop_link
from tests.people import asked
from tests.visiting import Visitor, application, contributor, owner
from web.access import open_to_all


@pytest.fixture
def app(ledger: Ledger) -> Flask:
    return application(ledger)


@pytest.fixture
def person(ledger: Ledger, campaign: Campaign) -> str:
    return asked(ledger, campaign, "hearing people out").request.contributor_id


def token_of(link: str) -> str:
    return link.rpartition("/")[2]


def test_p26_a_token_has_128_bits_and_more(ledger: Ledger, person: str) -> None:
    tokens = {token_of(fresh_link(ledger, person)) for _ in range(50)}
    assert len(tokens) == 50
    for token in tokens:
        assert len(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))) * 8 >= 128


def test_p26_only_a_keyed_hash_is_in_the_files(ledger: Ledger, person: str, app: Flask) -> None:
    token = token_of(fresh_link(ledger, person))
    invitation = token_of(invite_owner(ledger))
    Visitor(app).go(f"/p/{token}")
    files = [path for path in ledger.settings.home.rglob("*") if path.is_file()]
    content = b"".join(path.read_bytes() for path in files)
    assert ledger.keys.token_hash(token).encode() in content
    for secret in (token, invitation):
        assert secret.encode() not in content
        assert base64.urlsafe_b64decode(secret + "=" * (-len(secret) % 4)) not in content


def test_p26_a_link_becomes_a_cookie_and_a_clean_address(
    app: Flask, ledger: Ledger, person: str
) -> None:
    link = fresh_link(ledger, person)
    answered = Visitor(app).client.get(urlsplit(link).path)
    assert answered.status_code == 303
    assert answered.headers["Location"] == "/me"
    assert answered.headers["Referrer-Policy"] == "no-referrer"
    assert answered.headers["Cache-Control"] == "no-store"
    cookie = answered.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert token_of(link) not in cookie


def test_p26_personal_pages_send_no_referrer_and_stay_in_no_cache(
    app: Flask, ledger: Ledger, person: str, campaign: Campaign
) -> None:
    who = contributor(app, ledger, person)
    pages = ["/me", urlsplit(invite_owner(ledger)).path]
    pages += [part.split('"')[0] for part in who.go("/me").split('href="')[1:] if "/me/" in part]
    for path in pages:
        answered = who.client.get(path)
        assert answered.status_code == 200, path
        assert answered.headers["Referrer-Policy"] == "no-referrer"
        assert answered.headers["Cache-Control"] == "no-store"
        policy = answered.headers["Content-Security-Policy"]
        scripts = [part.strip() for part in policy.split(";") if "script-src" in part]
        assert scripts in ([], ["script-src 'self'"]), "no script of anybody else, none inline"
        assert "http" not in policy


def test_p26_a_revoked_link_opens_nothing_and_ends_its_visits(
    app: Flask, ledger: Ledger, person: str
) -> None:
    link = fresh_link(ledger, person)
    who = contributor(app, ledger, person)
    with ledger.write() as connection:
        assert revoke_links(connection, person, ledger.clock()) > 0
    for path in ("/me", urlsplit(link).path, "/p/unknown", "/p/" + "x" * 500):
        who.go(path)
        assert who.status == 404, path
        assert "needs your personal link" in who.page


def test_p26_the_desk_can_end_lost_links(
    app: Flask, ledger: Ledger, person: str, campaign: Campaign
) -> None:
    old = fresh_link(ledger, person)
    editor = owner(app, ledger)
    editor.go("/desk/definitions")
    path = editor.page.split('class="plain" href="')[1].split('"')[0]
    editor.go(path)
    editor.press(f"{path}/link", end_others="1")
    new = editor.page.split('readonly value="')[1].split('"')[0]
    visitor = Visitor(app)
    visitor.go(old)
    assert visitor.status == 404
    visitor.go(new)
    assert visitor.at == "/me"


@pytest.fixture
def log_lines(ledger: Ledger) -> Iterator[io.StringIO]:
    """All that this process logs, in the shape and through the filter it has in service."""
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers, root.level
    log.configure(ledger.settings.model_copy(update={"log_level": "debug"}), stream)
    yield stream
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_p26_tokens_reach_no_log_line(
    app: Flask, ledger: Ledger, person: str, log_lines: io.StringIO
) -> None:
    """A real server with its access log, opened and mistyped links, and a page that breaks."""
    links = [fresh_link(ledger, person), invite_owner(ledger)]
    with ledger.write() as connection:
        token = new_stop_link(connection, ledger.keys, person, ledger.clock())
    links.append(f"{ledger.settings.public_url}{PATH}{token}")

    def broken(token: str) -> str:
        raise RuntimeError(f"no page for /p/{token}")

    app.add_url_rule("/p/<token>/broken", "broken", open_to_all(broken))
    server = make_server("127.0.0.1", 0, app)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        for link in links:
            path = urlsplit(link).path
            for asked_for in (path, f"{path}x", f"{path}?utm=1", f"{path}/broken"):
                _status(server.server_port, asked_for)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    written = log_lines.getvalue()
    assert written.count("HTTP/1.1") >= 12
    assert "/p/…" in written
    assert f"{PATH}…" in written
    assert "RuntimeError" in written
    for link in links:
        assert token_of(link) not in written


def _status(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path)
        answered = connection.getresponse()
        answered.read()
        return answered.status
    finally:
        connection.close()
