"""P16: no reply lost, none twice, through cut connections, refusals and SIGKILL."""

from __future__ import annotations

import csv
import json
import random
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from collector.polling import poll_all
from ledger.campaigns import add_campaign
from ledger.database import open_ledger
from ledger.settings import load_settings
from tests.commands import Instance
from tests.servers.flaky import FlakyProxy
from tests.servers.mail import MailServer

MAILS = 10_000
KILLS = 8


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    home = tmp_path / "home"
    opened = open_ledger(load_settings({}, home=home), create=True)
    with opened.write() as connection:
        add_campaign(connection, opened.clock(), prompt="Thought leadership is ___?")
    opened.close()
    return Instance(home)


def stored_ids(instance: Instance) -> list[str]:
    connection = sqlite3.connect(f"file:{instance.home / 'definedby.sqlite'}?mode=ro", uri=True)
    try:
        return [row[0] for row in connection.execute("SELECT external_id FROM replies")]
    finally:
        connection.close()


@pytest.mark.mail
def test_p16_ten_thousand_mails_through_a_bad_line_and_kills(
    instance: Instance, mail_server: MailServer
) -> None:
    user = "p16"
    sent = {f"<{number}@sample.example>" for number in range(MAILS)}
    mail_server.fill(
        user,
        (
            (
                f"Message-ID: {message_id}\r\nFrom: person{number}@sample.example\r\n"
                f"To: {mail_server.address(user)}\r\nSubject: Re: question\r\n"
                f"Date: Mon, 05 Jan 2026 12:00:00 +0000\r\n\r\nanswer {number}\r\n"
            ).encode()
            for number, message_id in enumerate(sorted(sent))
        ),
    )
    chance = random.Random(16)
    with FlakyProxy(mail_server.imap_port, seed=16) as proxy:
        options = mail_server.options(user)
        instance.run(
            *("account", "add", "email", "--address", mail_server.address(user)),
            *("--imap", f"127.0.0.1:{mail_server.imap_port}", "--imap-security", "none"),
            *("--smtp", f"127.0.0.1:{mail_server.submission_port}", "--smtp-security", "none"),
            *("--user", str(options["user"]), "--password", mail_server.password),
        )
        _point_account_at(instance, proxy.port)
        for _ in range(KILLS):
            process = instance.start("poll")
            time.sleep(chance.uniform(0.5, 4))
            process.send_signal(signal.SIGKILL)
            process.wait()
        # From here on nobody kills, so it need not be a process for each turn.
        ledger = open_ledger(load_settings({}, home=instance.home))
        for _ in range(200):
            (report,) = poll_all(ledger)
            assert not report.permanent, report.error
            if not report.error and len(stored_ids(instance)) == MAILS:
                break
        ledger.close()
        assert proxy.spoiled > 0
    found = stored_ids(instance)
    assert len(found) == len(set(found))
    assert set(found) == sent


def _point_account_at(instance: Instance, port: int) -> None:
    """The provider moves behind a bad line; the account keeps its cursor and its replies."""
    connection = sqlite3.connect(instance.home / "definedby.sqlite")
    try:
        (options,) = connection.execute("SELECT options FROM accounts").fetchone()
        changed = {**json.loads(options), "imap_port": port}
        connection.execute("UPDATE accounts SET options = ?", [json.dumps(changed)])
        connection.commit()
    finally:
        connection.close()


def test_p16_an_import_that_is_killed_is_finished_by_running_it_again(
    instance: Instance, tmp_path: Path
) -> None:
    file = tmp_path / "answers.csv"
    bad = set(range(50, 10_000, 100))
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        writer.writerow(["Your answer", "name", "email", "date"])
        for number in range(10_000):
            words = "" if number in bad else f"answer number {number}"
            who = f"person{number}@sample.example"
            writer.writerow([words, f"Person {number}", who, "2026-01-05"])
    command = ("import", str(file), "--map", "text=Your answer", "--json")
    chance = random.Random(17)
    for _ in range(KILLS):
        process = instance.start(*command)
        time.sleep(chance.uniform(0.3, 2.5))
        process.send_signal(signal.SIGKILL)
        process.wait()
    done = instance.run(*command, code=3)
    report = json.loads(done.stdout)
    assert report["stored"] + report["known"] == 9_900
    assert report["skipped"] == 100
    assert [p["where"] for p in report["problems"]] == [f"line {n + 2}" for n in sorted(bad)]
    found = stored_ids(instance)
    assert len(found) == len(set(found)) == 9_900
    again = json.loads(instance.run(*command, code=3).stdout)
    assert (again["stored"], again["known"], again["skipped"]) == (0, 9_900, 100)
