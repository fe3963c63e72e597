"""People in front of the web application: Flask's test client, filling in the real forms."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from jinja2 import FileSystemBytecodeCache
from passlib.context import CryptContext
from werkzeug.test import TestResponse

from consent.requests import fresh_link
from ledger.database import Ledger
from ledger.editors import invite_owner
from web.application import create_application
from web.pictures import FetchPicture, fetch_picture

PASSWORD = "lamp otter seventeen quilts"
OWNER_ADDRESS = "owner@blog.example"
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
_SUBJECT = re.compile(r'name="subject" value="([^"]*)"')
_BODY = re.compile(r'<textarea[^>]* id="body"[^>]*>([^<]*)</textarea>')


class Visitor:
    """One browser: keeps its cookies and the page in front of it."""

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()
        self.answer: TestResponse | None = None

    @property
    def page(self) -> str:
        assert self.answer is not None
        return self.answer.get_data(as_text=True)

    @property
    def status(self) -> int:
        assert self.answer is not None
        return self.answer.status_code

    @property
    def at(self) -> str:
        """The path in the address bar."""
        assert self.answer is not None
        return self.answer.request.path

    @property
    def hidden(self) -> dict[str, str]:
        """The hidden fields of the page's forms, as a browser would send them back."""
        return {name: unescape(value) for name, value in _HIDDEN.findall(self.page)}

    def go(self, path: str) -> str:
        """Follow a link (whole or only its path) and its redirects."""
        parts = urlsplit(path)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        self.answer = self.client.get(target, follow_redirects=True, buffered=True)
        return self.page if self.answer.mimetype != "application/zip" else ""

    def press(self, path: str, **fields: Any) -> str:
        """Send a form of this page, with its hidden fields, and follow the redirects."""
        self.answer = self.client.post(
            path,
            data={**self.hidden, **fields},
            headers={"Sec-Fetch-Site": "same-origin"},
            follow_redirects=True,
            buffered=True,
        )
        return self.page


#: Argon2id with the least work: guessing a test's password need not be hard.
EASY = CryptContext(["argon2"], argon2__time_cost=1, argon2__memory_cost=8, argon2__parallelism=1)


def application(
    ledger: Ledger, *, hard: bool = False, fetch: FetchPicture = fetch_picture
) -> Flask:
    """The application; what each test would compile anew comes from a cache.

    With `hard`, passwords cost the work that they cost in earnest.
    """
    made = create_application(ledger, fetch)
    made.jinja_env.bytecode_cache = FileSystemBytecodeCache()
    if not hard:
        made.extensions["security"].pwd_context = EASY
    return made


def owner(app: Flask, ledger: Ledger) -> Visitor:
    """A signed-in owner, as after the first start."""
    visitor = Visitor(app)
    path = urlsplit(invite_owner(ledger)).path
    visitor.go(path)
    visitor.press(path, email=OWNER_ADDRESS, name="Olu Owner", password=PASSWORD)
    assert visitor.at == "/desk", visitor.page
    return visitor


def contributor(app: Flask, ledger: Ledger, contributor_id: str) -> Visitor:
    """Somebody who has opened their personal link."""
    visitor = Visitor(app)
    visitor.go(fresh_link(ledger, contributor_id))
    assert visitor.at == "/me", visitor.page
    return visitor


def ask_by_form(editor: Visitor, path: str, **fields: Any) -> str:
    """Ask a definition's author: look at the message first, then let it go as it stands."""
    editor.press(f"{path}/ask", **fields)
    assert editor.status == 200, editor.page
    return send_as_shown(editor, path, **fields)


def send_as_shown(editor: Visitor, path: str, **fields: Any) -> str:
    """Press the button of the page that shows a question; `fields` may change its words."""
    shown = {"subject": unescape(_SUBJECT.findall(editor.page)[0]), "body": message_shown(editor)}
    return editor.press(f"{path}/ask", **{**shown, **fields}, do="send")


def message_shown(editor: Visitor) -> str:
    """The message in the form, as a browser would send it back."""
    return unescape(_BODY.findall(editor.page)[0])


def choices(**other: str) -> dict[str, str]:
    """The fields of the page that asks, as they stand for Ada Sample."""
    return {
        "form": "name",
        "name": "Ada Sample",
        "handle": "",
        "url": "",
        "role": "",
        "organisation": "",
        **other,
    }
