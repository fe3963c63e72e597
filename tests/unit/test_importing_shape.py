"""Files that are not what they seem, and what the person is told to do."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from collector.channels.importing import open_source
from ledger.errors import DefinedbyError, SettingError


def refusal(path: Path, format_name: str = "") -> DefinedbyError:
    with pytest.raises(DefinedbyError) as error:
        open_source(path, format=format_name, mapping={})
    assert error.value.what.endswith(".")
    assert error.value.next_step.endswith((".", ")"))
    return error.value


@pytest.mark.parametrize(
    ("name", "content", "what", "next_step"),
    [
        ("a.csv", b"\x89PNG\r\n\x1a\n....", "a PNG picture", "file with the replies"),
        ("a.csv", b"\xff\xd8\xff\xe0", "a JPEG picture", "file with the replies"),
        ("a.csv", b"GIF89a..", "a GIF picture", "file with the replies"),
        ("a.csv", b"%PDF-1.7\n", "a PDF document", "save that as CSV"),
        ("a.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel", "save it as CSV"),
        ("a.jsonl", b"\x1f\x8b\x08\x00", "a gzip archive", "Unpack it"),
        ("a.csv", b"SQLite format 3\x00", "an SQLite database", "Export its table"),
        ("a.csv", b"{\\rtf1 text}", "a rich text document", "as CSV"),
        ("a.csv", "text\nlamp".encode("utf-16"), "a text in UTF-16", "UTF-8"),
        ("a.csv", b"  <!DOCTYPE html><html>", "a web page", "Download the file itself"),
        ("a.csv", b"<?xml version='1.0'?>", "XML", "as CSV"),
        ("a.csv", b'{"text": "A lamp"}\n', "JSON Lines", "--format jsonl"),
        ("a.csv", b"From a\nSubject: x\n\nHi\n", "an mbox", "--format mbox"),
        ("a.csv", b"text,name\rA lamp,Ada\r", "old Macintoshes", "Save it again as CSV"),
        ("a.json", b'[{"text": "A lamp"}]', "a JSON array", "one object per line"),
        ("a.jsonl", b"text,name\nA lamp,Ada\n", "other than JSON Lines", "one JSON object"),
        ("a.mbox", b"text,name\nA lamp,Ada\n", "other than an mbox", "as mbox"),
    ],
)
def test_a_file_that_is_something_else_is_named_and_a_way_out_shown(
    tmp_path: Path, name: str, content: bytes, what: str, next_step: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    error = refusal(path)
    assert error.what.startswith(f"'{name}' seems to be ")
    assert what in error.what
    assert next_step in error.next_step


@pytest.mark.parametrize(
    ("member", "content", "what"),
    [
        ("xl/workbook.xml", "<x/>", "an Excel workbook"),
        ("mimetype", "application/vnd.oasis.opendocument.spreadsheet", "an OpenDocument"),
        ("replies.csv", "text\nA lamp\n", "a ZIP archive"),
    ],
)
def test_packed_files_are_told_apart(tmp_path: Path, member: str, content: str, what: str) -> None:
    path = tmp_path / "a.csv"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr(member, content)
    assert what in refusal(path).what


def test_files_that_are_missing_empty_or_folders(tmp_path: Path) -> None:
    assert "There is no file" in refusal(tmp_path / "gone.csv").what
    assert "is a folder" in refusal(tmp_path, "csv").what
    for content in (b"", b"\n \n", b"\xef\xbb\xbf"):
        path = tmp_path / "a.csv"
        path.write_bytes(content)
        assert "is empty" in refusal(path).what


def test_a_file_without_the_right_to_read_it(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text\nA lamp\n")
    path.chmod(0)
    program = (
        "import os, pathlib\n"
        "from collector.channels.importing import open_source\n"
        "from ledger.errors import DefinedbyError\n"
        "os.geteuid() or os.setuid(65534)\n"  # root may read everything
        "try:\n"
        "    open_source(pathlib.Path('a.csv'), mapping={})\n"
        "except DefinedbyError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "can't be read: Permission denied. Give the user" in done.stdout, done.stderr


@pytest.mark.parametrize(("name", "format_name"), [("a.txt", ""), ("a", ""), ("a.csv", "xlsx")])
def test_a_format_nobody_knows(tmp_path: Path, name: str, format_name: str) -> None:
    path = tmp_path / name
    path.write_text("text\nA lamp\n")
    error = refusal(path, format_name)
    assert isinstance(error, SettingError)
    assert "--format csv" in error.next_step
    assert open_source(path, format="CSV", mapping={}).mapping == {"text": "text"}


def test_a_table_without_a_first_line_of_names(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("A lamp left on,Ada\nBread,Bea\n")
    error = refusal(path)
    assert error.what == (
        "No column is known to hold the answers; there are: 'A lamp left on', 'Ada'."
    )
    assert "put a line with the names of the columns above it" in error.next_step


def test_a_first_line_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b'"text" x,name\nA lamp,Ada\n')
    assert "quote marks don't match" in refusal(path).what
    path.write_bytes(b"text,pr\xe9nom\nA lamp,Ada\n")
    assert "is not UTF-8" in refusal(path).what


def test_memory_stays_flat_however_long_the_file_is(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("w") as file:
        file.write("text,name\n")
        file.writelines(f"Lamp {number} {'left on ' * 20},Ada\n" for number in range(60_000))
    assert path.stat().st_size > 10_000_000
    tracemalloc.start()
    try:
        source = open_source(path, mapping={})
        cursor = ""
        for _ in range(20):
            cursor = source.fetch(cursor, 100).next_cursor
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3_000_000
