"""Mastodon connectors and servers for the tests; each is opened anew, as the next poll does it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from collector.channels.mastodon import MastodonConnector
from collector.connector import Context, OutgoingMessage, PromptPost
from ledger.model import Account, Channel, IncomingReply, Page
from tests.conftest import SteppingClock
from tests.servers.mastodon_api import MastodonApi

ADA = "@ada@far.example"
#: No test here has more pages than this.
MOST_PAGES = 60


@pytest.fixture
def server(clock: SteppingClock) -> Iterator[MastodonApi]:
    with MastodonApi(clock) as running:
        running.add_person("ada@far.example")
        yield running


@pytest.fixture
def ada(server: MastodonApi) -> str:
    return next(known for known, who in server.accounts.items() if who["acct"] == ADA[1:])


def connected(
    server: MastodonApi, *prompts: int, token: str = "", timeout: float = 10, url: str = ""
) -> MastodonConnector:
    """A connector as the next poll opens it: it knows nothing but the account."""
    options = {"base_url": url or server.url, "timeout": timeout}
    account = Account(1, Channel.MASTODON, "a", "c", options, token or server.token)
    asked = tuple(PromptPost(str(known), "", server.clock()) for known in prompts)
    return MastodonConnector(account, Context(clock=server.clock, prompts=asked))


def read_all(
    server: MastodonApi, *prompts: int, limit: int = 80, cursor: str = ""
) -> tuple[list[Page], str]:
    """Every page until there is no more, each by a connector of its own, and the last cursor."""
    pages = []
    for _ in range(MOST_PAGES):
        pages.append(connected(server, *prompts).fetch(cursor, limit))
        cursor = pages[-1].next_cursor
        if not pages[-1].more:
            return pages, cursor
    pytest.fail("The connector never said that there is no more.")


def replies(pages: list[Page]) -> list[IncomingReply]:
    return [reply for page in pages for reply in page.replies]


def hello(to: str = ADA, body: str = "Hello", **given: object) -> OutgoingMessage:
    return OutgoingMessage("<m1@sample.example>", to, "", body, **given)  # type: ignore[arg-type]
