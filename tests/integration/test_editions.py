"""Editions by period and theme, titles by rule, and the best of a year."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
from lxml import html

from ledger.campaigns import set_edition_every
from ledger.database import Ledger
from ledger.editions import EditionKind, add_edition, editions_in, save_edition
from ledger.errors import DefinedbyError
from ledger.model import Campaign, Definition, Use
from ledger.periods import Every, year
from publisher.edition_drafts import draft_due
from publisher.editions import publish_edition
from publisher.publish import publish, publish_pending
from tests.conftest import SteppingClock
from tests.golden.audit import violations
from tests.golden.sample_blog import grant, named, take, withdraw
from tests.visiting import Visitor, application, owner
from web.work import TASKS


def voices(ledger: Ledger, campaign: Campaign, *names: str) -> list[Definition]:
    found = []
    clock = cast(SteppingClock, ledger.clock)
    for name in names:
        clock.pass_time(seconds=1)  # who agrees in the same moment comes in any order
        definition = take(ledger, campaign, f"what {name} says", author=f"{name}@sample.example")
        grant(ledger, definition, named(name))
        found.append(definition)
    return found


def page(ledger: Ledger, address: str) -> html.HtmlElement:
    file: Path = ledger.settings.site_folder / address.lstrip("/") / "index.html"
    return html.document_fromstring(file.read_text("utf-8"))


def quoted(part: html.HtmlElement) -> list[str]:
    return [one.text_content() for one in part.iter("blockquote")]


def test_a_title_by_rule_counts_who_stands_there_now(ledger: Ledger, campaign: Campaign) -> None:
    ada, ben, cleo = voices(ledger, campaign, "Ada", "Ben", "Cleo")
    also_ada = take(ledger, campaign, "more of Ada", author="Ada@sample.example")
    grant(ledger, also_ada, named("Ada"))
    with ledger.write() as connection:
        made = add_edition(
            connection,
            ledger.clock(),
            campaign_id=campaign.id,
            theme="Listening",
            definition_ids=tuple(one.id for one in (ada, ben, cleo, also_ada)),
        )
    address = publish_edition(ledger, made.id)
    publish(ledger)
    assert address == f"/{campaign.slug}/editions/listening/"
    lists = ("/", f"/{campaign.slug}/", f"/{campaign.slug}/editions/")
    for count, leaving in (("3 people define", ben), ("2 people define", cleo)):
        title = f"{count} thought leadership: Listening"
        assert page(ledger, address).findtext(".//h1") == title
        for listing in lists:
            assert title in page(ledger, listing).text_content(), listing
        withdraw(ledger, leaving)
        report = publish_pending(ledger)
        assert report is not None
        assert report.written <= 10
    assert page(ledger, address).findtext(".//h1") == (
        "One person defines thought leadership: Listening"
    )
    assert violations(ledger) == []


def test_a_period_s_end_drafts_its_edition_once(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    first, second = voices(ledger, campaign, "Ada", "Ben")
    alone = take(ledger, campaign, "no round-ups")
    grant(ledger, alone, named("Cleo"), uses=frozenset({Use.POST}))
    publish(ledger)
    with ledger.write() as connection:
        set_edition_every(connection, campaign.id, Every.MONTH)
    assert draft_due(ledger) == [], "the month is not over"
    clock.pass_time(days=28)
    later = voices(ledger, campaign, "Dora")
    publish(ledger)
    (draft,) = draft_due(ledger)
    assert draft_due(ledger) == []
    assert draft.definition_ids == (first.id, second.id)
    assert (draft.published_at, draft.slug) == (None, "2026-01")
    assert not (ledger.settings.site_folder / campaign.slug / "editions").exists()
    address = publish_edition(ledger, draft.id)
    publish(ledger)
    made = page(ledger, address)
    assert made.findtext(".//h1") == "2 people define thought leadership, January 2026"
    for listing in (address, f"/{campaign.slug}/", f"/{campaign.slug}/editions/"):
        said = page(ledger, listing).text_content()
        assert "The next edition appears on 1 March 2026" in said, listing
    assert quoted(made) == ["what Ada says", "what Ben says"]
    clock.pass_time(days=28)
    (next_one,) = draft_due(ledger)
    assert next_one.definition_ids == (later[0].id,)
    with ledger.write() as connection:
        set_edition_every(connection, campaign.id, Every.NEVER)
    clock.pass_time(days=60)
    assert draft_due(ledger) == []
    publish(ledger)
    assert "next edition" not in page(ledger, address).text_content()


def test_the_worker_makes_drafts() -> None:
    assert "editions" in {task.name for task in TASKS}


def test_the_best_of_a_year_is_chosen_by_the_editor_who_says_how(
    ledger: Ledger, campaign: Campaign
) -> None:
    ada, ben, cleo = voices(ledger, campaign, "Ada", "Ben", "Cleo")
    alone = take(ledger, campaign, "never in round-ups")
    grant(ledger, alone, named("Dora"), uses=frozenset({Use.POST}))
    publish(ledger)
    editor = owner(application(ledger), ledger)
    editor.go("/desk/editions/new?kind=best")
    assert "never in round-ups" not in editor.page, "its author allows no edition"
    editor.press(
        "/desk/editions/new",
        kind="best",
        year="2026",
        title="",
        introduction="",
        definition=[ada.id, ben.id, cleo.id],
        winner=ben.id,
        method="Read aloud to *three* colleagues.",
    )
    with ledger.read() as connection:
        (made,) = editions_in(connection, campaign.id)
    assert (made.kind, made.slug, made.period) == (EditionKind.BEST, "best-2026", year(2026))
    assert (made.winner_id, made.published_at) == (ben.id, None)
    address = publish_edition(ledger, made.id)
    publish(ledger)
    best = page(ledger, address)
    assert best.findtext(".//h1") == "The best definitions of thought leadership, 2026"
    winner, shortlist = (
        best.xpath(f"//section[@aria-labelledby='{name}']")[0] for name in ("winner", "shortlist")
    )
    assert quoted(winner) == ["what Ben says"]
    assert quoted(shortlist) == ["what Ada says", "what Cleo says"]
    assert "Read aloud to three colleagues." in best.text_content()
    with ledger.write() as connection:  # as if the grant had been for editions once
        save_edition(
            connection,
            made.id,
            title="",
            introduction="",
            definition_ids=(ada.id, ben.id, cleo.id, alone.id),
            winner_id=alone.id,
            method="Another way.",
        )
    publish_edition(ledger, made.id)
    publish_pending(ledger)
    assert quoted(page(ledger, address)) == ["what Ada says", "what Ben says", "what Cleo says"]
    with ledger.write() as connection:
        save_edition(
            connection,
            made.id,
            title="",
            introduction="",
            definition_ids=(ada.id, ben.id, cleo.id),
            winner_id=ben.id,
            method="The first way.",
        )
    publish_edition(ledger, made.id)
    withdraw(ledger, ben)
    publish_pending(ledger)
    left = page(ledger, address)
    assert quoted(left) == ["what Ada says", "what Cleo says"]
    assert not left.xpath("//section[@aria-labelledby='winner']")
    assert "Ben" not in html.tostring(left).decode()
    assert violations(ledger) == []


def test_without_a_winner_or_a_method_it_stays_a_draft(ledger: Ledger, campaign: Campaign) -> None:
    (ada,) = voices(ledger, campaign, "Ada")
    publish(ledger)
    for winner, method, wrong in (
        ("", "By reading.", "no winner"),
        ("0" * 32, "By reading.", "no winner"),
        (ada.id, " ", "how the winner was chosen"),
    ):
        with ledger.write() as connection:
            made = add_edition(
                connection,
                ledger.clock(),
                campaign_id=campaign.id,
                kind=EditionKind.BEST,
                title=f"Best {winner[:3]}{wrong}",
                definition_ids=(ada.id,),
                winner_id=winner,
                method=method,
            )
        with pytest.raises(DefinedbyError, match=wrong):
            publish_edition(ledger, made.id)


def test_the_desk_sets_the_schedule_and_takes_no_year_that_is_none(
    ledger: Ledger, campaign: Campaign
) -> None:
    editor: Visitor = owner(application(ledger), ledger)
    editor.go("/desk/editions")
    editor.press("/desk/editions/schedule", every="quarter")
    assert "at the end of each quarter" in editor.page
    with ledger.read() as connection:
        stored = connection.exec_driver_sql("SELECT edition_every FROM campaigns").scalar()
    assert stored == "quarter"
    editor.go("/desk/editions/new?kind=best")
    editor.press("/desk/editions/new", kind="best", year="12")
    assert editor.status == 400
    assert "That is no year." in editor.page


def test_lists_name_the_newest_and_another_page_all(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    (ada,) = voices(ledger, campaign, "Ada")
    publish(ledger)
    for number in range(8):
        with ledger.write() as connection:
            made = add_edition(
                connection,
                datetime(2026, 1, 6, number, tzinfo=UTC),
                campaign_id=campaign.id,
                title=f"Edition {number}",
                definition_ids=(ada.id,),
            )
        clock.pass_time(hours=1)
        publish_edition(ledger, made.id)
    publish(ledger)
    for listing, wanted in (
        ("/", 6),
        (f"/{campaign.slug}/", 6),
        (f"/{campaign.slug}/editions/", 8),
    ):
        links = page(ledger, listing).xpath(
            "//ul[@class='editions']//a[contains(@href, '/editions/')]"
        )
        assert len(links) == wanted, listing
    assert (
        f"/{campaign.slug}/editions/</loc>"
        in (ledger.settings.site_folder / "sitemap-pages.xml").read_text()
    )
