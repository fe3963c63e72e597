"""What became of a source: a deletion wins, whenever it comes, and holds the words back."""

from __future__ import annotations

import itertools

import pytest

from consent.decisions import withdraw
from ledger import sources
from ledger.accounts import account_by_id, add_account
from ledger.campaigns import add_campaign
from ledger.database import Ledger
from ledger.model import Account, Campaign, Channel, IncomingReply
from ledger.posts import find_post
from ledger.prompts import begin_prompt, mark_posted
from ledger.replies import find_reply, store_replies
from publisher.publish import publish
from tests.conftest import SteppingClock
from tests.people import EVIDENCE, agree, asked, define

WORDS = "listening before you speak"


def test_p38_a_source_that_is_gone_takes_its_words_off_the_blog(
    ledger: Ledger, campaign: Campaign
) -> None:
    question = asked(ledger, campaign, WORDS)
    agree(ledger, question, WORDS)
    assert publish(ledger).posts == 1
    account, reply_id, external_id = origin(ledger, question.request.definition_id)
    with ledger.write() as connection:
        sources.note_gone(connection, account, external_id, "gone", ledger.clock())
    assert publish(ledger).posts == 0
    assert on_the_blog(ledger) == 0
    with ledger.write() as connection:
        assert find_post(connection, question.request.definition_id) is None
        held = sources.held_source(connection, reply_id)
        assert held is not None
        assert held.state == "gone"
        sources.release_source(connection, account, reply_id, ledger.clock())
    assert publish(ledger).posts == 1
    assert on_the_blog(ledger) > 0


def test_an_edit_is_shown_to_the_editor_and_changes_nothing(
    ledger: Ledger, campaign: Campaign
) -> None:
    question = asked(ledger, campaign, WORDS)
    agree(ledger, question, WORDS)
    account, reply_id, external_id = origin(ledger, question.request.definition_id)
    edited = IncomingReply(external_id, "ada@sample.example", "hearing")
    with ledger.write() as connection:
        sources.note_edit(connection, account, edited, ledger.clock())
        held = sources.held_source(connection, reply_id)
        stored = find_reply(connection, reply_id)
    assert held is not None
    assert (held.state, held.text) == ("edited", "hearing")
    assert stored is not None
    assert stored.text == WORDS
    assert publish(ledger).posts == 1


@pytest.mark.parametrize("steps", list(itertools.permutations(["deleted", "stored", "again"])))
def test_p06_a_deletion_that_overtakes_its_reply_still_wins(
    any_ledger: Ledger, steps: tuple[str, ...]
) -> None:
    ledger = any_ledger
    account = social_account(ledger)
    reply = IncomingReply("post-1", "@ada_example", WORDS)
    for step in steps:
        with ledger.write() as connection:
            if step == "deleted":
                sources.note_gone(connection, account, "post-1", "gone", ledger.clock())
            else:
                store_replies(connection, account, [reply], ledger.clock())
                sources.apply_tombstones(connection, account, ["post-1"], ledger.clock())
    with ledger.read() as connection:
        held = sources.held_source(connection, 1)
    assert held is not None
    assert held.state == "gone"


def test_p06_a_withdrawal_wins_over_a_source_that_comes_back(
    ledger: Ledger, campaign: Campaign
) -> None:
    question = asked(ledger, campaign, WORDS)
    agree(ledger, question, WORDS)
    account, reply_id, external_id = origin(ledger, question.request.definition_id)
    with ledger.write() as connection:
        sources.note_gone(connection, account, external_id, "protected", ledger.clock())
    withdraw(ledger, question.request.definition_id, EVIDENCE)
    with ledger.write() as connection:
        sources.release_source(connection, account, reply_id, ledger.clock())
    assert publish(ledger).posts == 0


def test_p38_what_an_editor_let_stand_is_held_again_only_for_something_new(
    ledger: Ledger, campaign: Campaign
) -> None:
    """Whoever tells of it: a poll, the author's own page, or the reply read once more."""
    account = social_account(ledger, campaign)
    reply = IncomingReply("post-1", "@ada_example", WORDS)

    def told(state: str) -> str:
        with ledger.write() as connection:
            sources.note_gone(connection, account, "post-1", state, ledger.clock())
            sources.apply_tombstones(connection, account, ["post-1"], ledger.clock())
            held = sources.held_source(connection, 1)
        return held.state if held is not None else ""

    with ledger.write() as connection:
        store_replies(connection, account, [reply], ledger.clock())
    for state in ("protected", "gone"):
        assert told(state) == state
        with ledger.write() as connection:
            sources.release_source(connection, account, 1, ledger.clock())
        assert told(state) == ""


def test_p38_only_what_is_used_is_looked_at_again_and_not_too_often(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    account = social_account(ledger, campaign)
    with ledger.write() as connection:
        replies = [IncomingReply(f"post-{n}", "@ada_example", f"answer {n}") for n in range(3)]
        store_replies(connection, account, replies, clock())
        reply = find_reply(connection, 2)
    assert reply is not None
    define(ledger, reply)
    with ledger.write() as connection:
        assert sources.sources_to_check(connection, account, clock(), 10) == ["post-1"]
        sources.note_checked(connection, account, ["post-1"], clock())
        assert sources.sources_to_check(connection, account, clock(), 10) == []
    clock.pass_time(hours=9)
    with ledger.read() as connection:
        assert sources.sources_to_check(connection, account, clock(), 10) == ["post-1"]


def test_a_reply_belongs_to_the_campaign_whose_prompt_it_answers(any_ledger: Ledger) -> None:
    ledger = any_ledger
    account = social_account(ledger)
    with ledger.write() as connection:
        other = add_campaign(connection, ledger.clock(), prompt="A good editor is ___?")
        prompt = begin_prompt(
            connection,
            ledger.clock(),
            campaign_id=other.id,
            account_id=account.id,
            text=other.prompt,
            posted_by="robin@blog.example",
        )
        mark_posted(
            connection,
            prompt.id,
            external_id="our-post",
            url="https://social.example/our-post",
            thread_id="",
            at=ledger.clock(),
        )
        replies = [
            IncomingReply("1", "@ada_example", "patient", in_reply_to=("our-post",)),
            IncomingReply("2", "@bo_example", "listening", in_reply_to=("their-post",)),
        ]
        store_replies(connection, account, replies, ledger.clock())
        stored = {
            r.external_id: r.campaign_id
            for r in (find_reply(connection, 1), find_reply(connection, 2))
            if r
        }
    assert stored == {"1": other.id, "2": account.campaign_id}


def social_account(ledger: Ledger, campaign: Campaign | None = None) -> Account:
    with ledger.write() as connection:
        if campaign is None:
            campaign = add_campaign(connection, ledger.clock(), prompt="Leadership is ___?")
        return add_account(
            connection,
            ledger.keys,
            channel=Channel.MASTODON,
            name="@asker@social.example",
            campaign_id=campaign.id,
        )


def origin(ledger: Ledger, definition_id: str) -> tuple[Account, int, str]:
    with ledger.read() as connection:
        row = connection.exec_driver_sql(
            "SELECT r.id, r.account_id, r.external_id FROM replies r "
            "JOIN definitions d ON d.reply_id = r.id WHERE d.id = ?",
            (definition_id,),
        ).one()
        return account_by_id(connection, ledger.keys, row[1]), row[0], row[2]


def on_the_blog(ledger: Ledger) -> int:
    site = ledger.settings.site_folder
    return sum(WORDS in page.read_text() for page in site.rglob("*.html"))
