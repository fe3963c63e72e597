"""Places in a file: paging, changed files, importing again, speed."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import pytest

from collector.channels.importing import open_connector, open_source, preview
from collector.connector import ChannelError, OutgoingMessage
from ledger.accounts import ensure_account
from ledger.campaigns import add_campaign
from ledger.model import Account, Channel, IncomingReply, Page, SkipKind, Skipped
from ledger.replies import count_of_account, recently_skipped, store_replies, store_skipped
from ledger.settings import load_settings
from tests.molds import open_new
from tests.unit.import_samples import csv_text, pages, written


def test_the_same_cursor_brings_the_same_page(tmp_path: Path) -> None:
    rows = [[f"Lamp {number}\nleft on", "Ada", ""] for number in range(25)]
    path = written(tmp_path / "a.csv", csv_text(rows))
    first = pages(open_source(path, mapping={}), limit=4)
    assert [len(page.replies) for page in first] == [4, 4, 4, 4, 4, 4, 1]
    for before, page in pairwise(first):
        assert open_source(path, mapping={}).fetch(before.next_cursor, 4) == page


def test_rows_added_at_the_end_are_read_from_the_cursor_on(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", csv_text([["Lamp", "Ada", ""]]))
    page = open_source(path, mapping={}).fetch("", 10)
    with path.open("a") as file:
        file.write("Bread,Bea,\r\n")
    later = open_source(path, mapping={}).fetch(page.next_cursor, 10)
    assert [reply.text for reply in later.replies] == ["Bread"]
    assert open_source(path, mapping={}).fetch(later.next_cursor, 10).replies == ()


@pytest.mark.parametrize("cursor", ["x", "1:1:abc", "999999:4:abc", "-5:1:", "::"])
def test_an_unknown_place_means_reading_from_the_start(tmp_path: Path, cursor: str) -> None:
    path = written(tmp_path / "a.csv", csv_text([["Lamp", "Ada", ""]]))
    assert len(open_source(path, mapping={}).fetch(cursor, 10).replies) == 1


def test_a_changed_file_is_noticed_and_read_again(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", csv_text([["Lamp", "Ada", ""], ["Bread", "Bea", ""]]))
    page = open_source(path, mapping={}).fetch("", 1)
    written(path, csv_text([["Lump", "Ada", ""], ["Bread", "Bea", ""]]))
    later = open_source(path, mapping={}).fetch(page.next_cursor, 10)
    assert [reply.text for reply in later.replies] == ["Lump", "Bread"]


def test_a_preview_shows_rows_in_order_and_moves_nothing(tmp_path: Path) -> None:
    rows = [["Lamp", "Ada", ""], ["", "Bea", ""], ["Bread", "Cy", ""]]
    source = open_source(written(tmp_path / "a.csv", csv_text(rows)), mapping={})
    first, second = preview(source, limit=2)
    assert isinstance(first, IncomingReply)
    assert second == Skipped("line 3", "It has no text.", SkipKind.FILTERED)
    assert (len(preview(source)), source.position) == (3, 0)


def test_progress_ends_at_the_size_of_the_file(tmp_path: Path) -> None:
    rows = [["Lamp", "Ada", ""], ["Bread", "Bea", ""]]
    source = open_source(written(tmp_path / "a.csv", csv_text(rows)), mapping={})
    seen = []
    cursor = ""
    for _ in range(2):
        cursor = source.fetch(cursor, 1).next_cursor
        seen.append(source.position)
    assert 0 < seen[0] < seen[1] == source.total_bytes


def test_a_file_that_is_gone_is_a_permanent_error(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", csv_text([["Lamp", "Ada", ""]]))
    source = open_source(path, mapping={})
    assert source.check() == f"The file a.csv can be read ({path.stat().st_size} bytes)."
    path.unlink()
    for attempt in (lambda: source.fetch("", 1), source.check, lambda: preview(source)):
        with pytest.raises(ChannelError) as error:
            attempt()
        assert error.value.permanent


def test_an_import_account_polls_nothing_and_answers_nobody() -> None:
    connector = open_connector(Account(1, Channel.IMPORT, "lamps", "c1"))
    assert connector.fetch("old", 10) == Page((), "old")
    assert "lamps" in connector.check()
    with pytest.raises(ChannelError, match="An import can't be answered") as error:
        connector.send(OutgoingMessage("m", "ada@sample.example", "", "Hello"))
    assert error.value.permanent


# -------------------------------------------------------------------- the ledger
def test_ten_thousand_rows_with_a_hundred_bad_ones(tmp_path: Path) -> None:
    chance = random.Random(7)
    bad = set(chance.sample(range(10_000), 100))
    rows, bad_lines, line = [], set(), 2
    for number in range(10_000):
        text = "" if number in bad else f"Lamp {number}" + "\nleft on" * (number % 3)
        if number in bad:
            bad_lines.add(f"line {line}")
        rows.append([text, f"Person {number}", ""])
        line += 1 + text.count("\n")
    path = written(tmp_path / "a.csv", csv_text(rows))

    ledger = open_new(load_settings({}, home=tmp_path / "home"))
    try:
        now = ledger.clock()
        with ledger.write() as connection:
            campaign = add_campaign(connection, now, prompt="Thought leadership is ___?")
            account = ensure_account(connection, ledger.keys, Channel.IMPORT, "a", campaign.id)

        def run(path: Path) -> tuple[int, set[str]]:
            stored, skipped = 0, set()
            for page in pages(open_source(path, mapping={})):
                with ledger.write() as connection:
                    stored += store_replies(connection, account, page.replies, now)
                    store_skipped(connection, account, page.skipped, now)
                skipped |= {item.external_id for item in page.skipped}
            return stored, skipped

        assert run(path) == (9_900, bad_lines)
        assert run(path) == (0, bad_lines)
        chance.shuffle(rows)
        rows += [rows[0], ["One more", "Person 0", ""]]
        assert run(written(tmp_path / "b.csv", csv_text(rows)))[0] == 1
        with ledger.read() as connection:
            assert count_of_account(connection, account.id) == 9_901
            assert recently_skipped(connection, account.id)[0].reason == "It has no text."
    finally:
        ledger.close()
