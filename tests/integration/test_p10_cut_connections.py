"""P10: a connection that is cut while something is sent makes no duplicate, on each database.

What may have left waits for a person; only a platform that forgives a repeat is asked again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from collector.dispatch import dispatch
from consent.requests import Asked
from consent.ways import WayName
from ledger.database import Ledger
from ledger.model import Campaign
from ledger.outbox import Message, MessageState, settle_unknown
from ledger.sent import message_of_request
from tests.conftest import SteppingClock
from tests.sending_houses import (
    HOUSES,
    PRIVATE,
    PUBLIC,
    WAYS,
    BlueskyHouse,
    House,
    MailHouse,
    MastodonHouse,
)
from tests.servers.cutting_proxy import cutting_proxy
from tests.servers.mail import MailServer


@pytest.fixture
def ledger(any_ledger: Ledger) -> Ledger:
    """These hold on each database."""
    return any_ledger


@pytest.fixture
def house(request: pytest.FixtureRequest, ledger: Ledger, campaign: Campaign) -> Iterator[House]:
    built = HOUSES[request.param](ledger, campaign)
    with built.server:
        built.move_in()
        yield built


def message_of(house: House, asked: Asked) -> Message:
    with house.ledger.read() as connection:
        found = message_of_request(connection, asked.request.id)
    assert found is not None
    return found


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("house", "way", "private"), WAYS, indirect=["house"])
def test_p10_a_cut_connection_makes_no_duplicate(
    house: House, way: WayName, private: bool, when: str, clock: SteppingClock
) -> None:
    asked = house.asked(way, private=private)
    with house.cutting(when, private=way is PRIVATE, times=2) as address:
        house.move(base_url=address)
        report = dispatch(house.ledger)
        assert len(house.sent()) == (when == "after")
        clock.pass_time(minutes=5)
        if isinstance(house, BlueskyHouse) and way is PUBLIC:
            # Its record key makes a repeat harmless, so it is tried again by itself.
            assert report.postponed == 1
            assert dispatch(house.ledger).postponed == 1
            clock.pass_time(minutes=5)
        else:
            assert report.unknown == 1
            assert dispatch(house.ledger).sent == 0
    house.move(base_url=house.base_url())
    if isinstance(house, BlueskyHouse) and way is PUBLIC:
        assert dispatch(house.ledger).sent == 1
    elif isinstance(house, MastodonHouse):
        # Even a person who is wrong does no harm within the hour of its idempotency key.
        settle(house, asked, left=False)
        assert dispatch(house.ledger).sent == 1
    else:
        settle(house, asked, left=when == "after")
        assert dispatch(house.ledger).sent == (when == "before")
    assert len(house.sent()) == 1
    assert message_of(house, asked).state is MessageState.SENT


def settle(house: House, asked: Asked, *, left: bool) -> None:
    with house.ledger.write() as connection:
        message = message_of_request(connection, asked.request.id)
        assert message is not None
        assert settle_unknown(connection, message.id, house.ledger.clock(), left=left)


@pytest.mark.parametrize("house", ["mastodon"], indirect=True)
@pytest.mark.parametrize("when", ["before", "after"])
def test_p10_mastodon_is_asked_once_more_at_once(house: MastodonHouse, when: str) -> None:
    house.asked()
    with house.cutting(when, private=True) as address:
        house.move(base_url=address)
        assert dispatch(house.ledger).sent == 1
    assert len(house.sent()) == 1


# ------------------------------------------------------------------ by mail
@pytest.fixture
def post_office(
    request: pytest.FixtureRequest, ledger: Ledger, campaign: Campaign, mail_server: MailServer
) -> MailHouse:
    user = "t" + hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:12]
    built = MailHouse(ledger, campaign, mail_server, user)
    built.move_in()
    return built


@pytest.mark.mail
@pytest.mark.parametrize(
    ("then", "has_left"), [(400, False), (-1, True)], ids=["during delivery", "after delivery"]
)
def test_p10_a_mail_that_may_have_left_waits_for_a_person(
    post_office: MailHouse, mail_server: MailServer, then: int, has_left: bool
) -> None:
    """The line is cut within the body, or when the server has the whole and we don't hear of it."""
    asked = post_office.asked()
    with cutting_proxy(mail_server.submission_port, after=b"354", then=then) as port:
        post_office.move(smtp_port=port)
        assert dispatch(post_office.ledger).unknown == 1
    post_office.move(smtp_port=mail_server.submission_port)
    assert dispatch(post_office.ledger).sent == 0
    if has_left:
        mail_server.wait_for_mail(f"{post_office.user}-writer", 1)
    settle(post_office, asked, left=has_left)
    assert dispatch(post_office.ledger).sent == (not has_left)
    mail_server.wait_for_mail(f"{post_office.user}-writer", 1)
    assert len(post_office.sent()) == 1
    assert message_of(post_office, asked).state is MessageState.SENT
