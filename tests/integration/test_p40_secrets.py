"""P40: channel tokens are encrypted, and the key can be changed, also by a process that dies."""

from __future__ import annotations

import base64
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from collector.account_asking import ASKING, account_of, asks_of
from ledger.accounts import add_account, find_account, renew_secret
from ledger.campaigns import add_campaign
from ledger.contributors import add_contributor, contributor_key
from ledger.database import Ledger, open_ledger
from ledger.errors import DefinedbyError
from ledger.keys import read_keys
from ledger.leases import WORKER
from ledger.model import Account, Channel
from ledger.rotation import rotate_keys, rotate_signing_key
from ledger.settings import Settings
from ledger.tables import leases
from tests.commands import ROOT, Instance
from tests.servers.fixtures import need

TOKEN = "token-that-nobody-shall-find-0123456789"


@pytest.fixture
def account(any_ledger: Ledger) -> Account:
    with any_ledger.write() as connection:
        campaign = add_campaign(connection, any_ledger.clock(), prompt="A talk is ___?")
        add_contributor(connection, any_ledger.keys, any_ledger.clock())
        return add_account(
            connection,
            any_ledger.keys,
            channel=Channel.EMAIL,
            name="letters",
            campaign_id=campaign.id,
            secret=TOKEN,
        )


def readable(settings: Settings) -> bool:
    """Whether a process that starts now can read the token and the personal keys."""
    again = open_ledger(settings)
    try:
        with again.read() as connection:
            found = find_account(connection, again.keys, Channel.EMAIL, "letters")
            (person,) = connection.exec_driver_sql("SELECT id FROM contributors").scalars()
            contributor_key(connection, again.keys, person)
        return found is not None and found.secret == TOKEN
    finally:
        again.close()


def test_p40_no_token_lies_in_the_files(ledger: Ledger) -> None:
    with ledger.write() as connection:
        campaign = add_campaign(connection, ledger.clock(), prompt="A talk is ___?")
        add_account(
            connection,
            ledger.keys,
            channel=Channel.EMAIL,
            name="letters",
            campaign_id=campaign.id,
            secret=TOKEN,
        )
    for path in ledger.settings.home.rglob("*"):
        assert not path.is_file() or TOKEN.encode() not in path.read_bytes(), path


def test_p40_strings_finds_no_token_of_any_channel(ledger: Ledger) -> None:
    """Whatever a channel asks for in secret, as given, renewed and after a rotation."""
    need("" if shutil.which("strings") else "there is no 'strings': install binutils")
    secrets: list[str] = []
    secretive = [channel for channel in ASKING if any(ask.secret for ask in asks_of(channel))]
    assert set(ASKING) - set(secretive) == {Channel.COMMENTS}
    with ledger.write() as connection:
        campaign = add_campaign(connection, ledger.clock(), prompt="A talk is ___?")
        for channel in secretive:
            answers = {
                "address": "ask@asker.example",
                "imap": "imap.asker.example:993",
                "smtp": "smtp.asker.example:465",
                "handle": "asker.example",
                "base_url": "https://asker.example",
                "consumer_key": "key-that-may-be-seen",
            }
            for ask in asks_of(channel):
                if ask.secret:
                    answers[ask.name] = f"{channel}-{ask.name}-quiet-herons-0123456789"
                    secrets.append(answers[ask.name])
            options, secret = account_of(channel, answers, ledger.settings)
            added = add_account(
                connection,
                ledger.keys,
                channel=channel,
                name=channel,
                campaign_id=campaign.id,
                options=options,
                secret=secret,
            )
            assert any(known in added.secret for known in secrets)
            secrets.append(f"renewed-{channel}-{TOKEN}")
            renew_secret(connection, ledger.keys, added.id, secrets[-1])
    for rotated in (False, True):
        if rotated:
            rotate_keys(ledger)
        files = [path for path in ledger.settings.home.rglob("*") if path.is_file()]
        assert any(path.name.endswith(".sqlite") for path in files)
        for path in files:
            printable = subprocess.run(
                ["strings", "-n", "4", str(path)], capture_output=True, text=True, check=True
            ).stdout
            for known in secrets:
                spelled = base64.b64encode(known.encode()).decode().rstrip("=")
                for form in (known, known.encode().hex(), spelled, known[:16]):
                    assert form not in printable, path


def test_p40_rotation_leaves_everything_readable_and_the_old_key_worthless(
    any_ledger: Ledger, account: Account
) -> None:
    old = any_ledger.keys
    assert rotate_keys(any_ledger) == 2
    new = read_keys(any_ledger.settings.home)
    assert len(new.fernet) == 1
    assert set(new.fernet).isdisjoint(old.fernet)
    assert readable(any_ledger.settings)


def test_p40_one_open_instance_can_be_rotated_again_and_again(
    any_ledger: Ledger, account: Account
) -> None:
    seen = {any_ledger.keys.fernet}
    for _ in range(3):
        assert rotate_keys(any_ledger) == 2
        seen.add(read_keys(any_ledger.settings.home).fernet)
        assert readable(any_ledger.settings)
    assert len(seen) == 4


def test_p40_keys_stay_as_they_are_while_a_worker_runs(ledger: Ledger, tmp_path: Path) -> None:
    """It knows the old keys only: what it stored under them later could never be read."""
    instance = Instance(ledger.settings.home)
    key_file = ledger.settings.home / "keys.json"
    before = key_file.read_bytes()
    worker = instance.start("worker", log=tmp_path / "worker.log")
    try:
        deadline = time.monotonic() + 60
        while not _is_held(ledger):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        refused = instance.run("rotate-keys", code=None)
        assert refused.returncode != 0
        assert "A worker of this instance is running" in refused.stderr
        assert "Stop it and the web server" in refused.stderr
        with pytest.raises(DefinedbyError, match="A worker of this instance is running"):
            rotate_signing_key(ledger)
        assert key_file.read_bytes() == before
    finally:
        worker.terminate()
        worker.wait(timeout=30)
    instance.run("rotate-keys")
    assert key_file.read_bytes() != before
    assert not _is_held(ledger)


def _is_held(ledger: Ledger) -> bool:
    with ledger.read() as connection:
        held = connection.execute(select(leases.c.holder).where(leases.c.name == WORKER)).scalar()
    return bool(held)


@pytest.mark.parametrize("step", range(1, 10))
def test_p40_a_rotation_that_is_killed_leaves_everything_readable(
    ledger: Ledger, step: int
) -> None:
    with ledger.write() as connection:
        campaign = add_campaign(connection, ledger.clock(), prompt="A talk is ___?")
        add_contributor(connection, ledger.keys, ledger.clock())
        add_account(
            connection,
            ledger.keys,
            channel=Channel.EMAIL,
            name="letters",
            campaign_id=campaign.id,
            secret=TOKEN,
        )
    script = f"""
import os, signal, sys
from pathlib import Path
from sqlalchemy import event
from ledger import keys, rotation
from ledger.database import open_ledger
from ledger.settings import load_settings

opened = open_ledger(load_settings({{}}, home=Path({str(ledger.settings.home)!r})))
steps = 0
def count(*_):
    global steps
    steps += 1
    if steps == {step}:
        os.kill(os.getpid(), signal.SIGKILL)
event.listen(opened.engine, "before_cursor_execute", count)
def replaced(home, changed, real=keys.replace_keys):
    count()
    real(home, changed)
    count()
rotation.replace_keys = replaced
rotation.rotate_keys(opened)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert readable(ledger.settings)


def test_p40_the_key_file_is_its_owners_alone(ledger: Ledger) -> None:
    rotate_keys(ledger)
    for path in Path(ledger.settings.home).glob("keys.json"):
        assert path.stat().st_mode & 0o777 == 0o600
