"""Rows that can't be used: each says why and where, and the rest goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.import_samples import csv_text, read_all, written


def test_each_row_that_cannot_be_used_says_why_and_where(tmp_path: Path) -> None:
    content = b"".join(
        [
            b"text,name,date\n",
            b'"A lamp\nleft on",Ada,\n',  # lines 2 and 3
            b" ,Ada,\n",
            b"Bread,Ada,yesterday\n",
            b"Caf\xe9,Ada,\n",
            b"Salt\0,Ada,\n",
            b"x" * 20_001 + b",Ada,\n",
            b"Too,many,columns,here\n",
            b"Too few\n",
            b"\n",
            b"Oil," + b"n" * 301 + b",\n",
            b"Soap,Ada,2026-01-31\n",
        ]
    )
    replies, skipped = read_all(written(tmp_path / "a.csv", content))
    assert [reply.text for reply in replies] == ["A lamp\nleft on", "Soap"]
    assert skipped == {
        "line 4": "It has no text.",
        "line 5": "Its date 'yesterday' is not one we know; write it like 2026-01-31 or "
        "2026-01-31T18:30:00Z.",
        "line 6": "It is not UTF-8.",
        "line 7": "It holds a NUL character.",
        "line 8": "Its text has 20,001 characters; 20,000 are allowed.",
        "line 9": "It has 4 columns and the first line has 3; put quote marks around a text with "
        "the separator in it.",
        "line 10": "It has 1 columns and the first line has 3; put quote marks around a text with "
        "the separator in it.",
        "line 12": "Its name has 301 characters; 300 are allowed.",
    }


@pytest.mark.parametrize(
    "stray", ['"A lamp,Ada,', '"A lamp" left on,Ada,', 'A lamp,"Ada,', 'A lamp,"Ada" S,']
)
@pytest.mark.parametrize("after", [0, 1, 3, 20_000])
def test_a_stray_quote_mark_costs_one_row_only(tmp_path: Path, stray: str, after: int) -> None:
    others = [[f'Salt "{number}"', f"B{number}", ""] for number in range(after)]
    content = csv_text(others).splitlines(keepends=True)
    content.insert(1, stray + "\r\n")
    replies, skipped = read_all(written(tmp_path / "a.csv", "".join(content)))
    assert list(skipped) == ["line 2"]
    assert [reply.text for reply in replies] == [row[0] for row in others]


def test_the_rest_of_a_broken_row_is_not_taken_for_a_row(tmp_path: Path) -> None:
    content = 'text,name\n"A lamp\nleft "on" at night",Ada\nSalt,Bea\n'
    replies, skipped = read_all(written(tmp_path / "a.csv", content))
    assert [reply.text for reply in replies] == ["Salt"]
    assert list(skipped) == ["line 2", "line 3"]


def test_a_line_beyond_all_bounds_is_skipped_and_the_rest_goes_on(tmp_path: Path) -> None:
    giant = b"x" * 400_000
    rows = b"text,name\nSalt,Ada\n" + giant + b",Bea\nBread,Cy\n"
    replies, skipped = read_all(written(tmp_path / "a.csv", rows))
    assert ([reply.text for reply in replies], list(skipped)) == (["Salt", "Bread"], ["line 3"])
    lines = b'{"text": "Salt"}\n{"text": "' + giant + b'"}\n{"text": "Bread"}'
    replies, skipped = read_all(written(tmp_path / "a.jsonl", lines))
    assert ([reply.text for reply in replies], list(skipped)) == (["Salt", "Bread"], ["line 2"])


def test_json_lines_that_cannot_be_used_say_why(tmp_path: Path) -> None:
    content = rb"""{"text": "A lamp"}
{"text": "Bread"
[1, 2]
"words"

{"text": 5, "name": true}
{"text": ["A", "B"]}
{"text": null}
{"text": "\u0000"}
{"text": "\ud800"}
{"text": "\\u0000 is how a NUL is written"}
"""
    content += b'{"text": "Caf\xe9"}\n' + b"[" * 50_000 + b'\n{"text": "Salt"}'
    replies, skipped = read_all(written(tmp_path / "a.jsonl", content))
    assert [reply.text for reply in replies] == [
        "A lamp",
        "\\u0000 is how a NUL is written",
        "Salt",
    ]
    assert skipped == {
        "line 2": "It is not JSON.",
        "line 3": "It is not a JSON object.",
        "line 4": "It is not a JSON object.",
        "line 6": "Its 'name' is not a text.",
        "line 7": "Its 'text' is not a text.",
        "line 8": "It has no text.",
        "line 9": "It holds a NUL character.",
        "line 10": "It holds half a character.",
        "line 12": "It is not UTF-8.",
        "line 13": "It is not JSON.",
    }
