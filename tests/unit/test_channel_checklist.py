"""docs/how-to/add-a-channel.md, walked step by step for every channel that there is."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from collector.account_asking import ASKING
from collector.channels import _MODULES, FOLLOWED, LISTENING, POLLED, POSTING
from collector.composers import composer
from consent.ways import REACHED_BY_MAIL, ROOM
from ledger.model import Account, Channel
from ledger.settings import Settings
from publisher.shown import CHANNEL_WORDS
from tests.contract.kinds import BY_READING, Kind
from tests.contract.test_troubles import EMAIL_CANNOT, HOOKS, READ_THERE
from tests.integration.test_channel_chains import STAGES
from tests.integration.test_p16_nothing_lost import MAILS
from tests.integration.test_p16_thousands_of_posts import ANSWERS
from tests.sending_houses import HOUSES
from web.showing import CHANNELS

ROOT = Path(__file__).parent.parent.parent
CHECKLIST = (ROOT / "docs/how-to/add-a-channel.md").read_text(encoding="utf-8")
STEPS = re.findall(r"^(\d+)\. (.*(?:\n   .*)*)", CHECKLIST, re.MULTILINE)
#: Where each channel is explained to those who use it.
PAGES = {
    Channel.X: "how-to/add-an-x-account.md",
    Channel.MASTODON: "how-to/add-a-mastodon-account.md",
    Channel.BLUESKY: "how-to/add-a-bluesky-account.md",
    Channel.EMAIL: "how-to/add-an-email-account.md",
    Channel.WEBMENTION: "how-to/receive-webmentions.md",
    Channel.FORM: "tutorial/first-campaign.md",
    Channel.IMPORT: "how-to/import-answers.md",
    Channel.PASTE: "how-to/paste-in-a-reply.md",
    Channel.COMMENTS: "how-to/read-the-comments-of-a-blog.md",
}
#: Read by whoever knows the address: nothing of such an account is secret.
WITHOUT_LOGIN = {Channel.COMMENTS}
every_channel = pytest.mark.parametrize("channel", list(Channel))


def test_every_step_is_known_here_and_names_what_exists() -> None:
    assert [number for number, _ in STEPS] == [str(number) for number in range(1, 12)]
    for _, step in STEPS:
        for name in re.findall(r"`([a-z_.]+/[\w./-]*)`", step):
            assert (ROOT / name).exists(), name


@every_channel
def test_1_to_3_its_connector(channel: Channel) -> None:
    module = importlib.import_module(_MODULES[channel])
    assert module.__name__.startswith("collector.channels.")
    assert callable(module.open_connector)
    assert (module.__doc__ or "").strip()
    lines = Path(module.__file__ or "").read_text(encoding="utf-8").splitlines()
    assert len(lines) < 200, "it says what happens: how goes to modules beside it"
    assert len(channel.value) <= 16, "as wide as its column"


def test_3_the_lists_name_channels_that_are_read() -> None:
    assert POLLED >= POSTING >= FOLLOWED
    assert POLLED >= LISTENING
    # What is not read has no accounts that could be added, and nothing that could be asked of.
    assert set(ASKING) == POLLED


@pytest.mark.parametrize("channel", sorted(POLLED))
def test_4_its_accounts_and_its_pace(channel: Channel) -> None:
    asking = importlib.import_module(ASKING[channel])
    folder = {Channel.EMAIL: "mail"}.get(channel, channel.value)
    assert asking.__name__ == f"collector.{folder}.asks"
    assert (asking.__doc__ or "").strip(), "what `account add` says of the channel"
    assert all(ask.prompt and ask.where for ask in asking.ASKS)
    assert any(ask.secret for ask in asking.ASKS) is (channel not in WITHOUT_LOGIN)
    account = Account(1, channel, "a", "c", {}, "{}")
    assert set(asking.answers_of(account)) <= {ask.name for ask in asking.ASKS}
    pace = Settings.model_fields[f"{channel}_poll_seconds"]
    assert pace.description
    source = (ROOT / "ledger/settings.py").read_text(encoding="utf-8")
    before = source[: source.index(f"{channel}_poll_seconds")].rstrip().splitlines()[-1]
    assert before.lstrip().startswith("#"), "where the limit comes from"


@every_channel
def test_6_its_case_tries_every_kind_or_says_why_not(channel: Channel) -> None:
    if channel is Channel.EMAIL:  # its case is made around a server: test_troubles.py counts it
        assert set(EMAIL_CANNOT) < set(Kind)
        return
    spoken_of = {*HOOKS[channel].named, *(BY_READING if channel in READ_THERE else ())}
    assert spoken_of == set(Kind)


@every_channel
def test_7_its_chain_is_told(channel: Channel) -> None:
    assert STAGES[channel]
    for stage in STAGES[channel]:
        assert stage.cannot_post == "" or channel not in POSTING


def test_8_thousands_of_answers_come_in_by_each_that_is_read() -> None:
    assert {*ANSWERS, Channel.EMAIL} == POLLED
    assert all(count >= 1_000 for count in (*ANSWERS.values(), MAILS))


@every_channel
def test_9_how_its_people_are_asked(channel: Channel) -> None:
    assert (channel in ROOM) == (channel in HOUSES), "where we write is where cuts are tried"
    if channel in ROOM:
        account = Account(1, channel, "a", "c", {"base_url": "https://social.example"}, "")
        assert all(room > 0 for room in ROOM[channel])
        assert channel not in REACHED_BY_MAIL
        assert composer(account, "@ada@social.example", "@ada@social.example", "Hello").startswith(
            "https://"
        )


@every_channel
def test_10_its_words_on_the_blog_and_on_the_desk(channel: Channel) -> None:
    assert CHANNEL_WORDS[channel]
    assert CHANNELS[channel]
    if channel in POLLED:
        for template in ("account_form.html", "account_channels.html"):
            text = (ROOT / "templates/desk" / template).read_text(encoding="utf-8")
            assert f'"{channel}":' in text, template


@every_channel
def test_11_its_page_is_written_and_linked(channel: Channel) -> None:
    assert (ROOT / "docs" / PAGES[channel]).exists()
    assert PAGES[channel] in (ROOT / "docs/README.md").read_text(encoding="utf-8")
    files = (ROOT / "docs/reference/files.md").read_text(encoding="utf-8")
    assert f"`{channel}`" in files
