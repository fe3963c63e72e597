"""An interview in a real browser: made by an editor's keys, allowed on a phone without JavaScript.

Given a conversation with somebody; when an editor puts it in order and asks, their page shows the
whole of it as the blog will, they change how they are named, say yes, and take it back.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select
from werkzeug.serving import make_server

from collector.read import read_new
from consent.requests import ask, fresh_link
from ledger.database import Ledger
from ledger.definitions import need_definition
from ledger.editors import invite_owner
from ledger.model import Campaign
from ledger.tables import definitions
from publisher.publish import publish_pending
from tests.conversing import said
from tests.visiting import OWNER_ADDRESS, PASSWORD, application

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
PHONE = {"width": 390, "height": 844}
LONG = "Long before anybody asks. " * 12


@pytest.fixture
def base(ledger: Ledger, campaign: Campaign) -> Iterator[str]:
    for words in ("Thought leadership is listening.", LONG):
        said(ledger, campaign, "ada", words)
    read_new(ledger)
    server = make_server("127.0.0.1", 0, application(ledger), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., Page]]:
    contexts = []

    def new_page(**options: Any) -> Page:
        contexts.append(browser.new_context(viewport=PHONE, **options))
        return contexts[-1].new_page()

    yield new_page
    for context in contexts:
        context.close()


def check(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, f"{page.url}\n{found.generate_report()}"
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"], f"{page.url} is {width} wide"


def test_an_interview_is_made_by_keys_and_allowed_on_a_phone(
    base: str, opened: Callable[..., Page], ledger: Ledger
) -> None:
    desk = opened()
    desk.goto(base + urlsplit(invite_owner(ledger)).path)
    desk.get_by_label("E-mail address").fill(OWNER_ADDRESS)
    desk.get_by_label("Your name").fill("Robin")
    desk.get_by_label(re.compile("password", re.IGNORECASE)).first.fill(PASSWORD)
    desk.keyboard.press("Enter")
    desk.wait_for_url(f"{base}/desk")
    desk.goto(f"{base}/desk/threads/1")
    desk.get_by_role("link", name="Make an interview").focus()
    desk.keyboard.press("Enter")
    desk.wait_for_url("**/desk/pieces/new/1/interview")
    check(desk)
    desk.get_by_label("Title").fill("On listening")
    desk.get_by_role("group", name="An answer 2").get_by_role("checkbox").focus()
    desk.keyboard.press("Space")
    desk.get_by_role("group", name="A question 3").get_by_label("The question").fill("Since when?")
    desk.get_by_role("group", name="A question 3").get_by_label("Place in the order").fill("1")
    desk.get_by_role("group", name="An answer 2").get_by_label("Place in the order").fill("2")
    desk.get_by_role("button", name="Keep it, and see how it looks").focus()
    desk.keyboard.press("Enter")
    desk.wait_for_url("**/desk/definitions/*")
    expect(desk.get_by_role("heading", name="On listening")).to_be_visible()
    check(desk)

    with ledger.read() as connection:
        piece = need_definition(
            connection,
            connection.execute(
                select(definitions.c.id).where(definitions.c.part == 1)
            ).scalar_one(),
        )
    ask(ledger, piece.id, asked_by="Robin")
    phone = opened(java_script_enabled=False)
    live = opened()
    link = base + urlsplit(fresh_link(ledger, piece.contributor_id)).path
    live.goto(link)
    live.goto(f"{base}/me/{piece.id}")
    check(live)
    live.get_by_text("Change how I am named").click()
    live.get_by_label("Name or pseudonym").fill("Ada S.")
    expect(live.locator("#preview cite").first).to_contain_text("Ada S.")
    phone.goto(link)
    phone.get_by_role("link", name="Look and decide").click()
    expect(phone.locator("#preview")).to_contain_text("Since when?")
    phone.get_by_text("Change how I am named").click()
    phone.get_by_label("a pseudonym").check()
    phone.get_by_label("Name or pseudonym").fill("A. S.")
    phone.get_by_role("button", name="Show me how it looks").last.click()
    expect(phone.locator("#preview")).to_contain_text("An interview with A. S.")
    shown = phone.locator("#preview").inner_text()
    phone.get_by_role("button", name="Yes, publish this").click()
    expect(phone.get_by_role("heading", name="Thank you. You said yes")).to_be_visible()
    publish_pending(ledger)
    phone.reload()
    phone.get_by_role("link", name="see it on the blog").click()
    on_blog = phone.locator("article").inner_text()
    assert " ".join(shown.split()) in " ".join(on_blog.split()), "it looks as it was shown"
    blog = opened()
    blog.goto(phone.url)
    check(blog)
    for listing in ("/", "/thought-leadership/", "/desk/pieces", "/desk/threads/1"):
        page = desk if listing.startswith("/desk") else blog
        page.goto(base + listing)
        expect(page.get_by_text("On listening").first).to_be_visible()
        check(page)
    address = phone.url
    phone.go_back()
    phone.get_by_role("button", name="Take it back").click()
    answer = blog.goto(address)
    assert answer is not None
    assert answer.status == 410
