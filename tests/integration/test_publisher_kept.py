"""What a worker keeps between its publications: never more than what stands, and never too old."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete, event, select, update

from ledger import events, prepared
from ledger.campaigns import add_campaign
from ledger.consent_state import EventKind
from ledger.database import Ledger
from ledger.model import Campaign, Definition
from ledger.tables import campaigns, jobs, leases, site_entries
from publisher import holding, record
from publisher.kept import Kept
from publisher.publish import publish, publish_pending
from tests.conftest import SteppingClock
from tests.golden.audit import rendered_items, violations
from tests.golden.sample_blog import grant, named, take, withdraw
from tests.molds import open_new


def some(ledger: Ledger, campaign: Campaign, count: int, clock: SteppingClock) -> list[Definition]:
    made = []
    for number in range(count):
        clock.pass_time(minutes=1)
        made.append(take(ledger, campaign, f"answer number {number}."))
        grant(ledger, made[-1], named(f"Person {number}"))
    return made


@contextmanager
def asked(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What the database is asked meanwhile: statements, and the begin of every transaction."""
    found: list[str] = []
    run = prepared._run

    def note(connection: Any, form: Any, values: Any, *, many: bool) -> Any:
        # Not the words of a statement that is not prepared: those are noted below.
        found.append(form.text)
        return run(connection, form, values, many=many)

    def heard(_connection: Any, _cursor: Any, text: str, *_rest: Any) -> None:
        found.append(text)

    event.listen(ledger.engine, "before_cursor_execute", heard)
    monkeypatch.setattr(prepared, "_run", note)
    yield found
    monkeypatch.setattr(prepared, "_run", run)
    event.remove(ledger.engine, "before_cursor_execute", heard)


@pytest.mark.parametrize("column", ["words", "cite", "listed", "note", "title", "seal"])
def test_p02_a_row_that_was_changed_after_it_was_read_is_never_shown(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock, column: str
) -> None:
    kept = Kept()
    some(ledger, campaign, 3, clock)
    publish_pending(ledger, kept)
    grant(ledger, take(ledger, campaign, "A new one."), named("Grace Example"))
    publish_pending(ledger, kept)
    assert kept.frame is not None
    assert len(kept.frame.known) == 4, "they are at hand from here on"
    with ledger.write() as connection:
        connection.execute(update(site_entries).values({column: "Something nobody said"}))
    grant(ledger, take(ledger, campaign, "Another."), named("Ada Example"))
    report = publish_pending(ledger, kept)
    assert report is not None
    assert report.posts == 5
    assert violations(ledger) == []
    assert len([item for item in rendered_items(ledger) if item.file == "feed.xml"]) == 5
    files = [path for path in ledger.settings.site_folder.rglob("*.*") if path.is_file()]
    assert not [path for path in files if "nobody said" in path.read_text()]


@pytest.mark.parametrize("columns", [("number",), ("person", "person_number"), ("granted_at",)])
def test_p02_a_row_that_was_put_elsewhere_is_made_again(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock, columns: tuple[str, ...]
) -> None:
    kept = Kept()
    one, other = some(ledger, campaign, 2, clock)
    publish_pending(ledger, kept)
    grant(ledger, take(ledger, campaign, "A new one."), named("Grace Example"))
    publish_pending(ledger, kept)
    with ledger.write() as connection:
        this = site_entries.c.definition_id
        whole = select(site_entries)
        before = connection.execute(whole.where(this == one.id)).one()._asdict()
        theirs = connection.execute(whole.where(this == other.id)).one()._asdict()
        stolen = {name: theirs[name] for name in columns}
        connection.execute(update(site_entries).where(this == one.id).values(stolen))
    grant(ledger, other, named("Person 1"), words="Other words.")
    publish_pending(ledger, kept)
    with ledger.read() as connection:
        after = connection.execute(whole.where(this == one.id)).one()._asdict()
    assert after == before
    assert violations(ledger) == []


def test_p05_nothing_is_kept_of_what_was_taken_back(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    kept = Kept()
    leaving, changing, staying = some(ledger, campaign, 3, clock)
    publish_pending(ledger, kept)
    grant(ledger, take(ledger, campaign, "A new one."), named("Grace Example"))
    publish_pending(ledger, kept)
    withdraw(ledger, leaving)
    grant(ledger, changing, named("Person 1"), words="Other words.")
    publish_pending(ledger, kept)
    assert kept.frame is not None
    words = {seen.entry.words for seen in kept.frame.known.values()}
    assert {"Other words.", staying.text} <= words
    assert not words & {leaving.text, changing.text}


def test_a_setting_and_a_campaign_that_change_are_noticed(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    kept = Kept()
    some(ledger, campaign, 2, clock)
    publish_pending(ledger, kept)
    assert publish_pending(ledger, kept) is None
    given = ledger.settings.model_copy(update={"title": "Another title"})
    renamed = replace(ledger, settings=given)
    assert publish_pending(renamed, kept) is not None
    front = ledger.settings.site_folder / "index.html"
    assert "Another title" in front.read_text()
    with ledger.write() as connection:
        connection.execute(update(campaigns).values(prompt="A leader of thoughts is ___."))
    assert publish_pending(renamed, kept) is not None
    assert "A leader of thoughts is" in front.read_text()
    assert publish_pending(renamed, kept) is None


def test_what_was_kept_of_another_instance_is_dropped(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    kept = Kept()
    some(ledger, campaign, 2, clock)
    home = ledger.settings.home.parent / "other"
    given = ledger.settings.model_copy(
        update={"home": home, "content": home / "content", "site": home / "site"}
    )
    other = open_new(given, clock)
    with other.write() as connection:
        theirs = add_campaign(connection, clock(), prompt="Home is ___.")
    publish_pending(other, kept)
    publish_pending(ledger, kept)
    # As if nothing had changed for long here, since an event that has its number there as well.
    kept.quiet = (0, 1_000)
    grant(other, take(other, theirs, "where I am understood."), named("Ada Sample"))
    with other.write() as connection:
        connection.execute(delete(jobs))
    assert publish_pending(other, kept) is not None
    assert "where I am understood." in (other.settings.site_folder / "index.html").read_text()
    other.close()


def test_nothing_to_do_costs_two_questions(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Kept()
    (one,) = some(ledger, campaign, 1, clock)
    publish_pending(ledger, kept)
    with ledger.write() as connection:
        # An event that changes nothing on the blog: looked at once, and never again.
        key = ("PUBLISHED", one.id, one.contributor_id)
        events.append(connection, ledger.keys, clock(), EventKind[key[0]], *key[1:], {})
    for expected in (4, 3):
        with asked(ledger, monkeypatch) as found:
            assert publish_pending(ledger, kept) is None
        assert len(found) == expected, found  # the transaction's begin is one of them


@pytest.mark.parametrize("count", [20, 120])
def test_one_change_asks_as_much_at_any_size(
    ledger: Ledger,
    campaign: Campaign,
    clock: SteppingClock,
    monkeypatch: pytest.MonkeyPatch,
    count: int,
) -> None:
    kept = Kept()
    made = some(ledger, campaign, count, clock)
    publish_pending(ledger, kept)
    for change in (
        lambda: withdraw(ledger, made[3]),
        lambda: grant(ledger, made[5], named("Person 5"), words="Other words."),
    ):
        change()
        with asked(ledger, monkeypatch) as found:
            report = publish_pending(ledger, kept)
        assert report is not None
        assert report.written <= 10
        assert sum(text.startswith("BEGIN IMMEDIATE") for text in found) == 3
        assert len(found) <= 72, found


def test_the_next_publisher_may_begin_with_the_last_transaction(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    some(ledger, campaign, 1, clock)
    publish_pending(ledger)
    with ledger.read() as connection:
        held = select(leases.c.holder).where(leases.c.name == holding.NAME)
        assert connection.execute(held).scalar() == ""


def test_a_publisher_whose_last_transaction_fails_has_given_nothing_back(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was undone as a whole; the lease is given back on the way out, and all is done again."""
    some(ledger, campaign, 1, clock)
    given_back: list[bool] = []
    release = holding.Holding.release

    class FullError(Exception):
        pass

    def fail(*_given: object) -> int:
        raise FullError

    def note(self: holding.Holding) -> None:
        given_back.append(self.held)
        release(self)

    monkeypatch.setattr(holding.Holding, "release", note)
    with monkeypatch.context() as broken:
        broken.setattr(record, "count_posts", fail)
        with pytest.raises(FullError):
            publish(ledger, full=False)
    assert given_back == [True]
    assert publish(ledger, full=False).posts == 1
    assert given_back == [True, False]
    assert violations(ledger) == []
