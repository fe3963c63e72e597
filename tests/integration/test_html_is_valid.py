"""Every kind of page of the blog and of the application, as the Nu HTML Checker sees it.

Given a sample blog and people on their own pages; when somebody answers, looks, decides, corrects,
has everything erased and stops all mail, and an editor walks over the desk, then the checker finds
no error in anything that was shown.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zipfile import ZipFile

import pytest
from flask import Flask, Response, template_rendered

from consent.requests import ask, fresh_link
from ledger.campaigns import set_open
from ledger.database import Ledger
from ledger.definitions import need_definition
from ledger.model import Campaign
from ledger.stop_links import PATH as STOP_PATH
from ledger.stop_links import new_stop_link
from publisher.publish import publish_pending
from tests.commands import ROOT
from tests.people import agree, answer, asked, define
from tests.servers import html_checker
from tests.servers.fixtures import need
from tests.visiting import Visitor, application, choices, contributor, owner

BLOG = ROOT / "tests" / "golden" / "site"
TEMPLATES = ROOT / "templates" / "contributor"
HOSTILE = 'a "quoted" <b>word</b> & more'


class Shown:
    """Every page that was shown, and the templates that made them."""

    def __init__(self, app: Flask, folder: Path) -> None:
        self.app, self.folder = app, folder
        self.templates: set[str] = set()
        self.different: dict[str, Path] = {}
        app.after_request(self._keep)

    def keep(self, text: str, name: str) -> None:
        if text not in self.different:
            file = self.folder / f"{len(self.different):03d}-{name.replace('/', '_')}.html"
            file.write_text(text, encoding="utf-8")
            self.different[text] = file

    def note(self, _: Flask, template: Any, **__: Any) -> None:
        self.templates.add(template.name)

    def _keep(self, answer: Response) -> Response:
        if answer.mimetype == "text/html" and not answer.direct_passthrough and answer.data:
            self.keep(answer.get_data(as_text=True), f"{answer.status_code}")
        return answer


@pytest.fixture
def shown(ledger: Ledger, tmp_path: Path) -> Iterator[Shown]:
    need(html_checker.why_unavailable())
    folder = tmp_path / "pages"
    folder.mkdir()
    shown = Shown(application(ledger), folder)
    with template_rendered.connected_to(shown.note, shown.app):
        yield shown


def test_the_checker_finds_no_error_on_any_page(
    shown: Shown, ledger: Ledger, campaign: Campaign
) -> None:
    app = shown.app
    Visitor(app).go("/")  # nothing is built yet
    _answers(app, campaign)
    _is_asked(shown, ledger, campaign, "ar")  # pages in two languages, and from right to left
    _walks_over_the_desk(app, ledger, campaign)
    _stops(app, ledger, campaign)
    wanted = {f"contributor/{file.name}" for file in TEMPLATES.glob("[a-z]*.html")}
    # That one is in the download, and read from there.
    assert wanted - shown.templates == {"contributor/export.html", "contributor/base.html"}
    blog = sorted(BLOG.rglob("*.html"))
    assert len(blog) > 10
    broken = shown.folder / "broken.html"
    broken.write_text("<!doctype html><html lang=en><title>x</title><p><button><a href=#>y</a>")
    found = html_checker.errors_in([*blog, *shown.different.values(), broken])
    assert [line for line in found if not line.startswith("broken.html, line 1: ")] == []
    assert found, "the checker would have found what is wrong"


def _answers(app: Flask, campaign: Campaign) -> None:
    visitor, path = Visitor(app), f"/answer/{campaign.slug}"
    visitor.go(path)
    visitor.press(path, text=HOSTILE)
    visitor.press(f"{path}/send", text="")  # what is wrong
    visitor.press(f"{path}/send", text=HOSTILE, name="Ada <i>Sample</i>", email="")
    assert visitor.at == "/answered"
    visitor.go("/me")
    offer = next(part for part in visitor.page.split('"') if part.startswith("/me/answers/"))
    visitor.go(offer)
    visitor.press(offer, decision="grant", **choices(form="handle"))  # no handle
    visitor.press(offer, decision="grant", **choices())
    visitor.press(offer, decision="grant", **choices())
    assert visitor.at != offer, visitor.page


def _is_asked(shown: Shown, ledger: Ledger, campaign: Campaign, language: str) -> None:
    number = 0

    def question() -> tuple[Visitor, str]:
        nonlocal number
        number += 1
        person = {"address": f"{language}{number}@sample.example", "name": "Ada Sample"}
        reply = answer(ledger, campaign, f"{HOSTILE} {language} {number}\n\nnew line", **person)
        definition = define(ledger, reply, language)
        ask(ledger, definition.id, asked_by="Robin")
        visitor = contributor(shown.app, ledger, definition.contributor_id)
        visitor.go(f"/me/{definition.id}")
        return visitor, f"/me/{definition.id}"

    for decision in ("refuse", "postpone", "never", "propose"):
        visitor, path = question()
        visitor.press(path, decision=decision, words="hearing people out")
        visitor.go("/me")
    visitor, path = question()
    visitor.press(path, decision="grant", **choices(form="handle"))
    visitor.press(path, decision="preview", **choices(name="Ada <i>Sample</i>", role="editor"))
    for _ in range(2):
        visitor.press(path, decision="grant", **choices(uses="edition"))
    visitor.go(path)
    publish_pending(ledger)
    visitor.go(path)
    visitor.go(f"{path}/receipt")
    visitor.go(f"{path}/correct")
    visitor.press(f"{path}/correct/words", words="", keep="yes")
    visitor.press(f"{path}/correct/words", words="hearing people out", keep="yes")
    visitor.press(path, decision="withdraw")
    visitor.go("/me")
    _reads_the_download(shown, visitor)
    visitor.go("/me/erase")
    visitor.press("/me/erase")
    assert visitor.at == "/erased"
    visitor.go("/p/nonsense")
    visitor.go("/me")


def _reads_the_download(shown: Shown, visitor: Visitor) -> None:
    download = visitor.client.get("/me/export").data
    with ZipFile(io.BytesIO(download)) as archive:
        (page,) = (name for name in archive.namelist() if name.endswith(".html"))
        shown.keep(archive.read(page).decode(), "download")


def _walks_over_the_desk(app: Flask, ledger: Ledger, campaign: Campaign) -> None:
    """Whatever a link leads to, from page to page, once for each kind of page."""
    question = asked(ledger, campaign, "hearing people out", address="desk@sample.example")
    agree(ledger, question, "hearing people out")
    answer(ledger, campaign, HOSTILE, address="other@sample.example")
    stranger = Visitor(app)
    stranger.go("/desk")  # to sign in
    stranger.press("/desk/sign-in", email="nobody@sample.example", password="wrong")
    editor = owner(app, ledger)
    waiting, known = ["/desk"], set[str]()
    while waiting:
        path = waiting.pop()
        editor.go(path)
        if editor.answer is None or editor.answer.mimetype != "text/html":
            continue
        for link in _links(editor.page):
            kind = "/".join("x" if _is_key(part) else part for part in link.split("/"))
            if link.startswith("/desk") and kind not in known:
                known.add(kind)
                waiting.append(link)
    assert len(known) > 15, known


def _links(page: str) -> list[str]:
    return [urlsplit(part.split('"')[0]).path for part in page.split('href="')[1:]]


def _is_key(part: str) -> bool:
    return part.isdecimal() or len(part) == 32


def _stops(app: Flask, ledger: Ledger, campaign: Campaign) -> None:
    question = asked(ledger, campaign, "asking twice", address="stops@sample.example")
    with ledger.write() as connection:
        person = need_definition(connection, question.request.definition_id).contributor_id
        token = new_stop_link(connection, ledger.keys, person, ledger.clock())
        set_open(connection, campaign.id, is_open=False)
    visitor = Visitor(app)
    visitor.go(f"{STOP_PATH}{token}")
    visitor.press(f"{STOP_PATH}{token}", **{"List-Unsubscribe": "One-Click"})
    visitor.go(f"/answer/{campaign.slug}")  # closed
    visitor.go(fresh_link(ledger, person))
    for path in ("/nowhere/", "/webmention", "/desk/definitions/nothing"):
        visitor.go(path)
