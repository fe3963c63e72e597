"""What a person sends in a platform's own composer counts like what the program sends (P13)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from collector.dispatch import dispatch
from ledger.conversation import conversation
from ledger.courtesies import verdict_for
from ledger.database import Ledger
from ledger.etiquette import Action, rules_for
from ledger.facts import account_sent, facts_of
from ledger.model import Account, Campaign, Channel
from ledger.newcomers import Why, greeted_newcomers
from ledger.outbox import MessageState, add_draft, approve, claim, mark_unknown, settle_unknown
from ledger.person import FoundPerson
from ledger.tables import newcomers, outbox
from ledger.threads import find_thread, thread_with
from tests.conftest import SteppingClock
from tests.greeting_desk import TRUE, account_at, arrive, greet, listed
from tests.visiting import Visitor, application, owner

#: Who is written to by hand, and where that opens: by number and by name on X.
PLACES = {
    "x": (Channel.X, "@{0}_example", "77{1}", "https://x.com/messages/compose"),
    "x by name": (Channel.X, "@{0}_example", "", "https://x.com/intent/post"),
    "mastodon": (
        Channel.MASTODON,
        "@{0}@far.example",
        "@{0}@far.example",
        "https://social.example/share",
    ),
    "bluesky": (
        Channel.BLUESKY,
        "@{0}.bsky.example",
        "did:plc:{0}",
        "https://bsky.app/intent/compose",
    ),
}
#: True sentences about six people.
SENTENCES = [
    TRUE,
    "your bread at the market fair was wonderful.",
    "I read your column about lighthouses every Sunday.",
    "the way you explain tides to children is a joy.",
    "you taught half of Sampleton to swim, my sister among them.",
    "she who leads a choir of ninety must know about listening.",
]
NAMES = ["Liz", "Bo", "Ana", "Per", "Eva", "Kim"]


@pytest.fixture
def editor(ledger: Ledger) -> Visitor:
    return owner(application(ledger), ledger)


def known_at(ledger: Ledger, campaign: Campaign, place: str, *names: str) -> Account:
    """An account, and people on a list of ours who never wrote to it."""
    channel, address, contact, _ = PLACES[place]
    account = account_at(ledger, campaign, channel, base_url="https://social.example")
    people = [
        FoundPerson(
            address.format(name.lower()), name, contact=contact.format(name.lower(), number)
        )
        for number, name in enumerate(names)
    ]
    assert listed(ledger, account, *people, why=Why.LISTED) == len(names)
    return account


def rows(ledger: Ledger) -> list[tuple[str, str, datetime | None]]:
    with ledger.read() as connection:
        found = connection.execute(select(outbox).order_by(outbox.c.id))
        return [(row.purpose, row.state, row.sent_at) for row in found]


@pytest.mark.parametrize("place", PLACES)
def test_a_greeting_by_hand_opens_there_and_counts_as_sent_when_it_was(
    editor: Visitor, ledger: Ledger, campaign: Campaign, clock: SteppingClock, place: str
) -> None:
    account, where = known_at(ledger, campaign, place, "Liz"), PLACES[place][3]
    page = greet(editor)
    assert "Send it yourself" in page
    (link,) = re.findall(rf'href="({re.escape(where)}[^"]+)"', page)
    query = parse_qs(urlsplit(unescape(link)).query)
    assert TRUE in query["text"][0]
    if place == "x":
        assert query["recipient_id"] == ["770"]
    else:
        assert query["text"][0].startswith(PLACES[place][1].format("liz"))
    clock.pass_time(minutes=20)
    sent_at = clock()
    clock.pass_time(hours=3)
    # No program ever sends it, and nobody says it was sent before it was written or after now.
    assert dispatch(ledger).sent == 0
    for wrong in (sent_at - timedelta(hours=1), clock() + timedelta(hours=1)):
        editor.press(editor.at, outcome="sent", when=f"{wrong:%Y-%m-%dT%H:%M}")
        assert "sent then" in editor.page
    editor.press("/desk/greetings/by-hand/1", outcome="sent", when=f"{sent_at:%Y-%m-%dT%H:%M}")
    assert "Kept as sent." in editor.page
    assert rows(ledger) == [("greet", "sent", sent_at)]
    with ledger.read() as connection:
        assert account_sent(connection, account.id, clock()) == (sent_at,)
        whose = connection.execute(select(newcomers.c.contributor_id)).scalar_one()
        facts = facts_of(
            connection,
            ledger.keys,
            clock(),
            campaign_id=campaign.id,
            channel=account.channel,
            contributor_id=whose,
        )
        assert (facts.greetings, facts.greeted_at) == (1, sent_at)
        block = verdict_for(connection, Action.GREET, campaign.id, facts, clock()).block
        assert block is not None
        assert block.rule == "one_greeting"
        block = verdict_for(connection, Action.FOLLOW_UP, campaign.id, facts, clock()).block
        assert block is not None
        assert block.unlocks_at == sent_at + timedelta(days=7)
        thread = find_thread(connection, thread_with(connection, campaign.id, whose) or 0)
        assert thread is not None
        (entry,) = conversation(connection, ledger.keys, thread)
        assert entry.said is not None
        assert (entry.at, entry.said.by) == (sent_at, "Olu Owner")
        assert TRUE in entry.said.words


@pytest.mark.parametrize("place", PLACES)
def test_what_was_sent_by_hand_counts_for_the_caps(
    editor: Visitor, ledger: Ledger, campaign: Campaign, clock: SteppingClock, place: str
) -> None:
    known_at(ledger, campaign, place, *NAMES)
    most = int(rules_for(PLACES[place][0])["per_hour"].value)
    assert most == len(NAMES) - 1
    for number in range(1, most + 1):
        greet(editor, number, SENTENCES[number - 1])
        editor.press(editor.at, outcome="sent")
        assert "Kept as sent." in editor.page, number
    assert "5 people within an hour, which is the most" in greet(editor, 6, SENTENCES[5])
    clock.pass_time(minutes=61)
    assert "Send it yourself" in greet(editor, 6, SENTENCES[5])


def test_who_answers_before_it_is_marked_is_not_reminded(
    editor: Visitor, ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    account = known_at(ledger, campaign, "x", "Liz", "Bo")
    greet(editor)
    greet(editor, 2, SENTENCES[1])
    clock.pass_time(hours=1)
    arrive(ledger, account, "@liz_example", "What is this about?")
    clock.pass_time(hours=1)
    for number in (1, 2):
        editor.go("/desk/greetings")
        editor.press(f"/desk/greetings/by-hand/{number}", outcome="sent")
    clock.pass_time(days=8)
    with ledger.read() as connection:
        remindable = [one.address for one in greeted_newcomers(connection, campaign.id, 9)]
    assert remindable == ["@bo_example"]


def test_a_text_that_does_not_fit_there_is_not_prepared(
    editor: Visitor, ledger: Ledger, campaign: Campaign
) -> None:
    known_at(ledger, campaign, "bluesky", "Liz")
    long = "your talk on " + "gardens and hedges " * 12 + "stayed with me."
    page = greet(editor, personal=long)
    assert "There is no room for it where it is sent: shorten it by" in page
    assert rows(ledger) == []


def test_p10_what_had_left_after_all_left_when_it_was_claimed(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    account = known_at(ledger, campaign, "mastodon", "Liz")
    arrive(ledger, account, "@ada@far.example", "What is this about?")
    with ledger.write() as connection:
        thread = find_thread(connection, 1)
        assert thread is not None
        message = add_draft(
            connection,
            ledger.keys,
            clock(),
            account_id=account.id,
            contributor_id=thread.person[0],
            recipient="@ada@far.example",
            subject="A word",
            body="It is a question.",
            domain="blog.example",
        )
        approve(connection, message, "Olu")
        clock.pass_time(hours=1)
        taken = claim(connection, ledger.keys, clock())
        assert taken is not None
        claimed = clock()
        mark_unknown(connection, message, "The line broke.")
        clock.pass_time(days=2)
        assert settle_unknown(connection, message, clock(), left=True)
    assert rows(ledger) == [("answer", MessageState.SENT, claimed)]
