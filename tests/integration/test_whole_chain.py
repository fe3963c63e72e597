"""The whole chain through the real command, a real mail server and real processes."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sqlite3
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.commands import Instance
from tests.live_visiting import Visitor
from tests.servers.mail import MailServer
from tests.serving import Served, children_of, first_line, new_instance, serving, wait_for

PASSWORD = "four made up words"
WORDS = "making other people's *ideas* <louder>,\nnot your own voice"


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return new_instance(
        tmp_path,
        poll_seconds="1",
        email_poll_seconds="1",
        asker="Robin Example",
        contact="robin@blog.example",
    )


def open_desk(served: Served) -> Visitor:
    editor = Visitor(served.base)
    editor.visit(served.welcome)
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
    with serving(instance) as served:
        base = served.base
        add_mailbox(instance, mail_server, user)
        editor = open_desk(served)
        mail_server.deliver(letter(mail_server, user, WORDS), to=mail_server.address(user))

        wait_for(lambda: see(editor, "desk", "not your own voice"))
        (shortlist,) = editor.page.xpath("//button[starts-with(@value, 'shortlist:')]")
        editor.submit("/desk/replies", press=("do", shortlist.get("value")))
        editor.visit("desk/definitions")
        editor.visit(editor.link("/desk/definitions/"))
        editor.submit("/ask", note="Your line stayed with me.")
        assert "Nothing has left yet." in editor.text
        editor.submit("/ask", press=("do", "send"))
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
def test_a_worker_killed_three_times_while_polling_loses_nothing(
    instance: Instance, mail_server: MailServer
) -> None:
    user = "killed"
    mails = 500
    mail_server.fill(
        user,
        (letter(mail_server, user, f"answer {n}", n).as_bytes() for n in range(mails)),
    )
    log = instance.home.parent / "serve.log"
    log.write_text("")
    process = instance.start("serve", log=log)
    try:
        wait_for(lambda: first_line(log, "Definedby is at"), process=process, log=log)
        add_mailbox(instance, mail_server, user)
        for kill in range(3):
            # Only a worker that has taken the lease polls; it is killed in the middle of that.
            wait_for(lambda seen=kill: "new" if fence(instance) > seen else "")  # type: ignore[misc]
            time.sleep(0.3 * kill)
            for worker in children_of(process.pid, "worker"):
                os.kill(worker, signal.SIGKILL)
        wait_for(lambda: "all" if len(stored(instance)) >= mails else "", seconds=120)
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
    found = stored(instance)
    assert sorted(found) == sorted(f"<letter-{number}@sample.example>" for number in range(mails))


def fence(instance: Instance) -> int:
    """How many workers have taken the lease so far."""
    with query(instance, "SELECT fence FROM leases WHERE name = 'worker'") as rows:
        return sum(row[0] for row in rows)


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
