"""Contributors' pages in a real browser: on a phone, by keys alone, without JavaScript, and to axe.

Given a blog with one question; when somebody answers, looks, changes their credit and decides, then
every page on the way holds up for whoever reads it by a screen reader, and from right to left.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit
from zipfile import ZipFile

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from collector.picture import made_small
from consent.requests import ask, fresh_link
from ledger import events
from ledger.campaigns import set_open
from ledger.consent_state import EventKind, Grant
from ledger.contributors import handles_of
from ledger.database import Ledger
from ledger.definitions import find_definition, need_definition
from ledger.model import Campaign
from ledger.profile_pictures import note_profile_pictures
from ledger.stop_links import PATH as STOP_PATH
from ledger.stop_links import new_stop_link
from publisher.publish import publish_pending
from tests.commands import ROOT
from tests.people import answer, define
from tests.pictures import picture_file
from web.application import create_application

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PHONE = {"width": 390, "height": 844}
#: What a visit to a page must not show: the console's own word for a 4xx is none of ours.
EXPECTED = ("404", "400", "409")


@dataclass
class Blog:
    """The application on a port, and the ledger behind it."""

    base: str
    ledger: Ledger
    campaign: Campaign
    #: The addresses of the pictures that were fetched.
    fetched: list[str] = field(default_factory=list)
    count: int = 0

    def asked(self, lang: str = "en") -> tuple[str, str]:
        """Somebody new who was asked: their personal link here, and the definition's id."""
        self.count += 1
        number = self.count
        reply = answer(
            self.ledger,
            self.campaign,
            f"listening, before you speak {number}",
            address=f"ada{number}@sample.example",
        )
        definition = define(self.ledger, reply, lang)
        ask(self.ledger, definition.id, asked_by="Robin")
        link = fresh_link(self.ledger, definition.contributor_id)
        return self.base + urlsplit(link).path, definition.id

    def grant(self, definition_id: str) -> Grant | None:
        with self.ledger.read() as connection:
            return events.state_of(connection, self.ledger.keys, definition_id).grant

    def last(self, definition_id: str) -> EventKind | None:
        with self.ledger.read() as connection:
            return events.state_of(connection, self.ledger.keys, definition_id).last


@pytest.fixture
def blog(request: pytest.FixtureRequest, ledger: Ledger, campaign: Campaign) -> Iterator[Blog]:
    """A blog; a test may name the age that it asks for."""
    fetched: list[str] = []
    settings = ledger.settings.model_copy(update={"least_age": getattr(request, "param", 0)})
    ledger = replace(ledger, settings=settings)

    def fetch(url: str) -> bytes:
        fetched.append(url)
        return made_small(picture_file())

    server = make_server("127.0.0.1", 0, create_application(ledger, fetch), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Blog(f"http://127.0.0.1:{server.port}", ledger, campaign, fetched)
    server.shutdown()
    thread.join()


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Pages that a test opens; what their consoles complained about fails it."""
    complaints: list[str] = []
    contexts = []

    def new_page(**options: Any) -> Page:
        context = browser.new_context(viewport=PHONE, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else 0)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield new_page
    for context in contexts:
        context.close()
    assert [one for one in complaints if not any(code in one for code in EXPECTED)] == []


def check(page: Page) -> None:
    """No violation that axe knows of, and nothing that makes a phone scroll sideways."""
    found = Axe().run(page)
    assert found.violations_count == 0, f"{page.url}\n{found.generate_report()}"
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"], f"{page.url} is {width} wide"


def press(page: Page, decision: str) -> None:
    page.locator(f"button.button[value={decision}], button.link[value={decision}]").first.click()


@pytest.mark.parametrize(("lang", "scheme"), [("en", "light"), ("ar", "dark")])
def test_axe_finds_nothing_on_any_page_of_a_contributor(
    blog: Blog, opened: Callable[..., Page], lang: str, scheme: str
) -> None:
    page = opened(color_scheme=scheme)
    base, slug = blog.base, blog.campaign.slug

    page.goto(f"{base}/answer/{slug}?lang={lang}")
    check(page)
    page.locator("#text").fill("asking first")
    page.locator("main form button").click()
    check(page)  # it has arrived, and may be decided now
    page.locator("a.primary").click()
    page.locator("summary").first.click()
    check(page)  # how it would look
    press(page, "grant")
    check(page)  # allowed, and waiting to be chosen
    page.goto(f"{base}/me")
    check(page)

    link, definition_id = blog.asked()
    page.goto(link)
    check(page)
    mine = f"{base}/me/{definition_id}"
    page.goto(mine)
    for summary in page.locator("summary").all():
        summary.click()
    check(page)  # the question, with everything opened
    page.locator("[name=form][value=handle]").check()
    page.locator("#handle").fill("")
    page.locator("button.button[value=preview]").click()
    expect(page.get_by_role("alert")).to_be_visible()
    check(page)  # what is wrong with a credit
    page.locator("#handle").fill("@ada_example")
    page.locator("button.button[value=preview]").click()
    press(page, "grant")
    check(page)  # yes
    publish_pending(blog.ledger)
    page.reload()
    check(page)  # published
    page.goto(f"{mine}/receipt")
    check(page)
    page.goto(f"{mine}/correct")
    check(page)  # other words, another name
    page.locator("#words").fill("hearing people out")
    page.locator("[name=keep]").check()
    page.locator("#other-words button").click()
    check(page)  # published still, and other words wait
    press(page, "withdraw")
    check(page)  # taken back

    for decision in ("refuse", "postpone", "never", "propose"):
        link, definition_id = blog.asked()
        page.goto(link)
        page.goto(f"{base}/me/{definition_id}")
        if decision == "propose":
            page.locator("summary").last.click()
            page.locator("#words").fill("hearing people out")
        press(page, decision)
        check(page)
    page.goto(f"{base}/me")
    check(page)
    link, _ = blog.asked()
    page.goto(link)
    with page.expect_download() as downloaded:
        page.get_by_role("main").locator("a[download]").click()
    kept = opened(color_scheme=scheme)
    with ZipFile(downloaded.value.path()) as archive:
        kept.set_content(archive.read("index.html").decode())
    check(kept)  # everything kept about them, as a page of its own
    page.goto(f"{base}/me/erase")
    check(page)  # what goes and what remains
    page.locator("main form button").click()
    check(page)  # it is erased
    assert page.url == f"{base}/erased"

    with blog.ledger.write() as connection:
        contributor = need_definition(connection, definition_id).contributor_id
        token = new_stop_link(connection, blog.ledger.keys, contributor, blog.ledger.clock())
        set_open(connection, blog.campaign.id, is_open=False)
    page.goto(f"{base}{STOP_PATH}{token}")
    check(page)
    page.locator("main form button").click()
    check(page)
    page.goto(f"{base}/answer/{slug}")
    check(page)  # closed
    page.goto(f"{base}/p/nonsense")
    check(page)  # no such link


@pytest.mark.parametrize("blog", [16], indirect=True)
@pytest.mark.parametrize(("lang", "scheme"), [("en", "dark"), ("ar", "light")])
def test_axe_finds_nothing_where_an_age_is_asked_for_nor_in_what_is_exported(
    blog: Blog, opened: Callable[..., Page], lang: str, scheme: str
) -> None:
    page = opened(color_scheme=scheme)
    link, definition_id = blog.asked(lang)
    page.goto(link)
    page.goto(f"{blog.base}/me/{definition_id}")
    direction = "rtl" if lang == "ar" else "ltr"
    expect(page.locator("html")).to_have_attribute("lang", lang)
    expect(page.locator("[name=age]")).to_be_visible()
    check(page)  # with a line about their age
    press(page, "grant")
    expect(page.get_by_role("alert")).to_be_visible()
    check(page)  # it was not ticked
    assert blog.grant(definition_id) is None
    page.locator("[name=age]").check()
    press(page, "grant")
    check(page)
    assert blog.grant(definition_id) is not None
    page.goto(f"{blog.base}/me/{definition_id}/receipt")
    check(page)  # with what they said of their age
    page.goto(f"{blog.base}/me?lang={lang}")
    with page.expect_download() as downloaded:
        page.get_by_role("main").locator("a[download]").click()
    kept = opened(color_scheme=scheme)
    with ZipFile(downloaded.value.path()) as archive:
        kept.set_content(archive.read("index.html").decode())
    expect(kept.locator("html")).to_have_attribute("lang", lang)
    assert kept.evaluate("getComputedStyle(document.body).direction") == direction
    check(kept)  # everything kept about them


def test_by_keys_alone_somebody_changes_their_credit_and_says_yes(
    blog: Blog, opened: Callable[..., Page]
) -> None:
    page = opened()
    link, definition_id = blog.asked()
    page.goto(link)
    tab_to(page, "a.primary")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    tab_to(page, "summary")
    page.keyboard.press("Enter")
    tab_to(page, "[name=form]:checked")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#preview cite")).to_have_text("Ada")
    tab_to(page, "button[value=grant]", backwards=True)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Take it back")).to_be_visible()
    granted = blog.grant(definition_id)
    assert granted is not None
    assert granted.credit.line == "Ada"
    tab_to(page, "button[value=withdraw]")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert blog.grant(definition_id) is None, "and takes it back"


def tab_to(page: Page, selector: str, *, backwards: bool = False) -> None:
    """Press Tab until the element has the focus, as somebody without a mouse does."""
    for _ in range(40):
        page.keyboard.press("Shift+Tab" if backwards else "Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} can't be reached by keys")


def test_without_javascript_a_button_shows_what_the_script_would(
    blog: Blog, opened: Callable[..., Page]
) -> None:
    page = opened(java_script_enabled=False)
    link, definition_id = blog.asked()
    page.goto(link)
    page.get_by_role("link", name="Look and decide").click()
    page.get_by_text("Change how I am named").click()
    page.get_by_label("a pseudonym").check()
    page.get_by_label("Name or pseudonym").fill("Marlo Quill")
    page.get_by_label("round-ups").check()
    page.get_by_role("button", name="Show me how it looks").last.click()
    expect(page.locator("#preview cite")).to_have_text("Marlo Quill")
    expect(page.get_by_label("round-ups")).to_be_checked()
    page.get_by_role("button", name="Yes, publish this").click()
    expect(page.get_by_role("button", name="Take it back")).to_be_visible()
    granted = blog.grant(definition_id)
    assert granted is not None
    assert granted.credit.line == "Marlo Quill"
    assert sorted(granted.uses) == ["edition", "post"]
    page.get_by_role("button", name="Take it back").click()
    assert blog.grant(definition_id) is None


def test_p04_taking_back_takes_no_more_steps_than_saying_yes(
    blog: Blog, opened: Callable[..., Page]
) -> None:
    """From the personal link on, counting what somebody has to press, tick or type."""
    link, definition_id = blog.asked()
    steps: list[int] = []
    for to_the_page, to_decide in (
        ("Look and decide", "Yes, publish this"),
        ("See it, or take it back", "Take it back"),
    ):
        page, count = opened(java_script_enabled=False), 0
        page.goto(link)
        for role, name in (("link", to_the_page), ("button", to_decide)):
            page.get_by_role(role, name=name).click()  # type: ignore[arg-type]
            count += 1
        assert page.locator("[required]").count() == 0, "no reason, no sign-in"
        steps.append(count)
        is_granted = blog.grant(definition_id) is not None
        assert is_granted is (to_decide != "Take it back")
    granting, withdrawing = steps
    assert withdrawing <= granting


def test_without_javascript_somebody_has_everything_erased(
    blog: Blog, opened: Callable[..., Page]
) -> None:
    page = opened(java_script_enabled=False)
    link, definition_id = blog.asked()
    page.goto(link)
    with page.expect_download() as downloaded:
        page.get_by_role("link", name="Download everything").click()
    assert downloaded.value.suggested_filename.endswith(".zip")
    page.get_by_role("link", name="see first what goes").click()
    page.get_by_role("button", name="Erase everything about me").click()
    expect(page.get_by_role("heading", name="Everything about you is erased")).to_be_visible()
    with blog.ledger.read() as connection:
        assert find_definition(connection, definition_id) is None
    page.goto(link)
    expect(page.get_by_role("heading", name="This page needs your personal link")).to_be_visible()


def test_what_the_script_has_shown_needs_no_second_look(
    blog: Blog, opened: Callable[..., Page]
) -> None:
    page = opened()
    link, definition_id = blog.asked()
    page.goto(link)
    page.goto(f"{blog.base}/me/{definition_id}")
    page.get_by_text("Change how I am named").click()
    page.get_by_label("What you do").fill("<b>gardener</b>")
    expect(page.locator("#preview cite")).to_contain_text("<b>gardener</b>")
    expect(page.locator("#said")).to_contain_text("gardener")
    assert blog.last(definition_id) is EventKind.REQUESTED, "looking decides nothing"
    page.get_by_role("button", name="Yes, publish this").click()
    expect(page.get_by_role("button", name="Take it back")).to_be_visible()
    granted = blog.grant(definition_id)
    assert granted is not None
    assert granted.credit.role == "<b>gardener</b>"


def test_somebody_shows_the_picture_of_their_profile_and_is_seen_by_nobody_else(
    blog: Blog, opened: Callable[..., Page]
) -> None:
    page = opened()
    asked_of: list[str] = []
    page.on("request", lambda request: asked_of.append(request.url))
    link, definition_id = blog.asked()
    with blog.ledger.write() as connection:
        (handle,) = handles_of(
            connection, need_definition(connection, definition_id).contributor_id
        )
        url = "https://social.example/ada.png"
        seen = [(handle.address, url)]
        note_profile_pictures(connection, handle.channel, seen, blog.ledger.clock())
    page.goto(link)
    page.goto(f"{blog.base}/me/{definition_id}")
    page.get_by_text("Change how I am named").click()
    box = page.get_by_label("Show the picture of my profile")
    expect(box).not_to_be_checked()
    assert blog.fetched == [], "nothing is fetched before it is wanted"
    tab_to(page, "[name=picture]")
    page.keyboard.press("Space")
    face = page.locator("#preview img")
    expect(face).to_have_attribute("alt", "Profile picture of Ada Sample")
    expect(page.locator("#said")).to_contain_text("With your picture.")
    page.wait_for_function("document.querySelector('#preview img').naturalWidth === 96")
    check(page)
    assert blog.fetched == [url]
    press(page, "grant")
    expect(page.get_by_role("button", name="Take it back")).to_be_visible()
    check(page)
    page.goto(f"{blog.base}/me/{definition_id}/receipt")
    check(page)
    publish_pending(blog.ledger)
    page.goto(f"{blog.base}/")
    page.get_by_role("link", name="Permanent link").click()
    page.wait_for_function("document.querySelector('figure img').naturalWidth === 96")
    check(page)
    page.get_by_role("link", name="This author’s page").click()
    check(page)
    assert {urlsplit(one).netloc for one in asked_of} == {urlsplit(blog.base).netloc}
    page.goto(f"{blog.base}/me/{definition_id}")
    press(page, "withdraw")
    publish_pending(blog.ledger)
    assert not (blog.ledger.settings.site_folder / "pictures").exists()


def test_an_arabic_page_runs_from_right_to_left(blog: Blog, opened: Callable[..., Page]) -> None:
    page = opened()
    link, definition_id = blog.asked("ar")
    page.goto(link)
    page.goto(f"{blog.base}/me/{definition_id}")
    assert page.locator("html").get_attribute("dir") == "rtl"
    yes = page.locator("button.primary[value=grant]").bounding_box()
    no = page.locator("button[value=refuse]").bounding_box()
    is_rtl = page.locator("h1").evaluate("heading => heading.matches(':dir(rtl)')")
    assert yes is not None
    assert no is not None
    assert yes["x"] > no["x"], "the first button stands at the right"
    assert is_rtl
    assert page.locator("#preview").get_attribute("dir") == "ltr", "as the blog is"
    folder = ROOT / "build" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / "arabic.png", full_page=True)
