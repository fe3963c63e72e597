"""The whole chain on each channel, told by one scenario (tests/chains/scenario.py)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ledger.database import Ledger
from ledger.model import Campaign, Channel
from publisher.publish import publish
from tests.chains.brought import ByMail, ByWebmention, FromAFile, OnTheForm, PastedIn
from tests.chains.commented import BelowABlogPost
from tests.chains.scenario import World, play
from tests.chains.social import OnBluesky, OnBlueskyNetwork, OnMastodon, OnSnac, OnX
from tests.conftest import SteppingClock
from tests.mentioning import listening_blog
from tests.servers import snac
from tests.servers.bluesky import BlueskyNetwork
from tests.servers.bluesky_faults import FaultyBluesky
from tests.servers.comment_blog import CommentBlog
from tests.servers.fixtures import need
from tests.servers.mail import MailServer
from tests.servers.mastodon_api import MastodonApi
from tests.servers.snac import SnacServer
from tests.servers.web_pages import WebPages
from tests.servers.x import XServer

#: Which story is told of which channel; a channel that is missing here fails a test.
STAGES = {
    Channel.X: [OnX],
    Channel.MASTODON: [OnMastodon, OnSnac],
    Channel.BLUESKY: [OnBluesky, OnBlueskyNetwork],
    Channel.EMAIL: [ByMail],
    Channel.WEBMENTION: [ByWebmention],
    Channel.FORM: [OnTheForm],
    Channel.IMPORT: [FromAFile],
    Channel.PASTE: [PastedIn],
    Channel.COMMENTS: [BelowABlogPost],
}


@pytest.fixture
def world(ledger: Ledger, campaign: Campaign, clock: SteppingClock) -> World:
    return World(ledger, campaign, clock)


def test_p38_the_chain_on_x(world: World) -> None:
    with XServer(world.clock) as server:
        play(OnX(server), world)


def test_p38_the_chain_on_mastodon(world: World) -> None:
    with MastodonApi(world.clock) as server:
        play(OnMastodon(server), world)


def test_p38_the_chain_on_snac2(world: World) -> None:
    need(snac.why_unavailable())
    # It takes marks and tags for its own: what is typed without them is what arrives.
    world.words = "making other people’s ideas louder & clearer, näher"
    with SnacServer() as server:
        play(OnSnac(server), world)


def test_p38_the_chain_on_bluesky(world: World) -> None:
    with FaultyBluesky() as server:
        play(OnBluesky(server), world)


@pytest.mark.timeout(900)  # where its packages are not yet there, they are installed first
def test_p38_the_chain_on_blueskys_own_network(
    world: World, bluesky_network: BlueskyNetwork
) -> None:
    play(OnBlueskyNetwork(bluesky_network), world)


@pytest.mark.mail
def test_the_chain_by_mail(world: World, mail_server: MailServer) -> None:
    play(ByMail(mail_server), world)


def test_p38_the_chain_by_webmention(tmp_path: Path, clock: SteppingClock) -> None:
    with listening_blog(tmp_path, clock) as blog, WebPages(host="127.0.0.2") as site:
        # In place of its stand-ins, the pages as they are published.
        shutil.rmtree(blog.ledger.settings.site_folder)
        publish(blog.ledger)
        play(ByWebmention(blog, site), World(blog.ledger, blog.campaign, clock))


def test_the_chain_by_the_form(world: World) -> None:
    play(OnTheForm(), world)


def test_the_chain_by_a_file(world: World, tmp_path: Path) -> None:
    play(FromAFile(tmp_path), world)


def test_the_chain_by_a_pasted_letter(world: World) -> None:
    play(PastedIn(), world)


def test_p38_the_chain_below_a_blog_post(world: World) -> None:
    with CommentBlog() as blog:
        play(BelowABlogPost(blog), world)


def test_no_channel_is_left_out_and_what_is_says_why() -> None:
    assert set(STAGES) == set(Channel)
    told = [stage for stages in STAGES.values() for stage in stages]
    cannot_post = {stage.name for stage in told if stage.cannot_post}
    cannot_delete = {stage.name for stage in told if stage.cannot_delete}
    assert cannot_post == {"email", "webmention", "form", "import", "paste", "comments"}
    assert cannot_delete == {"email", "form", "import", "paste"}
    for stage in told:
        for reason in (stage.cannot_post, stage.cannot_delete):
            assert reason == "" or reason.endswith(".")
