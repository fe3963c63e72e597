"""What every connector promises to the poll cycle and the dispatcher, whatever its channel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.connector import ChannelError, Connector, OutgoingMessage
from ledger.accounts import ensure_account
from ledger.campaigns import add_campaign
from ledger.database import Ledger
from ledger.model import Account, Channel, IncomingReply, Page, SkipKind
from ledger.replies import store_replies
from ledger.settings import load_settings
from tests.contract.bluesky_case import BLUESKY_CASE
from tests.contract.cases import CASES, MALFORMED, ConnectorCase
from tests.contract.comments_case import COMMENTS_CASE
from tests.contract.email_case import email_case
from tests.contract.mastodon_case import MASTODON_CASE
from tests.contract.real_cases import bluesky_network_case
from tests.contract.snac_case import snac_case
from tests.contract.x_case import X_CASE
from tests.molds import open_new
from tests.servers.bluesky import BlueskyNetwork
from tests.servers.snac import SnacServer

TEXTS = [f"Thought leadership is lamp {number}, left on" for number in range(23)]
#: No source of 23 replies takes more pages than this; a bound for a connector that never ends.
MOST_PAGES = 40


@pytest.fixture(
    params=[
        *(pytest.param(case, id=case.name) for case in CASES),
        pytest.param(BLUESKY_CASE, id="bluesky"),
        pytest.param(X_CASE, id="x"),
        pytest.param(MASTODON_CASE, id="mastodon"),
        pytest.param(COMMENTS_CASE, id="comments"),
        pytest.param("email", id="email", marks=pytest.mark.mail),
        pytest.param("snac_case", id="mastodon at snac2"),
        pytest.param("bluesky_network_case", id="bluesky-network", marks=pytest.mark.timeout(900)),
    ]
)
def case(request: pytest.FixtureRequest) -> ConnectorCase:
    """Each connector's case; one that needs a server is made around it."""
    if request.param == "email":
        return email_case(request.getfixturevalue("mail_server"))
    if isinstance(request.param, str):
        made: ConnectorCase = request.getfixturevalue(request.param)
        return made
    found: ConnectorCase = request.param
    return found


@pytest.fixture(scope="session", name="bluesky_network_case")
def _bluesky_network_case(bluesky_network: BlueskyNetwork) -> ConnectorCase:
    return bluesky_network_case(bluesky_network)


@pytest.fixture(name="snac_case")
def _snac_case(snac_server: SnacServer) -> ConnectorCase:
    return snac_case(snac_server)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = open_new(load_settings({}, home=tmp_path / "home"))
    yield opened
    opened.close()


@pytest.fixture
def account(ledger: Ledger) -> Account:
    with ledger.write() as connection:
        campaign = add_campaign(connection, ledger.clock(), prompt="Thought leadership is ___?")
        return ensure_account(connection, ledger.keys, Channel.IMPORT, "a", campaign.id)


def read_pages(connector: Connector, limit: int, cursor: str = "") -> list[Page]:
    pages = []
    for _ in range(MOST_PAGES):
        pages.append(connector.fetch(cursor, limit))
        cursor = pages[-1].next_cursor
        if not pages[-1].more:
            return pages
    pytest.fail("The connector never said that there is no more.")


def replies_of(pages: list[Page]) -> list[IncomingReply]:
    return [reply for page in pages for reply in page.replies]


@pytest.mark.parametrize("limit", [1, 5, 23, 500])
def test_p16_paging_brings_every_reply_once_and_in_order(
    case: ConnectorCase, tmp_path: Path, limit: int
) -> None:
    with case.prepare(tmp_path, TEXTS) as connector:
        pages = read_pages(connector, limit)
        assert [reply.text.strip() for reply in replies_of(pages)] == TEXTS
        assert all(len(page.replies) <= limit for page in pages)
        assert all(page.skipped == () for page in pages)


def test_the_same_cursor_brings_the_same_replies(case: ConnectorCase, tmp_path: Path) -> None:
    with case.prepare(tmp_path, TEXTS) as connector:
        cursors = ["", *(page.next_cursor for page in read_pages(connector, 5))]
        for cursor in cursors:
            again = [connector.fetch(cursor, 5).replies for _ in range(2)]
            assert again[0] == again[1]


def test_after_the_last_page_there_is_nothing_more(case: ConnectorCase, tmp_path: Path) -> None:
    with case.prepare(tmp_path, TEXTS) as connector:
        last = read_pages(connector, 5)[-1].next_cursor
        page = connector.fetch(last, 5)
        assert (page.replies, page.more, page.skipped) == ((), False, ())
        assert connector.fetch(page.next_cursor, 5).replies == ()


def test_replies_have_ids_addresses_and_what_was_sent(case: ConnectorCase, tmp_path: Path) -> None:
    with case.prepare(tmp_path, TEXTS) as connector:
        replies = replies_of(read_pages(connector, 500))
    assert len({reply.external_id for reply in replies}) == len(TEXTS)
    assert len({reply.address for reply in replies}) == (case.writers or len(TEXTS))
    for reply, text in zip(replies, TEXTS, strict=True):
        assert text in reply.raw
        assert reply.written_at is None or reply.written_at.utcoffset() is not None
        assert not reply.automatic


def test_p16_reading_again_stores_nothing_twice(
    case: ConnectorCase, tmp_path: Path, ledger: Ledger, account: Account
) -> None:
    stored = []
    with case.prepare(tmp_path, TEXTS) as connector:
        # The second run overlaps the first; the third knows nothing of either.
        middle = connector.fetch("", 7).next_cursor
        for cursor in ("", middle, ""):
            replies = replies_of(read_pages(connector, 7, cursor))
            with ledger.write() as connection:
                stored.append(store_replies(connection, account, replies, ledger.clock()))
    assert stored == [len(TEXTS), 0, 0]


def test_p17_a_malformed_reply_is_skipped_with_a_reason_and_the_rest_arrives(
    case: ConnectorCase, tmp_path: Path
) -> None:
    if case.elsewhere:
        assert case.elsewhere.endswith(".")
        return
    texts = [*TEXTS[:4], MALFORMED, *TEXTS[4:]]
    with case.prepare(tmp_path, texts) as connector:
        pages = read_pages(connector, 5)
        assert [reply.text.strip() for reply in replies_of(pages)] == TEXTS
        (skipped,) = [item for page in pages for item in page.skipped]
        assert skipped.external_id
        assert skipped.reason.endswith(".")
        assert isinstance(skipped.kind, SkipKind)
        assert skipped.kind is not SkipKind.PROTECTED


def test_a_check_answers_in_a_sentence(case: ConnectorCase, tmp_path: Path) -> None:
    with case.prepare(tmp_path, TEXTS[:1]) as connector:
        assert connector.check().endswith(".")


def test_a_source_out_of_reach_says_what_to_do(case: ConnectorCase, tmp_path: Path) -> None:
    with case.broken(tmp_path) as connector:
        for attempt in (lambda: connector.fetch("", 5), connector.check):
            with pytest.raises(ChannelError) as error:
                attempt()
            assert error.value.permanent is case.is_permanent
            assert not error.value.delivered_unknown
            assert error.value.mend.endswith(".")


def test_sending_gives_an_id_or_is_refused_for_good(case: ConnectorCase, tmp_path: Path) -> None:
    message = OutgoingMessage("<m@sample.example>", case.recipient, "A question", "Hello Ada")
    with case.prepare(tmp_path, TEXTS[:1]) as connector:
        if not case.recipient:
            assert case.elsewhere.endswith(".")
            return
        if case.can_send:
            assert connector.send(message)
            return
        with pytest.raises(ChannelError) as error:
            connector.send(message)
        assert error.value.permanent
        assert not error.value.delivered_unknown
        assert error.value.mend.endswith(".")
