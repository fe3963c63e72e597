"""Who writes #nobot in their profile is left alone, on every channel, also after they were read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import insert, select

from collector.dispatch import dispatch
from collector.newcomer_list import read_list
from collector.poll import poll_account
from consent.errors import NotNowError
from ledger.accounts import account_by_id
from ledger.database import Ledger
from ledger.facts import facts_of
from ledger.model import Campaign, Channel, ProfileMarks
from ledger.newcomers import Why, add_newcomers, facts_of_newcomer, waiting_newcomers
from ledger.outbox import MessageState
from ledger.person import FoundPerson, PersonFacts
from ledger.profile_marks import note_marks
from ledger.sent import messages_in
from ledger.tables import handles, outbox, profile_marks
from tests.greeting_desk import account_at
from tests.sending_houses import HOUSES, House

NOTE = "A gardener. #NoBot, please."


@pytest.fixture(params=HOUSES)
def house(request: pytest.FixtureRequest, ledger: Ledger, campaign: Campaign) -> Iterator[House]:
    found = HOUSES[request.param](ledger, campaign)
    with found.server:
        found.move_in()
        yield found


def write(house: House, words: str, about: str) -> None:
    """The same person as ever writes, and their profile says this of them."""
    server: Any = house.server
    if house.channel is Channel.MASTODON:
        known = next((one for one, who in server.accounts.items() if "ada" in who["acct"]), "")
        known = known or server.add_person("ada@far.example")
        server.accounts[known]["note"] = f"<p>{about}</p>"
        server.mention(known, words)
    elif house.channel is Channel.X:
        known = next((one for one, who in server.users.items() if "ada" in who["username"]), "")
        known = known or server.add_user("ada_example")
        server.users[known]["description"] = about
        server.add_post(f"@asker_example {words}", author=known)
    else:
        at = round(house.ledger.clock().timestamp() * 1000) + len(server.posts)
        item = server.arrive(words, at)
        item["uri"] = item["uri"].replace(item["author"]["did"], "did:plc:ada")
        item["author"] = {"did": "did:plc:ada", "handle": "ada.test", "description": about}
        server.posts[item["uri"]] = item


def writes(house: House, about: str) -> None:
    """`House.asked` lets somebody new write; here it is Ada, with this profile."""

    def answer(words: str, *, private: bool) -> None:
        write(house, words, about)

    house.answer = answer  # type: ignore[method-assign]


def poll(house: House) -> None:
    with house.ledger.read() as connection:
        account = account_by_id(connection, house.ledger.keys, house.account.id)
    report = poll_account(house.ledger, account)
    assert (report.error, report.stored) == ("", 1)


def test_p13_who_says_no_bots_is_not_asked(house: House) -> None:
    writes(house, NOTE)
    with pytest.raises(NotNowError, match="leave them alone"):
        house.asked()
    with house.ledger.read() as connection:
        assert connection.execute(select(outbox.c.id)).all() == []


def test_p13_who_says_it_before_the_claim_is_left_alone(house: House) -> None:
    writes(house, "A gardener.")
    house.asked()
    house.ledger.clock.pass_time(minutes=10)  # type: ignore[attr-defined]  # the test's clock
    write(house, "One more thing.", NOTE)
    poll(house)
    assert dispatch(house.ledger).sent == 0
    assert house.sent() == []
    with house.ledger.read() as connection:
        (failed,) = messages_in(connection, MessageState.FAILED)
    assert "leave them alone" in failed.error


def test_p13_who_takes_it_back_may_be_asked(house: House) -> None:
    writes(house, NOTE)
    with pytest.raises(NotNowError):
        house.asked()
    house.ledger.clock.pass_time(minutes=10)  # type: ignore[attr-defined]  # the test's clock
    writes(house, "A gardener.")
    house.asked()
    assert dispatch(house.ledger).sent == 1


LISTS: list[tuple[Channel, str]] = [
    (Channel.MASTODON, "@liz@sample.example"),
    (Channel.BLUESKY, "@liz.example"),
    (Channel.X, "@liz_example"),
]


@pytest.mark.parametrize(("channel", "address"), LISTS)
def test_p13_a_list_brings_nobody_whose_profile_forbids_it(
    ledger: Ledger, campaign: Campaign, channel: Channel, address: str
) -> None:
    """By the list's own words, by what a look showed before, and for who was listed already."""
    account = account_at(ledger, campaign, channel, base_url="http://127.0.0.1:9")
    people, _ = read_list(f"channel,handle,about\n{channel},{address},{NOTE}\n", [account])
    now = ledger.clock()

    def listed(found: FoundPerson, why: Why = Why.LISTED) -> int:
        with ledger.write() as connection:
            return add_newcomers(connection, ledger.keys, now, account, [found], why)

    assert listed(people[0].person) == 0
    assert listed(FoundPerson(address.upper().replace("@LIZ", "@Liz"))) == 0, "in any case"
    every: list[dict[str, Any]] = [
        {"is_bot": True},
        {"wants_no_bots": True},
        {"is_protected": True},
    ]
    for marks in every:
        someone = address.replace("liz", "bo" + str(len(marks)) + next(iter(marks))[:4])
        assert listed(FoundPerson(someone)) == 1
        assert listed(FoundPerson(someone, **marks), Why.FOLLOWS) == 0
        with ledger.read() as connection:
            (waits,) = [
                one
                for one in waiting_newcomers(connection, campaign.id, 100)
                if one.address == someone
            ]
            facts = facts_of_newcomer(connection, ledger.keys, now, account, campaign.id, waits)
        assert all(getattr(facts, name) for name in marks)
        # They open the door again, and a look at the followers shows it.
        listed(FoundPerson(someone), Why.FOLLOWS)
        with ledger.read() as connection:
            facts = facts_of_newcomer(connection, ledger.keys, now, account, campaign.id, waits)
        assert not any(getattr(facts, name) for name in marks)


def test_marks_are_of_the_whole_person_and_name_nobody(any_ledger: Ledger) -> None:
    from ledger.campaigns import add_campaign
    from ledger.contributors import find_or_add_handle

    ledger, keys, now = any_ledger, any_ledger.keys, any_ledger.clock()
    with ledger.write() as connection:
        campaign = add_campaign(connection, now, prompt="Thought leadership is ___?")
        _, handle = find_or_add_handle(
            connection, keys, now, channel=Channel.MASTODON, address="@ada@far.example"
        )
        connection.execute(
            insert(handles).values(
                contributor_id=handle.contributor_id, channel=Channel.X, address="@ada_example"
            )
        )

    def facts(channel: Channel) -> PersonFacts:
        with ledger.read() as connection:
            return facts_of(
                connection, keys, now, campaign_id=campaign.id, channel=channel,
                contributor_id=handle.contributor_id,
            )  # fmt: skip

    def note(marks: ProfileMarks | None) -> None:
        with ledger.write() as connection:
            note_marks(connection, keys, Channel.X, [("@ADA_example", marks)], now)

    note(ProfileMarks(is_bot=False, wants_no_bots=True, is_protected=True))
    assert facts(Channel.MASTODON).wants_no_bots
    assert not facts(Channel.MASTODON).is_protected, "another account of theirs is"
    assert facts(Channel.X).is_protected
    note(None)
    note(ProfileMarks(is_bot=True))
    assert facts(Channel.X).wants_no_bots
    assert facts(Channel.X).is_bot
    note(ProfileMarks(is_bot=False, wants_no_bots=False))
    assert not facts(Channel.X).wants_no_bots
    with ledger.read() as connection:
        assert "ada" not in str(connection.execute(select(profile_marks)).all()).lower()
