"""P20: backups put together by hand, their checksums and signatures made to fit, are refused."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger import archive, keys
from ledger.backup import BackupReport, backup
from ledger.database import Ledger, sqlite_module
from ledger.errors import DefinedbyError
from ledger.restore import drill
from tests.sample_ledger import make_ledger, write_everything


@dataclasses.dataclass
class Backup:
    ledger: Ledger
    report: BackupReport

    @property
    def file(self) -> Path:
        return self.report.file


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backup]:
    """One instance with content and a head, and its backup; no test changes them."""
    ledger = make_ledger(tmp_path_factory.mktemp("made") / "home")
    write_everything(ledger)
    yield Backup(ledger, backup(ledger))
    ledger.close()


Change = Callable[[dict[str, bytes], dict[str, Any]], None]


def rebuilt(good: Path, target: Path, change: Change, sign_with: keys.Keys | None = None) -> Path:
    """The backup put together anew after `change`, its seal made to fit again."""
    with zipfile.ZipFile(good) as old:
        members = {name: old.read(name) for name in old.namelist()}
    manifest = json.loads(members.pop(archive.MANIFEST))
    change(members, manifest)
    if sign_with:
        for name, content in members.items():
            manifest["files"][name] = {
                "sha256": hashlib.sha256(content).hexdigest(),
                "bytes": len(content),
            }
        manifest["public_key"] = sign_with.public_key
        fresh = archive.Manifest(**manifest)
        manifest["signature"] = sign_with.sign(fresh.signed_part())
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in members.items():
            new.writestr(name, content)
        new.writestr(archive.MANIFEST, json.dumps(manifest))
        new.comment = archive.MARK + b"0" * 64
    archive.seal(target)
    return target


def _drop_a_member(members: dict[str, bytes], _manifest: dict[str, Any]) -> None:
    del members["content/posts/courage/lämp.md"]


def _drop_a_member_and_its_mention(members: dict[str, bytes], manifest: dict[str, Any]) -> None:
    del members["keys.json"], manifest["files"]["keys.json"]


def _add_a_member(members: dict[str, bytes], _manifest: dict[str, Any]) -> None:
    members["content/extra.md"] = b"extra"


def _change_a_member(members: dict[str, bytes], _manifest: dict[str, Any]) -> None:
    members["content/posts/courage/lämp.md"] = b"# Courage?"


def _lengthen_a_member(members: dict[str, bytes], _manifest: dict[str, Any]) -> None:
    members["content/posts/courage/lämp.md"] += b" " * (3 << 20)


def _change_a_count(_members: dict[str, bytes], manifest: dict[str, Any]) -> None:
    manifest["counts"]["replies"] -= 1


def _other_keys(members: dict[str, bytes], _manifest: dict[str, Any]) -> None:
    other = keys.new_keys()
    members["keys.json"] = json.dumps({**vars(other), "fernet": list(other.fernet)}).encode()


@pytest.mark.parametrize(
    "change",
    [
        *(_drop_a_member, _drop_a_member_and_its_mention, _add_a_member),
        *(_change_a_member, _lengthen_a_member, _change_a_count, _other_keys),
    ],
)
def test_p20_a_backup_put_together_by_hand_is_noticed(
    made: Backup, tmp_path: Path, change: Change
) -> None:
    forged = rebuilt(made.file, tmp_path / "forged.zip", change)
    with pytest.raises(archive.DamagedBackupError):
        drill(forged)


def test_p20_rebuilding_without_a_change_passes(made: Backup, tmp_path: Path) -> None:
    """Or else the tests above would prove nothing."""
    drill(rebuilt(made.file, tmp_path / "same.zip", lambda _members, _manifest: None))
    same_keys = made.ledger.keys
    drill(rebuilt(made.file, tmp_path / "signed.zip", lambda _m, _n: None, sign_with=same_keys))


def _wrong_count(_members: dict[str, bytes], manifest: dict[str, Any]) -> None:
    manifest["counts"]["replies"] += 1


def _wrong_head(_members: dict[str, bytes], manifest: dict[str, Any]) -> None:
    manifest["head"]["seq"] += 1


def _tampered_database(members: dict[str, bytes], _manifest: dict[str, Any]) -> None:
    content = members[archive.DATABASE]
    assert content.count(b"withdrawn") >= 1
    members[archive.DATABASE] = content.replace(b"withdrawn", b"publishes")


def _orphans(members: dict[str, bytes], _manifest: dict[str, Any]) -> None:
    members[archive.DATABASE] = _with_sql(
        members[archive.DATABASE], "UPDATE replies SET handle_id = 4711 WHERE id = 1"
    )


def _no_database(members: dict[str, bytes], _manifest: dict[str, Any]) -> None:
    members[archive.DATABASE] = b"SQLite format 3\0" + bytes(5000)


def _with_sql(database: bytes, statement: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "db"
        path.write_bytes(database)
        connection = sqlite_module().connect(str(path))
        connection.execute(statement)
        connection.commit()
        connection.close()
        return path.read_bytes()


@pytest.mark.parametrize(
    "change", [_wrong_count, _wrong_head, _tampered_database, _orphans, _no_database]
)
def test_p20_even_with_a_good_signature_the_database_is_proven(
    made: Backup, tmp_path: Path, change: Change
) -> None:
    forged = rebuilt(made.file, tmp_path / "forged.zip", change, sign_with=made.ledger.keys)
    with pytest.raises(DefinedbyError):
        drill(forged)


def test_p20_keys_of_another_instance_do_not_open_the_chain(made: Backup, tmp_path: Path) -> None:
    other = keys.new_keys()

    def swap(members: dict[str, bytes], _manifest: dict[str, Any]) -> None:
        members["keys.json"] = json.dumps({**vars(other), "fernet": list(other.fernet)}).encode()
        for name in [name for name in members if name.startswith("heads/")]:
            del members[name], _manifest["files"][name]

    forged = rebuilt(made.file, tmp_path / "forged.zip", swap, sign_with=other)
    with pytest.raises(archive.DamagedBackupError, match="payload is unreadable"):
        drill(forged)


@pytest.mark.parametrize(
    "name",
    [
        *("../evil", "/tmp/evil", "content/../../evil", "content/../keys.json", "content//evil"),
        *("content\\..\\evil", "content", "heads/", "other/evil", "evil", "./content/evil"),
    ],
)
def test_p20_names_that_lead_elsewhere_are_refused(made: Backup, tmp_path: Path, name: str) -> None:
    def add(members: dict[str, bytes], _manifest: dict[str, Any]) -> None:
        members[name] = b"evil"

    forged = rebuilt(made.file, tmp_path / "forged.zip", add, sign_with=made.ledger.keys)
    with pytest.raises(archive.DamagedBackupError, match=r"name|not those"):
        drill(forged)
    assert not list(tmp_path.rglob("evil"))


def test_p20_a_backup_too_large_for_the_disk_is_refused(made: Backup, tmp_path: Path) -> None:
    def claim(_members: dict[str, bytes], manifest: dict[str, Any]) -> None:
        manifest["files"][archive.DATABASE]["bytes"] = 1 << 60

    forged = rebuilt(made.file, tmp_path / "forged.zip", claim)
    with pytest.raises(DefinedbyError, match="more than is free"):
        drill(forged)


def test_p20_a_backup_of_a_newer_version_is_refused(made: Backup, tmp_path: Path) -> None:
    def newer(_members: dict[str, bytes], manifest: dict[str, Any]) -> None:
        manifest["format"] = archive.FORMAT + 1

    forged = rebuilt(made.file, tmp_path / "forged.zip", newer)
    with pytest.raises(DefinedbyError, match="newer version"):
        drill(forged)
