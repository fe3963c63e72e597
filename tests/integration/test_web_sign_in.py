"""Signing in: invitations, passwords, sessions and their limits."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlalchemy import select

from ledger.database import Ledger
from ledger.editors import invite_owner, owner_exists
from ledger.settings import load_settings
from ledger.tables import editors, invitations
from tests.visiting import OWNER_ADDRESS, PASSWORD, Visitor, application, owner
from web.signing_in import WRONG


@pytest.fixture
def app(ledger: Ledger) -> Flask:
    return application(ledger, hard=True)


def sign_in(visitor: Visitor, email: str = OWNER_ADDRESS, password: str = PASSWORD) -> None:
    visitor.go("/desk/sign-in")
    visitor.press("/desk/sign-in", email=email, password=password)


def test_an_invitation_makes_the_owner_once(app: Flask, ledger: Ledger) -> None:
    assert not owner_exists(ledger)
    path = urlsplit(invite_owner(ledger, "owner@blog.example")).path
    assert not owner_exists(ledger)
    other = urlsplit(invite_owner(ledger)).path
    visitor = Visitor(app)
    assert 'value="owner@blog.example"' in visitor.go(path)
    visitor.press(path, email=OWNER_ADDRESS, name="Olu Owner", password=PASSWORD)
    assert visitor.at == "/desk"
    assert owner_exists(ledger)
    for used in (path, other):
        again = Visitor(app)
        again.go(used)
        assert again.status == 404
    with ledger.read() as connection:
        row = connection.execute(select(editors)).one()
        assert connection.execute(select(invitations)).all() == []
    # RFC 9106, section 4, asks for at least this much memory and work.
    assert row.password.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert (row.role, row.email, row.active) == ("owner", OWNER_ADDRESS, True)


def test_an_invitation_ends_after_a_day(app: Flask, ledger: Ledger) -> None:
    path = urlsplit(invite_owner(ledger)).path
    ledger.clock.pass_time(hours=25)  # type: ignore[attr-defined]  # the test's clock
    visitor = Visitor(app)
    visitor.go(path)
    assert visitor.status == 404
    visitor.go("/desk/sign-in")
    visitor.press(path, email=OWNER_ADDRESS, name="Olu", password=PASSWORD)
    assert visitor.status == 404
    assert not owner_exists(ledger)


@pytest.mark.parametrize(
    ("email", "password", "sentence"),
    [
        (OWNER_ADDRESS, "short", "at least 12"),
        (OWNER_ADDRESS, "password1234", "first to be guessed"),
        ("not an address", PASSWORD, "not an e-mail address"),
    ],
)
def test_what_cannot_be_used_is_said_and_the_invitation_stays(
    app: Flask, ledger: Ledger, email: str, password: str, sentence: str
) -> None:
    path = urlsplit(invite_owner(ledger)).path
    visitor = Visitor(app)
    visitor.go(path)
    visitor.press(path, email=email, name="Olu Owner", password=password)
    assert visitor.status == 400
    assert sentence in visitor.page
    assert 'value="Olu Owner"' in visitor.page
    assert password not in visitor.page
    visitor.go(path)
    assert visitor.status == 200


def test_a_second_invitation_lets_the_same_owner_choose_a_new_password(
    app: Flask, ledger: Ledger
) -> None:
    before = owner(app, ledger)
    path = urlsplit(invite_owner(ledger)).path
    visitor = Visitor(app)
    visitor.go(path)
    visitor.press(path, email=OWNER_ADDRESS, name="Olu", password="quilts seventeen otter lamp")
    assert visitor.at == "/desk"
    before.go("/desk")
    assert before.at == "/desk/sign-in"
    stale = Visitor(app)
    sign_in(stale)
    assert WRONG in stale.page


def test_wrong_password_and_unknown_address_get_the_same_answer(app: Flask, ledger: Ledger) -> None:
    owner(app, ledger)
    pages = []
    for email in (OWNER_ADDRESS, "nobody@blog.example"):
        visitor = Visitor(app)
        sign_in(visitor, email, "a wrong password")
        assert visitor.status == 401
        pages.append(visitor.page.replace(email, ""))
        hidden = visitor.hidden["csrf_token"]
        pages[-1] = pages[-1].replace(hidden, "")
    assert pages[0] == pages[1]
    assert WRONG in pages[0]


def test_signing_in_starts_a_new_session_and_goes_nowhere_else(app: Flask, ledger: Ledger) -> None:
    owner(app, ledger)
    visitor = Visitor(app)
    visitor.go("/desk/sign-in?next=https://evil.example/")
    before = visitor.client.get_cookie("definedby")
    token = visitor.hidden["csrf_token"]
    answered = visitor.client.post(
        "/desk/sign-in?next=https://evil.example/",
        data={"email": OWNER_ADDRESS, "password": PASSWORD, "csrf_token": token, "next": "//evil"},
    )
    assert answered.status_code == 303
    assert answered.headers["Location"] == "/desk"
    after = visitor.client.get_cookie("definedby")
    assert before is not None
    assert after is not None
    assert before.value != after.value
    reused = visitor.client.post("/desk/sign-out", data={"csrf_token": token})
    assert reused.status_code == 400


def test_signing_out_ends_every_session(app: Flask, ledger: Ledger) -> None:
    here = owner(app, ledger)
    there = Visitor(app)
    sign_in(there)
    stolen = here.client.get_cookie("definedby")
    assert stolen is not None
    here.go("/desk")
    here.press("/desk/sign-out")
    assert here.at == "/desk/sign-in"
    thief = Visitor(app)
    thief.client.set_cookie("definedby", stolen.value)
    for visitor in (here, there, thief):
        visitor.go("/desk")
        assert visitor.at == "/desk/sign-in"


def test_guesses_at_one_account_are_limited_from_wherever_they_come(
    app: Flask, ledger: Ledger
) -> None:
    owner(app, ledger)
    statuses = []
    for number in range(14):
        visitor = Visitor(app)
        visitor.client.environ_base["REMOTE_ADDR"] = f"192.0.2.{number}"
        sign_in(visitor, password=f"wrong password {number}")
        statuses.append(visitor.status)
    assert statuses == [401] * 10 + [429] * 4


def test_guesses_from_one_address_are_limited(app: Flask, ledger: Ledger) -> None:
    statuses = []
    for number in range(7):
        visitor = Visitor(app)
        sign_in(visitor, email=f"person{number}@blog.example")
        statuses.append(visitor.status)
    assert statuses == [401] * 5 + [429] * 2


def test_the_cookie_is_tied_to_its_host_under_https(ledger: Ledger) -> None:
    settings = load_settings({}, home=ledger.settings.home, base_url="https://blog.example")
    app = application(Ledger(settings, ledger.engine, ledger.keys, ledger.clock))
    answered = app.test_client().get("/desk/sign-in", base_url="https://blog.example")
    cookie = answered.headers["Set-Cookie"]
    assert cookie.startswith("__Host-definedby=")
    for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert part in cookie
    assert "Domain" not in cookie
    assert answered.headers["Strict-Transport-Security"].startswith("max-age=31536000")
