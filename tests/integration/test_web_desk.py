"""The desk: sorting replies, correcting readings, definitions, editions, outbox, accounts."""

from __future__ import annotations

import socket

import pytest
from flask import Flask

from consent.errors import NotNowError
from consent.requests import STAND_IN, ask
from ledger import jobs
from ledger.accounts import add_account, ensure_account, note_failure
from ledger.campaigns import all_campaigns, find_campaign
from ledger.database import Ledger
from ledger.definitions import definitions_in, need_definition
from ledger.editions import editions_in
from ledger.events import state_of
from ledger.jobs import JobKind, add_job, open_jobs, postpone_jobs
from ledger.model import Campaign, Channel, Reading, ReplyKind, ReplyState, Skipped
from ledger.outbox import MessageState, add_draft, approve, claim, mark_unknown
from ledger.paused import pause
from ledger.posts import find_post, is_gone
from ledger.replies import desk_replies, find_reply, save_reading, store_skipped
from ledger.sent import messages_in
from ledger.tables import editions
from tests.people import agree, answer, asked, define
from tests.visiting import Visitor, application, ask_by_form, choices, owner


@pytest.fixture
def app(ledger: Ledger) -> Flask:
    return application(ledger)


@pytest.fixture
def editor(app: Flask, ledger: Ledger) -> Visitor:
    return owner(app, ledger)


def states(ledger: Ledger, campaign: Campaign) -> dict[str, int]:
    with ledger.read() as connection:
        return {state: len(desk_replies(connection, campaign.id, state)) for state in ReplyState}


def test_an_empty_desk_offers_its_one_next_step(editor: Visitor, ledger: Ledger) -> None:
    assert 'href="/desk/campaigns">Begin a campaign' in editor.go("/desk")
    assert "Begin a campaign" in editor.go("/desk/definitions")
    assert "Begin a campaign" in editor.go("/desk/editions")
    editor.go("/desk/campaigns")
    editor.press("/desk/campaigns", prompt="Courage is ___?")
    with ledger.read() as connection:
        (made,) = all_campaigns(connection)
        assert open_jobs(connection, JobKind.PUBLISH, ledger.clock())
    assert made.term == "Courage"
    assert "Nothing has arrived yet" in editor.go("/desk")
    assert "The shortlist is empty" in editor.go("/desk/definitions")
    assert "Write the first edition" in editor.go("/desk/editions")
    assert "No messages" in editor.go("/desk/outbox")
    assert 'href="/desk/accounts/new">Add an account' in editor.go("/desk/accounts")


def test_a_prompt_that_cannot_be_used_stays_in_the_form(editor: Visitor) -> None:
    editor.go("/desk/campaigns")
    editor.press("/desk/campaigns", prompt="Courage?")
    assert editor.status == 400
    assert "exactly one blank" in editor.page
    assert 'value="Courage?"' in editor.page


def test_a_campaign_is_closed_and_opened(
    editor: Visitor, ledger: Ledger, campaign: Campaign
) -> None:
    for decision, is_open in (("close", False), ("open", True)):
        editor.go("/desk/campaigns")
        editor.press(f"/desk/campaigns/{campaign.slug}", decision=decision)
        with ledger.read() as connection:
            found = find_campaign(connection, campaign.slug)
        assert found is not None
        assert found.is_open is is_open


def test_the_inbox_shows_the_words_it_suggests_and_why(
    editor: Visitor, ledger: Ledger, campaign: Campaign
) -> None:
    reply = answer(ledger, campaign, "I say <b>it is</b> listening, always.")
    start = reply.text.index("listening")
    with ledger.write() as connection:
        reading = Reading(
            ReplyKind.DEFINITION, "It goes on after “is”.", 0.9, ((start, start + 9),)
        )
        save_reading(connection, reply.id, reading)
    page = editor.go("/desk")
    assert "I say &lt;b&gt;it is&lt;/b&gt; <mark>listening</mark>, always." in page
    assert "It goes on after “is”." in page
    assert 'Definition <span class="count">1</span>' in page
    assert "listening" not in editor.go("/desk?kind=question")
    assert "listening" not in editor.go("/desk?state=set_aside")


def test_replies_are_sorted_one_by_one_and_together(
    editor: Visitor, ledger: Ledger, campaign: Campaign
) -> None:
    ids = [
        answer(ledger, campaign, f"words {n}", address=f"p{n}@sample.example").id for n in range(4)
    ]
    editor.go("/desk")
    editor.press("/desk/replies", do=f"shortlist:{ids[0]}")
    assert "Shortlisted: 1" in editor.page
    editor.press("/desk/replies", do="set_aside", reply=[str(ids[1]), str(ids[2])])
    assert "Set aside: 2" in editor.page
    assert states(ledger, campaign) == {"new": 1, "shortlisted": 1, "set_aside": 2}
    editor.go("/desk?state=set_aside")
    editor.press("/desk/replies", do=f"new:{ids[1]}", state="set_aside")
    assert states(ledger, campaign) == {"new": 2, "shortlisted": 1, "set_aside": 1}
    editor.press("/desk/replies", do="set_aside")
    assert "Tick at least one reply first." in editor.page
    editor.press("/desk/replies", do="ask", reply=[str(ids[0])])
    assert editor.status == 400


def test_long_lists_come_in_pages(editor: Visitor, ledger: Ledger, campaign: Campaign) -> None:
    for number in range(52):
        answer(ledger, campaign, f"words {number:02}", address=f"p{number}@sample.example")
    first = editor.go("/desk")
    assert first.count("data-reply") == 50
    older = first.split("Older replies")[0].rpartition('href="')[2].split('"')[0]
    rest = editor.go(older.replace("&amp;", "&"))
    assert rest.count("data-reply") == 2
    assert "words 00" in rest


def test_words_of_the_reply_are_marked_in_it(
    editor: Visitor, ledger: Ledger, campaign: Campaign
) -> None:
    reply = answer(ledger, campaign, "Hello, listening before speaking. Bye")
    editor.go(f"/desk/replies/{reply.id}")
    editor.press(f"/desk/replies/{reply.id}", kind="definition", words="listening before speaking.")
    with ledger.write() as connection:
        save_reading(connection, reply.id, Reading(ReplyKind.SPAM, "guessed later", 0.9))
        found = find_reply(connection, reply.id)
    assert found is not None
    assert found.reading.words(found.text) == "listening before speaking."
    definition = define(ledger, found)
    assert definition.text == "listening before speaking."


def test_words_that_are_not_in_the_reply_become_an_edit(
    editor: Visitor, ledger: Ledger, campaign: Campaign
) -> None:
    reply = answer(ledger, campaign, "its listening")
    editor.go(f"/desk/replies/{reply.id}")
    editor.press(f"/desk/replies/{reply.id}", kind="definition", words="it’s listening")
    assert "the author has to agree" in editor.page
    with ledger.read() as connection:
        (definition,) = definitions_in(connection, campaign.id)
    assert (definition.text, definition.version) == ("it’s listening", 2)


def test_a_kind_is_corrected_and_sticks(
    editor: Visitor, ledger: Ledger, campaign: Campaign
) -> None:
    reply = answer(ledger, campaign, "when does it close?")
    editor.go(f"/desk/replies/{reply.id}")
    editor.press(f"/desk/replies/{reply.id}", kind="question", words="")
    with ledger.read() as connection:
        found = find_reply(connection, reply.id)
    assert found is not None
    assert found.reading.kind is ReplyKind.QUESTION


def test_a_question_by_e_mail_leaves_by_the_outbox(
    editor: Visitor, ledger: Ledger, campaign: Campaign
) -> None:
    with ledger.write() as connection:
        add_account(
            connection,
            ledger.keys,
            channel=Channel.EMAIL,
            name="hello@blog.example",
            campaign_id=campaign.id,
        )
    visitor = Visitor(editor.client.application)
    visitor.go(f"/answer/{campaign.slug}")
    visitor.press(
        f"/answer/{campaign.slug}/send", text="hearing people out", email="ada@sample.example"
    )
    editor.go("/desk")
    editor.press("/desk/replies", do="shortlist:1")
    with ledger.read() as connection:
        (definition,) = definitions_in(connection, campaign.id)
    path = f"/desk/definitions/{definition.id}"
    editor.go(path)
    ask_by_form(editor, path, **choices())
    assert editor.at == path
    assert "is waiting to leave" in editor.page
    assert "/p/" not in editor.page
    with ledger.read() as connection:
        (message,) = messages_in(connection, MessageState.APPROVED)
    assert message.recipient == "ada@sample.example"
    assert "ada@sample.example" in editor.go("/desk/outbox")


def test_a_question_is_taken_back(editor: Visitor, ledger: Ledger, campaign: Campaign) -> None:
    question = asked(ledger, campaign, "hearing people out")
    editor.go(f"/desk/definitions/{question.request.definition_id}")
    editor.press(f"/desk/requests/{question.request.id}/cancel")
    assert "The question is taken back." in editor.page
    with ledger.read() as connection:
        state = state_of(connection, ledger.keys, question.request.definition_id)
    assert state.request is None
    assert "See the message first" in editor.page


def test_asking_twice_is_said_and_asks_once(
    editor: Visitor, ledger: Ledger, campaign: Campaign
) -> None:
    question = asked(ledger, campaign, "hearing people out")
    path = f"/desk/definitions/{question.request.definition_id}"
    editor.go(path)
    link = f"http://127.0.0.1:8000/p/{STAND_IN}"
    for step in ({}, {"do": "send", "subject": "May I?", "body": f"May I? {link}"}):
        editor.press(f"{path}/ask", **choices(), **step)
        assert editor.status == 400
        assert "has been asked already" in editor.page


def test_new_words_warn_and_need_a_yes_of_their_own(
    editor: Visitor, ledger: Ledger, campaign: Campaign
) -> None:
    question = asked(ledger, campaign, "hearing people out")
    agree(ledger, question, "hearing people out")
    path = f"/desk/definitions/{question.request.definition_id}"
    assert "What is published stays as it was allowed." in editor.go(path)
    editor.press(f"{path}/words", words="x" * 2001)
    assert editor.status == 400
    assert "x" * 2001 in editor.page
    editor.press(f"{path}/words", words="hearing everybody out")
    assert "New wording not allowed yet" in editor.page
    with ledger.read() as connection:
        assert need_definition(connection, question.request.definition_id).version == 2
        grant = state_of(connection, ledger.keys, question.request.definition_id).grant
    assert grant is not None
    assert grant.text == "hearing people out"


def test_an_edition_is_written_published_and_taken_away(
    editor: Visitor, ledger: Ledger, campaign: Campaign
) -> None:
    ids = []
    for number in range(3):
        words = f"answer number {number}"
        question = asked(ledger, campaign, words, address=f"p{number}@sample.example")
        agree(ledger, question, words)
        ids.append(question.request.definition_id)
    editor.go("/desk/editions/new")
    editor.press("/desk/editions/new", title="Two answers", introduction="Mine")
    with ledger.write() as connection:
        connection.execute(editions.update().values(title="Other", slug="two-answers"))
    editor.go("/desk/editions/new")
    editor.press("/desk/editions/new", title="Two answers", introduction="Kept?")
    assert editor.status == 400
    assert "Kept?</textarea>" in editor.page
    with ledger.write() as connection:
        connection.execute(editions.delete())
    chosen = {"definition": [ids[0], ids[2]], f"order-{ids[0]}": "2", f"order-{ids[2]}": "1"}
    editor.press("/desk/editions/new", title="Two answers", introduction="*Hello*", **chosen)
    with ledger.read() as connection:
        (edition,) = editions_in(connection, campaign.id)
    assert edition.definition_ids == (ids[2], ids[0])
    assert edition.published_at is None
    path = f"/desk/editions/{edition.id}"
    assert editor.at == path
    editor.press(path, title="Two answers", introduction="Hi", decision="publish", **chosen)
    with ledger.read() as connection:
        post = find_post(connection, edition.id)
    assert post is not None
    assert f'href="{post.address}"' in editor.page
    editor.press(path, decision="retract")
    with ledger.read() as connection:
        assert is_gone(connection, ledger.keys, post.address)
    assert "Not public" in editor.page


def test_an_unknown_outcome_waits_for_a_person(
    editor: Visitor, ledger: Ledger, campaign: Campaign
) -> None:
    person = define(ledger, answer(ledger, campaign)).contributor_id
    with ledger.write() as connection:
        account = add_account(
            connection, ledger.keys, channel=Channel.EMAIL, name="hello", campaign_id=campaign.id
        )
        for number in range(2):
            message = add_draft(
                connection,
                ledger.keys,
                ledger.clock(),
                account_id=account.id,
                contributor_id=person,
                recipient=f"p{number}@sample.example",
                subject="Hello",
                body="…",
                domain="blog.example",
            )
            approve(connection, message, "owner")
            claim(connection, ledger.keys, ledger.clock())
            mark_unknown(connection, message, "The connection broke.")
    page = editor.go("/desk/outbox")
    assert "Did these leave?" in page
    assert "The connection broke." in page
    assert '<span class="count alarm">2</span>' in page
    editor.press("/desk/outbox/1", outcome="left")
    editor.press("/desk/outbox/2", outcome="again")
    with ledger.read() as connection:
        assert [m.id for m in messages_in(connection, MessageState.SENT)] == [1]
        assert [m.id for m in messages_in(connection, MessageState.APPROVED)] == [2]
    editor.press("/desk/outbox/1", outcome="again")
    assert "settled already" in editor.page
    with ledger.read() as connection:
        assert [m.id for m in messages_in(connection, MessageState.SENT)] == [1]


def test_accounts_say_what_went_wrong_and_what_was_skipped(
    editor: Visitor, ledger: Ledger, campaign: Campaign
) -> None:
    with ledger.write() as connection:
        account = add_account(
            connection, ledger.keys, channel=Channel.EMAIL, name="hello", campaign_id=campaign.id
        )
        note_failure(
            connection,
            account.id,
            error="The password was refused. Give the right one.",
            next_poll_at=ledger.clock(),
        )
        store_skipped(
            connection, account, [Skipped("<1@sample.example>", "It is a bounce.")], ledger.clock()
        )
    page = editor.go("/desk/accounts")
    assert "The password was refused. Give the right one." in page
    assert "1 not collected" in page
    page = editor.go(f"/desk/accounts/{account.id}")
    assert "The password was refused. Give the right one." in page
    assert "It is a bounce." in page
    assert "5 January 2026, 12:00 UTC" in page
    assert "not yet" in page


def test_the_banner_tells_of_a_pause_and_of_work_that_stumbled(
    editor: Visitor, ledger: Ledger, campaign: Campaign
) -> None:
    with ledger.write() as connection:
        pause(connection, "It was restored from a backup.")
        add_job(connection, JobKind.PUBLISH, "site", ledger.clock())
        found = open_jobs(connection, JobKind.PUBLISH, ledger.clock())
        postpone_jobs(connection, found, "The disk is full.", ledger.clock())
        assert jobs.last_error(connection)
    for path in ("/desk", "/desk/outbox", "/desk/campaigns"):
        page = editor.go(path)
        assert "It was restored from a backup." in page
        assert "The disk is full." in page


def test_a_refusal_is_not_overridden_quietly(
    editor: Visitor, ledger: Ledger, campaign: Campaign
) -> None:
    from consent.decisions import refuse
    from tests.people import EVIDENCE

    question = asked(ledger, campaign, "hearing people out")
    refuse(ledger, question.request.id, EVIDENCE)
    page = editor.go(f"/desk/definitions/{question.request.definition_id}")
    assert "They said no, or took it back, less than 90 days ago" in page
    assert "See the message first" not in page
    with pytest.raises(NotNowError, match="said no"):
        ask(ledger, question.request.definition_id, asked_by="Olu")
    ledger.clock.pass_time(days=90)  # type: ignore[attr-defined]  # the test's clock
    ask(ledger, question.request.definition_id, asked_by="Olu")


def test_a_demonstration_says_so_on_every_page(app: Flask, ledger: Ledger) -> None:
    settings = ledger.settings.model_copy(update={"demo": True})
    demo = application(Ledger(settings, ledger.engine, ledger.keys, ledger.clock))
    visitor = owner(demo, ledger)
    for path in ("/desk", "/desk/campaigns", "/nowhere"):
        assert "these people and their words are made up" in visitor.go(path)
    assert "these people and their words are made up" in Visitor(demo).go("/desk/sign-in")


def test_an_account_is_tried_and_says_what_answered(
    editor: Visitor, ledger: Ledger, campaign: Campaign
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        options = {
            "imap_host": "127.0.0.1",
            "imap_port": taken.getsockname()[1],
            "imap_security": "none",
            "smtp_host": "127.0.0.1",
            "smtp_security": "none",
            "smtp_port": taken.getsockname()[1],
            "address": "hello@blog.example",
        }
        with ledger.write() as connection:
            form = ensure_account(connection, ledger.keys, Channel.FORM, "form", campaign.id)
            mail = add_account(
                connection,
                ledger.keys,
                channel=Channel.EMAIL,
                name="hello",
                campaign_id=campaign.id,
                options=options,
                secret="not a secret",
            )
        editor.go("/desk/accounts")
        editor.press(f"/desk/accounts/{form.id}/test")
        assert '<div class="note done"' in editor.page
        editor.press(f"/desk/accounts/{mail.id}/test")
        assert '<div class="note wrong"' in editor.page
    assert "127.0.0.1" in editor.page
    assert "not a secret" not in editor.page
    editor.press("/desk/accounts/99/test")
    assert editor.status == 404
