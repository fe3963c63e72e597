"""A conversation in a real browser: read and answered by keys, and by a phone without JavaScript.

Given three people who have written at a Mastodon server; when an editor answers the first, says of
the second that it needs no answer, and the first answers again, the desk shows whose turn it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from ledger.accounts import add_account
from ledger.campaigns import need_campaign
from ledger.database import open_ledger
from ledger.model import Channel
from ledger.settings import load_settings
from ledger.tables import accounts
from tests.commands import ROOT
from tests.servers.mastodon_api import MastodonApi
from tests.serving import Served, new_instance, serving

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture
def mastodon() -> Iterator[MastodonApi]:
    with MastodonApi() as server:
        for name, words in (
            ("ada", "Thought leadership is listening before you speak"),
            ("bob", "What is this for?"),
            ("eve", "Thought leadership is <b>carrying the lamp</b> for others"),
        ):
            server.mention(server.add_person(f"{name}@far.example"), words, visibility="direct")
        yield server


@pytest.fixture
def served(tmp_path: Path, mastodon: MastodonApi) -> Iterator[Served]:
    instance = new_instance(tmp_path, title="The Blank")
    with serving(instance) as running:
        ledger = open_ledger(load_settings({}, home=instance.home))
        with ledger.write() as connection:
            add_account(
                connection,
                ledger.keys,
                channel=Channel.MASTODON,
                name="@us@blog.example",
                campaign_id=need_campaign(connection, "").id,
                options={"base_url": mastodon.url},
                secret=mastodon.token,
            )
        ledger.close()
        yield running


def look_again(home: Path) -> None:
    """Make the account due: its server is not asked more often than it allows."""
    ledger = open_ledger(load_settings({}, home=home))
    with ledger.write() as connection:
        connection.execute(accounts.update().values(next_poll_at=ledger.clock()))
    ledger.close()


def sign_in(page: Page, served: Served) -> None:
    page.goto(served.welcome)
    page.get_by_label("E-mail address").fill("robin@blog.example")
    page.get_by_label("Your name").fill("Robin")
    page.get_by_label("Password").fill("four made up words")
    page.get_by_role("button", name="Open the desk").click()


def picture(page: Page, name: str) -> None:
    folder = ROOT / "build" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"threads-{name}.png", full_page=True)


def arrived(page: Page, count: int) -> None:
    """Until so many wait for us; the worker reads by itself."""
    tab = page.get_by_role("link", name=re.compile("^Waiting for us"))
    for _ in range(60):
        page.get_by_role("link", name="Threads", exact=True).click()
        if f"Waiting for us {count}" in " ".join((tab.first.text_content() or "").split()):
            return
        page.wait_for_timeout(500)
    expect(tab.first).to_contain_text(str(count))


def expect_person(page: Page, name: str) -> None:
    """The conversation with them is open, and its keys are listened to."""
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    page.wait_for_load_state("load")


def test_threads_are_cleared_by_keys(
    browser: Browser, served: Served, mastodon: MastodonApi, tmp_path: Path
) -> None:
    context = browser.new_context(viewport={"width": 1180, "height": 860})
    page, complaints = context.new_page(), list[str]()
    page.on("console", lambda said: complaints.append(said.text))
    sign_in(page, served)
    arrived(page, 3)
    picture(page, "list")
    page.get_by_role("link", name="Answer one after the other").click()
    expect_person(page, "Ada")
    page.keyboard.press("j")
    expect_person(page, "Bob")
    page.keyboard.press("k")
    expect_person(page, "Ada")
    page.keyboard.press("w")
    page.keyboard.type("Thank you. Listening to whom?")
    picture(page, "writing")
    page.keyboard.press("Control+Enter")
    expect_person(page, "Bob")
    mastodon.wait_for_posts(1)
    (posted,) = mastodon.posted()
    assert posted["visibility"] == "direct"
    assert "Listening to whom?" in posted["content"]
    page.keyboard.press("e")
    expect_person(page, "Eve")
    page.keyboard.press("s")
    expect(page.get_by_text("Shortlisted.")).to_be_visible()
    ada = posted["in_reply_to_id"]
    person = mastodon.statuses[int(ada)]["account"]["id"]
    words = "To everybody. By the way, I am also @eve@far.example."
    mastodon.mention(person, words, visibility="direct", answers=int(posted["id"]))
    look_again(tmp_path / "home")
    arrived(page, 2)
    page.get_by_role("link", name="Ada").click()
    turns = page.locator(".turn")
    expect(turns).to_have_count(3)
    expect(turns.nth(1)).to_contain_text("Robin")
    expect(turns.nth(1)).to_contain_text("sent")
    expect(turns.nth(2)).to_contain_text("To everybody.")
    picture(page, "thread")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for width in (390, 1180):
            page.set_viewport_size({"width": width, "height": 860})
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            picture(page, f"thread-{scheme}-{width}")
    # She says that she is somebody else too: that is offered, and an editor decides.
    offer = page.locator("form.joinable")
    expect(offer).to_contain_text("By the way, I am also @eve")
    offer.get_by_role("button", name="Join them").click()
    expect(page.get_by_text("They are one person from here on")).to_be_visible()
    expect(offer).to_have_count(0)
    expect(turns.filter(has_text="carrying the lamp")).to_have_count(1)
    picture(page, "joined")
    page.get_by_role("button", name="They are two people after all").click()
    expect(page.get_by_text("They are two people again")).to_be_visible()
    assert complaints == []
    context.close()


def test_a_thread_works_on_a_phone_without_javascript(
    browser: Browser, served: Served, mastodon: MastodonApi
) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    page = context.new_page()
    sign_in(page, served)
    arrived(page, 3)
    page.get_by_role("link", name="Ada").click()
    page.get_by_label("Your words, to this one person").fill("To whom?")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("It is waiting to leave")).to_be_visible()
    mastodon.wait_for_posts(1)
    page.get_by_role("link", name="Threads", exact=True).click()
    page.get_by_role("link", name=re.compile("^Waiting for them")).click()
    expect(page.locator("main")).to_contain_text("Ada")
    context.close()
