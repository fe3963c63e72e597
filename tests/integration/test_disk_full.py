"""P19: a full disk is a clear error, breaks nothing, and the work goes on once there is room."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from ledger import tables
from ledger.backup import backup, copy_database
from ledger.chain import Head
from ledger.command_line import in_plain_words
from ledger.database import Ledger
from ledger.doctor import Health, examine
from ledger.errors import Exit, TemporaryError
from ledger.heads import export_head, verify_chain
from ledger.model import Account
from ledger.restore import drill
from tests.sample_ledger import add_reply, fill, mailbox, make_ledger, story

SIZE = 2 << 20
FULL = "The disk is full"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = None
    if os.geteuid() == 0:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)],
            capture_output=True,
            text=True,
        )
    if mounted is None or mounted.returncode:
        reason = "a small file system can't be mounted here (needs root)"
        if os.environ.get("CI"):
            pytest.fail(f"CI must run these tests, but {reason}", pytrace=False)
        pytest.skip(f"NOT TESTED HERE: {reason}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill_disk(disk: Path, *, leave: int = 0) -> Path:
    """Take all room but for `leave` bytes."""
    filler = disk / "filler"
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    # The error is ENOSPC, when nothing at all was free.
    with filler.open("wb") as file, contextlib.suppress(OSError):
        os.posix_fallocate(file.fileno(), 0, max(1, free - leave))
    return filler


def write_until_full(ledger: Ledger, account: Account) -> int:
    """How many replies were stored, before the first that was not."""
    for written in range(2000):
        try:
            add_reply(ledger, account, 100 + written)
        except TemporaryError as error:
            assert error.what.startswith(FULL)  # noqa: PT017 - the number is needed as well
            return written
    raise AssertionError("the disk never was full")


def tell_until_full(ledger: Ledger, account: Account) -> None:
    for number in range(5000, 5100):
        story(ledger, account, number)


def count(ledger: Ledger) -> int:
    with ledger.read() as connection:
        return connection.execute(select(func.count()).select_from(tables.replies)).scalar_one()


def check_whole(ledger: Ledger) -> None:
    with ledger.read() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").first() is None
    assert isinstance(verify_chain(ledger), Head)


@pytest.mark.parametrize("leave", [0, 4096, 40960])
@pytest.mark.parametrize("reopened", [False, True])
def test_p19_replies_and_events_wait_for_room(
    small_disk: Path, leave: int, *, reopened: bool
) -> None:
    ledger = make_ledger(small_disk / "home")
    fill(ledger, 2)
    account, stored = mailbox(ledger), count(ledger)
    if reopened:
        ledger.close()
        ledger = make_ledger(small_disk / "home", create=False)
    filler = fill_disk(small_disk, leave=leave)
    written = write_until_full(ledger, account)
    assert count(ledger) == stored + written, "all that was acknowledged, and nothing else"
    with pytest.raises(TemporaryError):
        tell_until_full(ledger, account)
    check_whole(ledger)

    filler.unlink()
    before = count(ledger)
    story(ledger, account, 9000)
    assert count(ledger) == before + 1
    check_whole(ledger)
    ledger.close()
    again = make_ledger(small_disk / "home", create=False)
    assert count(again) == before + 1
    check_whole(again)
    again.close()


def test_p19_a_new_instance_waits_for_room(small_disk: Path) -> None:
    home = small_disk / "home"
    filler = fill_disk(small_disk)
    for leave in (0, 4096, 16384, 65536, 262144):
        filler.unlink()
        filler = fill_disk(small_disk, leave=leave)
        with pytest.raises((TemporaryError, OSError)) as caught:
            make_ledger(home)
        shown = in_plain_words(caught.value)
        assert shown.what.startswith(FULL)
        assert shown.exit_code is Exit.TEMPORARY
    filler.unlink()
    ledger = make_ledger(home)
    fill(ledger, 1)
    check_whole(ledger)
    ledger.close()


def test_p19_a_backup_and_a_head_wait_for_room(small_disk: Path, tmp_path: Path) -> None:
    ledger = make_ledger(small_disk / "home")
    fill(ledger, 2)
    first = export_head(ledger).read_bytes()
    story(ledger, mailbox(ledger), 50)
    folder = small_disk / "home" / "backups"
    snapshot = tmp_path / "snapshot"
    copy_database(ledger, snapshot)
    # No room at all, none for the snapshot, and room for the snapshot but not for the zip.
    for leave in (0, 40960, snapshot.stat().st_size + 12288):
        filler = fill_disk(small_disk, leave=leave)
        with pytest.raises((TemporaryError, OSError)) as caught:
            backup(ledger)
        assert in_plain_words(caught.value).exit_code is Exit.TEMPORARY
        assert not folder.exists() or list(folder.iterdir()) == []
        filler.unlink()
    filler = fill_disk(small_disk)
    with pytest.raises(OSError, match="No space"):
        export_head(ledger)
    heads = small_disk / "home" / "heads"
    assert [path.read_bytes() for path in heads.iterdir()] == [first]
    filler.unlink()
    assert export_head(ledger).read_bytes() != first
    assert drill(backup(ledger).file).events > 0
    ledger.close()


def test_p19_the_doctor_warns_before_and_fails_when_full(small_disk: Path) -> None:
    ledger = make_ledger(small_disk / "home")
    ledger.close()
    fill_disk(small_disk)
    findings = {finding.name: finding for finding in examine(ledger.settings)}
    assert findings["disk"].health is Health.FAIL
    assert findings["disk"].sentence == "Only 0 MB are free."
    # A database in WAL mode needs a little room even to be read for the first time.
    assert findings["chain"].health is Health.OK or findings["chain"].sentence.startswith(FULL)
