"""The whole chain through the real command, a real mail server and real processes."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.commands import Instance
from tests.servers.mail import MailServer
from tests.visiting import Visitor

PASSWORD = "four made up words"
WORDS = "making other people's *ideas* <louder>,\nnot your own voice"


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    return Instance(
        tmp_path / "home",
        {
            "DEFINEDBY_PORT": str(port),
            "DEFINEDBY_POLL_SECONDS": "1",
            "DEFINEDBY_ASKER": "Robin Example",
            "DEFINEDBY_CONTACT": "robin@blog.example",
        },
    )


@contextlib.contextmanager
def serving(instance: Instance) -> Iterator[tuple[str, str]]:
    """`definedby serve`, once it answers: its address and the line that it printed."""
    log = instance.home.parent / "serve.log"
    log.write_text("")
    process = instance.start("serve", log=log)
    try:
        line = wait_for(lambda: first_line(log, "Definedby is at"), process=process, log=log)
        yield f"http://127.0.0.1:{instance.environment['DEFINEDBY_PORT']}/", line
    finally:
        process.send_signal(signal.SIGINT)
        code = process.wait(timeout=60)
    assert code == 0, log.read_text()
    assert workers_of(process.pid) == []


def first_line(log: Path, start: str) -> str:
    return next((line for line in log.read_text().splitlines() if line.startswith(start)), "")


def wait_for(
    look: Callable[[], str],
    seconds: float = 60,
    process: subprocess.Popen[bytes] | None = None,
    log: Path | None = None,
) -> str:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = look()
        if found:
            return found
        if process is not None and process.poll() is not None:
            break
        time.sleep(0.1)
    raise AssertionError(f"it did not come to pass; {log.read_text() if log else ''}")


def workers_of(parent: int) -> list[int]:
    """The processes that `serve` started and that run the worker."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        with contextlib.suppress(OSError):
            status = (entry / "status").read_text()
            command = (entry / "cmdline").read_bytes().split(b"\0")
            if f"\nPPid:\t{parent}\n" in status and b"worker" in command:
                found.append(int(entry.name))
    return found


def open_desk(base: str, line: str) -> Visitor:
    editor = Visitor(base)
    editor.visit(re.findall(r"http\S+/welcome/\S+", line)[0])
    editor.submit("/welcome/", email="robin@blog.example", name="Robin", password=PASSWORD)
    assert "Inbox" in editor.text
    return editor


def add_mailbox(instance: Instance, mail_server: MailServer, user: str) -> None:
    instance.run(
        *("account", "add", "email", "--address", mail_server.address(user)),
        *("--imap", f"127.0.0.1:{mail_server.imap_port}", "--imap-security", "none"),
        *("--smtp", f"127.0.0.1:{mail_server.submission_port}", "--smtp-security", "none"),
        *("--user", mail_server.address(user), "--password", mail_server.password),
    )


def letter(mail_server: MailServer, user: str, words: str, number: int = 0) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = f"Ada Sample <{mail_server.address('ada-chain')}>"
    mail["To"] = mail_server.address(user)
    mail["Subject"] = "Thought leadership is"
    mail["Message-ID"] = f"<letter-{number}@sample.example>"
    mail.set_content(words)
    return mail


@pytest.mark.mail
@pytest.mark.timeout(600)
def test_a_mail_becomes_a_post_and_a_withdrawal_takes_it_down(
    instance: Instance, mail_server: MailServer
) -> None:
    user = "chain"
    with serving(instance) as (base, line):
        add_mailbox(instance, mail_server, user)
        editor = open_desk(base, line)
        mail_server.deliver(letter(mail_server, user, WORDS), to=mail_server.address(user))

        wait_for(lambda: see(editor, "desk", "not your own voice"))
        (shortlist,) = editor.page.xpath("//button[starts-with(@value, 'shortlist:')]")
        editor.submit("/desk/replies", press=("do", shortlist.get("value")))
        editor.visit("desk/definitions")
        editor.visit(editor.link("/desk/definitions/"))
        editor.submit("/ask", note="Your line stayed with me.")
        assert "waiting to leave" in editor.text or "has left" in editor.text

        mail_server.wait_for_mail("ada-chain", 1, seconds=60)
        (asked,) = mail_server.mailbox("ada-chain")
        (personal,) = re.findall(rb"http\S+/p/\S+", asked.raw)
        assert b"In-Reply-To: <letter-0@sample.example>" in asked.raw

        ada = Visitor(base)
        ada.visit(personal.decode())
        assert ada.answer.url.endswith("/me") or "/me/" in ada.answer.url
        if "/me/" not in ada.answer.url:
            ada.visit(ada.link("/me/"))
        own_page = ada.answer.url
        ada.submit(
            "/me/",
            press=("decision", "preview"),
            form="name",
            name="Ada Sample",
            role="gardener",
            url="https://ada.example/",
        )
        ada.submit("/me/", press=("decision", "grant"))

        reader = Visitor(base)
        wait_for(lambda: see(reader, "", "Ada Sample"))
        post = reader.link("/thought-leadership/making")
        reader.visit(post)
        (quote,) = reader.page.xpath("//blockquote")
        assert quote.text_content().strip() == WORDS
        assert "Ada Sample, gardener" in reader.text
        assert reader.page.xpath("//a[@href='https://ada.example/']")
        file = next((instance.home / "content" / "posts").rglob("*.md"))
        assert "Ada Sample" in file.read_text()

        ada.visit(own_page)
        ada.submit("/withdraw" if "/withdraw" in ada.answer.text else "/me/", press=take_back(ada))
        reader.visit(post, status=410)
        assert "Ada" not in reader.answer.text
        wait_for(lambda: "gone" if not file.exists() else "")
        wait_for(lambda: "gone" if not see(reader, "", "Ada Sample") else "")
        leftovers = [
            path
            for path in (instance.home / "site").rglob("*")
            if path.is_file() and b"Ada Sample" in path.read_bytes()
        ]
        assert leftovers == []
        for visitor in (editor, ada, reader):
            visitor.close()
    assert "The chain holds" in instance.run("ledger", "verify").stdout


def take_back(ada: Visitor) -> tuple[str, str] | None:
    """The button that withdraws, as the page offers it."""
    (button,) = ada.page.xpath("//button[contains(., 'ake it back')]")
    return (button.get("name"), button.get("value")) if button.get("name") else None


def see(visitor: Visitor, address: str, words: str) -> str:
    visitor.visit(address)
    return "seen" if words in visitor.text else ""


@pytest.mark.mail
@pytest.mark.timeout(900)
def test_a_worker_killed_ten_times_while_polling_loses_nothing(
    instance: Instance, mail_server: MailServer
) -> None:
    user = "killed"
    mails = 3000
    with mail_server.imap(user) as client:
        for number in range(mails):
            raw = letter(mail_server, user, f"answer {number}", number).as_bytes()
            assert client.append("INBOX", "", "", raw)[0] == "OK"
    log = instance.home.parent / "serve.log"
    log.write_text("")
    process = instance.start("serve", log=log)
    try:
        wait_for(lambda: first_line(log, "Definedby is at"), process=process, log=log)
        add_mailbox(instance, mail_server, user)
        for kill in range(10):
            # Only a worker that has taken the lease polls; it is killed in the middle of that.
            wait_for(lambda: "reading" if holds_lease(instance, process.pid) else "")
            time.sleep(0.2 + 0.15 * kill)
            for worker in workers_of(process.pid):
                os.kill(worker, signal.SIGKILL)
        wait_for(lambda: "all" if len(stored(instance)) >= mails else "", seconds=120)
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
    found = stored(instance)
    assert sorted(found) == sorted(f"<letter-{number}@sample.example>" for number in range(mails))


def holds_lease(instance: Instance, parent: int) -> bool:
    with query(instance, "SELECT holder FROM leases WHERE name = 'worker'") as rows:
        holders = [row[0] for row in rows]
    return any(f":{worker}:" in holder for holder in holders for worker in workers_of(parent))


def stored(instance: Instance) -> list[str]:
    with query(instance, "SELECT external_id FROM replies") as rows:
        return [row[0] for row in rows]


@contextlib.contextmanager
def query(instance: Instance, statement: str) -> Iterator[sqlite3.Cursor]:
    connection = sqlite3.connect(f"file:{instance.home / 'definedby.sqlite'}?mode=ro", uri=True)
    try:
        yield connection.execute(statement)
    finally:
        connection.close()
