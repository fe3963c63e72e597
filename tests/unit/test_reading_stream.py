"""`definedby read --jsonl`: lines in, lines out, whatever the lines are."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from collector.reading import stream
from tests.commands import Instance

PROMPT = "Thought leadership is ___?"
KEYS = ["id", "kind", "definition", "spans", "lang", "confidence", "reason"]


def read(*lines: bytes | dict[str, Any]) -> list[dict[str, Any]]:
    written = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    return list(stream.readings_of(io.BytesIO(b"\n".join(written))))


def test_a_reading_has_exactly_these_keys() -> None:
    text = "@sam_example Thought leadership is a verb. #grammar"
    (answer,) = read({"id": 7, "channel": "x", "prompt": PROMPT, "text": text, "html": ""})
    assert list(answer) == KEYS
    assert answer["id"] == 7
    assert answer["kind"] == "definition"
    assert answer["definition"] == "Thought leadership is a verb."
    assert [text[start:end] for start, end in answer["spans"]] == [answer["definition"]]
    assert answer["lang"] == "en"


def test_a_definition_is_null_unless_there_is_one() -> None:
    for text in ("Thanks!", "stop", "", "What do you mean by that?"):
        (answer,) = read({"id": "a", "prompt": PROMPT, "text": text})
        assert (answer["definition"], answer["spans"]) == (None, []), text


@pytest.mark.parametrize("text", [None, "", "absent"])
def test_spans_of_html_are_offsets_into_the_text_that_is_given_back(text: str | None) -> None:
    row: dict[str, Any] = {
        "id": 1,
        "channel": "mastodon",
        "prompt": PROMPT,
        "html": "<p>Well, <del>shouting</del> a lamp &amp; a book.<br>Left on.</p>",
    }
    if text != "absent":
        row["text"] = text
    (answer,) = read(row)
    assert list(answer) == [*KEYS, "text"]
    assert "shouting" not in answer["text"]
    assert answer["text"][slice(*answer["spans"][0])] == answer["definition"]


def test_quoted_mail_is_left_out_and_spans_refer_to_what_was_given() -> None:
    text = (
        "A lamp.\n\nBest,\nSam\n\nOn 3 Mar 2026 at 9:14, Ada <ada@ask.example> wrote:\n> Say it!\n"
    )
    (answer,) = read({"id": 1, "channel": "email", "prompt": PROMPT, "text": text})
    assert (answer["definition"], answer["spans"]) == ("A lamp.", [[0, 7]])


@pytest.mark.parametrize(
    "prompt",
    [
        *(None, "", "___", "Leadership", "Leadership is …", "Leadership is [blank]."),
        *("Lead is ____?", "…", "[ ]", "A___B___C", "リーダーとは＿＿", "\ud800 ___", "x" * 5000),
    ],
)
def test_any_prompt_will_do(prompt: str | None) -> None:
    for text in ("Leadership is a lamp.", "a lamp", "", "Leadership is …"):
        (answer,) = read({"id": 1, "prompt": prompt, "text": text})
        assert list(answer) == KEYS


def test_bad_lines_are_answered_and_the_rest_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "LONGEST_LINE", 200)
    good = {"id": "last", "prompt": PROMPT, "text": "a lamp"}
    answers = read(
        b"nonsense",
        b"[1]",
        b'"text"',
        b'{"id": 4, "text": 5}',
        b'{"id": 5, "prompt": []}',
        b"\xff\xfe",
        b'{"id": NaN}',
        b"[" * 150,
        b"",
        b'{"id": 10, "text": "' + b"x" * 300 + b'"}',
        good,
    )
    assert [answer.get("line") for answer in answers] == [1, 2, 3, 4, 5, 6, 7, 8, 10, None]
    assert [answer["id"] for answer in answers] == [None] * 3 + [4, 5] + [None] * 4 + ["last"]
    assert all(isinstance(answer["error"], str) for answer in answers[:-1])
    assert answers[-1]["kind"] == "definition"


def test_half_a_surrogate_pair_comes_out_as_json() -> None:
    (answer,) = read(b'{"id": "\\ud800", "text": "\\ud800 a lamp"}')
    assert json.loads(stream.written(answer))["id"] == "\ud800"


def test_the_command_needs_no_instance_and_says_when_lines_were_bad(tmp_path: Path) -> None:
    nowhere = Instance(tmp_path / "nothing" / "here")
    line = json.dumps({"id": 1, "prompt": PROMPT, "text": "a lamp"}) + "\n"
    assert json.loads(nowhere.run("read", "--jsonl", given=line).stdout)["kind"] == "definition"
    listed = tmp_path / "replies.jsonl"
    listed.write_text(line + "nonsense\n")
    assert len(nowhere.run("read", "--jsonl", str(listed), code=3).stdout.splitlines()) == 2
    assert "can't be read" in nowhere.run("read", "--jsonl", "missing", code=1).stderr
    assert "--jsonl" in nowhere.run("read", code=2).stderr
    assert not nowhere.home.exists()


def test_it_loads_neither_the_database_nor_the_web() -> None:
    code = (
        "import sys, collector.reading_cli, collector.reading.stream as s, io;"
        'list(s.readings_of(io.BytesIO(b\'{"text": "Das ist ein kleines Licht."}\')));'
        "print([m for m in ('sqlalchemy', 'flask', 'requests', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
