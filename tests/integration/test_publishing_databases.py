"""The whole way from a reply to a post and back, inside one process, on each database."""

from __future__ import annotations

from consent.decisions import withdraw
from ledger.campaigns import add_campaign
from ledger.consent_state import EventKind
from ledger.database import Ledger
from ledger.editions import add_edition
from ledger.events import history
from ledger.heads import verify_chain
from ledger.posts import is_gone, live_posts
from publisher.editions import publish_edition
from publisher.publish import publish, publish_pending
from tests.people import EVIDENCE, agree, asked

WORDS = "listening before you speak"


def test_a_grant_is_published_and_a_withdrawal_taken_down(any_ledger: Ledger) -> None:
    ledger = any_ledger
    with ledger.write() as connection:
        campaign = add_campaign(connection, ledger.clock(), prompt="Thought leadership is ___?")
    question = asked(ledger, campaign, WORDS)
    agree(ledger, question, WORDS)
    definition_id = question.request.definition_id
    assert publish(ledger).posts == 1
    with ledger.write() as connection:
        (post,) = live_posts(connection, "definition")
        edition = add_edition(
            connection,
            ledger.clock(),
            campaign_id=campaign.id,
            title="One answer",
            definition_ids=(definition_id,),
        )
    publish_edition(ledger, edition.id)
    publish_pending(ledger)
    shown = [
        page for page in ledger.settings.site_folder.rglob("*.html") if WORDS in page.read_text()
    ]
    assert len(shown) >= 4
    withdraw(ledger, definition_id, EVIDENCE)
    publish_pending(ledger)
    for page in ledger.settings.site_folder.rglob("*"):
        assert not page.is_file() or WORDS.encode() not in page.read_bytes()
    with ledger.read() as connection:
        assert is_gone(connection, ledger.keys, post.address)
        kinds = [event.kind for event in history(connection, ledger.keys, definition_id)]
    assert kinds == [
        EventKind.REQUESTED,
        EventKind.GRANTED,
        EventKind.PUBLISHED,
        EventKind.WITHDRAWN,
        EventKind.RETRACTED,
    ]
    assert getattr(verify_chain(ledger), "seq", 0) == len(kinds)
