"""The greeting desk in a real browser, without JavaScript: two people, each greeted once.

Given followers at a Mastodon server and at X; when an editor writes a link, the page says why not;
when one true sentence stands there, the first greeting leaves by the worker, and the second is
opened in X's own composer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from ledger.accounts import add_account
from ledger.campaigns import need_campaign
from ledger.clock import system_clock
from ledger.database import open_ledger
from ledger.facts import Manners, keep_manners
from ledger.model import Channel
from ledger.settings import load_settings
from tests.commands import ROOT
from tests.servers.mastodon_api import MastodonApi
from tests.servers.x import XServer
from tests.servers.x_account import x_account
from tests.serving import Served, new_instance, serving

TRUE = "your talk on gardens in winter stayed with me."

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture
def mastodon() -> Iterator[MastodonApi]:
    with MastodonApi() as server:
        server.follow(
            server.add_person(
                "liz@sample.example", display_name="Liz Sample", note="<p>Gardens, mostly.</p>"
            )
        )
        server.follow(server.add_person("robot@sample.example", bot=True))
        server.follow(server.add_person("quiet@sample.example", note="<p>#nobot</p>"))
        yield server


@pytest.fixture
def x() -> Iterator[XServer]:
    with XServer(system_clock) as server:
        server.add_follower("bo_example", description="Bakes bread.")
        yield server


@pytest.fixture
def desk(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory, mastodon: MastodonApi, x: XServer
) -> Iterator[Page]:
    """An owner at the desk of an instance with both accounts, where it is about noon."""
    instance = new_instance(tmp_path_factory.mktemp("greeting"), title="The Blank")
    with serving(instance) as served:
        ledger = open_ledger(load_settings({}, home=instance.home))
        at_x = x_account(x.url)
        with ledger.write() as connection:
            campaign = need_campaign(connection, "")
            keep_manners(connection, campaign.id, Manners(zone=where_it_is_noon()))
            for channel, name, options, secret in (
                (Channel.MASTODON, "@us@blog.example", {"base_url": mastodon.url}, mastodon.token),
                (Channel.X, at_x.name, at_x.options, at_x.secret),
            ):
                add_account(
                    connection,
                    ledger.keys,
                    channel=channel,
                    name=name,
                    campaign_id=campaign.id,
                    options=options,
                    secret=secret,
                )
        ledger.close()
        context = browser.new_context(
            viewport={"width": 1180, "height": 860}, java_script_enabled=False
        )
        page = context.new_page()
        sign_in(page, served)
        yield page
        context.close()


def where_it_is_noon() -> str:
    """A zone in which nobody sleeps now; the signs of Etc zones are those of POSIX."""
    hours = (12 - datetime.now(UTC).hour) % 24
    hours = hours - 24 if hours > 12 else hours
    return f"Etc/GMT{-hours:+d}" if hours else "Etc/UTC"


def sign_in(page: Page, served: Served) -> None:
    page.goto(served.welcome)
    page.get_by_label("E-mail address").fill("robin@blog.example")
    page.get_by_label("Your name").fill("Robin")
    page.get_by_label("Password").fill("four made up words")
    page.get_by_role("button", name="Open the desk").click()


def picture(page: Page, name: str) -> None:
    folder = ROOT / "build" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"greeting-{name}.png", full_page=True)


def test_p13_two_followers_are_greeted_one_by_one(
    desk: Page, mastodon: MastodonApi, x: XServer
) -> None:
    page = desk
    page.get_by_role("link", name="Greetings").click()
    expect(page.get_by_text("Nobody is waiting")).to_be_visible()
    page.get_by_role("button", name="Look at @us@blog.example").click()
    page.get_by_role("button", name="Look at @asker_example").click()
    expect(page.get_by_text("Gardens, mostly.")).to_be_visible()
    expect(page.get_by_text("1: say #nobot in their profile")).to_be_visible()
    expect(page.get_by_text("1: are bots")).to_be_visible()
    picture(page, "list")

    page.get_by_role("link", name="Write to Liz Sample").click()
    picture(page, "empty")
    page.get_by_label("One true sentence about them").fill(TRUE)
    page.get_by_role("button", name="Put it into the draft").click()
    message = page.get_by_label("The message")
    expect(message).to_have_value(re.compile(rf"^Liz, {TRUE} I would love you to fill in"))
    good = message.input_value()
    message.fill(good + " Join our webinar at sample.example, 20% off!")
    page.get_by_role("button", name="Send it to this one person").click()
    objections = page.locator("#objections")
    expect(objections).to_contain_text("A greeting has no links")
    expect(objections).to_contain_text("A greeting offers nothing")
    picture(page, "refused")
    message.fill(good)
    page.get_by_role("button", name="Send it to this one person").click()
    expect(page.get_by_text("on its way")).to_be_visible()
    mastodon.wait_for_posts(1)

    page.get_by_role("link", name="Write to Bo Example").click()
    page.get_by_label("One true sentence about them").fill("your rye bread is the best in town.")
    page.get_by_role("button", name="Put it into the draft").click()
    page.get_by_role("button", name="Prepare it for X").click()
    composer = page.get_by_role("link", name="Open it in X").get_attribute("href")
    picture(page, "by-hand")
    address = urlsplit(composer or "")
    assert (address.scheme, address.netloc) == ("https", "x.com")
    assert "rye bread" in parse_qs(address.query)["text"][0]
    page.get_by_role("button", name="I have sent it").click()
    expect(page.get_by_text("Kept as sent.")).to_be_visible()
    expect(page.get_by_text("Nobody is waiting")).to_be_visible()
    expect(page.get_by_text("Greeted, and silent so far")).to_be_visible()
    picture(page, "done")
    assert len(mastodon.posted()) == 1
    assert x.requests("/messages") == []

    page.get_by_role("link", name="Templates and rules").click()
    expect(page.get_by_label("People per day and account")).to_be_visible()
    picture(page, "manners")
