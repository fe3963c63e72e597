"""The web form as a channel: what it takes, what it refuses, and that twice is once."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.channels.form import (
    FormAnswer,
    LooksAutomatic,
    form_reply,
    open_connector,
)
from collector.connector import ChannelError, OutgoingMessage
from ledger.accounts import ensure_account
from ledger.campaigns import add_campaign
from ledger.definitions import MOST_CHARACTERS
from ledger.errors import DefinedbyError
from ledger.model import Account, Channel, Page
from ledger.replies import store_replies
from ledger.settings import load_settings
from tests.molds import open_new


def answer(text: str = "A lamp", name: str = "Ada", email: str = "", **more: str) -> FormAnswer:
    return form_reply(text, name, email, **{"token": "t1", **more})


def refusal(**typed: str) -> DefinedbyError:
    with pytest.raises(DefinedbyError) as error:
        answer(**typed)
    assert error.value.next_step
    return error.value


def test_an_answer_keeps_its_words() -> None:
    text = "  A lamp,\r\nleft on\rall night\n\n — Zoe\u0301 👩‍🚀 <b>"
    found = answer(text, " Ada \u202e Sample ", " Ada@Sample.example ", visitor="v1")
    assert found.reply.text == "  A lamp,\nleft on\nall night\n\n — Zoe\u0301 👩‍🚀 <b>"
    assert found.reply.external_id == "t1"
    assert found.reply.address == "visitor:v1"
    assert found.reply.author_name == "Ada Sample"
    assert found.contact == "Ada@Sample.example"
    assert "Sample.example" not in found.reply.raw


def test_control_characters_are_left_out() -> None:
    assert answer("A\x00 la\x1bmp\x85\tleft\ud800 on").reply.text == "A lamp left on"
    assert "\x00" not in answer("A\x00 lamp").reply.raw


def test_visitors_without_an_id_of_their_own_stay_apart() -> None:
    addresses = {answer().reply.address for _ in range(20)}
    assert len(addresses) == 20
    assert all(len(address) == len("visitor:") + 32 for address in addresses)


@pytest.mark.parametrize("text", ["", "  \r\n\t", "\u200b\u2060", "\x00\x07", "\u0301"])
def test_an_answer_without_a_visible_character_is_refused(text: str) -> None:
    assert refusal(text=text).what == "There is no answer yet."


def test_the_longest_answer_and_the_first_too_long_one() -> None:
    assert len(answer("x" * MOST_CHARACTERS).reply.text) == 2_000
    assert answer("x" * 1_999 + "\r\n").reply.text.endswith("x\n")
    assert refusal(text="x" * (MOST_CHARACTERS + 1)).what.startswith("The answer has 2,001")


def test_three_links_are_fine_and_four_are_not() -> None:
    link = "https://lamp.example HTTP://lamp.example http://lamp.example"
    assert answer(link).reply.text == link
    assert "more than 3 links" in refusal(text=link + " https://one.example").what


@pytest.mark.parametrize(
    "email",
    [
        *("ada", "ada@", "@sample.example", "ada@sample", "ada@.", "ada@sample..example"),
        *("ada@-sample.example", "a b@sample.example", "ada@sample.example\nBcc: x@y.example"),
        *("ada@bea@sample.example", "<ada@sample.example>", "ada@sample.example,x@y.example"),
    ],
)
def test_an_address_that_mail_cannot_reach_is_refused(email: str) -> None:
    assert refusal(email=email).what == "The e-mail address is not complete."


def test_addresses_and_names_have_an_end() -> None:
    assert refusal(email="a" * 250 + "@sample.example").what == "The e-mail address is too long."
    assert "120 characters" in refusal(name="n" * 121).what
    assert answer(name="n" * 120).reply.author_name == "n" * 120


@pytest.mark.parametrize("token", ["", "t" * 201])
def test_a_form_without_a_usable_token_has_expired(token: str) -> None:
    assert refusal(token=token).what == "The form has expired."


def test_the_field_nobody_sees_gives_programs_away() -> None:
    with pytest.raises(LooksAutomatic):
        answer(trap="https://cheap.example")
    assert answer(trap=" ").reply.text == "A lamp"


def test_sending_twice_stores_once(tmp_path: Path) -> None:
    ledger = open_new(load_settings({}, home=tmp_path / "home"))
    try:
        now = ledger.clock()
        with ledger.write() as connection:
            campaign = add_campaign(connection, now, prompt="Thought leadership is ___?")
            account = ensure_account(connection, ledger.keys, Channel.FORM, "a", campaign.id)
            stored = [
                store_replies(connection, account, [answer(token=token).reply], now)
                for token in ("t1", "t1", "t2")
            ]
        assert stored == [1, 0, 1]
    finally:
        ledger.close()


def test_a_form_account_polls_nothing_and_carries_no_answer() -> None:
    connector = open_connector(Account(1, Channel.FORM, "lamps", "c1"))
    assert connector.fetch("", 10) == Page((), "")
    assert connector.check() == "The form on the blog is open."
    with pytest.raises(ChannelError) as error:
        connector.send(OutgoingMessage("m", "ada@sample.example", "", "Hello"))
    assert error.value.permanent
    assert error.value.mend
