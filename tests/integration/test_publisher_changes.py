"""One change costs one change: which files it touches, what a dry run says, and the way back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import insert, select, update

from ledger.campaigns import add_campaign
from ledger.database import Ledger
from ledger.editions import add_edition
from ledger.erasures import erase_payloads
from ledger.errors import DefinedbyError
from ledger.model import Campaign, Credit, Definition, NameForm
from ledger.tables import outputs, places, posts, site_entries
from publisher.editions import publish_edition, retract_edition
from publisher.plan import plan
from publisher.publish import publish, publish_pending
from publisher.report import no_progress
from publisher.rollback import roll_back
from publisher.site import sources, tree
from tests.conftest import SteppingClock
from tests.golden.audit import rendered_items, violations
from tests.golden.sample_blog import grant, named, published_files, take, withdraw


def some(ledger: Ledger, campaign: Campaign, count: int, clock: SteppingClock) -> list[Definition]:
    made = []
    for number in range(count):
        clock.pass_time(minutes=1)
        made.append(take(ledger, campaign, f"answer number {number}."))
        grant(ledger, made[-1], named(f"Person {number}"))
    return made


def titled(ledger: Ledger, title: str) -> Ledger:
    return replace(ledger, settings=ledger.settings.model_copy(update={"title": title}))


def site(ledger: Ledger) -> dict[str, bytes]:
    files = published_files(ledger)
    return {name: text for name, text in files.items() if tree.BEFORE not in name}


@pytest.mark.parametrize("count", [0, 49, 50, 99, 100, 149, 249, 250])
def test_a_definition_writes_at_most_ten_files_wherever_ranges_begin(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock, count: int
) -> None:
    """A sitemap begins at 50 and 250, a page of the month at 100 and 200: never both at once."""
    if count:
        some(ledger, campaign, 1, clock)
        publish(ledger)
        with ledger.write() as connection:  # as if so many had come, and all but one had left
            connection.execute(update(places).values(number=count - 1))
    publish(ledger)
    definition = take(ledger, campaign, "one more")
    for change in (
        lambda: grant(ledger, definition, named("Somebody New")),
        lambda: grant(ledger, definition, named("Another Name")),
        lambda: withdraw(ledger, definition),
    ):
        change()
        report = publish_pending(ledger)
        assert report is not None
        assert 0 < report.written <= 10
    assert violations(ledger) == []


def test_nothing_to_do_makes_nothing_and_opens_no_record(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    some(ledger, campaign, 3, clock)
    publish(ledger)

    def never(*_given: object, **_named: object) -> None:
        raise AssertionError("a run with nothing to do looked at something")

    for where in ("publisher.publication.take_in", "publisher.publication.Fresh"):
        monkeypatch.setattr(where, never)
    monkeypatch.setattr("ledger.walk.Unsealer", never)
    assert publish_pending(ledger) is None
    report = publish(ledger, full=False)
    assert (report.written, report.removed, report.posts) == (0, 0, 3)
    assert report.unchanged > 10


@pytest.mark.parametrize("column", ["words", "cite", "listed", "note", "title"])
def test_p02_a_kept_body_that_was_changed_is_never_shown(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock, column: str
) -> None:
    some(ledger, campaign, 3, clock)
    publish(ledger)
    with ledger.write() as connection:
        connection.execute(update(site_entries).values({column: "Something nobody said"}))
    grant(ledger, take(ledger, campaign, "A new one."), named("Grace Example"))
    report = publish_pending(ledger)
    assert report is not None
    assert report.posts == 4
    assert violations(ledger) == []
    files = [path for path in ledger.settings.site_folder.rglob("*.*") if path.is_file()]
    assert not [path for path in files if "nobody said" in path.read_text()]


def test_p01_words_under_the_seal_of_others_are_found(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    one, other, _ = some(ledger, campaign, 3, clock)
    publish(ledger)
    with ledger.write() as connection:
        wanted = select(site_entries).where(site_entries.c.definition_id == other.id)
        row = connection.execute(wanted).one()
        connection.execute(
            update(site_entries)
            .where(site_entries.c.definition_id == one.id)
            .values(words=row.words, listed=row.listed, seal=row.seal)
        )
    grant(ledger, take(ledger, campaign, "A new one."), named("Grace Example"))
    publish_pending(ledger)
    assert violations(ledger) == []
    assert len([item for item in rendered_items(ledger) if item.file == "feed.xml"]) == 4


def test_p01_words_that_are_taken_back_while_pages_are_made_are_not_put_in_place(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    some(ledger, campaign, 2, clock)
    publish(ledger)
    leaving = [take(ledger, campaign, "A xylophonic silence")]
    grant(ledger, leaving[0], named("Grace Example"))
    grant(ledger, take(ledger, campaign, "Another new one."), named("Ada Example"))
    staging = ledger.settings.site_folder / tree.STAGING
    placed: list[bytes] = []

    def progress(step: str, done: int, total: int) -> None:
        if step == "render" and done == total - 1 and leaving:
            withdraw(ledger, leaving.pop())
        if step == "write" and not placed:
            placed.extend(path.read_bytes() for path in staging.iterdir())

    publish(ledger, full=False, progress=progress)
    assert placed, "pages changed"
    assert not [text for text in placed if b"xylophonic" in text]
    assert violations(ledger) == []


def rows_of(ledger: Ledger) -> list[object]:
    with ledger.read() as connection:
        return [connection.execute(select(one)).all() for one in (posts, outputs, site_entries)]


def test_a_dry_run_says_what_would_change_and_changes_nothing(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    _, leaving = some(ledger, campaign, 2, clock)
    publish(ledger)
    grant(ledger, take(ledger, campaign, "Something new."), named("Grace Example"))
    withdraw(ledger, leaving)
    files, rows = published_files(ledger), rows_of(ledger)
    planned = plan(ledger).files
    assert (published_files(ledger), rows_of(ledger)) == (files, rows)
    report = publish(ledger, full=False)
    assert all(one.reason for one in planned)
    assert sum(one.action == "write" for one in planned) == report.written
    assert sum(one.action == "remove" for one in planned) == report.removed
    assert plan(ledger).files == []


def test_a_dry_run_says_what_a_setting_changes(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    some(ledger, campaign, 2, clock)
    publish(ledger)
    renamed = titled(ledger, "Another title")
    planned = plan(renamed).files
    assert {one.reason for one in planned} == {"a setting or the menu of pages has changed"}
    assert len(planned) == publish(renamed, full=False).written


def test_rollback_shows_the_old_tree_until_something_changes_again(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    some(ledger, campaign, 3, clock)
    publish(ledger)
    before = site(ledger)
    with pytest.raises(DefinedbyError, match="no earlier tree"):
        roll_back(ledger, no_progress)
    renamed = titled(ledger, "Another title")
    publish(renamed, full=False)
    after = site(renamed)
    assert after != before
    assert roll_back(renamed, no_progress) > 0
    assert site(renamed) == before
    assert publish_pending(renamed) is None
    assert publish(renamed, full=False).written == 0
    assert roll_back(renamed, no_progress) > 0
    assert site(renamed) == after
    again = titled(ledger, "A third title")
    publish(again, full=False)
    assert "A third title" in (again.settings.site_folder / "index.html").read_text()


@pytest.mark.parametrize("published", [True, False])
@pytest.mark.parametrize("change", ["withdraw", "correct"])
def test_p05_rollback_never_brings_back_what_was_taken_back(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock, change: str, *, published: bool
) -> None:
    leaving = take(ledger, campaign, "A xylophonic silence")
    grant(ledger, leaving, Credit(NameForm.NAME, name="Quetzalcoatl Sample"))
    some(ledger, campaign, 2, clock)
    with ledger.write() as connection:
        edition = add_edition(
            connection,
            clock(),
            campaign_id=campaign.id,
            title="One",
            definition_ids=(leaving.id,),
        )
    publish_edition(ledger, edition.id)
    publish(ledger)
    renamed = titled(ledger, "Another title")
    publish(renamed, full=False)
    if change == "withdraw":
        withdraw(renamed, leaving)
    else:
        grant(renamed, leaving, named("Somebody Else"), words="Other words")
    if published:
        publish_pending(renamed)
    roll_back(renamed, no_progress)
    for path in ledger.settings.site_folder.rglob("*"):
        text = path.read_text() if path.is_file() else ""
        assert "xylophonic silence" not in text
        assert "Quetzalcoatl" not in text
    assert violations(renamed) == []


def test_p05_a_withdrawal_in_the_middle_of_a_whole_build_leaves_the_kept_tree_too(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    waiting = some(ledger, campaign, 3, clock)[:1]
    publish(ledger)
    renamed = titled(ledger, "Another title")

    def progress(step: str, _done: int, _total: int) -> None:
        if step == "render" and waiting:
            withdraw(renamed, waiting.pop())

    publish(renamed, full=False, progress=progress)
    assert not waiting
    assert tree.has_before(renamed.settings.site_folder)
    assert violations(renamed) == []
    roll_back(renamed, no_progress)
    assert violations(renamed) == []


@pytest.mark.parametrize("retracted", [True, False])
def test_p05_a_withdrawal_that_a_whole_build_takes_in_leaves_the_kept_tree_too(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock, *, retracted: bool
) -> None:
    leaving = take(ledger, campaign, "A xylophonic silence")
    grant(ledger, leaving, Credit(NameForm.NAME, name="Quetzalcoatl Sample"))
    some(ledger, campaign, 2, clock)
    edition = _edition_of(ledger, leaving)
    publish(ledger)
    shown = [path for path, text in site(ledger).items() if b"xylophonic" in text]
    assert len(shown) >= 6, "its page, lists, feeds and the edition"
    withdraw(ledger, leaving)
    if retracted:
        retract_edition(ledger, edition)
    renamed = titled(ledger, "Another title")
    publish(renamed, full=False)
    assert tree.has_before(renamed.settings.site_folder)
    for path, text in published_files(renamed).items():
        assert b"xylophonic" not in text, path
        assert b"Quetzalcoatl" not in text, path


def test_p05_no_tree_of_another_program_is_kept(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    some(ledger, campaign, 2, clock)
    publish(ledger)
    publish(titled(ledger, "Another title"), full=False)
    assert tree.has_before(ledger.settings.site_folder)
    monkeypatch.setattr(sources, "code", lambda: "of tomorrow")
    monkeypatch.setattr(sources, "program", lambda: "of tomorrow")
    publish(titled(ledger, "A third title"), full=False)
    assert not tree.has_before(ledger.settings.site_folder)


def _edition_of(ledger: Ledger, definition: Definition, title: str = "One") -> str:
    with ledger.write() as connection:
        edition = add_edition(
            connection,
            ledger.clock(),
            campaign_id=definition.campaign_id,
            title=title,
            definition_ids=(definition.id,),
        )
    publish_edition(ledger, edition.id)
    return edition.id


def test_two_editions_at_once_are_published_by_one_run(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    first, second = some(ledger, campaign, 2, clock)
    publish(ledger)
    _edition_of(ledger, first, "One")
    _edition_of(ledger, second, "Two")
    assert publish_pending(ledger) is not None
    made = {path for path in site(ledger) if "/editions/" in path}
    assert len(made) == 3, "both, and the list of them"
    assert publish_pending(ledger) is None


def test_p05_whoever_is_erased_without_having_withdrawn_is_gone_as_well(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    leaving, staying = some(ledger, campaign, 2, clock)
    publish(ledger)
    with ledger.write() as connection:
        erase_payloads(connection, ledger.keys, clock(), leaving.contributor_id)
    assert publish_pending(ledger) is not None
    texts = published_files(ledger)
    assert not [path for path, text in texts.items() if b"answer number 0" in text]
    assert [path for path, text in texts.items() if b"answer number 1" in text]
    assert violations(ledger) == []
    with ledger.read() as connection:
        assert connection.execute(
            select(posts.c.subject).where(posts.c.gone_at.is_(None))
        ).all() == [(staying.id,)]


def test_where_names_cant_be_exchanged_files_are_moved_one_by_one(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaving, *_ = some(ledger, campaign, 3, clock)
    publish(ledger)
    monkeypatch.setattr(tree, "_renameat2", lambda: None)
    renamed = titled(ledger, "Another title")
    withdraw(renamed, leaving)
    (ledger.settings.site_folder / "stray.txt").write_text("from another life")
    publish(renamed)
    with ledger.read() as connection:
        rows = {row.path for row in connection.execute(select(outputs))}
    there = {path for path, _ in tree.site_files(ledger.settings.site_folder)}
    assert there == {path for path in rows if not path.startswith("content:")}
    assert violations(renamed) == []


def test_a_page_that_changes_writes_itself_and_nothing_else(ledger: Ledger) -> None:
    publish(ledger)
    page = ledger.settings.content / "pages" / "about.md"
    page.write_text(page.read_text() + "\nOne more line.\n")
    report = publish_pending(ledger)
    assert report is not None
    assert (report.written, report.removed) == (1, 0)


def test_a_graph_that_was_left_unfinished_is_made_anew(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    some(ledger, campaign, 2, clock)
    publish(ledger)
    before = published_files(ledger)
    with ledger.write() as connection:
        sources.write_sources(connection, {sources.SHAPE: None})
        connection.execute(site_entries.delete())
        connection.execute(insert(outputs).values(path="old/index.html", hash="0" * 64))
    (ledger.settings.site_folder / "index.html").unlink()
    publish(ledger, full=False)
    assert published_files(ledger) == before


@pytest.mark.parametrize("shape", ['{"frame": "of yesterday"}', "[]", "no JSON"])
def test_a_shape_that_another_version_wrote_leads_to_a_whole_build(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock, shape: str
) -> None:
    some(ledger, campaign, 1, clock)
    publish(ledger)
    before = published_files(ledger)
    with ledger.write() as connection:
        sources.write_sources(connection, {sources.SHAPE: shape})
    publish(ledger, full=False)
    assert published_files(ledger) == before


def test_a_second_campaign_changes_what_the_front_page_shows_of_the_first(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    some(ledger, campaign, 1, clock)
    publish(ledger)
    front = ledger.settings.site_folder / "index.html"
    assert 'class="asked"' not in front.read_text()
    with ledger.write() as connection:
        add_campaign(connection, clock(), prompt="Home is ___.")
    publish_pending(ledger)
    assert 'class="asked"' in front.read_text()
