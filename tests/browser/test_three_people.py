"""The whole chain in a real browser, as three people, with and without JavaScript.

Given a fresh instance; when a visitor answers, an editor asks and the contributor agrees; then
the post is live with full credit, until its author takes it back. The screenshots land in
build/screenshots; `make screenshots` puts them into the documents.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.commands import ROOT
from tests.serving import Served

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1180, "height": 860}
WORDS = "the patience to let somebody else be quoted"

Picture = Callable[["Person", str], None]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(params=["with JavaScript", "without JavaScript"])
def scripted(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "with JavaScript")


class Person:
    """One of the three, with a browser of their own that keeps every error it meets."""

    def __init__(self, context: BrowserContext, base: str) -> None:
        self.context = context
        self.base = base
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _note(self, message: object) -> None:
        if getattr(message, "type", "") == "error":
            self.complaints.append(str(getattr(message, "text", "")))

    def visit(self, address: str) -> None:
        self.page.goto(self.base + address.lstrip("/"))

    def picture(self, name: str) -> None:
        folder = ROOT / "build" / "screenshots"
        folder.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=folder / f"{name}.png")


@pytest.fixture
def people(browser: Browser, served: Served, scripted: bool) -> Iterator[dict[str, Person]]:
    wanted = {"visitor": DESKTOP, "editor": DESKTOP, "contributor": PHONE}
    made = {
        name: Person(
            browser.new_context(viewport=size, java_script_enabled=scripted),  # type: ignore[arg-type]
            served.base,
        )
        for name, size in wanted.items()
    }
    yield made
    for person in made.values():
        person.context.close()


def test_an_answer_is_asked_for_granted_published_and_taken_back(
    people: dict[str, Person], served: Served, scripted: bool
) -> None:
    visitor, editor, contributor = people.values()
    picture: Picture = Person.picture if scripted else lambda *_: None

    link = visitor_answers(visitor, picture)
    editor_asks(editor, served, picture)
    address = contributor_agrees(contributor, link, picture, scripted=scripted)
    readers_see_it(visitor, address, picture)
    contributor_takes_it_back(contributor, visitor, address, picture)
    for person in people.values():
        # A gone page is answered with 410, which the browser reports as a failed load.
        assert [c for c in person.complaints if "410" not in c] == []


def visitor_answers(visitor: Person, picture: Picture) -> str:
    page = visitor.page
    visitor.visit("/")
    picture(visitor, "question")
    page.get_by_role("textbox").first.fill(WORDS)
    page.get_by_role("button", name="Send my answer").click()
    expect(page.get_by_label("Your words")).to_have_value(WORDS)
    page.get_by_label("Your name").fill("Mira Lindqvist")
    picture(visitor, "answer")
    page.get_by_role("button", name="Send my answer").click()
    expect(page.get_by_text(WORDS)).to_be_visible()
    picture(visitor, "arrived")
    found = re.search(r"http://[^\s\"<]+/p/[\w-]+", page.content())
    assert found, "the page shows the personal link to keep"
    return found[0]


def editor_asks(editor: Person, served: Served, picture: Picture) -> None:
    page = editor.page
    page.goto(served.welcome)
    page.get_by_label("E-mail address").fill("robin@blog.example")
    page.get_by_label("Your name").fill("Robin")
    page.get_by_label("Password").fill("four made up words")
    page.get_by_role("button", name="Open the desk").click()
    expect(page.get_by_text(WORDS)).to_be_visible()
    until_read(page)
    picture(editor, "desk")
    page.get_by_role("button", name="Shortlist").first.click()
    page.goto(editor.base + "desk/definitions")
    page.get_by_role("link", name=re.compile(WORDS[:20])).first.click()
    picture(editor, "definition")
    page.get_by_role("button", name="See the message first").click()
    expect(page.get_by_label("Message")).to_have_value(re.compile(WORDS))
    page.get_by_role("button", name="Open the question").click()
    expect(page.get_by_text(WORDS).first).to_be_visible()
    picture(editor, "asked")


def until_read(page: Page) -> None:
    """The worker reads new replies every second."""
    for _ in range(60):
        if not page.get_by_text("Not read yet").count():
            return
        page.wait_for_timeout(500)
        page.reload()
    raise AssertionError("the reply was not read")


def contributor_agrees(contributor: Person, link: str, picture: Picture, *, scripted: bool) -> str:
    page = contributor.page
    page.goto(link)
    assert "/p/" not in page.url
    page.get_by_role(
        "link", name=re.compile("answer|look|decide|open", re.IGNORECASE)
    ).first.click()
    expect(page.get_by_role("button", name="Yes, publish this")).to_be_visible()
    picture(contributor, "personal-page")
    page.get_by_text("Change how I am named").click()
    page.get_by_label("my full name").check()
    page.get_by_label("Name or pseudonym").fill("Mira Lindqvist")
    page.get_by_role("textbox", name="Handle").fill("@mira@social.example")
    page.get_by_label("What you do").fill("bookbinder")
    if not scripted:
        # Saying yes to a credit that was not shown yet shows it, and asks once more.
        page.get_by_role("button", name="Yes, publish this").click()
        expect(page.locator("div.note[role=status]")).to_be_visible()
    expect(page.locator("#preview")).to_contain_text("Mira Lindqvist (@mira@social.example)")
    expect(page.locator("#preview")).to_contain_text("bookbinder")
    picture(contributor, "preview")
    page.get_by_role("button", name="Yes, publish this").click()
    expect(page.get_by_role("button", name="ake it back")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("download|file", re.IGNORECASE)).first.click()
    assert WORDS in Path(download.value.path()).read_text(encoding="utf-8")
    return wait_for_post(page)


def wait_for_post(page: Page) -> str:
    """The address of the post, once the worker has published it."""
    for _ in range(60):
        page.reload()
        links = page.locator("a[href^='/thought-leadership/']")
        if links.count():
            return str(links.first.get_attribute("href"))
        page.wait_for_timeout(500)
    raise AssertionError("the post was not published")


def readers_see_it(visitor: Person, address: str, picture: Picture) -> None:
    page = visitor.page
    visitor.visit(address)
    expect(page.locator("blockquote")).to_have_text(WORDS)
    expect(page.get_by_text("bookbinder")).to_be_visible()
    picture(visitor, "post")
    visitor.visit("/")
    expect(page.get_by_text(WORDS)).to_be_visible()
    picture(visitor, "blog")


def contributor_takes_it_back(
    contributor: Person, visitor: Person, address: str, picture: Picture
) -> None:
    # P04: one visit, one press; no sign-in, no reason, no second question.
    contributor.page.get_by_role("button", name="ake it back").click()
    answer = visitor.page.goto(visitor.base + address.lstrip("/"))
    assert answer is not None
    assert answer.status == 410
    expect(visitor.page.locator("body")).not_to_contain_text("Mira")
    expect(visitor.page.locator("body")).not_to_contain_text(WORDS)
    picture(visitor, "gone")
    for _ in range(60):
        visitor.visit("/")
        if not visitor.page.get_by_text(WORDS).count():
            return
        visitor.page.wait_for_timeout(500)
    raise AssertionError("the words still stand on the blog")
