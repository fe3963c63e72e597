"""Replies in parts: joined when they are read, taken as one, held when any source goes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from collector.read import read_new
from consent.requests import ask
from ledger import sources
from ledger.accounts import account_by_id, add_account
from ledger.campaigns import add_campaign
from ledger.database import Ledger
from ledger.definitions import definitions_in
from ledger.joined import parts_of
from ledger.model import Campaign, Channel, IncomingReply, Reply, ReplyState
from ledger.replies import desk_replies, store_replies
from publisher.publish import publish
from tests.people import ADA, agree, define
from tests.visiting import application, contributor

FIRST = "1/2 Thought leadership is saying the unpopular thing"
SECOND = "2/2 and still helping to clean up."
WHOLE = "Thought leadership is saying the unpopular thing and still helping to clean up."


def store(ledger: Ledger, *given: tuple[str, str, int, str], references: bool = False) -> Campaign:
    """Replies of one account: id, address, minutes after the first, text; read at once."""
    with ledger.write() as connection:
        campaign = add_campaign(connection, ledger.clock(), prompt="Thought leadership is ___?")
        account = add_account(
            connection,
            ledger.keys,
            channel=Channel.MASTODON,
            name="@asker@social.example",
            campaign_id=campaign.id,
        )
        began = ledger.clock()
        incoming = [
            IncomingReply(
                number,
                address,
                text,
                written_at=began + timedelta(minutes=minutes),
                in_reply_to=(given[0][0],) if references and number != given[0][0] else (),
            )
            for number, address, minutes, text in given
        ]
        store_replies(connection, account, incoming, ledger.clock())
    read_new(ledger)
    return campaign


def replies_of(ledger: Ledger, campaign: Campaign) -> dict[str, Reply]:
    with ledger.read() as connection:
        listed = desk_replies(connection, campaign.id, ReplyState.NEW)
    return {reply.external_id: reply for reply in listed}


@pytest.mark.parametrize("taken_by", ["a", "b"])
def test_marked_parts_are_taken_as_one(ledger: Ledger, taken_by: str) -> None:
    campaign = store(ledger, ("a", "@ada", 0, FIRST), ("b", "@ada", 2, SECOND))
    listed = replies_of(ledger, campaign)
    assert "Joined with 1 more" in listed["a"].reading.reason
    assert "part 2 of that" in listed["b"].reading.reason
    definition = define(ledger, listed[taken_by])
    assert definition.text == WHOLE
    assert definition.reply_id == listed["a"].id
    assert define(ledger, listed["b"]).id == definition.id
    assert replies_of(ledger, campaign) == {}


def test_a_post_under_its_author_s_own_goes_with_it(ledger: Ledger) -> None:
    campaign = store(
        ledger,
        ("a", "@ada", 0, "Thought leadership is a kettle that is always on."),
        ("b", "@ada", 3, "Also on Sundays."),
        references=True,
    )
    listed = replies_of(ledger, campaign)
    assert define(ledger, listed["a"]).text == (
        "Thought leadership is a kettle that is always on. Also on Sundays."
    )


@pytest.mark.parametrize(
    "second",
    [
        ("b", "@bo", 2, SECOND),  # somebody else
        ("b", "@ada", 45, SECOND),  # too late
        ("b", "@ada", 2, "2/3 and still helping to clean up."),  # of another count
        ("b", "@ada", 2, "And still helping to clean up."),  # no part, and under nothing
        ("b", "@ada", 2, "Thanks for asking!"),
    ],
)
def test_what_is_no_part_stays_apart(ledger: Ledger, second: tuple[str, str, int, str]) -> None:
    campaign = store(ledger, ("a", "@ada", 0, FIRST), second)
    listed = replies_of(ledger, campaign)
    with ledger.read() as connection:
        assert parts_of(connection, listed["a"].id) == []
    assert define(ledger, listed["a"]).text == ("Thought leadership is saying the unpopular thing")


@pytest.mark.parametrize("goes", ["a", "b"])
def test_p38_words_are_held_when_the_source_of_any_part_goes(ledger: Ledger, goes: str) -> None:
    campaign = store(ledger, ("a", "@ada", 0, FIRST), ("b", "@ada", 2, SECOND))
    definition = define(ledger, replies_of(ledger, campaign)["a"])
    agree(ledger, ask(ledger, definition.id, asked_by="editor@blog.example"), WHOLE, ADA)
    assert publish(ledger).posts == 1
    with ledger.write() as connection:
        (known,) = definitions_in(connection, campaign.id)
        account = account_by_id(connection, ledger.keys, 1)
        sources.note_gone(connection, account, goes, "gone", ledger.clock())
    assert publish(ledger).posts == 0
    with ledger.write() as connection:
        assert sources.held_source(connection, known.reply_id) is not None
        sources.release_source(connection, account, known.reply_id, ledger.clock())
        sources.apply_tombstones(connection, account, [goes], ledger.clock())
    assert publish(ledger).posts == 1


def test_p38_both_sources_are_looked_at_again(ledger: Ledger) -> None:
    campaign = store(ledger, ("a", "@ada", 0, FIRST), ("b", "@ada", 2, SECOND))
    define(ledger, replies_of(ledger, campaign)["a"])
    with ledger.read() as connection:
        account = account_by_id(connection, ledger.keys, 1)
        due = sources.sources_to_check(connection, account, ledger.clock(), 10)
    assert sorted(due) == ["a", "b"]


def test_p38_an_edit_of_a_later_part_is_shown_once_at_the_definition(ledger: Ledger) -> None:
    campaign = store(ledger, ("a", "@ada", 0, FIRST), ("b", "@ada", 2, SECOND))
    definition = define(ledger, replies_of(ledger, campaign)["a"])
    edited = IncomingReply("b", "@ada", "2/2 and never helping to clean up.")
    with ledger.write() as connection:
        account = account_by_id(connection, ledger.keys, 1)
        assert sources.held_source(connection, definition.reply_id) is None
        sources.note_edit(connection, account, edited, ledger.clock())
        held = sources.held_source(connection, definition.reply_id)
        assert held is not None
        assert (held.state, held.text) == ("edited", edited.text)
        sources.release_source(connection, account, definition.reply_id, ledger.clock())
        sources.note_edit(connection, account, edited, ledger.clock())
        assert sources.held_source(connection, definition.reply_id) is None
        again = IncomingReply("b", "@ada", "2/2 and cleaning up twice.")
        sources.note_edit(connection, account, again, ledger.clock())
        assert sources.held_source(connection, definition.reply_id) is not None
    with ledger.read() as connection:
        (known,) = definitions_in(connection, campaign.id)
    assert known.text == WHOLE  # what was taken stays as it was taken


def test_p38_edits_of_two_parts_are_shown_together(ledger: Ledger) -> None:
    campaign = store(ledger, ("a", "@ada", 0, FIRST), ("b", "@ada", 2, SECOND))
    definition = define(ledger, replies_of(ledger, campaign)["a"])
    with ledger.write() as connection:
        account = account_by_id(connection, ledger.keys, 1)
        for number in "ba":
            reply = IncomingReply(number, "@ada", f"{number} reads otherwise")
            sources.note_edit(connection, account, reply, ledger.clock())
        held = sources.held_source(connection, definition.reply_id)
        assert held is not None
        assert held.text == "a reads otherwise\n\nb reads otherwise"
        sources.note_gone(connection, account, "b", "gone", ledger.clock())
        held = sources.held_source(connection, definition.reply_id)
        assert held is not None
        assert held.state == "gone"


def test_words_that_came_in_parts_say_so_on_the_page_and_before_it_is_agreed_to(
    ledger: Ledger,
) -> None:
    campaign = store(ledger, ("a", "@ada", 0, FIRST), ("b", "@ada", 2, SECOND))
    definition = define(ledger, replies_of(ledger, campaign)["a"])
    question = ask(ledger, definition.id, asked_by="editor@blog.example")
    author = contributor(application(ledger), ledger, definition.contributor_id)
    author.go(f"/me/{definition.id}")
    assert "from two messages" in author.page.partition("<figure")[2].partition("</figure>")[0]
    agree(ledger, question, WHOLE, ADA)
    publish(ledger)
    (page,) = ledger.settings.site_folder.glob(f"{campaign.slug}/*-{definition.id[:8]}/index.html")
    assert "from two messages" in page.read_text("utf-8")
