"""Accounts in a real browser, on a phone, with and without JavaScript: added, read, rested."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.servers.mastodon_api import MastodonApi
from tests.serving import Served

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


@pytest.mark.parametrize("scripted", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_an_owner_adds_an_account_and_lets_it_rest(
    browser: Browser, served: Served, scripted: bool
) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, java_script_enabled=scripted
    )
    page, complaints = context.new_page(), []
    page.on("console", lambda said: complaints.append(said.text))
    page.goto(served.welcome)
    page.get_by_label("E-mail address").fill("owner@blog.example")
    page.get_by_label("Your name").fill("Olu")
    page.get_by_label("Password").fill("lamp otter seventeen quilts")
    page.get_by_role("button", name="Open the desk").click()
    page.get_by_role("link", name="Accounts", exact=True).click()
    page.get_by_role("link", name="Add an account").click()
    expect(page.get_by_text(f"{served.base}webmention")).to_be_visible()
    page.get_by_role("link", name="Mastodon").click()
    with MastodonApi() as server:
        page.get_by_label("Address of your server").fill(server.url)
        page.get_by_label("Access token").fill("not-the-token")
        page.get_by_role("button", name="Try it and keep it").click()
        expect(page.get_by_role("alert")).to_contain_text("token")
        expect(page.get_by_label("Address of your server")).to_have_value(server.url)
        expect(page.get_by_label("Access token")).to_have_value("")
        page.get_by_label("Access token").fill(server.token)
        page.get_by_role("button", name="Try it and keep it").click()
        expect(page.get_by_role("status")).to_contain_text("The server answered as @bot")
        assert server.token not in page.content()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth") or not scripted
        page.get_by_role("button", name="Pause reading").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("paused")
        page.get_by_role("button", name="Resume reading").click()
        expect(page.get_by_role("button", name="Pause reading")).to_be_visible()
    context.close()
    # The refused try is answered with 400, which the browser reports as a failed load.
    assert [one for one in complaints if "400" not in one] == []
