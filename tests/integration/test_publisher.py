"""The publisher on a real ledger and real folders."""

from __future__ import annotations

import contextlib
import resource
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from ledger.campaigns import add_campaign
from ledger.consent_state import EventKind
from ledger.database import Ledger
from ledger.editions import add_edition
from ledger.errors import DefinedbyError, Exit, TemporaryError
from ledger.events import history
from ledger.jobs import JobKind, open_jobs
from ledger.leases import acquire
from ledger.model import Campaign, Credit, NameForm, Use
from ledger.paused import pause, resume
from ledger.posts import find_post, is_gone
from ledger.tables import event_payloads, jobs
from publisher import holding
from publisher.editions import publish_edition, retract_edition
from publisher.publish import GIVEN_WAY, publish, publish_pending
from publisher.render import encoded_path
from tests.conftest import SteppingClock
from tests.golden.audit import rendered_items, violations
from tests.golden.sample_blog import ADA, grant, named, published_files, take, withdraw

WORDS = "Listening longer than is comfortable."


def kinds(ledger: Ledger, definition_id: str) -> list[EventKind]:
    with ledger.read() as connection:
        return [event.kind for event in history(connection, ledger.keys, definition_id)]


def markdown_files(ledger: Ledger) -> list[Path]:
    return sorted((ledger.settings.content / "posts").rglob("*.md"))


def page_of(ledger: Ledger, definition_id: str) -> Path:
    with ledger.read() as connection:
        post = find_post(connection, definition_id)
    assert post is not None
    return ledger.settings.site_folder / post.address.strip("/") / "index.html"


def test_a_grant_becomes_a_file_a_page_and_an_event(ledger: Ledger, campaign: Campaign) -> None:
    definition = take(ledger, campaign, WORDS)
    granted = grant(ledger, definition)
    report = publish_pending(ledger)
    assert report is not None
    assert (report.posts, report.refused, report.exit_code) == (1, (), Exit.DONE)
    assert WORDS in page_of(ledger, definition.id).read_text()
    assert [path.stem[:9] for path in markdown_files(ledger)] == ["listening"]
    assert kinds(ledger, definition.id)[-1] is EventKind.PUBLISHED
    with ledger.read() as connection:
        assert history(connection, ledger.keys, definition.id)[-1].request_id == granted
        assert not open_jobs(connection, JobKind.PUBLISH, ledger.clock())
    assert {item.file for item in rendered_items(ledger)} >= {"feed.xml", "index.html"}
    assert violations(ledger) == []


def test_the_same_again_writes_nothing_and_records_nothing(
    ledger: Ledger, campaign: Campaign
) -> None:
    definition = take(ledger, campaign, WORDS)
    grant(ledger, definition)
    publish(ledger)
    before, events_before = published_files(ledger), kinds(ledger, definition.id)
    again = publish(ledger)
    assert (again.written, again.removed) == (0, 0)
    assert again.unchanged == len(before) - 2  # the marker and the Markdown file are not counted
    assert published_files(ledger) == before
    assert kinds(ledger, definition.id) == events_before
    assert publish_pending(ledger) is None


def test_two_folders_get_the_same_bytes(ledger: Ledger, campaign: Campaign, tmp_path: Path) -> None:
    for number in range(3):
        grant(ledger, take(ledger, campaign, f"{WORDS} {number}"), named(f"Person {number}"))
    publish(ledger)
    elsewhere = replace(
        ledger,
        settings=ledger.settings.model_copy(
            update={"content": tmp_path / "b" / "content", "site": tmp_path / "b" / "site"}
        ),
    )
    publish(elsewhere)
    assert published_files(elsewhere) == published_files(ledger)


def test_withdrawn_words_leave_and_their_address_stays_gone(
    ledger: Ledger, campaign: Campaign
) -> None:
    definition = take(ledger, campaign, WORDS)
    grant(ledger, definition)
    publish(ledger)
    page = page_of(ledger, definition.id)
    address = f"/{page.parent.relative_to(ledger.settings.site_folder).as_posix()}/"
    withdraw(ledger, definition)
    report = publish_pending(ledger)
    assert report is not None
    assert report.posts == 0
    assert not page.parent.exists()
    assert markdown_files(ledger) == []
    assert rendered_items(ledger) == []
    assert kinds(ledger, definition.id)[-2:] == [EventKind.WITHDRAWN, EventKind.RETRACTED]
    with ledger.read() as connection:
        assert is_gone(connection, ledger.keys, address)
    grant(ledger, definition)
    publish(ledger)
    assert page.exists()
    with ledger.read() as connection:
        assert not is_gone(connection, ledger.keys, address)


def test_a_newer_grant_replaces_the_words_at_the_same_address(
    ledger: Ledger, campaign: Campaign
) -> None:
    definition = take(ledger, campaign, WORDS)
    grant(ledger, definition)
    publish(ledger)
    page = page_of(ledger, definition.id)
    grant(ledger, definition, named("Ada S."), words="Other words entirely.")
    report = publish(ledger)
    assert report.refused == ()
    assert page_of(ledger, definition.id) == page
    assert "Other words entirely." in page.read_text()
    assert [(item.words, item.credit) for item in rendered_items(ledger)][:1] == [
        ("Other words entirely.", "Ada S.")
    ]
    assert violations(ledger) == []
    assert kinds(ledger, definition.id).count(EventKind.PUBLISHED) == 2


def test_the_address_holds_granted_words_only(ledger: Ledger, campaign: Campaign) -> None:
    definition = take(ledger, campaign, "Something rude about a former employer")
    grant(ledger, definition, words="Something kind")
    publish(ledger)
    assert page_of(ledger, definition.id).parent.name.startswith("something-kind-")


def test_a_file_changed_by_hand_is_left_alone_and_not_shown(
    ledger: Ledger, campaign: Campaign
) -> None:
    changed, untouched = (take(ledger, campaign, words) for words in (WORDS, "Patience."))
    grant(ledger, changed)
    grant(ledger, untouched, named("Grace Example"))
    publish(ledger)
    (path,) = [one for one in markdown_files(ledger) if one.stem.startswith("listening")]
    edited = path.read_bytes().replace(b"longer", b"louder")
    path.write_bytes(edited)
    report = publish(ledger)
    assert report.exit_code is Exit.PARTLY
    (refusal,) = report.refused
    assert refusal.what == f"posts/thought-leadership/{path.name}"
    assert "--recompose" in refusal.next_step
    assert path.read_bytes() == edited
    assert {item.words for item in rendered_items(ledger) if item.file.endswith(".html")} == {
        "Patience."
    }
    put_back = publish(ledger, recompose=True)
    assert put_back.refused == ()
    assert b"longer" in path.read_bytes()
    assert violations(ledger) == []


def test_a_refused_definition_keeps_its_job_and_the_desk_is_told(
    ledger: Ledger, campaign: Campaign
) -> None:
    definition = take(ledger, campaign, WORDS)
    grant(ledger, definition)
    publish(ledger)
    (path,) = markdown_files(ledger)
    path.write_bytes(path.read_bytes() + b"PS\n")
    grant(ledger, definition, named("Ada S."))
    publish_pending(ledger)
    with ledger.read() as connection:
        (job,) = connection.execute(select(jobs).where(jobs.c.done_at.is_(None))).all()
    assert "changed by hand" in job.error
    assert publish_pending(ledger) is None
    publish(ledger, recompose=True)
    with ledger.read() as connection:
        assert not connection.execute(select(jobs).where(jobs.c.done_at.is_(None))).all()


def test_withdrawal_wins_over_a_change_by_hand(ledger: Ledger, campaign: Campaign) -> None:
    definition = take(ledger, campaign, WORDS)
    grant(ledger, definition)
    publish(ledger)
    (path,) = markdown_files(ledger)
    path.write_bytes(path.read_bytes() + b"PS\n")
    withdraw(ledger, definition)
    assert publish(ledger).refused == ()
    assert markdown_files(ledger) == []


def test_a_stray_file_is_reported_and_neither_shown_nor_deleted(
    ledger: Ledger, campaign: Campaign
) -> None:
    stray = ledger.settings.content / "posts" / campaign.slug / "mine.md"
    stray.parent.mkdir(parents=True)
    stray.write_text("> Never granted\n")
    report = publish(ledger)
    assert [refusal.what for refusal in report.refused] == ["posts/thought-leadership/mine.md"]
    assert stray.exists()
    site = ledger.settings.site_folder
    assert not [path for path in site.rglob("*.*") if "Never granted" in path.read_text()]


def test_a_record_that_does_not_verify_is_not_shown(ledger: Ledger, campaign: Campaign) -> None:
    forged, sound = (take(ledger, campaign, words) for words in (WORDS, "Patience."))
    grant(ledger, forged)
    grant(ledger, sound, named("Grace Example"))
    publish(ledger)
    with ledger.write() as connection:
        (seq,) = [
            event.seq
            for event in history(connection, ledger.keys, forged.id)
            if event.kind is EventKind.GRANTED
        ]
        sealed = connection.execute(
            select(event_payloads.c.sealed).where(event_payloads.c.seq == seq)
        ).scalar_one()
        broken = bytes([sealed[0] ^ 1]) + sealed[1:]
        connection.execute(
            event_payloads.update().where(event_payloads.c.seq == seq).values(sealed=broken)
        )
    report = publish(ledger)
    assert [refusal.what for refusal in report.refused] == [forged.id]
    assert {item.words for item in rendered_items(ledger) if item.file.endswith(".html")} == {
        "Patience."
    }
    assert len(markdown_files(ledger)) == 2


def test_while_paused_nothing_new_appears_but_withdrawals_do(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    leaving, staying, coming = (
        take(ledger, campaign, words) for words in (WORDS, "Patience.", "A third way.")
    )
    for definition in (leaving, staying):
        grant(ledger, definition)
    publish(ledger)
    with ledger.write() as connection:
        pause(connection, "This instance was copied.")
    grant(ledger, coming)
    withdraw(ledger, leaving)
    report = publish_pending(ledger)
    assert report is not None
    assert "This instance was copied." in report.note
    shown = {item.words for item in rendered_items(ledger)}
    assert shown == {"Patience."}
    assert publish_pending(ledger) is None
    clock.pass_time(seconds=0.5)
    with ledger.write() as connection:
        resume(connection)
    assert publish_pending(ledger) is not None
    assert {item.words for item in rendered_items(ledger)} == {"Patience.", "A third way."}


def test_a_second_publisher_gives_way(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    grant(ledger, take(ledger, campaign, WORDS))
    with ledger.write() as connection:
        acquire(connection, holding.NAME, "somebody else", ledger.clock(), holding.LENGTH)
    assert publish_pending(ledger) is None
    assert publish(ledger).note == GIVEN_WAY
    assert not ledger.settings.site_folder.exists()
    clock.pass_time(seconds=31)
    assert publish_pending(ledger) is not None


def test_hand_written_pages_appear_when_they_change(ledger: Ledger) -> None:
    assert publish_pending(ledger) is not None
    site = ledger.settings.site_folder
    assert "asks one question" in (site / "about" / "index.html").read_text()
    assert publish_pending(ledger) is None
    page = ledger.settings.content / "pages" / "colophon.md"
    page.write_text("---\ntitle: Colophon\n---\nSet in whatever you have.\n")
    (page.parent / "broken.md").write_text("---\ntitle: [\n---\nText.\n")
    report = publish_pending(ledger)
    assert report is not None
    assert [refusal.what for refusal in report.refused] == ["pages/broken.md"]
    assert "whatever you have" in (site / "colophon" / "index.html").read_text()
    page.unlink()
    publish_pending(ledger)
    assert not (site / "colophon").exists()


def test_a_new_campaign_appears_without_being_asked(ledger: Ledger) -> None:
    publish_pending(ledger)
    with ledger.write() as connection:
        add_campaign(connection, ledger.clock(), prompt="Home is ___.")
    assert publish_pending(ledger) is not None
    assert "Home is" in (ledger.settings.site_folder / "index.html").read_text()
    assert (ledger.settings.site_folder / "home" / "index.html").exists()


def test_an_edition_shows_what_is_granted_for_editions(ledger: Ledger, campaign: Campaign) -> None:
    both, post_only, leaving = (
        take(ledger, campaign, words) for words in (WORDS, "Patience.", "A third way.")
    )
    grant(ledger, both)
    grant(ledger, post_only, uses=frozenset({Use.POST}))
    grant(ledger, leaving)
    with ledger.write() as connection:
        edition = add_edition(
            connection,
            ledger.clock(),
            campaign_id=campaign.id,
            title="Three answers",
            introduction="My *own* words. <script>alert(1)</script>",
            definition_ids=(leaving.id, both.id, post_only.id),
        )
    publish(ledger)
    assert "Three answers" not in (ledger.settings.site_folder / "index.html").read_text()
    address = publish_edition(ledger, edition.id)
    withdraw(ledger, leaving)
    publish_pending(ledger)
    page = ledger.settings.site_folder / address.strip("/") / "index.html"
    text = page.read_text()
    assert "<em>own</em>" in text
    assert "<script" not in text
    assert "one answer" in text
    assert [item.words for item in rendered_items(ledger) if "editions" in item.file] == [WORDS]
    assert violations(ledger) == []
    assert retract_edition(ledger, edition.id)
    publish_pending(ledger)
    assert not page.exists()
    with ledger.read() as connection:
        assert is_gone(connection, ledger.keys, address)
    assert not retract_edition(ledger, edition.id)


def test_a_folder_with_other_files_is_not_taken(ledger: Ledger, campaign: Campaign) -> None:
    foreign = ledger.settings.site_folder / "thesis.txt"
    foreign.parent.mkdir()
    foreign.write_text("mine")
    grant(ledger, take(ledger, campaign, WORDS))
    with pytest.raises(DefinedbyError, match="not of this blog"):
        publish_pending(ledger)
    assert foreign.read_text() == "mine"
    foreign.unlink()
    assert publish(ledger).posts == 1


@pytest.mark.parametrize("blocked", ["content", "posts", "site"])
def test_a_folder_that_cant_be_written_loses_nothing(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock, blocked: str
) -> None:
    settings = ledger.settings
    definition = take(ledger, campaign, WORDS)
    grant(ledger, definition)
    folder = {
        "content": settings.content,
        "posts": settings.content / "posts",
        "site": settings.site_folder,
    }[blocked]
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("a file where a folder should be")
    with pytest.raises(DefinedbyError) as caught:
        publish_pending(ledger)
    assert "nothing is lost" in caught.value.next_step
    folder.unlink()
    assert publish_pending(ledger) is None  # put off for a moment
    clock.pass_time(seconds=5)
    assert publish_pending(ledger) is not None
    assert violations(ledger) == []
    assert WORDS in page_of(ledger, definition.id).read_text()


def _make_small(database: Path) -> None:
    """Smaller pages, so that the database stays below one page of the blog."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        for statement in (
            "PRAGMA journal_mode=DELETE",
            "PRAGMA page_size=1024",
            "VACUUM",
            "PRAGMA journal_mode=WAL",
        ):
            connection.execute(statement)


def test_a_full_disk_leaves_the_blog_as_it_was(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a busy machine the long page is refused else, and nothing is left that fills the disk.
    monkeypatch.setattr("publisher.prose.MOST_SECONDS", 30.0)
    definition = take(ledger, campaign, WORDS)
    grant(ledger, definition)
    publish(ledger)
    before = published_files(ledger)
    page = ledger.settings.content / "pages" / "long.md"
    page.write_text("---\ntitle: Long\n---\n" + ("&" * 49 + " ") * 1990)
    withdraw(ledger, definition)
    ledger.engine.dispose()  # the write-ahead log begins anew, small
    _make_small(ledger.settings.home / "definedby.sqlite")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    database = (ledger.settings.home / "definedby.sqlite").stat().st_size
    room = database + 8_000  # enough for the ledger, too little for that page
    assert room < 480_000  # the page is larger, as HTML
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
    try:
        with pytest.raises(TemporaryError, match="disk is full"):
            publish_pending(ledger)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    after = published_files(ledger)
    unstaged = {name: text for name, text in after.items() if "staging" not in name}
    assert {name: text for name, text in unstaged.items() if name.startswith("site/")} == {
        name: text for name, text in before.items() if name.startswith("site/")
    }
    clock.pass_time(seconds=5)
    assert publish_pending(ledger) is not None
    assert rendered_items(ledger) == []
    assert (ledger.settings.site_folder / "long" / "index.html").exists()


def test_a_deleted_site_is_built_again(ledger: Ledger, campaign: Campaign) -> None:
    grant(ledger, take(ledger, campaign, WORDS))
    publish_pending(ledger)
    before = published_files(ledger)
    shutil.rmtree(ledger.settings.site_folder)
    assert publish_pending(ledger) is not None
    assert published_files(ledger) == before


def test_unknown_files_in_the_site_are_swept(ledger: Ledger, campaign: Campaign) -> None:
    grant(ledger, take(ledger, campaign, WORDS))
    publish(ledger)
    before = published_files(ledger)
    site = ledger.settings.site_folder
    (site / "old" / "deep").mkdir(parents=True)
    (site / "old" / "deep" / "index.html").write_text("from another life")
    (site / "404.html").unlink()
    (site / "404.html").mkdir()
    (site / "privacy" / "index.html").write_text("changed by hand")
    publish(ledger)
    assert published_files(ledger) == before
    assert not (site / "old").exists()


def test_a_pseudonym_and_a_name_of_one_person_are_not_linked(
    ledger: Ledger, campaign: Campaign
) -> None:
    author = "ada@sample.example"
    for words, credit in (
        ("By name.", ADA),
        ("By pseudonym.", Credit(NameForm.PSEUDONYM, name="Nobody Much")),
        ("By nobody.", Credit(NameForm.ANONYMOUS)),
        ("By name again.", ADA),
    ):
        grant(ledger, take(ledger, campaign, words, author=author), credit)
    publish(ledger)
    people = sorted(path.name for path in (ledger.settings.site_folder / "people").iterdir())
    assert [name[:-9] for name in people] == ["ada-sample", "nobody-much"]
    assert people[0][-8:] != people[1][-8:]
    shown = {item.file: set() for item in rendered_items(ledger) if item.file.startswith("people/")}
    for item in rendered_items(ledger):
        if item.file in shown:
            shown[item.file].add(item.words)
    assert sorted(map(sorted, shown.values())) == [
        ["By name again.", "By name."],
        ["By pseudonym."],
    ]


def test_words_in_any_script_have_an_address(ledger: Ledger, campaign: Campaign) -> None:
    definition = take(ledger, campaign, "Zuhören können 聞く")
    grant(ledger, definition, named("Ада Пример"))
    publish(ledger)
    page = page_of(ledger, definition.id)
    assert page.exists()
    address = f"/{page.parent.relative_to(ledger.settings.site_folder).as_posix()}/"
    assert not address.isascii()
    name = f"sitemap-{campaign.slug}-2026-01-1.xml"
    assert name in (ledger.settings.site_folder / "sitemap.xml").read_text()
    sitemap = (ledger.settings.site_folder / name).read_text()
    assert f"<loc>{ledger.settings.public_url}{encoded_path(address)}</loc>" in sitemap


def test_words_are_taken_without_what_no_page_can_show(ledger: Ledger, campaign: Campaign) -> None:
    definition = take(ledger, campaign, "a bell\x07 rings")
    assert definition.text == "a bell rings"
    grant(ledger, definition)
    assert publish(ledger).refused == ()
    assert {item.words for item in rendered_items(ledger)} == {"a bell rings"}


def test_pages_of_a_month_have_fixed_ranges(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    for number in range(203):
        clock.pass_time(minutes=1)
        grant(ledger, take(ledger, campaign, f"answer number {number}."), named(f"P{number}"))
    publish(ledger)
    site = ledger.settings.site_folder / campaign.slug
    assert sorted(path.name for path in (site / "2026-01").iterdir()) == ["2", "3", "index.html"]
    by_file: dict[str, list[str]] = {}
    for item in rendered_items(ledger):
        by_file.setdefault(item.file, []).append(item.words)
    newest_first = [f"answer number {number}." for number in reversed(range(203))]
    assert by_file[f"{campaign.slug}/index.html"] == newest_first[:100]
    assert by_file[f"{campaign.slug}/2026-01/index.html"] == newest_first[103:]
    assert by_file[f"{campaign.slug}/2026-01/2/index.html"] == newest_first[3:103]
    assert by_file[f"{campaign.slug}/2026-01/3/index.html"] == newest_first[:3]
    assert "203 answers" in (site / "index.html").read_text()
    oldest = (site / "2026-01" / "index.html").stat().st_mtime_ns
    clock.pass_time(minutes=1)
    grant(ledger, take(ledger, campaign, "one more"), named("P"))
    report = publish_pending(ledger)
    assert report is not None
    assert report.written <= 10
    assert (site / "2026-01" / "index.html").stat().st_mtime_ns == oldest
