"""Asking about an interview where its person writes: in private with their link, or not at all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from collector.dispatch import dispatch
from collector.polling import poll_account
from collector.read import read_new
from consent.errors import NotNowError
from consent.messages import message_languages, render_message
from consent.piecing import make_piece
from consent.requests import ask
from consent.ways import ROOM, WayName
from ledger.accounts import account_by_id
from ledger.database import Ledger
from ledger.model import Campaign, Channel, Definition, ReplyState
from ledger.replies import desk_replies
from tests.conversing import wish
from tests.sending_houses import HOUSES, PRIVATE, PUBLIC, House


@pytest.fixture
def house(request: pytest.FixtureRequest, ledger: Ledger, campaign: Campaign) -> Iterator[House]:
    built = HOUSES[request.param](ledger, campaign)
    with built.server:
        built.move_in()
        yield built


def piece_by(house: House, *, private: bool) -> Definition:
    house.answer("listening, before anybody asks", private=private)
    with house.ledger.read() as connection:
        account = account_by_id(connection, house.ledger.keys, house.account.id)
    assert poll_account(house.ledger, account).error == ""
    read_new(house.ledger)
    with house.ledger.read() as connection:
        (reply,) = desk_replies(connection, house.campaign.id, ReplyState.NEW, limit=2)
    (made,) = make_piece(house.ledger, house.campaign.id, "en", wish([reply]))
    return made


@pytest.mark.parametrize("house", ["mastodon", "x"], indirect=True)
def test_it_goes_in_private_with_the_link_to_the_whole_of_it(house: House) -> None:
    piece = piece_by(house, private=True)
    asked = ask(house.ledger, piece.id, asked_by="Robin", way=PRIVATE)
    assert asked.link, "on X as well: without it there would be nothing to look at"
    assert dispatch(house.ledger).sent == 1
    (text,) = house.sent()
    assert asked.link in text
    assert "Two questions about listening" in text
    assert "before anybody asks" not in text


@pytest.mark.parametrize("house", ["mastodon"], indirect=True)
def test_it_never_goes_below_their_post(house: House) -> None:
    piece = piece_by(house, private=False)
    with pytest.raises(NotNowError, match="on their own page"):
        ask(house.ledger, piece.id, asked_by="Robin", way=PUBLIC)
    assert ask(house.ledger, piece.id, asked_by="Robin", way=WayName.HAND).link


@pytest.mark.parametrize("lang", message_languages())
def test_the_short_form_fits_where_messages_are_short(
    lang: str, ledger: Ledger, campaign: Campaign
) -> None:
    for template in ("piece_ask_private", "piece_remind_private"):
        _, body = render_message(
            template,
            lang,
            campaign=campaign,
            settings=ledger.settings,
            name="Ada",
            words="",
            credit="Ada Sample",
            note="",
            more=[],
            asked="5 January 2026",
            until="19 January 2026",
            link="https://thought-leadership.example/p/" + "k" * 43,
            kind="interview",
            title="Thirty words about listening, and about what comes of it",
        )
        assert len(body) <= ROOM[Channel.MASTODON][0], template
