"""Importing: columns, ids, addresses, dates, mails."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from collector.channels.importing import open_source
from ledger.errors import SettingError
from ledger.model import IncomingReply
from tests.unit.import_samples import HEADER, csv_text, read_all, replies_of, written


# ------------------------------------------------------------------- columns
def test_a_row_becomes_a_reply_with_everything_it_says(tmp_path: Path) -> None:
    header = ["Timestamp", "Answer", "Author", "E-Mail", "Website", "ID", "Source", "Topic", "Note"]
    row = [
        *("2026-01-31T18:30:00+01:00", " A lamp. ", "Ada Sample", "Ada@Sample.example"),
        *("https://ada.example", "r-1", "https://town.example/1", "Lamps", "keep"),
    ]
    (reply,) = replies_of(tmp_path / "a.csv", csv_text([row], header))
    assert reply == IncomingReply(
        external_id="r-1",
        address="ada@sample.example",
        text="A lamp.",
        author_name="Ada Sample",
        author_url="https://ada.example",
        subject="Lamps",
        written_at=datetime(2026, 1, 31, 17, 30, tzinfo=UTC),
        source_url="https://town.example/1",
        raw=reply.raw,
    )
    assert json.loads(reply.raw) == dict(zip(header, row, strict=True))


def test_the_mapping_given_wins_over_the_usual_names(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "text,Your words,Who\nold,new,Ada\n")
    source = open_source(path, mapping={"text": "Your words", "name": "who"})
    assert source.mapping == {"text": "Your words", "name": "Who"}
    assert source.columns == ("text", "Your words", "Who")
    (reply,) = source.fetch("", 10).replies
    assert (reply.text, reply.author_name) == ("new", "Ada")


@pytest.mark.parametrize(
    ("mapping", "expected"),
    [
        ({"text": "Reply"}, "There is no column 'Reply'; there are: 'Answer', 'Name', 'Email'."),
        ({"colour": "Answer"}, "'colour' is nothing that a column can be mapped to."),
    ],
)
def test_a_mapping_that_fits_nothing_lists_what_there_is(
    tmp_path: Path, mapping: dict[str, str], expected: str
) -> None:
    path = written(tmp_path / "a.csv", csv_text([["A lamp", "Ada", ""]]))
    with pytest.raises(SettingError) as error:
        open_source(path, mapping=mapping)
    assert error.value.what == expected


def test_json_lines_are_mapped_by_the_keys_of_their_first_objects(tmp_path: Path) -> None:
    lines = [
        {"reply": "A lamp", "id": 7, "handle": "@ada_example"},
        {"reply": "Bread", "name": "B"},
    ]
    path = written(tmp_path / "a.jsonl", "\n".join(map(json.dumps, lines)))
    source = open_source(path, mapping={})
    assert source.mapping == {"text": "reply", "name": "name", "address": "handle", "id": "id"}
    first, second = source.fetch("", 10).replies
    assert (first.external_id, first.address, first.text) == ("7", "@ada_example", "A lamp")
    assert (second.author_name, second.text) == ("B", "Bread")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_separator_is_found_in_the_first_line(tmp_path: Path, separator: str) -> None:
    rows = [HEADER, ["A lamp, left on; always", "Ada", "ada@sample.example"]]
    out = io.StringIO()
    csv.writer(out, delimiter=separator).writerows(rows)
    (reply,) = replies_of(tmp_path / "a.csv", out.getvalue())
    assert (reply.text, reply.author_name) == ("A lamp, left on; always", "Ada")


def test_a_single_column_needs_no_separator(tmp_path: Path) -> None:
    replies = replies_of(tmp_path / "a.csv", 'text\nA lamp, left on\n"Bread\nand salt"\n')
    assert [reply.text for reply in replies] == ["A lamp, left on", "Bread\nand salt"]


def test_a_byte_order_mark_and_columns_of_one_name_do_no_harm(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbftext,note,note,\nA lamp,1,2,3\n"
    (reply,) = replies_of(tmp_path / "a.csv", content)
    assert json.loads(reply.raw) == {
        "text": "A lamp",
        "note": "1",
        "note (2)": "2",
        "column 4": "3",
    }


# ------------------------------------------------------------- ids, addresses
def test_ids_depend_on_content_and_nothing_else(tmp_path: Path) -> None:
    one = replies_of(tmp_path / "1.csv", "text,name,note\nA lamp,Zoé,\n")
    other = replies_of(tmp_path / "2.csv", "name;text\nZoe\u0301 ;A lamp\n")
    lines = replies_of(tmp_path / "3.jsonl", '{"text": "A lamp", "name": "Zoé"}\n')
    assert one[0].external_id == other[0].external_id == lines[0].external_id
    assert one[0].external_id.startswith("row:")
    more = replies_of(tmp_path / "4.csv", "text,name\nA lamp,Zoë\nA lamp!,Zoé\nA lampZoé,\n")
    assert len({one[0].external_id, *(reply.external_id for reply in more)}) == 4


def test_people_without_an_address_stay_apart_and_the_same(tmp_path: Path) -> None:
    content = "text,name,id\nA lamp,Ada,1\nBread,Ada,2\nSalt,,3\n"
    first = [reply.address for reply in replies_of(tmp_path / "a.csv", content)]
    assert len(set(first)) == 3
    assert all(address.startswith("row:") for address in first)
    assert [reply.address for reply in replies_of(tmp_path / "b.csv", content)] == first


def test_only_web_addresses_become_links(tmp_path: Path) -> None:
    content = "text,url,source_url\nA lamp,javascript:alert(1),HTTPS://town.example/1\n"
    (reply,) = replies_of(tmp_path / "a.csv", content)
    assert (reply.author_url, reply.source_url) == ("", "HTTPS://town.example/1")


@pytest.mark.parametrize(
    ("written_as", "expected"),
    [
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31 18:30", datetime(2026, 1, 31, 18, 30, tzinfo=UTC)),
        ("2026-01-31T18:30:00Z", datetime(2026, 1, 31, 18, 30, tzinfo=UTC)),
        ("2026-01-31T18:30:00-02:00", datetime(2026, 1, 31, 20, 30, tzinfo=UTC)),
        ("Sat, 31 Jan 2026 18:30:00 +0100", datetime(2026, 1, 31, 17, 30, tzinfo=UTC)),
        ("31 Jan 2026 18:30:00 -0000", datetime(2026, 1, 31, 18, 30, tzinfo=UTC)),
        ("", None),
    ],
)
def test_dates_without_a_zone_are_utc(
    tmp_path: Path, written_as: str, expected: datetime | None
) -> None:
    content = csv_text([["A lamp", written_as]], ["text", "date"])
    (reply,) = replies_of(tmp_path / "a.csv", content)
    assert reply.written_at == expected


# ------------------------------------------------------------------------ mbox
MBOX = (
    b"From ada@sample.example Sat Jan 31 18:30:00 2026\n"
    b"From: Ada Sample <Ada@Sample.example>\nSubject: Re: A question\n"
    b"Message-ID: <one@sample.example>\nDate: Sat, 31 Jan 2026 18:30:00 +0000\n\n"
    b"Thought leadership is a lamp.\n>From here on it burns.\n\n"
    b"From bea@sample.example Sat Jan 31 18:31:00 2026\n"
    b"From: bea@sample.example\nMessage-ID: <two@sample.example>\n\n"
    b"Bread.\n"
)


def test_each_message_of_an_mbox_is_a_reply(tmp_path: Path) -> None:
    path = written(tmp_path / "a.mbox", MBOX)
    replies, skipped = read_all(path, limit=1)
    assert skipped == {}
    assert [reply.external_id for reply in replies] == [
        "<one@sample.example>",
        "<two@sample.example>",
    ]
    assert replies[0].address == "ada@sample.example"
    assert replies[0].author_name == "Ada Sample"
    assert replies[0].text == "Thought leadership is a lamp.\nFrom here on it burns."
    assert replies[0].written_at == datetime(2026, 1, 31, 18, 30, tzinfo=UTC)
    with pytest.raises(SettingError, match="An mbox has no columns"):
        open_source(path, mapping={"text": "body"})


def test_a_message_beyond_the_limit_is_skipped_and_the_next_is_read(tmp_path: Path) -> None:
    giant = b"From x\nFrom: x@sample.example\n\n" + b"words and words\n" * 700_000 + b"\n"
    replies, skipped = read_all(written(tmp_path / "a.mbox", giant + MBOX))
    assert len(replies) == 2
    assert skipped == {"line 1": "The message is larger than 10 MiB."}
