"""Pasting in, releasing a held source, and the page from which the question is posted."""

from __future__ import annotations

import pytest

from ledger import sources
from ledger.accounts import account_by_id
from ledger.database import Ledger
from ledger.model import Campaign, Channel, ReplyState
from ledger.prompts import PromptState, begin_prompt, mark_not_posted, prompts_of_campaign
from ledger.replies import desk_replies
from tests.people import agree, answer, asked
from tests.visiting import Visitor, application, owner

WORDS = "listening before you speak"


@pytest.fixture
def editor(ledger: Ledger, campaign: Campaign) -> Visitor:
    return owner(application(ledger), ledger)


def paste(editor: Visitor, **fields: str) -> int:
    editor.go("/desk/paste")
    typed = {"text": WORDS, "source": "a letter", "written_on": "2026-01-02", **fields}
    editor.press("/desk/paste", **typed)
    return editor.status


def test_what_is_pasted_becomes_a_reply(
    ledger: Ledger, campaign: Campaign, editor: Visitor
) -> None:
    assert paste(editor, name="Ada Sample", handle="@ada_example") == 200
    with ledger.read() as connection:
        (reply,) = desk_replies(connection, campaign.id, ReplyState.NEW)
    assert (reply.channel, reply.text, reply.subject) == (Channel.PASTE, WORDS, "a letter")
    assert reply.handle.address == "@ada_example"
    assert reply.written_at is not None
    assert reply.written_at.day == 2


@pytest.mark.parametrize(
    "wrong",
    [{"text": " "}, {"source": ""}, {"written_on": "yesterday"}, {"source_url": "javascript:x"}],
)
def test_what_cannot_be_kept_says_why_and_keeps_what_was_typed(
    ledger: Ledger, campaign: Campaign, editor: Visitor, wrong: dict[str, str]
) -> None:
    assert paste(editor, name="Ada Sample", **wrong) == 400
    assert "Ada Sample" in editor.page
    with ledger.read() as connection:
        assert desk_replies(connection, campaign.id, ReplyState.NEW) == []


def test_a_held_source_is_shown_and_released(
    ledger: Ledger, campaign: Campaign, editor: Visitor
) -> None:
    question = asked(ledger, campaign, WORDS)
    agree(ledger, question, WORDS)
    definition_id = question.request.definition_id
    with ledger.write() as connection:
        account = account_by_id(connection, ledger.keys, 1)
        (reply,) = desk_replies(connection, campaign.id, ReplyState.SHORTLISTED)
        sources.note_gone(connection, account, reply.external_id, "gone", ledger.clock())
    page = f"/desk/definitions/{definition_id}"
    editor.go(page)
    assert "Its source was deleted." in editor.page
    editor.press(f"{page}/release")
    editor.go(page)
    assert "Its source was deleted." not in editor.page


def test_a_post_nobody_knows_of_waits_for_a_person(
    ledger: Ledger, campaign: Campaign, editor: Visitor
) -> None:
    answer(ledger, campaign)  # brings the first account with it
    with ledger.write() as connection:
        prompt = begin_prompt(
            connection,
            ledger.clock(),
            campaign_id=campaign.id,
            account_id=1,
            text=campaign.prompt,
            posted_by="robin@blog.example",
        )
        mark_not_posted(connection, prompt.id, PromptState.UNKNOWN, "The line was cut.")
    editor.go("/desk/prompts")
    assert "Nobody knows whether it is out." in editor.page
    editor.press(f"/desk/prompts/{prompt.id}/missing")
    with ledger.read() as connection:
        (known,) = prompts_of_campaign(connection, campaign.id)
    assert known.state is PromptState.FAILED
