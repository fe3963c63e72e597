"""Interviews and endorsements on a real ledger: made, asked about, granted, taken back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import frontmatter
import jsonschema
import pytest
from lxml import html as parser

from consent.decisions import grant, propose, refuse, stop, withdraw
from consent.errors import NotNowError
from consent.piecing import change_piece, drop_piece, make_piece
from consent.receipts import receipt
from consent.requests import ask, revise
from consent.rights.correcting import correct_credit
from consent.rights.erasing import erase
from consent.why import why
from ledger import events, gate
from ledger.consent_state import EventKind, Grant
from ledger.database import Ledger
from ledger.definitions import need_definition, take_definition
from ledger.errors import DefinedbyError
from ledger.model import Campaign, Definition, PostKind, Use
from ledger.pieces import Wanted, passages, replies_quoted, shares_of, with_other_words
from ledger.posts import find_post, is_gone
from ledger.requests import AskedAlreadyError
from ledger.tables import definition_versions, event_payloads, replies
from publisher.publish import publish, publish_pending
from tests.conftest import SteppingClock
from tests.conversing import ADA, BEN, WORDS, allow, interview, said, wish
from tests.golden.audit import leaks, rendered_items, violations
from tests.golden.sample_blog import published_files
from tests.people import EVIDENCE

SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "consent-record.schema.json"


def page_of(ledger: Ledger, share: Definition) -> str:
    with ledger.read() as connection:
        post = find_post(connection, share.post_id)
    assert post is not None
    return (ledger.settings.site_folder / post.address.strip("/") / "index.html").read_text()


def stands(ledger: Ledger, share: Definition) -> bool:
    with ledger.read() as connection:
        return find_post(connection, share.post_id) is not None


def newest(ledger: Ledger, share: Definition) -> Definition:
    with ledger.read() as connection:
        return need_definition(connection, share.id)


def test_an_interview_is_asked_about_granted_and_published(
    ledger: Ledger, campaign: Campaign
) -> None:
    (piece,) = interview(ledger, campaign)
    asked = ask(ledger, piece.id, asked_by="the editor")
    assert asked.request.uses == {Use.INTERVIEW}
    assert "Two questions about listening" in asked.body
    assert WORDS["ada"][0] not in asked.body, "the whole of it stands on their page"
    assert publish_pending(ledger) is None or not stands(ledger, piece)
    grant(
        ledger,
        asked.request.id,
        text=piece.text,
        credit=ADA,
        uses=asked.request.uses,
        evidence=EVIDENCE,
    )
    report = publish_pending(ledger)
    assert report is not None
    assert report.refused == ()
    page = parser.document_fromstring(page_of(ledger, piece))
    (article,) = page.xpath("//article[contains(@class, 'h-entry')]")
    assert [one.text_content() for one in article.iter("blockquote")] == list(WORDS["ada"])
    assert article.xpath(".//h1")[0].text_content() == "Two questions about listening"
    assert (
        len(article.xpath(".//figure[@class='h-cite']//cite/a[@href='https://ada.example/']")) == 2
    )
    linked = json.loads(page.xpath("//script")[0].text)
    assert linked["@type"] == "Article"
    assert [part["text"] for part in linked["hasPart"]] == list(WORDS["ada"])
    assert {part["creator"]["name"] for part in linked["hasPart"]} == {"Ada Sample"}
    (file,) = (ledger.settings.content / "posts").rglob("*.md")
    post = frontmatter.loads(file.read_text())
    assert (post["piece"], post["author"]) == ("interview", "Ada Sample")
    assert [one["line"] for one in post["credits"]] == ["Ada Sample"]
    site = ledger.settings.site_folder
    for name in ("index.html", "feed.xml", f"{campaign.slug}/index.html"):
        assert "Two questions about listening" in (site / name).read_text(), name
    assert violations(ledger) == []
    (answer,) = why(ledger, str(file))
    assert (answer["status"], answer["uses"]) == ("granted", ["interview"])
    again = publish(ledger)
    assert (again.written, again.removed) == (0, 0)


def test_p01_an_interview_needs_a_grant_of_its_own(ledger: Ledger, campaign: Campaign) -> None:
    (piece,) = interview(ledger, campaign)
    with ledger.write() as connection:
        (reply, *_) = replies_quoted(connection, piece.id)
        definition = take_definition(connection, ledger.keys, ledger.clock(), reply, "en")
    allow(ledger, definition, ADA)
    assert ask_state(ledger, definition).uses == frozenset(Use)

    def may(text: str, use: Use) -> Grant | str:
        with ledger.read() as connection:
            return gate.may_publish(connection, ledger.keys, piece.id, text, ADA, use)

    assert may(piece.text, Use.INTERVIEW) == "Its author has not granted it."
    allow(ledger, piece, ADA)
    assert isinstance(may(piece.text, Use.INTERVIEW), Grant)
    assert may(piece.text, Use.POST) == gate.NOT_ITS_USE
    assert isinstance(may(piece.text + ".", Use.INTERVIEW), str)


def ask_state(ledger: Ledger, share: Definition) -> Grant:
    with ledger.read() as connection:
        found = events.state_of(connection, ledger.keys, share.id).grant
    assert found is not None
    return found


def test_p02_any_change_of_words_order_or_introduction_voids_the_grant(
    ledger: Ledger, campaign: Campaign
) -> None:
    said_by_ada = [said(ledger, campaign, "ada", words) for words in WORDS["ada"]]
    kept = wish(said_by_ada)
    (piece,) = make_piece(ledger, campaign.id, "en", kept)
    allow(ledger, piece, ADA)
    first, second, third, fourth = kept.turns
    other = [
        replace(kept, title=kept.title + "!"),
        replace(kept, introduction=""),
        replace(kept, turns=(third, fourth, first, second)),
        replace(kept, turns=(Wanted("What was it?"), second, third, fourth)),
        replace(
            kept, turns=(first, second, third, Wanted("Long before anybody asks.", fourth.reply))
        ),
        replace(kept, turns=(first, second)),
        replace(kept, turns=(first, Wanted("Is it?"), second, third, fourth)),
    ]
    seen = {piece.text}
    for number, one in enumerate(other):
        (changed,) = change_piece(ledger, piece.id, one, "the editor")
        assert changed.text not in seen, number
        seen.add(changed.text)
        with ledger.read() as connection:
            found = gate.may_publish(
                connection, ledger.keys, piece.id, changed.text, ADA, Use.INTERVIEW
            )
        assert found == "The words are not the words that were granted."
    publish(ledger)
    assert "What was it?" not in page_of(ledger, piece), "what stands is what was allowed"
    assert violations(ledger) == []


def test_answers_are_passages_of_what_was_written(ledger: Ledger, campaign: Campaign) -> None:
    reply = said(ledger, campaign, "ada", "I listen. Often for hours. Then I ask.")
    for words in ("I listen!", "Then I ask. I listen.", "I listen. […] I listen.", "", "[…]"):
        bad = replace(wish([reply]), turns=(Wanted(words, reply),))
        with pytest.raises(DefinedbyError):
            make_piece(ledger, campaign.id, "en", bad)
    good = replace(wish([reply]), turns=(Wanted("I listen. […] Then I ask.", reply),))
    (piece,) = make_piece(ledger, campaign.id, "en", good)
    assert "    I listen. […] Then I ask." in piece.text
    with ledger.read() as connection:
        versions = connection.execute(
            definition_versions.select().where(definition_versions.c.definition_id == piece.id)
        ).one()
    assert versions.spans == [[[0, 9, reply.id], [27, 38, reply.id]]]
    odd = said(ledger, campaign, "ada", "Zoe\u0308\r\nlistens.\x07 So do I.")
    text, spans = passages(odd, "Zo\u00eb\nlistens. […] do I.")
    assert text == "Zo\u00eb\nlistens. […] do I.", "as it can be shown"
    assert {tuple(one) for one in spans} == {(0, len(odd.text), odd.id)}
    with pytest.raises(DefinedbyError, match="Pick a message of theirs"):
        make_piece(ledger, campaign.id, "en", replace(good, turns=(Wanted("Alone?"),)))
    with pytest.raises(DefinedbyError, match="title"):
        make_piece(ledger, campaign.id, "en", replace(good, title=" "))
    drop_piece(ledger, piece.id)
    with ledger.read() as connection:
        assert shares_of(connection, piece.id) == []


def test_p05_one_of_two_takes_it_back_and_all_of_it_is_gone(
    ledger: Ledger, campaign: Campaign
) -> None:
    ada, ben = interview(
        ledger, campaign, ("ada", "ben", "ada"), PostKind.ENDORSEMENT, "A word about Ada"
    )
    assert ada.text == ben.text
    allow(ledger, ada, ADA)
    publish(ledger)
    assert not stands(ledger, ada), "one of two is not enough"
    allow(ledger, ben, BEN)
    publish_pending(ledger)
    assert stands(ledger, ada)
    page = page_of(ledger, ada)
    assert "Ben &lt;b&gt;Example&lt;/b&gt;" in page
    assert "A kind word from" in page
    assert violations(ledger) == []
    with ledger.read() as connection:
        post = find_post(connection, ada.id)
        for one in (ada, ben):
            kinds = [event.kind for event in events.history(connection, ledger.keys, one.id)]
            assert kinds[-1] is EventKind.PUBLISHED
    assert post is not None
    assert [one["status"] for one in why(ledger, post.address)] == ["granted", "granted"]
    withdraw(ledger, ben.id, EVIDENCE)
    with ledger.read() as connection:
        assert is_gone(connection, ledger.keys, post.address)
    publish_pending(ledger)
    words = {*WORDS["ada"], WORDS["ben"][0], "A word about Ada", "We wrote to each other"}
    assert leaks(ledger, words) == []
    assert not list((ledger.settings.content / "posts").rglob("*.md"))
    with ledger.read() as connection:
        assert [e.kind for e in events.history(connection, ledger.keys, ada.id)][
            -1
        ] is EventKind.RETRACTED
        found = gate.may_publish(connection, ledger.keys, ada.id, ada.text, ADA, Use.POST)
    assert found == gate.NOT_ALL
    assert publish(ledger).written == 0


def test_p36_another_credit_of_one_of_two_changes_the_page_alone(
    ledger: Ledger, campaign: Campaign
) -> None:
    ada, ben = interview(ledger, campaign, ("ada", "ben"), PostKind.ENDORSEMENT)
    allow(ledger, ada, ADA)
    allow(ledger, ben, BEN)
    publish(ledger)
    before = published_files(ledger)
    correct_credit(
        ledger,
        ben.id,
        text=ben.text,
        credit=replace(BEN, name="Benjamin Example"),
        uses=frozenset({Use.POST}),
        page_lang="en",
        evidence={**EVIDENCE, "notice": "1"},
    )
    report = publish_pending(ledger)
    assert report is not None
    assert report.written <= 10
    assert "Benjamin Example" in page_of(ledger, ada)
    assert leaks(ledger, {"Ben <b>Example"}) == []
    assert violations(ledger) == []
    changed = {
        one for one, content in published_files(ledger).items() if before.get(one) != content
    }
    assert len(changed) <= 10


def test_their_own_wording_is_taken_by_the_editor_and_confirmed_by_them(
    ledger: Ledger, campaign: Campaign
) -> None:
    (piece,) = interview(ledger, campaign)
    asked = ask(ledger, piece.id, asked_by="the editor")
    others = piece.text.replace("What is it, then?", "What is it?")
    with pytest.raises(DefinedbyError, match="Only your own answers"):
        propose(ledger, asked.request.id, others, EVIDENCE)
    wanted = with_other_words(piece, {1: "Listening, always."})
    propose(ledger, asked.request.id, wanted, EVIDENCE)
    with pytest.raises(DefinedbyError, match="Only their own answers"):
        revise(ledger, piece.id, others, "the editor")
    revise(ledger, piece.id, wanted, "the editor")
    publish(ledger)
    assert not stands(ledger, piece), "it still needs their yes"
    allow(ledger, piece, ADA)
    publish(ledger)
    assert "Listening, always." in page_of(ledger, piece)
    with ledger.read() as connection:
        (quoted, _) = replies_quoted(connection, piece.id)
    changed = replace(
        wish([quoted]), turns=(Wanted("Tell us."), Wanted("Listening, always.", own=1))
    )
    (after,) = change_piece(ledger, piece.id, changed, "the editor")
    assert "    Listening, always." in after.text
    with pytest.raises(DefinedbyError, match="their own words"):
        change_piece(
            ledger, piece.id, replace(changed, turns=(Wanted("Hearing.", own=1),)), "the editor"
        )


def test_receipts_say_the_kind_and_hold_the_whole_text(ledger: Ledger, campaign: Campaign) -> None:
    (piece,) = interview(ledger, campaign)
    allow(ledger, piece, ADA)
    record = receipt(ledger, piece.id)
    jsonschema.validate(record, json.loads(SCHEMA.read_text()))
    assert (record["kind"], record["text"]) == ("interview", piece.text)
    assert record["purposes"] == ["interview"]


def test_p06_a_lost_source_of_any_answer_holds_all_of_it(
    ledger: Ledger, campaign: Campaign
) -> None:
    (piece,) = interview(ledger, campaign)
    allow(ledger, piece, ADA)
    publish(ledger)
    assert stands(ledger, piece)
    with ledger.write() as connection:
        last = replies_quoted(connection, piece.id)[-1]
        connection.execute(
            replies.update().where(replies.c.id == last.id).values(source_state="gone")
        )
    publish(ledger)
    assert not stands(ledger, piece)
    with ledger.read() as connection:
        found = gate.may_publish(connection, ledger.keys, piece.id, piece.text, ADA, Use.INTERVIEW)
    assert found == gate.HELD


def test_p35_what_one_said_leaves_the_record_of_the_other(
    ledger: Ledger, campaign: Campaign
) -> None:
    from ledger import chain, walk

    ada, ben = interview(ledger, campaign, ("ada", "ben"), PostKind.ENDORSEMENT)
    allow(ledger, ada, ADA)
    allow(ledger, ben, BEN)
    publish(ledger)
    with ledger.read() as connection:
        post = find_post(connection, ada.id)
    assert post is not None
    erase(ledger, ada.contributor_id, {"channel": "page", "page": "test"})
    publish_pending(ledger)
    with ledger.read() as connection:
        assert is_gone(connection, ledger.keys, post.address)
        assert shares_of(connection, ada.id) == []
        left = [
            row
            for row in connection.execute(event_payloads.select()).all()
            if row.sealed is not None and row.contributor_id == ben.contributor_id
        ]
        assert left == [], "what Ben allowed had Ada's words in it"
        verdict = chain.verify(walk.links(connection, ledger.keys))
    assert not isinstance(verdict, chain.Break), verdict
    assert leaks(ledger, {WORDS["ada"][0], WORDS["ben"][0]}) == []
    for item in rendered_items(ledger):
        assert "Ada" not in item.credit


def test_the_manners_of_asking_hold_for_an_interview_too(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    (piece,) = interview(ledger, campaign)
    asked = ask(ledger, piece.id, asked_by="the editor")
    with pytest.raises(AskedAlreadyError):
        ask(ledger, piece.id, asked_by="the editor")
    refuse(ledger, asked.request.id, EVIDENCE)
    clock.pass_time(days=3)
    with pytest.raises(NotNowError, match="said no"):
        ask(ledger, piece.id, asked_by="the editor")
    stop(ledger, piece.contributor_id, EVIDENCE)
    clock.pass_time(days=400)
    with pytest.raises(NotNowError, match="asked not to be written to"):
        ask(ledger, piece.id, asked_by="the editor")


def test_p01_a_text_that_is_no_piece_is_refused_and_the_rest_goes_on(
    ledger: Ledger, campaign: Campaign
) -> None:
    from tests.golden.sample_blog import grant as force

    (piece,) = interview(ledger, campaign)
    (other,) = interview(ledger, campaign, ("ben",), title="The other one")
    allow(ledger, other, BEN)
    force(ledger, piece, ADA, uses=frozenset({Use.INTERVIEW}), words="No piece at all.")
    report = publish(ledger)
    assert [one.reason for one in report.refused] == ["What was granted is no whole piece."]
    assert stands(ledger, other)
    assert not stands(ledger, piece)
