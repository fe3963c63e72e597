"""P16 for mail and files: no reply lost, none twice, through all that can go wrong.

The real command reads a real mailbox and is killed in the midst of it. On the way its server
limits, fails, is silent, is cut off at any byte and answers in any order; it moves, too, so that
all mails come again under other numbers. Each of these is counted, and has to have happened.
"""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from collector.polling import poll_all
from ledger.campaigns import add_campaign
from ledger.database import Ledger, open_ledger
from ledger.settings import load_settings
from tests.commands import Instance, Process
from tests.molds import open_new
from tests.servers.imap_troubles import CUT, OUT_OF_ORDER, REFUSALS, SILENCE, TroubledImap
from tests.servers.mail import MailServer

#: How many answers come in, and how often the command is killed. P16_ANSWERS=10000 in the
#: environment makes it as many as are promised; that costs minutes.
MAILS = int(os.environ.get("P16_ANSWERS", "1400"))
ROWS = int(os.environ.get("P16_ANSWERS", "1200"))
KILLS = 7 if "P16_ANSWERS" in os.environ else 3
#: Seconds for a test and for its longest command, on a busy machine.
PATIENT = 300 if "P16_ANSWERS" not in os.environ else 1200
#: Seconds that we wait for the mail server's answers.
PATIENCE = 1
#: What has to happen, and what it says of it where it says anything.
TROUBLES = {
    **{trouble: words.decode().partition(" ")[2] for trouble, (_, words) in REFUSALS.items()},
    SILENCE: "timed out",
    CUT: "",
}
KILL, MOVE = "kill", "move"
MOST_POLLS = 60
pytestmark = pytest.mark.timeout(PATIENT)


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    home = tmp_path / "home"
    opened = open_new(load_settings({}, home=home))
    with opened.write() as connection:
        add_campaign(connection, opened.clock(), prompt="Thought leadership is ___?")
    opened.close()
    return Instance(home)


def selected(instance: Instance, what: str) -> list[Any]:
    connection = sqlite3.connect(f"file:{instance.home / 'definedby.sqlite'}?mode=ro", uri=True)
    try:
        return [row[0] for row in connection.execute(f"SELECT {what}")]
    finally:
        connection.close()


def stored_texts(instance: Instance) -> list[str]:
    return selected(instance, "text FROM replies")


def killed(process: Process, has_come: Callable[[], bool], seconds: float) -> bool:
    """Kill it so long after that has come; whether it was still at it then."""
    deadline = time.monotonic() + 60
    while not has_come() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    time.sleep(seconds)
    was_at_it = has_come() and process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    return was_at_it


class Mailbox:
    """The mailbox of one account; its provider stands behind a door that is trouble."""

    def __init__(self, server: MailServer, door: TroubledImap, instance: Instance) -> None:
        self.server, self.door, self.instance = server, door, instance
        self.user, self.sent = "p16", 0
        given = server.options(self.user)
        instance.run(
            *("account", "add", "email", "--address", server.address(self.user)),
            *("--imap", f"127.0.0.1:{server.imap_port}", "--imap-security", "none"),
            *("--smtp", f"127.0.0.1:{server.submission_port}", "--smtp-security", "none"),
            *("--user", str(given["user"]), "--password", server.password),
        )
        connection = sqlite3.connect(instance.home / "definedby.sqlite")
        (options,) = connection.execute("SELECT options FROM accounts").fetchone()
        behind = {**json.loads(options), "imap_port": door.port, "timeout": PATIENCE}
        connection.execute("UPDATE accounts SET options = ?", [json.dumps(behind)])
        connection.commit()
        connection.close()

    def arrive(self, count: int) -> None:
        numbers = range(self.sent, self.sent + count)
        self.server.fill(self.user, map(self._mail, numbers))
        self.sent += count

    def _mail(self, number: int) -> bytes:
        # One in fifty has no id of its own.
        message_id = f"Message-ID: <{number}@sample.example>\r\n" if number % 50 else ""
        return (
            f"{message_id}From: person{number}@sample.example\r\n"
            f"To: {self.server.address(self.user)}\r\nSubject: Re: question\r\n"
            f"Date: Mon, 05 Jan 2026 12:00:00 +0000\r\n\r\nanswer {number}\r\n"
        ).encode()

    def killed_while_reading(self, commands: int, seconds: float) -> bool:
        wanted = self.door.fetches + commands
        process = self.instance.start("poll")
        return killed(process, lambda: self.door.fetches >= wanted, seconds)

    def meet(self, ledger: Ledger, trouble: str) -> None:
        """Poll until the trouble has happened; the report says so."""
        self.door.ordered.append(trouble)
        errors = []
        while trouble in self.door.ordered and len(errors) < MOST_POLLS:
            (report,) = poll_all(ledger)
            assert not report.permanent, report.error
            errors.append(report.error)
        assert any(error and TROUBLES[trouble] in error for error in errors), errors


@pytest.fixture
def mailbox(instance: Instance, mail_server: MailServer) -> Iterator[Mailbox]:
    with TroubledImap(mail_server.imap_port, seed=16) as door:
        yield Mailbox(mail_server, door, instance)


@pytest.mark.mail
def test_p16_thousands_of_mails_through_all_that_can_go_wrong(
    mailbox: Mailbox, instance: Instance
) -> None:
    chance, met, each = random.Random(16), Counter[str](), MAILS // len(TROUBLES)
    ledger = open_ledger(load_settings({}, home=instance.home))
    for wave, trouble in enumerate(TROUBLES):
        # Half of a wave is there when the command is killed, all of it when trouble comes.
        half = each // 2
        mailbox.arrive(half)
        if wave < KILLS:
            # The last one around the moment when what was read is stored.
            commands = chance.randrange(half) if wave < KILLS - 1 else half
            met[KILL] += mailbox.killed_while_reading(commands, chance.uniform(0, 0.05))
        mailbox.arrive(each - half)
        mailbox.meet(ledger, trouble)
        mailbox.meet(ledger, CUT)
        if wave == len(TROUBLES) // 2:
            mailbox.server.move(mailbox.user)
            met[MOVE] += 1
        poll_all(ledger)
    for _ in range(MOST_POLLS):
        (report,) = poll_all(ledger)
        if not report.error and len(stored_texts(instance)) >= mailbox.sent:
            break
    ledger.close()
    met += mailbox.door.met
    assert all(met[kind] for kind in (*TROUBLES, KILL, MOVE, OUT_OF_ORDER)), met
    assert sorted(stored_texts(instance)) == sorted(f"answer {n}" for n in range(mailbox.sent))


def test_p16_an_import_that_is_killed_is_finished_by_running_it_again(
    instance: Instance, tmp_path: Path
) -> None:
    file, chance = tmp_path / "answers.csv", random.Random(17)
    bad = set(range(50, ROWS, 100))
    good = ROWS - len(bad)
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        writer.writerow(["Your answer", "name", "email", "date"])
        for number in range(ROWS):
            words = "" if number in bad else f"answer {number}"
            who = f"person{number}@sample.example"
            writer.writerow([words, f"Person {number}", who, "2026-01-05"])
    command = ("import", str(file), "--map", "text=Your answer", "--json")
    stored, read = "1 FROM replies", "1 FROM replies WHERE kind != ''"
    met = Counter[str]()
    for what in (*[stored] * (KILLS // 2), read):
        known, process = len(selected(instance, what)), instance.start(*command)
        killed(process, partial(_has_more, instance, what, known), chance.uniform(0, 0.02))
        met[what] += known < len(selected(instance, what)) < good
    assert met[stored], "killed while it stored"
    assert met[read], "killed while it read"
    assert _report(instance, command) == (0, good, sorted(bad))
    expected = sorted(f"answer {n}" for n in range(ROWS) if n not in bad)
    assert sorted(stored_texts(instance)) == expected
    assert "" not in selected(instance, "kind FROM replies")
    assert _report(instance, command) == (0, good, sorted(bad))
    assert sorted(stored_texts(instance)) == expected


def _has_more(instance: Instance, what: str, known: int) -> bool:
    return len(selected(instance, what)) > known


def _report(instance: Instance, command: tuple[str, ...]) -> tuple[int, int, list[int]]:
    """What was new, what was known, and the rows that were left out."""
    report = json.loads(instance.run(*command, code=3, seconds=PATIENT).stdout)
    places = [int(one["where"].removeprefix("line ")) - 2 for one in report["problems"]]
    assert len(places) == report["skipped"]
    return report["stored"], report["known"], places
