"""Signed heads in a real git repository, pushed to a real one; failures are shown and retried."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from ledger.chain import Break
from ledger.database import Ledger
from ledger.doctor import examine
from ledger.errors import DefinedbyError, SettingError, TemporaryError
from ledger.heads import export_head, read_heads, verify_chain
from ledger.heads_git import behind, keep_in_git
from ledger.model import Campaign
from ledger.tables import chain_head, event_payloads, events
from tests.conftest import SteppingClock
from tests.people import asked


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def kept(ledger: Ledger, tmp_path: Path) -> Ledger:
    """An instance whose heads are kept in an empty repository with a remote."""
    remote, repository = tmp_path / "remote.git", tmp_path / "heads"
    for folder, how in ((remote, ["--bare"]), (repository, [])):
        folder.mkdir()
        git(folder, "init", "-q", "-b", "main", *how)
    git(repository, "remote", "add", "elsewhere", str(remote))
    settings = ledger.settings.model_copy(update={"heads_git": repository})
    return replace(ledger, settings=settings)


def commits(folder: Path) -> int:
    return int(git(folder, "rev-list", "--count", "main"))


def health(ledger: Ledger) -> str:
    found = next(one for one in examine(ledger.settings, ledger.clock) if one.name == "heads")
    return f"{found.health}: {found.sentence}"


def test_a_head_is_committed_and_pushed_once(
    kept: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    remote = kept.settings.heads_git.parent / "remote.git"
    export_head(kept)
    assert behind(kept.settings) == "not every head is committed"
    assert "pushed to elsewhere" in keep_in_git(kept.settings)
    assert (commits(remote), behind(kept.settings)) == (1, "")
    clock.pass_time(hours=1)
    export_head(kept)  # of the same day, and nothing has happened
    keep_in_git(kept.settings)
    assert commits(remote) == 1
    asked(kept, campaign, "listening")
    export_head(kept)
    keep_in_git(kept.settings)
    clock.pass_time(days=1)
    export_head(kept)
    keep_in_git(kept.settings)
    assert commits(remote) == 3
    assert git(remote, "ls-tree", "--name-only", "main", "heads/").splitlines() == [
        "heads/2026-01-05.json",
        "heads/2026-01-06.json",
    ]
    assert "ok" in health(kept)


def test_p08_a_cut_off_tail_is_found_by_what_was_pushed(kept: Ledger, campaign: Campaign) -> None:
    asked(kept, campaign, "listening")
    export_head(kept)
    keep_in_git(kept.settings)
    with kept.write() as connection:
        connection.execute(delete(event_payloads))
        connection.execute(delete(events))
        connection.execute(update(chain_head).values(seq=0, hash="0" * 64))
    shutil.rmtree(kept.settings.home / "heads")
    copy = kept.settings.heads_git.parent / "copy"
    git(copy.parent, "clone", "-q", "remote.git", "copy")
    assert not isinstance(verify_chain(kept), Break)
    assert isinstance(verify_chain(kept, read_heads(copy / "heads", kept.keys)), Break)


def test_a_push_that_fails_is_shown_and_tried_again(kept: Ledger, campaign: Campaign) -> None:
    remote = kept.settings.heads_git.parent / "remote.git"
    away = remote.rename(remote.with_suffix(".away"))
    export_head(kept)
    for _ in range(2):
        with pytest.raises(TemporaryError, match="not pushed to elsewhere") as caught:
            keep_in_git(kept.settings)
        assert "every hour" in caught.value.next_step
    assert commits(kept.settings.heads_git) == 1
    assert "warn: In the git repository of the heads, the newest heads are not" in health(kept)
    away.rename(remote)
    keep_in_git(kept.settings)
    assert commits(remote) == 1
    assert behind(kept.settings) == ""


def test_without_a_remote_it_is_committed(kept: Ledger) -> None:
    git(kept.settings.heads_git, "remote", "remove", "elsewhere")
    export_head(kept)
    assert "no remote" in keep_in_git(kept.settings)
    assert commits(kept.settings.heads_git) == 1
    assert behind(kept.settings) == ""


def test_other_files_of_the_repository_are_left_alone(kept: Ledger) -> None:
    notes = kept.settings.heads_git / "notes.txt"
    notes.write_text("half written")
    git(kept.settings.heads_git, "add", "notes.txt")
    export_head(kept)
    keep_in_git(kept.settings)
    assert git(kept.settings.heads_git, "status", "--porcelain") == "A  notes.txt"


def test_nothing_happens_where_no_repository_is_set(ledger: Ledger) -> None:
    export_head(ledger)
    assert (keep_in_git(ledger.settings), behind(ledger.settings)) == ("", "")


@pytest.mark.parametrize("place", ["nowhere", "heads/within", "file"])
def test_what_is_no_repository_gets_a_sentence(kept: Ledger, place: str) -> None:
    folder = kept.settings.heads_git.parent / place
    if place == "heads/within":
        folder.mkdir()
    elif place == "file":
        folder.touch()
    settings = kept.settings.model_copy(update={"heads_git": folder})
    with pytest.raises(SettingError, match="no git repository"):
        keep_in_git(settings)
    with pytest.raises(DefinedbyError):
        behind(settings)
