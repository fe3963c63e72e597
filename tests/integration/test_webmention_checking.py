"""Sources of webmentions are looked at, and what became of them is kept: P06, P16, P17, P38."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from collector.channels.webmention import Webmentions, open_connector
from collector.connector import ChannelError, OutgoingMessage, SourceState
from collector.safe_fetch import fetch
from collector.webmention.checking import check_mentions
from collector.webmention.look import author_address, look
from collector.webmention.page import read_here
from consent.rights.erasing import erase
from ledger.accounts import ensure_account
from ledger.campaigns import add_campaign, set_open
from ledger.database import Ledger
from ledger.mentions import (
    MentionState,
)
from ledger.model import Campaign, Channel, Page
from ledger.replies import author_of, raw_of
from ledger.suppressed import REASON
from ledger.tables import mentions
from tests.conftest import SteppingClock
from tests.mentioning import (
    TARGET,
    account,
    check,
    near,
    note,
    outcome,
    send,
    skipped,
    standing,
    stored,
)
from tests.servers.web_pages import Names, WebPages

OTHER_TARGET = "https://blog.example/thought-leadership/listening-1a2b3c4d/"


@pytest.fixture
def elsewhere() -> Iterator[WebPages]:
    with WebPages() as server:
        yield server


@pytest.fixture(autouse=True)
def _campaign(campaign: Campaign) -> None:
    """Every test has the question that is mentioned."""


def test_a_note_becomes_a_reply_with_its_author(
    ledger: Ledger, campaign: Campaign, elsewhere: WebPages
) -> None:
    source = elsewhere.put("/notes/1", note(TARGET, "Going <b>first</b>."))
    send(ledger, source)
    assert check_mentions(ledger, near) == 1
    assert outcome(ledger) == (MentionState.TAKEN, "")
    (reply,) = stored(ledger, campaign)
    assert reply.text == "Going first."
    assert reply.external_id == reply.source_url == source
    assert reply.handle.name == "Ada Sample"
    assert reply.handle.url == f"{elsewhere.base}/"
    assert reply.handle.address == elsewhere.base.removeprefix("http://")
    assert reply.channel is Channel.WEBMENTION
    assert reply.written_at == datetime(2026, 1, 4, 9, tzinfo=UTC)
    with ledger.read() as connection:
        assert '"Ada Sample"' in raw_of(connection, reply.id)
    read = account(ledger)
    assert (read.stored, read.skipped, read.last_read_at) == (1, 0, ledger.clock())
    assert check(ledger, near) == 0
    assert len(elsewhere.seen) == 1


def test_p35_a_note_of_somebody_who_was_erased_leaves_nothing(
    ledger: Ledger, campaign: Campaign, elsewhere: WebPages
) -> None:
    source = elsewhere.put("/notes/1", note(TARGET, "Going first."))
    send(ledger, source)
    check(ledger, near)
    (reply,) = stored(ledger, campaign)
    with ledger.write() as connection:
        whose = author_of(connection, ledger.keys, reply, ledger.clock()).contributor_id
    erase(ledger, whose, {"channel": "page"})
    send(ledger, source)
    assert check_mentions(ledger, near) == 1
    assert stored(ledger, campaign) == []
    assert skipped(ledger) == [REASON]
    with ledger.read() as connection:
        assert source not in repr(connection.execute(mentions.select()).all())


def test_p16_sent_ten_times_it_is_stored_once(
    ledger: Ledger, campaign: Campaign, elsewhere: WebPages
) -> None:
    source = elsewhere.put("/1", note(TARGET))
    for _ in range(10):
        send(ledger, source)
        send(ledger, source, OTHER_TARGET)
        check(ledger, near)
    assert len(stored(ledger, campaign)) == 1
    assert standing(ledger) == [("", "")]


def test_the_front_page_stands_for_the_only_open_question(
    ledger: Ledger, campaign: Campaign, elsewhere: WebPages, clock: SteppingClock
) -> None:
    front = "https://blog.example/"
    send(ledger, elsewhere.put("/1", note(front)), front)
    check(ledger, near)
    assert len(stored(ledger, campaign)) == 1
    with ledger.write() as connection:
        add_campaign(connection, clock(), prompt="Courage is ___?")
    send(ledger, elsewhere.put("/2", note(front)), front)
    check(ledger, near)
    assert outcome(ledger)[0] is MentionState.REFUSED
    assert len(stored(ledger, campaign)) == 1


@pytest.mark.parametrize(
    ("page", "given", "reason"),
    [
        ("<p>nothing here</p>", {}, "no link"),
        (f"<!-- <a href='{TARGET}'>x</a> -->", {}, "no link"),
        (f'<div class="h-entry"><a class="u-like-of" href="{TARGET}">likes</a></div>', {}, "words"),
        ("", {"status": 404}, "404"),
        ("", {"status": 410}, "410"),
        ("", {"status": 403}, "403"),
        ("", {"status": 302}, "302"),
        ("", {"status": 418}, "418"),
        (TARGET, {"content_type": "text/plain"}, "HTML"),
        ("%PDF", {"content_type": "application/pdf"}, "HTML"),
        (f"<a href='{TARGET}'>x</a>" + "x" * 1024 * 1024, {}, "larger than 1024 KiB"),
    ],
)
def test_p17_what_is_not_taken_says_why(
    ledger: Ledger, campaign: Campaign, elsewhere: WebPages, page: str, given: dict[str, str],
    reason: str,
) -> None:  # fmt: skip
    send(ledger, elsewhere.put("/1", page, **given))
    assert check(ledger, near) == 1
    state, error = outcome(ledger)
    assert state is MentionState.REFUSED
    assert reason in error
    assert stored(ledger, campaign) == []
    assert [reason in one for one in skipped(ledger)] == [True]
    assert account(ledger).skipped == 1


def test_p30_a_source_in_our_own_network_is_refused(
    ledger: Ledger, campaign: Campaign, elsewhere: WebPages
) -> None:
    elsewhere.put("/1", note(TARGET))
    names = Names({"inside.example": [["127.0.0.1"]]})
    for source in (elsewhere.base + "/1", "http://inside.example/1", "http://[::1]/"):
        send(ledger, source)
    assert check(ledger, partial(fetch, resolve=names)) == 3
    assert outcome(ledger)[0] is MentionState.REFUSED
    assert elsewhere.accepted == 0
    assert stored(ledger, campaign) == []


def test_a_changed_note_is_held_and_what_we_stored_stays(
    ledger: Ledger, campaign: Campaign, elsewhere: WebPages
) -> None:
    source = elsewhere.put("/1", note(TARGET, "Going first."))
    send(ledger, source)
    check(ledger, near)
    elsewhere.put("/1", note(TARGET, "Going last."))
    assert check(ledger, near) == 0
    send(ledger, source)
    assert check(ledger, near) == 1
    assert [reply.text for reply in stored(ledger, campaign)] == ["Going first."]
    assert standing(ledger) == [("edited", "Going last.")]


@pytest.mark.parametrize(
    ("page", "status", "state"),
    [
        ("", 410, "gone"),
        ("", 404, "gone"),
        ("<p>the link was taken out</p>", 200, "gone"),
        ("", 401, "protected"),
        ("", 403, "protected"),
        ("", 451, "protected"),
        ("", 418, ""),
        (f'<p class="h-entry"><a class="u-like-of" href="{TARGET}">likes</a>', 200, "edited"),
    ],
)
def test_p38_a_source_that_went_away_is_held(
    ledger: Ledger, campaign: Campaign, elsewhere: WebPages, page: str, status: int, state: str
) -> None:
    source = elsewhere.put("/1", note(TARGET))
    send(ledger, source)
    check(ledger, near)
    elsewhere.put("/1", page, status=status)
    send(ledger, source)
    assert check(ledger, near) == 1
    assert standing(ledger) == [(state, "")]
    assert len(stored(ledger, campaign)) == 1


def test_a_hiccup_of_the_source_takes_nothing_away(
    ledger: Ledger, elsewhere: WebPages, clock: SteppingClock
) -> None:
    source = elsewhere.put("/1", note(TARGET))
    send(ledger, source)
    check(ledger, near)
    for page, status in (("", 500), ("", 503), ("", 429), ("", 200), (" \n", 200)):
        elsewhere.put("/1", page, status=status)
        send(ledger, source)
        assert check(ledger, near) == 0
        assert standing(ledger) == [("", "")]
    clock.pass_time(days=2)
    assert check(ledger, near) == 1
    assert outcome(ledger)[0] is MentionState.GIVEN_UP
    assert standing(ledger) == [("", "")]


def test_a_link_that_moved_to_another_page_of_the_question_still_counts(
    ledger: Ledger, elsewhere: WebPages
) -> None:
    both = f'{note(TARGET)}<a href="{OTHER_TARGET}">and</a>'
    source = elsewhere.put("/1", both)
    for target in (TARGET, OTHER_TARGET):
        send(ledger, source, target)
    check(ledger, near)
    elsewhere.put("/1", note(OTHER_TARGET, "Courage is going first."))
    send(ledger, source, TARGET)
    check(ledger, near)
    assert standing(ledger) == [("", "")]
    elsewhere.put("/1", note("https://else.example/"))
    send(ledger, source, OTHER_TARGET)
    check(ledger, near)
    assert standing(ledger) == [("gone", "")]


def test_a_closed_question_takes_no_new_words_but_deletions(
    ledger: Ledger, campaign: Campaign, elsewhere: WebPages
) -> None:
    known = elsewhere.put("/1", note(TARGET))
    send(ledger, known)
    check(ledger, near)
    with ledger.write() as connection:
        set_open(connection, campaign.id, is_open=False)
    send(ledger, elsewhere.put("/2", note(TARGET)))
    check(ledger, near)
    assert outcome(ledger) == (
        MentionState.REFUSED,
        "The campaign 'thought-leadership' is closed.",
    )
    elsewhere.put("/1", status=410)
    send(ledger, known)
    check(ledger, near)
    assert standing(ledger) == [("gone", "")]
    assert len(stored(ledger, campaign)) == 1


def test_a_page_of_no_campaign_is_refused(ledger: Ledger, elsewhere: WebPages) -> None:
    target = "https://blog.example/nowhere/"
    send(ledger, elsewhere.put("/1", note(target)), target)
    assert check(ledger, near) == 1
    assert "no campaign" in outcome(ledger)[1]


@pytest.mark.parametrize(
    ("source", "author", "address"),
    [
        ("https://ada.example/notes/1", "https://ada.example/", "ada.example"),
        ("https://ada.example/notes/1", "https://ada.example/me/", "ada.example/me"),
        ("https://many.example/@ada/1", "https://many.example/@ada", "many.example/@ada"),
        ("https://many.example/@ada/1", "", "many.example/@ada/1"),
        ("https://evil.example/1", "https://ada.example/", "evil.example/1"),
        ("https://a.example:8443/1", "https://a.example/", "a.example:8443/1"),
        ("https://ada.example/", "javascript:alert(1)", "ada.example"),
    ],
)
def test_nobody_can_write_as_somebody_else(source: str, author: str, address: str) -> None:
    assert author_address(source, author) == address


def test_long_addresses_stay_apart() -> None:
    pages = [f"https://ada.example/{'x' * 400}{end}" for end in "ab"]
    made = [author_address(page, "") for page in pages]
    assert made[0] != made[1]
    assert all(len(one) == 320 for one in made)


def test_the_connector_polls_nothing_and_sends_nothing(ledger: Ledger, campaign: Campaign) -> None:
    with ledger.write() as connection:
        kept = ensure_account(
            connection, ledger.keys, Channel.WEBMENTION, campaign.slug, campaign.id
        )
    connector = open_connector(kept)
    assert connector.fetch("here", 10) == Page((), "here")
    assert connector.check().endswith(".")
    with pytest.raises(ChannelError) as refused:
        connector.send(OutgoingMessage("m1", "ada.example", "", "Hello"))
    assert refused.value.permanent
    assert refused.value.mend


def looking(targets: Sequence[str] = (TARGET,)) -> Webmentions:
    return Webmentions("", "", "", near, read_here, lambda _source: targets)


def test_p38_pages_are_looked_at_again_as_they_are_read(elsewhere: WebPages) -> None:
    source = elsewhere.put("/there", note(TARGET))
    finding = look(source, [TARGET], near, read_here)
    assert finding.reply is not None
    there = looking().with_version(source, finding.reply.raw)
    edited = looking().with_version(elsewhere.put("/edited", note(TARGET, "A door")), "{}")
    plain = elsewhere.put("/plain", f"<title>A door</title><a href='{TARGET}'>x</a>")
    elsewhere.put("/moved", note(OTHER_TARGET, "A hinge"))
    states = {
        there: SourceState.THERE,
        edited: SourceState.EDITED,
        plain: SourceState.EDITED,
        elsewhere.put("/unlinked", note("https://else.example/")): SourceState.GONE,
        elsewhere.put("/liked", f'<p class="h-entry"><a class="u-like-of" href="{TARGET}">x</a>'):
            SourceState.EDITED,
        elsewhere.put("/gone", status=410): SourceState.GONE,
        elsewhere.put("/private", status=403): SourceState.PROTECTED,
    }  # fmt: skip
    silent = [
        elsewhere.put("/hiccup", status=500),
        elsewhere.put("/empty", ""),
        elsewhere.put("/file", "%PDF", content_type="application/pdf"),
        "http://127.0.0.1:1/",
    ]
    connector = looking()
    assert connector.look_again([*states, *silent]) == states
    assert sorted(connector.read_again([source, f"{elsewhere.base}/edited", plain]).values()) == [
        "A door",
        "A door",
    ]


def test_p38_a_link_to_any_page_of_the_question_counts(elsewhere: WebPages) -> None:
    source = elsewhere.put("/1", note(OTHER_TARGET))
    assert looking([TARGET]).look_again([source]) == {source: SourceState.GONE}
    assert looking([TARGET, OTHER_TARGET]).look_again([source]) == {source: SourceState.EDITED}
    # Which page of ours it was about is no longer known.
    assert looking([]).look_again([source]) == {source: SourceState.THERE}


def test_a_site_with_letters_of_its_own(
    ledger: Ledger, elsewhere: WebPages, tmp_path: Path
) -> None:
    with ledger.write() as connection:
        campaign = add_campaign(connection, ledger.clock(), prompt="Übung macht ___?", slug="übung")
    target = "https://blog.example/%C3%BCbung/"
    send(ledger, elsewhere.put("/%C3%A9", note("https://blog.example/übung/")), target)
    assert check(ledger, near) == 1
    assert len(stored(ledger, campaign)) == 1
