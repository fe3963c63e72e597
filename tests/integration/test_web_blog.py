"""The built blog as served: files, what is gone, what never leaves, and the headers."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ledger.database import Ledger
from ledger.model import Campaign
from ledger.posts import Post, bury_post, put_post
from tests.visiting import application


@pytest.fixture
def app(ledger: Ledger) -> Flask:
    return application(ledger)


@pytest.fixture
def client(app: Flask, ledger: Ledger) -> FlaskClient:
    site = ledger.settings.site_folder
    for name, text in {
        "index.html": "front",
        "lamp/ünïcode-1/index.html": "a post",
        "assets/site.css": "body {}",
        ".hidden": "ours alone",
    }.items():
        path = site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (site.parent / "secret.txt").write_text("outside")
    return app.test_client()


def text(client: FlaskClient, path: str) -> tuple[int, str]:
    answered = client.get(path, buffered=True)
    return answered.status_code, answered.text


def test_pages_and_files(client: FlaskClient) -> None:
    assert text(client, "/") == (200, "front")
    assert text(client, "/lamp/ünïcode-1/") == (200, "a post")
    assert text(client, "/lamp/%C3%BCn%C3%AFcode-1/index.html") == (200, "a post")
    assert text(client, "/assets/site.css") == (200, "body {}")


def test_a_folder_without_its_slash_is_found_among_ourselves(client: FlaskClient) -> None:
    answered = client.get("/lamp/ünïcode-1")
    assert answered.status_code == 308
    assert answered.headers["Location"] == "/lamp/%C3%BCn%C3%AFcode-1/"


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/lamp/..%2f..%2fsecret.txt",
        "/..%5csecret.txt",
        "/.hidden",
        "/lamp/",
        "/index.html/",
        "/%00",
    ],
)
def test_nothing_else_leaves_the_folder(client: FlaskClient, path: str) -> None:
    answered = client.get(path, buffered=True, follow_redirects=False)
    assert answered.status_code in (404, 308)
    assert answered.headers.get("Location", "/").removeprefix("http://localhost").startswith("/")
    assert "outside" not in answered.text
    assert "ours alone" not in answered.text


def test_two_slashes_lead_to_no_other_host(client: FlaskClient) -> None:
    for path in ("//evil.example", "//evil.example/", "/\\evil.example", "//lamp/ünïcode-1"):
        raw = path.encode().decode("latin-1")
        answered = client.get("/", environ_overrides={"PATH_INFO": raw}, buffered=True)
        location = answered.headers.get("Location", "/")
        assert location.removeprefix("http://localhost").startswith("/")
        assert not location.startswith(("//", "/\\"))


def test_what_has_not_changed_is_not_sent_again(client: FlaskClient) -> None:
    first = client.get("/", buffered=True)
    again = client.get("/", headers={"If-None-Match": first.headers["ETag"]}, buffered=True)
    assert again.status_code == 304
    assert again.data == b""


def test_what_was_taken_back_is_gone_at_once_though_its_file_is_there(
    client: FlaskClient, ledger: Ledger, campaign: Campaign
) -> None:
    post = Post("definition", "subject", "/lamp/ünïcode-1/", "", "hash", ledger.clock())
    with ledger.write() as connection:
        put_post(connection, ledger.keys, post)
    assert text(client, "/lamp/ünïcode-1/")[0] == 200
    with ledger.write() as connection:
        bury_post(connection, ledger.keys, "subject", ledger.clock())
    for path in ("/lamp/ünïcode-1/", "/lamp/ünïcode-1", "/lamp/ünïcode-1/index.html"):
        status, page = text(client, path)
        assert status == 410, path
        assert "a post" not in page
        assert "taken back" in page


def test_the_blog_sets_no_cookie_and_may_be_cached(client: FlaskClient) -> None:
    answered = client.get("/", buffered=True)
    assert "Set-Cookie" not in answered.headers
    assert "Cookie" not in answered.headers.get("Vary", "")
    assert "no-store" not in answered.headers["Cache-Control"]


@pytest.mark.parametrize(
    "path", ["/", "/nowhere", "/healthz", "/desk", "/desk/sign-in", "/me", "/static/app.css"]
)
def test_security_headers_are_on_every_answer(client: FlaskClient, path: str) -> None:
    headers = client.get(path, buffered=True).headers
    policy = headers["Content-Security-Policy"]
    for part in (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ):
        assert part in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Referrer-Policy"] == ("no-referrer" if path == "/me" else "same-origin")
    assert "Strict-Transport-Security" not in headers  # this instance speaks http


def test_health_is_ok_once_the_ledger_can_be_read(client: FlaskClient) -> None:
    answered = client.get("/healthz")
    assert (answered.status_code, answered.json) == (200, {"status": "ok"})
    assert client.head("/healthz").status_code == 200


def test_health_says_when_the_ledger_cannot_be_read(app: Flask, ledger: Ledger) -> None:
    ledger.close()
    for path in ledger.settings.home.glob("definedby.sqlite*"):
        path.unlink()
    (ledger.settings.home / "definedby.sqlite").write_bytes(b"not a database" * 100)
    answered = app.test_client().get("/healthz")
    assert answered.status_code == 503
    assert answered.json is not None
    assert answered.json["status"] == "down"


def test_a_page_that_is_not_built_yet_says_so(app: Flask) -> None:
    status, page = text(app.test_client(), "/")
    assert status == 404
    assert "about to begin" in page


def test_other_methods_are_refused_calmly(client: FlaskClient) -> None:
    answered = client.post("/lamp/")
    assert answered.status_code == 405
    assert "That does not work here" in answered.text
    assert "GET" in answered.headers["Allow"]
