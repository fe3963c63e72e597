"""The greeting desk over real databases and servers: one person, one greeting, by hand."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from sqlalchemy import select, update

from collector.dispatch import dispatch
from collector.newcomers import look_for_newcomers
from collector.read import read_new
from consent.thanking import draft_thanks
from consent.ways import WayName
from ledger.accounts import ensure_account
from ledger.campaigns import add_campaign
from ledger.contributors import find_handle
from ledger.courtesies import Courtesy, NotPolite, store_courtesy
from ledger.database import Ledger
from ledger.errors import DefinedbyError
from ledger.etiquette import Action
from ledger.facts import Manners, facts_of, keep_manners
from ledger.model import Account, Campaign, Channel, IncomingReply, ReplyState
from ledger.newcomers import (
    PassedOver,
    Why,
    count_passed_over,
    find_newcomer,
    waiting_newcomers,
)
from ledger.outbox import MessageState, approve, claim
from ledger.person import FoundPerson
from ledger.posts import find_post
from ledger.replies import store_replies
from ledger.sent import messages_in
from ledger.stages import Stage
from ledger.stopping import stop
from ledger.tables import contributors, handles, newcomers, outbox
from ledger.written import last_written
from publisher.publish import publish_pending
from tests.conftest import SteppingClock
from tests.greeting_desk import (
    LIZ,
    TRUE,
    account_at,
    arrive,
    at_mastodon,
    at_x,
    contributor_at,
    greet,
    listed,
)
from tests.people import agree, asked
from tests.servers.mastodon_api import MastodonApi
from tests.servers.x import XServer
from tests.visiting import OWNER_ADDRESS, PASSWORD, Visitor, application, owner


@pytest.fixture
def mastodon(clock: SteppingClock) -> Iterator[MastodonApi]:
    with MastodonApi(clock) as server:
        yield server


@pytest.fixture
def x(clock: SteppingClock) -> Iterator[XServer]:
    with XServer(clock) as server:
        yield server


@pytest.fixture
def app(ledger: Ledger) -> Flask:
    return application(ledger)


@pytest.fixture
def editor(app: Flask, ledger: Ledger) -> Visitor:
    return owner(app, ledger)


def waiting(ledger: Ledger, campaign: Campaign) -> list[str]:
    with ledger.read() as connection:
        return [one.address for one in waiting_newcomers(connection, campaign.id, 100)]


def counted(ledger: Ledger, campaign: Campaign) -> dict[PassedOver, int]:
    with ledger.read() as connection:
        return count_passed_over(connection, campaign.id)


def come_back(editor: Visitor) -> None:
    """Sign in again: a session ends after a week."""
    editor.go("/desk/sign-in")
    editor.press("/desk/sign-in", email=OWNER_ADDRESS, password=PASSWORD)
    assert editor.at == "/desk", editor.page


def test_a_follower_is_greeted_once_through_the_outbox(
    editor: Visitor, ledger: Ledger, campaign: Campaign, mastodon: MastodonApi
) -> None:
    account = at_mastodon(ledger, campaign, mastodon)
    liz = mastodon.add_person("liz@sample.example", note="<p>Gardener</p>", display_name="Liz")
    mastodon.follow(liz)
    editor.go("/desk/greetings")
    assert "Nobody is waiting" in editor.page
    editor.press(f"/desk/greetings/look/{account.id}")
    assert "1 new of 1 looked at" in editor.page
    assert "Gardener" in editor.page
    assert mastodon.posted() == []
    page = greet(editor)
    assert "on its way" in page
    assert dispatch(ledger).sent == 1
    (post,) = mastodon.posted()
    assert post["visibility"] == "direct"
    assert "your talk on gardens in winter" in post["content"]
    assert "Thought leadership is ___?" in post["content"]
    # Once is all, whichever way it is tried.
    assert waiting(ledger, campaign) == []
    assert "greeted once, and once is all" in greet(editor)
    editor.press(f"/desk/greetings/look/{account.id}")
    listed(ledger, account, LIZ)
    assert waiting(ledger, campaign) == []
    assert counted(ledger, campaign) == {PassedOver.GREETED: 1}
    dispatch(ledger)
    assert len(mastodon.posted()) == 1


def test_p13_a_greeting_with_a_link_stays_in_the_form_with_the_reason(
    editor: Visitor, ledger: Ledger, campaign: Campaign, mastodon: MastodonApi
) -> None:
    listed(ledger, at_mastodon(ledger, campaign, mastodon), LIZ)
    path = "/desk/greetings/1/greeting"
    text = f"Liz, {TRUE} Look at sample.example: Thought leadership is ___?"
    editor.go(path)
    editor.press(path, personal=TRUE, text=text, decision="send")
    assert editor.status == 400
    assert "A greeting has no links" in editor.page
    assert text in editor.page
    assert "Send it to this one person" in editor.page
    text = f"Liz, {TRUE} Thought leadership is ___?"
    editor.press(path, personal=TRUE, text=text, decision="send")
    assert editor.status == 400
    assert "It has to say how to stop this" in editor.page
    for personal, said in (
        ("", "one true sentence"),
        ("I really love your content, great work!", "would fit anybody"),
    ):
        assert said in greet(editor, personal=personal)
    with ledger.read() as connection:
        assert connection.execute(select(outbox.c.id)).all() == []
        assert find_handle(connection, Channel.MASTODON, LIZ.address) is None


def test_p13_the_same_sentence_is_not_written_to_two_people(
    editor: Visitor, ledger: Ledger, campaign: Campaign, mastodon: MastodonApi
) -> None:
    bo = FoundPerson("@bo@sample.example", "Bo")
    listed(ledger, at_mastodon(ledger, campaign, mastodon), LIZ, bo)
    assert "on its way" in greet(editor, 1)
    assert "to somebody else already" in greet(editor, 2, TRUE.upper())
    nearly = greet(editor, 2, "Bo, your talk on lamps in winter stayed with me!")
    assert "You wrote nearly the same to Liz" in nearly
    assert "What is true of this person alone?" in nearly
    assert "on its way" in greet(editor, 2, "your bread at the market fair was wonderful.")


def test_p13_what_was_dropped_or_erased_stands_in_nobodys_way(
    editor: Visitor, ledger: Ledger, campaign: Campaign, x: XServer
) -> None:
    people = [FoundPerson(f"@{name}_example", name, contact=name) for name in ("liz", "bo")]
    listed(ledger, at_x(ledger, campaign, x), *people)
    greet(editor)
    nearly = "your talk on lamps in winter stayed with me."
    assert "nearly the same to liz" in greet(editor, 2, nearly)
    editor.press("/desk/greetings/by-hand/1", outcome="dropped")
    assert "Send it yourself" in greet(editor, 2, nearly)
    assert "nearly the same to bo" in greet(editor)
    with ledger.write() as connection:
        bo = find_handle(connection, Channel.X, "@bo_example")
        assert bo is not None
        connection.execute(update(contributors).values(sealed_key=b""))
        assert last_written(connection, ledger.keys) == []


def test_p13_no_address_takes_more_than_one_person(
    app: Flask, editor: Visitor, ledger: Ledger, campaign: Campaign, mastodon: MastodonApi
) -> None:
    """Whatever a form sends along, only the person in the address is written to."""
    people = [FoundPerson(f"@p{number}@sample.example", f"P{number}") for number in range(5)]
    listed(ledger, at_mastodon(ledger, campaign, mastodon), *people)
    sending = [
        rule
        for rule in app.url_map.iter_rules()
        if rule.endpoint.split(".")[0] in ("greetings", "thanking", "asking")
        and "POST" in (rule.methods or ())
    ]
    one_person = {"newcomer_id", "message_id", "definition_id", "request_id"}
    storing_nothing_to_send = {"greetings.look", "greetings.take_list"}
    for rule in sending:
        if rule.endpoint not in storing_nothing_to_send:
            assert len(one_person & rule.arguments) == 1, rule
    text = f"P0, {TRUE} Thought leadership is ___? With “stop” I write no more."
    many = [str(number) for number in range(1, 6)]
    path = "/desk/greetings/1/greeting"
    editor.go(path)
    editor.press(
        path,
        personal=TRUE,
        text=text,
        decision="send",
        newcomer_id=many,
        newcomers=many,
        ids=",".join(many),
    )
    with ledger.read() as connection:
        written_to = connection.execute(select(outbox.c.recipient)).scalars().all()
    assert written_to == ["@p0@sample.example"]


def test_on_x_a_person_sends_it_in_xs_own_composer(
    editor: Visitor, ledger: Ledger, campaign: Campaign, x: XServer
) -> None:
    account = at_x(ledger, campaign, x)
    number = x.add_follower("liz_example", description="Gardener")
    editor.go("/desk/greetings")
    assert "at most $0.10" in editor.page
    editor.press(f"/desk/greetings/look/{account.id}")
    page = greet(editor)
    assert "Send it yourself" in page
    address = page.partition('href="https://x.com/')[2].partition('"')[0].replace("&amp;", "&")
    query = parse_qs(urlsplit(address).query)
    assert query["recipient_id"] == [number]
    assert TRUE in query["text"][0]
    # The worker never sends it, however long it waits.
    ledger.clock.pass_time(days=2)  # type: ignore[attr-defined]  # the test's clock
    assert dispatch(ledger).sent == 0
    assert x.requests("/messages") == []
    editor.go("/desk/greetings/by-hand/1")
    editor.press("/desk/greetings/by-hand/1", outcome="sent")
    assert "Kept as sent." in editor.page
    editor.press("/desk/greetings/by-hand/1", outcome="sent")
    assert "waits no more" in editor.page
    with ledger.read() as connection:
        (sent,) = messages_in(connection, MessageState.SENT)
        row = connection.execute(select(outbox)).one()
    assert sent.purpose is Action.GREET
    assert (row.approved_by, row.sealed_body) == ("Olu Owner", "")
    assert editor.go("/desk/greetings/by-hand/1")
    assert editor.status == 404


def test_p13_who_stands_on_a_list_is_not_written_to_by_a_program(
    editor: Visitor, ledger: Ledger, campaign: Campaign, mastodon: MastodonApi
) -> None:
    """On Mastodon a program writes to people who follow or wrote first; others get a person."""
    account = at_mastodon(ledger, campaign, mastodon)
    liz = mastodon.add_person("liz@sample.example", display_name="Liz")
    listed(ledger, account, LIZ, why=Why.LISTED)
    page = greet(editor)
    assert "Send it yourself" in page
    assert f"{mastodon.url}/share?text=%40liz%40sample.example%20Liz" in page
    assert dispatch(ledger).sent == 0
    assert mastodon.posted() == []
    editor.press("/desk/greetings/by-hand/1", outcome="dropped")
    # Once they follow, a message may leave by itself.
    mastodon.follow(liz)
    look_for_newcomers(ledger, account)
    assert "on its way" in greet(editor)
    # At the claim it is asked again whether they do.
    with ledger.write() as connection:
        connection.execute(update(newcomers).values(why=Why.LISTED))
    assert dispatch(ledger).sent == 0
    assert mastodon.posted() == []
    with ledger.read() as connection:
        errors = [one.error for one in messages_in(connection, MessageState.FAILED)]
    assert errors[0].startswith("Programs on Mastodon write only to people who follow")


def test_what_was_not_sent_by_hand_makes_room_again(
    editor: Visitor, ledger: Ledger, campaign: Campaign, x: XServer
) -> None:
    listed(ledger, at_x(ledger, campaign, x), FoundPerson("@liz_example", "Liz", contact="77"))
    greet(editor)
    assert waiting(ledger, campaign) == []
    editor.press("/desk/greetings/by-hand/1", outcome="dropped")
    assert waiting(ledger, campaign) == ["@liz_example"]
    assert "Send it yourself" in greet(editor)


def test_who_may_not_be_greeted_is_never_listed_and_counted(
    ledger: Ledger, campaign: Campaign, mastodon: MastodonApi
) -> None:
    account = at_mastodon(ledger, campaign, mastodon)
    arrive(ledger, account, "@gone@sample.example", "stop")
    asked(ledger, campaign, "hearing people out", address="@known@sample.example")
    for acct, marks in {
        "robot@sample.example": {"bot": True},
        "quiet@sample.example": {"note": "#nobot"},
        "shut@sample.example": {"locked": True},
        "gone@sample.example": {},
        "known@sample.example": {},
        "liz@sample.example": {},
    }.items():
        mastodon.follow(mastodon.add_person(acct, **marks))
    for _ in range(2):  # looked at twice, counted once
        report = look_for_newcomers(ledger, account)
        with ledger.write() as connection:
            from ledger.newcomers import keep_follower_place

            keep_follower_place(connection, account.id, "", ledger.clock())
    assert report.added == 0
    assert waiting(ledger, campaign) == ["@liz@sample.example"]
    assert counted(ledger, campaign) == {
        PassedOver.BOT: 1,
        PassedOver.NO_BOTS: 1,
        PassedOver.PROTECTED: 1,
        PassedOver.STOPPED: 1,
        PassedOver.ANSWERED: 1,
    }


def test_who_mentions_us_without_an_answer_may_be_greeted(
    ledger: Ledger, campaign: Campaign, mastodon: MastodonApi
) -> None:
    account = at_mastodon(ledger, campaign, mastodon)
    arrive(ledger, account, LIZ.address, "What is this about?")
    arrive(ledger, account, "@bo@sample.example", "Thought leadership is listening")
    arrive(ledger, account, "@robot@sample.example", "What is this?", automatic=True)
    arrive(
        ledger,
        account,
        "@quiet@sample.example",
        "Who are you?",
        raw='{"account": {"note": "<p>#nobot</p>"}}',
    )
    assert look_for_newcomers(ledger, account).added == 1
    assert waiting(ledger, campaign) == [LIZ.address]
    assert counted(ledger, campaign) == {PassedOver.NO_BOTS: 1}


def test_a_stop_after_the_draft_ends_it_everywhere(
    editor: Visitor, ledger: Ledger, campaign: Campaign, x: XServer, mastodon: MastodonApi
) -> None:
    account = at_x(ledger, campaign, x)
    listed(ledger, account, FoundPerson("@liz_example", "Liz", contact="77"))
    greet(editor)
    arrive(ledger, account, "@liz_example", "stop")
    editor.go("/desk/greetings/by-hand/1")
    assert editor.status == 404
    with ledger.read() as connection:
        (failed,) = messages_in(connection, MessageState.FAILED)
    assert failed.error == "They asked not to be written to."
    assert "Rule “stopped”: Our promise; GDPR, article 21" in editor.go("/desk/outbox")
    assert "asked not to be written to" in greet(editor)


def test_one_reminder_after_a_week_and_then_silence_is_an_answer(
    editor: Visitor, ledger: Ledger, campaign: Campaign, mastodon: MastodonApi
) -> None:
    mastodon.add_person("liz@sample.example")
    listed(ledger, at_mastodon(ledger, campaign, mastodon), LIZ)
    greet(editor)
    dispatch(ledger)
    clock: Any = ledger.clock
    editor.go("/desk/greetings")
    assert "less than 7 days" in editor.page
    assert "Remind once" not in editor.page
    reminder = "I walked past your winter garden last Sunday."
    assert "less than 7 days" in greet(editor, personal=reminder, kind="follow-up")
    clock.pass_time(days=7)
    come_back(editor)
    assert "Remind once" in editor.go("/desk/greetings")
    assert "on its way" in greet(editor, personal=reminder, kind="follow-up")
    assert dispatch(ledger).sent == 1
    assert len(mastodon.posted()) == 2
    clock.pass_time(days=30)
    come_back(editor)
    again = "I still think of your garden in the snow."
    assert "as often as they may be" in greet(editor, personal=again, kind="follow-up")
    assert "Remind once" not in editor.go("/desk/greetings")


def test_who_has_answered_is_not_reminded(
    editor: Visitor, ledger: Ledger, campaign: Campaign, mastodon: MastodonApi
) -> None:
    account = at_mastodon(ledger, campaign, mastodon)
    mastodon.add_person("liz@sample.example")
    listed(ledger, account, LIZ)
    greet(editor)
    dispatch(ledger)
    clock: Any = ledger.clock
    clock.pass_time(days=8)
    come_back(editor)
    # A reminder that was approved before the answer came does not leave after it.
    assert "on its way" in greet(editor, personal="I saw your garden.", kind="follow-up")
    arrive(ledger, account, LIZ.address, "Thought leadership is weeding")
    assert dispatch(ledger).sent == 0
    with ledger.read() as connection:
        (failed,) = messages_in(connection, MessageState.FAILED)
    assert "was not answered" in failed.error
    assert failed.rule == "after_greeting"
    for path in ("/desk/outbox", "/desk/threads/1"):
        block = editor.go(path).partition("needs a greeting that was not answered")[2]
        assert "Rule “after greeting”: Our promise" in block, path
        assert "It unlocks" not in block.partition("</p>")[0]
    assert "Remind once" not in editor.go("/desk/greetings")


@pytest.mark.parametrize("channel", ["email", "mastodon"])
def test_thanks_leave_once_after_publishing_with_the_link(
    editor: Visitor, ledger: Ledger, campaign: Campaign, channel: str,
    request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    """By mail for the form, else where the words came from; what arrives has the link."""
    from consent.requests import ask
    from ledger.replies import desk_replies
    from tests.people import define

    if channel == "email":
        server: Any = request.getfixturevalue("mail_server")
        account_at(
            ledger, campaign, Channel.EMAIL, secret=server.password,
            **server.options("thanking"),
        )  # fmt: skip
        with ledger.write() as connection:
            form = ensure_account(connection, ledger.keys, Channel.FORM, campaign.slug, campaign.id)
        arriving, address, contact = form, "visitor-1", server.address("thanked-ada")
    else:
        server = request.getfixturevalue("mastodon")
        arriving = at_mastodon(ledger, campaign, server)
        server.add_person("ada@sample.example")
        address = contact = "@ada@sample.example"
    reply = IncomingReply("", address, "hearing people out", "Ada", contact=contact)
    with ledger.write() as connection:
        store_replies(connection, arriving, [reply], ledger.clock())
        (stored,) = desk_replies(connection, campaign.id, ReplyState.NEW, limit=1)
    definition = define(ledger, stored)
    path = f"/desk/definitions/{definition.id}"
    question = ask(ledger, definition.id, asked_by="Olu", way=WayName.HAND)
    editor.go(path)
    editor.press(f"{path}/thank", body="thanks")
    assert "This is not published" in editor.page
    agree(ledger, question, "hearing people out")
    publish_pending(ledger)
    dispatch(ledger)
    page = editor.go(path)
    assert "Your thanks" in page
    body = unescape(
        page.partition('name="body"')[2].partition(">")[2].partition("</textarea>")[0]
    ).strip()
    with ledger.read() as connection:
        post = find_post(connection, definition.id)
    assert post is not None
    link = f"{ledger.settings.public_url}/{post.address.strip('/')}/"
    assert link in body
    editor.press(f"{path}/thank", body="Thank you! It stands at the blog now.")
    assert editor.status == 400
    assert "The address of their post is missing." in editor.page
    editor.press(f"{path}/thank", body=body)
    assert "waiting to leave" in editor.page, editor.page
    editor.press(f"{path}/thank", body=body)
    assert "They have been thanked for this." in editor.page
    assert dispatch(ledger).sent == 1
    if channel == "mastodon":
        (arrived,) = [unescape(re.sub("<[^>]*>", "", one["content"])) for one in server.posted()]
        assert server.posted()[0]["visibility"] == "direct"
    else:
        (mail,) = server.wait_for_mail("thanked-ada", 1)
        arrived = message_from_bytes(mail.raw, policy=default).get_content()
    assert link in arrived
    assert "“stop”" in arrived
    assert dispatch(ledger).sent == 0


def test_thanks_do_not_follow_a_withdrawal(
    editor: Visitor, ledger: Ledger, campaign: Campaign
) -> None:
    from consent.decisions import withdraw
    from tests.people import EVIDENCE

    question = asked(ledger, campaign, "hearing people out")
    definition_id = question.request.definition_id
    agree(ledger, question, "hearing people out")
    publish_pending(ledger)
    editor.go(f"/desk/definitions/{definition_id}")
    body = draft_thanks(ledger, definition_id)[1]
    editor.press(f"/desk/definitions/{definition_id}/thank", body=body)
    assert "Send it yourself" in editor.page
    withdraw(ledger, definition_id, EVIDENCE)
    page = editor.go(f"/desk/definitions/{definition_id}")
    assert "Your thanks" not in page
    editor.press(f"/desk/definitions/{definition_id}/thank", body="Hi")
    assert "This is not published" in editor.page


def test_a_stop_on_x_is_acknowledged_once_and_by_nothing_else(
    ledger: Ledger, campaign: Campaign, x: XServer
) -> None:
    account = at_x(ledger, campaign, x)
    message = x.add_message("stop")
    handle = f"@{x.users[message['sender_id']]['username']}"
    for text in ("stop", "stop!", "STOP"):
        reply = IncomingReply(
            f"dm:{text}", handle, text, contact=message["sender_id"], private=True
        )
        with ledger.write() as connection:
            store_replies(connection, account, [reply], ledger.clock())
        read_new(ledger)
        dispatch(ledger)
    sent = x.requests(f"/with/{message['sender_id']}/messages")
    assert [one.body["text"] for one in sent] == ["Understood. You will hear nothing more from us."]
    # In public, and on other channels, silence is the answer.
    arrive(ledger, account, "@bo_example", "stop")
    dispatch(ledger)
    assert len(x.requests("/messages")) == len(sent)


def test_a_list_brings_people_and_says_what_is_wrong_with_the_rest(
    editor: Visitor, ledger: Ledger, campaign: Campaign, mastodon: MastodonApi, x: XServer
) -> None:
    at_mastodon(ledger, campaign, mastodon)
    at_x(ledger, campaign, x)
    account_at(ledger, campaign, Channel.EMAIL, address="us@blog.example")
    lines = """channel,handle,name,about,zone
mastodon,@liz@sample.example,Liz,Gardener,Europe/Berlin
x,bo_example,Bo,"Bakes, mostly",
pigeon,coo,Coo,,
mastodon,nameless,,,
mastodon,@wrong@sample.example,Wrong,,Mars/Olympus
email,ada@sample.example,Ada,,
"""
    editor.go("/desk/greetings/list")
    page = editor.press("/desk/greetings/list", text=lines)
    assert "2 new of 3 people" in page
    assert "no account of the channel" in page
    assert "has no server" in page
    assert "no time zone" in page
    assert waiting(ledger, campaign) == ["@liz@sample.example", "@bo_example"]
    # Ada never wrote to us: by e-mail that is the end of it.
    assert counted(ledger, campaign) == {PassedOver.UNASKED: 1}
    assert "have not written first" in editor.go("/desk/greetings")
    for wrong in ("", "name,about\nLiz,x\n", 'channel,handle\n"x,y\n', "\0"):
        editor.go("/desk/greetings/list")
        editor.press("/desk/greetings/list", text=wrong)
        assert editor.status == 400
        assert "channel" in editor.page or "CSV" in editor.page


def test_a_person_who_is_left_alone_stays_off_the_list(
    editor: Visitor, ledger: Ledger, campaign: Campaign, mastodon: MastodonApi
) -> None:
    account = at_mastodon(ledger, campaign, mastodon)
    listed(ledger, account, LIZ)
    editor.go("/desk/greetings")
    editor.press("/desk/greetings/1/leave")
    listed(ledger, account, LIZ)
    assert waiting(ledger, campaign) == []
    editor.go("/desk/greetings/99/greeting")
    assert editor.status == 404


def test_manners_can_only_become_stricter(
    editor: Visitor, ledger: Ledger, campaign: Campaign, mastodon: MastodonApi
) -> None:
    listed(ledger, at_mastodon(ledger, campaign, mastodon), LIZ)
    editor.go("/desk/manners")
    editor.press("/desk/manners", per_day="21")
    assert editor.status == 400
    assert "less strict" in editor.page
    editor.press("/desk/manners", zone="Mars/Olympus")
    assert "no time zone" in editor.page
    editor.press("/desk/manners", greeting="Buy this, {name}! {personal} {prompt} A discount!")
    assert editor.status == 400
    own = "Dear {name}, {personal} Would you finish this for me: {prompt}"
    editor.press("/desk/manners", zone="Asia/Tokyo", follow_up_days="14", greeting=own)
    assert "Kept." in editor.page
    # It is 21:00 in Tokyo now: quiet.
    page = editor.go("/desk/greetings/1/greeting")
    assert "Dear Liz," in page
    assert "between 21:00 and 08:00" in page
    assert "quiet hours" in page


def test_quiet_hours_delay_what_leaves_by_itself(
    editor: Visitor, ledger: Ledger, campaign: Campaign, mastodon: MastodonApi
) -> None:
    mastodon.add_person("liz@sample.example")
    listed(ledger, at_mastodon(ledger, campaign, mastodon), LIZ)
    with ledger.write() as connection:
        keep_manners(connection, campaign.id, Manners(zone="Asia/Tokyo"))
    assert "waits for its hour" in greet(editor)
    assert dispatch(ledger).sent == 0
    # What holds it is shown with its rule and source, there and in the conversation.
    for path in ("/desk/outbox", "/desk/threads/1"):
        block = editor.go(path).partition("between 21:00 and 08:00")[2]
        assert "It unlocks on" in block, path
        assert "Rule “quiet hours”: Our promise" in block, path
    clock: Any = ledger.clock
    clock.pass_time(hours=10, minutes=59)
    assert dispatch(ledger).sent == 0
    clock.pass_time(minutes=1)
    assert dispatch(ledger).sent == 1


def test_a_definitions_page_shows_the_stage_and_why_the_next_is_locked(
    editor: Visitor, ledger: Ledger, campaign: Campaign
) -> None:
    question = asked(ledger, campaign, "hearing people out")
    path = f"/desk/definitions/{question.request.definition_id}"
    assert 'aria-current="step">asked' in editor.go(path)
    # Every stage but a stop is shown.
    shown = re.findall(r"<li[^>]*>([^<]*)</li>", editor.page.partition('class="stages"')[2])
    assert shown[:9] == [stage.value for stage in Stage if stage is not Stage.OPTED_OUT]
    agree(ledger, question, "hearing people out")
    page = editor.go(path)
    assert 'aria-current="step">granted' in page
    assert "Thanks are due once their words are published" in page
    publish_pending(ledger)
    assert 'aria-current="step">published' in editor.go(path)
    editor.press(f"{path}/zone", zone="Mars/Olympus")
    assert "no time zone" in editor.page
    editor.press(f"{path}/zone", zone="Asia/Tokyo")
    assert "Their time zone: Asia/Tokyo" in editor.page
    with ledger.write() as connection:
        stop(
            connection, ledger.keys, ledger.clock(), question.request.contributor_id, {"by": "test"}
        )
    assert 'aria-current="step">opted out' in editor.go(path)


# ------------------------------------------------------------------ in the ledger, on each database
@pytest.fixture
def here(any_ledger: Ledger) -> tuple[Ledger, Campaign, Account]:
    with any_ledger.write() as connection:
        campaign = add_campaign(connection, any_ledger.clock(), prompt="Thought leadership is ___?")
    options = {"base_url": "http://127.0.0.1:9"}
    return any_ledger, campaign, account_at(any_ledger, campaign, Channel.MASTODON, **options)


def store(ledger: Ledger, campaign: Campaign, account: Account, who: str, action: Action) -> int:
    with ledger.write() as connection:
        now = ledger.clock()
        facts = facts_of(
            connection,
            ledger.keys,
            now,
            campaign_id=campaign.id,
            channel=account.channel,
            contributor_id=who,
            account_id=account.id,
        )
        courtesy = Courtesy(action, campaign.id, account, who, "@liz@sample.example", "Liz, hello")
        return store_courtesy(
            connection, ledger.keys, now, courtesy, facts, by="Olu", domain="blog.example"
        ).message_id


def test_who_is_new_is_counted_once_on_each_database(
    here: tuple[Ledger, Campaign, Account],
) -> None:
    ledger, _, account = here
    bo = FoundPerson("@bo@sample.example", "Bo")
    assert listed(ledger, account, LIZ, bo) == 2
    assert listed(ledger, account, LIZ, bo) == 0


def test_two_editors_at_once_greet_one_person_once(here: tuple[Ledger, Campaign, Account]) -> None:
    ledger, campaign, account = here
    who = contributor_at(ledger, LIZ.address)
    outcomes: list[str] = []
    start = threading.Barrier(12)

    def race() -> None:
        start.wait()
        try:
            store(ledger, campaign, account, who, Action.GREET)
            outcomes.append("stored")
        except DefinedbyError:
            outcomes.append("refused")

    threads = [threading.Thread(target=race) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused"] * 11 + ["stored"]


def test_two_handles_of_one_person_get_one_greeting(
    here: tuple[Ledger, Campaign, Account],
) -> None:
    """Merged after both were written to in the outbox: the claim lets only one leave."""
    ledger, campaign, account = here
    first, second = (contributor_at(ledger, f"@{name}@sample.example") for name in ("liz", "elisa"))
    for who in (first, second):
        store(ledger, campaign, account, who, Action.GREET)
    with ledger.write() as connection:
        connection.execute(update(handles).values(contributor_id=first))
        connection.execute(update(outbox).values(contributor_id=first))
    with ledger.write() as connection:
        sent = claim(connection, ledger.keys, ledger.clock())
        assert sent is not None
        assert claim(connection, ledger.keys, ledger.clock()) is None
        (refused,) = messages_in(connection, MessageState.FAILED)
    assert refused.error == "They have been greeted once, and once is all."


def test_the_caps_of_an_account_hold_at_each_claim(
    here: tuple[Ledger, Campaign, Account], clock: SteppingClock
) -> None:
    ledger, campaign, account = here
    for number in range(30):
        who = contributor_at(ledger, f"@p{number}@sample.example")
        store(ledger, campaign, account, who, Action.GREET)
    left: list[Any] = []
    # A whole day by half hours; the day begins at noon, and the night is quiet.
    for _ in range(48):
        while True:
            with ledger.write() as connection:
                message = claim(connection, ledger.keys, ledger.clock())
            if message is None:
                break
            left.append(clock())
        clock.pass_time(minutes=30)
    assert len(left) == 20
    for at in left:
        assert sum(at <= other < at + timedelta(hours=1) for other in left) <= 5
        assert 8 <= at.hour < 21


def test_p11_a_stop_before_the_claim_wins_for_every_kind(
    here: tuple[Ledger, Campaign, Account],
) -> None:
    ledger, campaign, account = here
    who = contributor_at(ledger, LIZ.address)
    store(ledger, campaign, account, who, Action.GREET)
    with ledger.write() as connection:
        stop(connection, ledger.keys, ledger.clock(), who, {"by": "test"})
    with ledger.write() as connection:
        assert claim(connection, ledger.keys, ledger.clock()) is None
    with pytest.raises(NotPolite, match="asked not to be written to"):
        store(ledger, campaign, account, who, Action.GREET)


def test_a_draft_by_hand_is_never_claimed(here: tuple[Ledger, Campaign, Account]) -> None:
    ledger, campaign, _ = here
    account = account_at(ledger, campaign, Channel.X, base_url="http://127.0.0.1:9")
    who = contributor_at(ledger, LIZ.address)
    message = store(ledger, campaign, account, who, Action.GREET)
    with ledger.write() as connection:
        assert claim(connection, ledger.keys, ledger.clock()) is None
        # Nor would an approval let it go, and the desk gives none.
        assert approve(connection, message, "somebody")
        assert claim(connection, ledger.keys, ledger.clock()) is None
        (refused,) = messages_in(connection, MessageState.FAILED)
    assert "X forbids automated first messages" in refused.error


def test_a_stop_takes_a_newcomer_off_the_list(here: tuple[Ledger, Campaign, Account]) -> None:
    ledger, campaign, account = here
    listed(ledger, account, LIZ)
    who = contributor_at(ledger, LIZ.address)
    with ledger.write() as connection:
        stop(connection, ledger.keys, ledger.clock(), who, {"by": "test"})
        assert find_newcomer(connection, 1) is None
        assert connection.execute(select(newcomers)).all() == []
    listed(ledger, account, LIZ)
    assert waiting(ledger, campaign) == []


def test_a_goodbye_is_never_said_twice(here: tuple[Ledger, Campaign, Account]) -> None:
    from collector.goodbye import say_goodbye
    from ledger.replies import author_of, find_reply

    ledger, campaign, mastodon = here
    at_x_account = account_at(ledger, campaign, Channel.X, base_url="http://127.0.0.1:9")
    said = []
    with ledger.write() as connection:
        for number, account in enumerate((mastodon, at_x_account), 1):
            reply = IncomingReply("dm:1", "@liz_example", "stop", contact="77", private=True)
            store_replies(connection, account, [reply], ledger.clock())
            stored = find_reply(connection, number)
            assert stored is not None
            author = author_of(connection, ledger.keys, stored, ledger.clock())
            said += [say_goodbye(ledger, connection, stored, author) for _ in range(2)]
        rows = connection.execute(select(outbox.c.purpose, outbox.c.state)).all()
    assert said == [False, False, True, False]
    assert [tuple(row) for row in rows] == [("goodbye", "approved")]
