"""P38: an edit that an editor has looked at is not shown again; another one is. On each network."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from collector.channels import open_connector
from collector.channels.webmention import Webmentions
from collector.connector import Connector, Context
from collector.polling import poll_due
from collector.source_check import Open, check_sources
from collector.webmention.page import read_here
from ledger.accounts import add_account
from ledger.database import Ledger
from ledger.model import Account, Campaign, Channel
from ledger.replies import find_reply
from ledger.sources import HeldSource, held_source, release_source
from tests.conftest import SteppingClock
from tests.mentioning import TARGET, account, check, near, note, send
from tests.people import define
from tests.servers.bluesky_faults import FaultyBluesky
from tests.servers.comment_blog import CommentBlog
from tests.servers.mastodon_api import MastodonApi
from tests.servers.web_pages import WebPages
from tests.servers.x import XServer
from tests.servers.x_account import OAUTH2

FIRST, SECOND, THIRD = "a lamp", "a lamp, left on", "a lamp, left on for others"


@dataclass
class Scene:
    """One reply on a network, shortlisted; `edit` changes its words there."""

    ledger: Ledger
    clock: SteppingClock
    account: Account
    edit: Callable[[str], None]
    vanish: Callable[[], None]
    open_one: Open = open_connector

    def look(self) -> HeldSource | None:
        """What the worker notices on the next day, and the desk then shows."""
        self.clock.pass_time(hours=9)
        check_sources(self.ledger, open_one=self.open_one)
        with self.ledger.read() as connection:
            return held_source(connection, 1)

    def release(self) -> None:
        with self.ledger.write() as connection:
            release_source(connection, self.account, 1, self.clock())


def kept(ledger: Ledger, campaign: Campaign, channel: Channel, url: str, secret: str) -> Account:
    options: dict[str, Any] = {"base_url": url, "timeout": 5, "address": url}
    if channel is Channel.BLUESKY:
        options["handle"] = "owner.test"
    with ledger.write() as connection:
        return add_account(
            connection,
            ledger.keys,
            channel=channel,
            name=channel.value,
            campaign_id=campaign.id,
            options=options,
            secret=secret,
        )


@pytest.fixture(params=["x", "mastodon", "bluesky", "webmention", "comments"])
def scene(
    request: pytest.FixtureRequest, ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> Iterator[Scene]:
    makers = {
        "x": _at_x,
        "mastodon": _at_mastodon,
        "bluesky": _at_bluesky,
        "webmention": _on_a_page,
        "comments": _below_a_post,
    }
    with makers[request.param](ledger, campaign, clock) as made:
        for report in poll_due(ledger):
            assert (report.stored, report.error) == (1, "")
        with ledger.read() as connection:
            reply = find_reply(connection, 1)
        assert reply is not None
        define(ledger, reply)
        yield made


class _at_x:  # noqa: N801 - used like a function
    def __init__(self, ledger: Ledger, campaign: Campaign, clock: SteppingClock) -> None:
        self.server = XServer(clock)
        self.given = (ledger, campaign, clock)

    def __enter__(self) -> Scene:
        ledger, campaign, clock = self.given
        server = self.server.__enter__()
        post = server.add_post(FIRST)
        versions = [post]

        def edit(text: str) -> None:
            newer = server.edit_post(versions[-1], text)
            for version in versions:  # each version names all that came after it
                version["edit_history_tweet_ids"] = newer["edit_history_tweet_ids"]
            versions.append(newer)

        account = kept(ledger, campaign, Channel.X, server.url, json.dumps(OAUTH2))
        return Scene(
            ledger,
            clock,
            account,
            edit,
            lambda: server.deleted.update(version["id"] for version in versions),
        )

    def __exit__(self, *exc: object) -> None:
        self.server.__exit__(*exc)


class _at_mastodon:  # noqa: N801
    def __init__(self, ledger: Ledger, campaign: Campaign, clock: SteppingClock) -> None:
        self.server = MastodonApi(clock)
        self.given = (ledger, campaign, clock)

    def __enter__(self) -> Scene:
        ledger, campaign, clock = self.given
        server = self.server.__enter__()
        known = server.mention(server.add_person("ada@far.example"), FIRST)
        account = kept(ledger, campaign, Channel.MASTODON, server.url, server.token)
        return Scene(
            ledger,
            clock,
            account,
            lambda text: server.edit(known, text),
            lambda: server.delete(known),
        )

    def __exit__(self, *exc: object) -> None:
        self.server.__exit__(*exc)


class _at_bluesky:  # noqa: N801
    def __init__(self, ledger: Ledger, campaign: Campaign, clock: SteppingClock) -> None:
        self.server = FaultyBluesky()
        self.given = (ledger, campaign, clock)

    def __enter__(self) -> Scene:
        ledger, campaign, clock = self.given
        server = self.server.__enter__()
        item = server.arrive(FIRST, round(clock().timestamp() * 1000) - 5000)

        def edit(text: str) -> None:
            record = {**item["record"], "text": text}
            server.posts[item["uri"]] = {**item, "record": record, "cid": f"bafy-{len(text)}"}

        opened = server.account()
        account = kept(ledger, campaign, Channel.BLUESKY, server.base_url, opened.secret)
        return Scene(
            ledger, clock, account, edit, lambda: server.posts.pop(item["uri"], None) and None
        )

    def __exit__(self, *exc: object) -> None:
        self.server.__exit__(*exc)


class _on_a_page:  # noqa: N801
    """A page elsewhere whose server tells us of it once, and never again."""

    def __init__(self, ledger: Ledger, campaign: Campaign, clock: SteppingClock) -> None:
        self.site = WebPages()
        self.given = (ledger, campaign, clock)

    def __enter__(self) -> Scene:
        ledger, _, clock = self.given
        site = self.site.__enter__()
        send(ledger, site.put("/1", note(TARGET, FIRST)))
        assert check(ledger, near) == 1

        def edit(text: str) -> None:
            site.put("/1", note(TARGET, text))

        def vanish() -> None:
            edit(FIRST)
            site.put("/1", note("https://else.example/", FIRST))  # the page stays, its link goes

        def open_one(account: Account, context: Context) -> Connector:
            opened = open_connector(account, context)
            assert isinstance(opened, Webmentions)
            return replace(opened, fetch_page=near, read_page=read_here)

        return Scene(ledger, clock, account(ledger), edit, vanish, open_one)

    def __exit__(self, *exc: object) -> None:
        self.site.__exit__(*exc)


class _below_a_post:  # noqa: N801
    def __init__(self, ledger: Ledger, campaign: Campaign, clock: SteppingClock) -> None:
        self.blog = CommentBlog()
        self.given = (ledger, campaign, clock)

    def __enter__(self) -> Scene:
        ledger, campaign, clock = self.given
        blog = self.blog.__enter__()
        known = blog.write(FIRST)

        def edit(text: str) -> None:
            blog.comments[known].text = text

        account = kept(ledger, campaign, Channel.COMMENTS, blog.feed, "")
        return Scene(ledger, clock, account, edit, lambda: blog.comments.clear())

    def __exit__(self, *exc: object) -> None:
        self.blog.__exit__(*exc)


def test_p38_an_edit_that_was_released_is_not_shown_again(scene: Scene) -> None:
    assert scene.look() is None
    scene.edit(SECOND)
    seen = scene.look()
    assert seen is not None
    assert seen.state == "edited"
    assert SECOND in seen.text
    scene.release()
    assert scene.look() is None
    assert scene.look() is None
    scene.edit(THIRD)
    seen = scene.look()
    assert seen is not None
    assert THIRD in seen.text
    scene.release()
    assert scene.look() is None


def test_an_edit_that_was_taken_back_needs_no_look_any_more(scene: Scene) -> None:
    scene.edit(SECOND)
    assert scene.look() is not None
    with scene.ledger.read() as connection:
        reply = find_reply(connection, 1)
    assert reply is not None
    scene.edit(reply.text)
    assert scene.look() is None


def test_p38_a_deletion_holds_whatever_edits_were_released(scene: Scene) -> None:
    scene.edit(SECOND)
    assert scene.look() is not None
    scene.release()
    scene.vanish()
    seen = scene.look()
    assert seen is not None
    assert seen.state == "gone"
    assert scene.look() is not None
    scene.release()
    # Its author had allowed the words, and an editor let them stand: so they do, for good.
    assert scene.look() is None
    assert scene.look() is None
