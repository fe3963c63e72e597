"""What goes wrong in practice: one clear sentence, the next step, an honest code, nothing lost.

docs/how-to/when-something-goes-wrong.md lists the same cases.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from consent.decisions import grant
from consent.requests import ask
from ledger.accounts import ensure_account
from ledger.campaigns import add_campaign
from ledger.definitions import take_definition
from ledger.errors import Exit
from ledger.model import Channel, IncomingReply, ReplyState, Use
from ledger.replies import desk_replies, store_replies
from ledger.settings import load_settings
from tests.commands import Instance
from tests.molds import open_new
from tests.people import ADA, EVIDENCE
from tests.servers.mail import MailServer

WORDS = "knowing when to listen"


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    """One definition, granted and not published yet."""
    home = tmp_path / "home"
    ledger = open_new(load_settings({}, home=home))
    now = ledger.clock()
    with ledger.write() as connection:
        campaign = add_campaign(connection, now, prompt="Thought leadership is ___?")
        account = ensure_account(connection, ledger.keys, Channel.IMPORT, "a", campaign.id)
        reply = IncomingReply("1", "ada@sample.example", WORDS, "Ada Sample")
        store_replies(connection, account, [reply], now)
        (stored,) = desk_replies(connection, campaign.id, ReplyState.NEW)
        definition = take_definition(connection, ledger.keys, now, stored, "en")
    question = ask(ledger, definition.id, asked_by="robin@blog.example")
    uses = frozenset(Use)
    grant(ledger, question.request.id, text=WORDS, credit=ADA, uses=uses, evidence=EVIDENCE)
    ledger.close()
    return Instance(home)


def refused(done: subprocess.CompletedProcess[str], code: Exit) -> str:
    """The error, once it is what a person should get: a sentence, a next step, no traceback."""
    assert done.returncode == code, done.stdout + done.stderr
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert lines[0].startswith("Error: "), done.stderr
    assert lines[0].rstrip().endswith((".", "…", "?"))
    assert len(lines) >= 2, "there is a next step"
    assert "Traceback" not in done.stdout + done.stderr
    return " ".join(lines)


def count(instance: Instance, table: str) -> int:
    with contextlib.closing(sqlite3.connect(instance.home / "definedby.sqlite")) as connection:
        found: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        return found


def mailbox(mail_server: MailServer, password: str, imap_port: int) -> list[str]:
    return [
        *("account", "add", "email", "--name", "letters", "--address", "bad@sample.example"),
        *("--imap", f"127.0.0.1:{imap_port}", "--imap-security", "none"),
        *("--smtp", f"127.0.0.1:{mail_server.submission_port}", "--smtp-security", "none"),
        *("--password", password),
    ]


@pytest.mark.mail
def test_a_wrong_password_of_a_mailbox(instance: Instance, mail_server: MailServer) -> None:
    command = mailbox(mail_server, "not the password", mail_server.imap_port)
    said = refused(instance.run(*command, code=None), Exit.FAILED)
    assert "password" in said
    assert count(instance, "accounts") == 1


@pytest.mark.mail
def test_a_mail_server_that_is_gone(instance: Instance, mail_server: MailServer) -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as probe:
        nobody = probe.getsockname()[1]
    command = mailbox(mail_server, mail_server.password, nobody)
    refused(instance.run(*command, code=None), Exit.TEMPORARY)
    assert count(instance, "accounts") == 1


@pytest.mark.mail
def test_a_mailbox_that_fails_later_says_so_with_the_account(
    instance: Instance, mail_server: MailServer
) -> None:
    instance.run(*mailbox(mail_server, mail_server.password, mail_server.imap_port))
    with contextlib.closing(sqlite3.connect(instance.home / "definedby.sqlite")) as connection:
        connection.execute(
            "UPDATE accounts SET options = replace(options, ?, '1') WHERE name = 'letters'",
            [str(mail_server.imap_port)],
        )
        connection.commit()
    done = instance.run("poll", code=None)
    assert done.returncode == Exit.TEMPORARY
    assert "refused" in instance.run("account", "list").stdout


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("answers.csv", b"", "empty"),
        ("answers.csv", b"\x89PNG\r\n\x1a\n" + bytes(64), "PNG"),
        ("answers.csv", b"PK\x03\x04" + bytes(64), "ZIP"),
        ("answers.csv", b"who,when\nAda,today\n", "text"),
        ("answers.jsonl", b"%PDF-1.4\n" + bytes(64), "PDF"),
        ("answers.xyz", b"text\nhello\n", "format"),
    ],
    ids=["empty", "picture", "spreadsheet", "no column", "pdf", "unknown"],
)
def test_a_file_that_is_not_what_it_should_be(
    instance: Instance, tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    done = instance.run("import", str(file), code=None)
    assert done.returncode in (Exit.FAILED, Exit.USAGE)
    assert words in refused(done, Exit(done.returncode))
    assert count(instance, "replies") == 1


def test_a_file_that_is_not_there(instance: Instance, tmp_path: Path) -> None:
    done = instance.run("import", str(tmp_path / "missing.csv"), code=None)
    assert "missing.csv" in refused(done, Exit(done.returncode))


def test_a_csv_in_another_encoding_keeps_its_good_rows(instance: Instance, tmp_path: Path) -> None:
    file = tmp_path / "answers.csv"
    file.write_bytes(b"text,name\ngood words,Ada\nM\xfcnchen,Bo\nmore words,Cy\n")
    done = instance.run("import", str(file), code=Exit.PARTLY)
    assert "line 3" in done.stderr
    assert count(instance, "replies") == 3


def test_a_port_that_is_taken(instance: Instance) -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken:
        instance.environment["DEFINEDBY_PORT"] = str(taken.getsockname()[1])
        said = refused(instance.run("serve", code=None), Exit.FAILED)
    assert "is taken" in said
    assert "DEFINEDBY_PORT" in said


def test_a_database_from_a_newer_version(instance: Instance) -> None:
    file = instance.home / "definedby.sqlite"
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    for command in (["campaign", "list"], ["serve"], ["publish"]):
        assert "newer" in refused(instance.run(*command, code=None), Exit.FAILED)
    assert count(instance, "events") == 2


def test_a_database_that_is_not_one(instance: Instance) -> None:
    file = instance.home / "definedby.sqlite"
    for part in instance.home.glob("definedby.sqlite-*"):
        part.unlink()
    file.write_bytes(b"something else entirely, certainly no database " * 50)
    said = refused(instance.run("campaign", "list", code=None), Exit.FAILED)
    assert "restore" in said


def test_a_setting_that_does_not_exist(instance: Instance) -> None:
    instance.environment["DEFINEDBY_PROT"] = "8080"
    said = refused(instance.run("campaign", "list", code=None), Exit.USAGE)
    assert "DEFINEDBY_PORT" in said


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        reason = "only root can mount a tiny disk"
        if os.environ.get("CI"):
            pytest.fail(f"CI must run these tests, but {reason}", pytrace=False)
        pytest.skip(f"NOT TESTED HERE: {reason}")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_disk_that_is_full_while_publishing(instance: Instance, tiny_disk: Path) -> None:
    ballast = tiny_disk / "site" / "ballast"
    instance.environment["DEFINEDBY_SITE"] = str(tiny_disk / "site")
    ballast.parent.mkdir()
    (ballast.parent / ".definedby-site").touch()
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    said = refused(instance.run("publish", code=None), Exit.TEMPORARY)
    assert "full" in said
    assert count(instance, "events") >= 2
    ballast.unlink()
    instance.run("publish")
    pages = [path.read_text() for path in tiny_disk.rglob("index.html")]
    assert any(WORDS in page for page in pages)


def test_a_content_folder_that_may_not_be_written(instance: Instance, tmp_path: Path) -> None:
    # A file in the folder's place refuses everybody, root included.
    blocked = tmp_path / "blocked"
    blocked.write_text("in the way")
    instance.environment["DEFINEDBY_CONTENT"] = str(blocked)
    said = refused(instance.run("publish", code=None), Exit.FAILED)
    assert str(blocked) in said
    instance.environment["DEFINEDBY_CONTENT"] = str(tmp_path / "content")
    instance.run("publish")
    assert list((tmp_path / "content" / "posts").rglob("*.md"))


def test_a_post_that_was_edited_by_hand(instance: Instance) -> None:
    instance.run("publish")
    (file,) = (instance.home / "content" / "posts").rglob("*.md")
    granted = file.read_text()
    file.write_text(granted.replace("listen", "shout"))
    instance.run("publish")  # looks at what has changed in the ledger, not at every file
    pages = [path.read_text() for path in (instance.home / "site").rglob("*.html")]
    assert not any("shout" in page for page in pages)
    done = instance.run("publish", "--full", code=Exit.PARTLY)
    assert file.name in done.stdout + done.stderr
    assert "--recompose" in done.stdout + done.stderr
    assert "shout" in file.read_text(), "the edit is not lost"
    pages = [path.read_text() for path in (instance.home / "site").rglob("*.html")]
    assert not any("shout" in page or WORDS in page for page in pages)
    instance.run("publish", "--recompose")
    assert file.read_text() == granted
    pages = [path.read_text() for path in (instance.home / "site").rglob("*.html")]
    assert any(WORDS in page for page in pages)
