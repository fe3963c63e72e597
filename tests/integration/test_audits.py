"""An auditor's file: complete, provable offline, and any change to it is noticed."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update

from app import definedby
from consent.audit import CHAIN, HEAD, MANIFEST, OPENINGS, PAGE, export_audit
from consent.audit_check import verify_audit
from consent.decisions import withdraw
from consent.receipt_check import NotGenuineError
from ledger.chain import canonical
from ledger.database import Ledger
from ledger.erasures import erase_payloads
from ledger.errors import DefinedbyError
from ledger.heads import BrokenLedgerError
from ledger.keys import Keys, new_keys
from ledger.model import Campaign
from ledger.posts import find_post
from ledger.public_keys import key_set
from ledger.tables import events
from publisher.publish import publish
from tests.people import EVIDENCE, agree, asked
from tests.schemas import objections

PEOPLE = 3


@pytest.fixture
def ids(ledger: Ledger, campaign: Campaign) -> list[str]:
    """Three definitions that are on the blog, the second withdrawn."""
    made = []
    for number in range(PEOPLE):
        words = f"answer <b>{number}</b>"
        question = asked(ledger, campaign, words, address=f"p{number}@sample.example")
        agree(ledger, question, words)
        made.append(question.request.definition_id)
    publish(ledger)
    withdraw(ledger, made[1], EVIDENCE)
    return made


def read(file: Path) -> dict[str, bytes]:
    with ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(file: Path, parts: dict[str, bytes]) -> Path:
    with ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file


def test_everything_is_exported_and_verifies(
    ledger: Ledger, ids: list[str], tmp_path: Path
) -> None:
    report = export_audit(ledger, tmp_path / "all.zip")
    found = verify_audit(report.file, ledger.keys.public_keys)
    assert (found.records, found.known_key) == (PEOPLE, True)
    with ledger.read() as connection:
        count = len(connection.execute(select(events.c.seq)).all())
    assert (found.events, found.head.seq, report.head) == (count, count, count)
    parts = read(report.file)
    assert len(parts[CHAIN].splitlines()) == count
    for definition_id, status in zip(ids, ("given", "withdrawn", "given"), strict=True):
        record = json.loads(parts[f"records/{definition_id}.json"])
        assert (record["status"], objections(record)) == (status, [])
    page = parts[PAGE].decode()
    assert "answer &lt;b&gt;0&lt;/b&gt;" in page
    assert "<b>" not in page


def test_one_post_is_exported_without_the_words_of_others(
    ledger: Ledger, ids: list[str], tmp_path: Path
) -> None:
    with ledger.read() as connection:
        post = find_post(connection, ids[2])
    assert post is not None
    by_address = export_audit(ledger, tmp_path / "a.zip", ledger.settings.public_url + post.address)
    by_id = export_audit(ledger, tmp_path / "i.zip", ids[2])
    for report in (by_address, by_id):
        assert verify_audit(report.file, ledger.keys.public_keys).records == 1
        parts = read(report.file)
        assert parts.keys() == {CHAIN, OPENINGS, HEAD, MANIFEST, PAGE, f"records/{ids[2]}.json"}
        whole = b"".join(parts.values())
        assert b"answer <b>2" in whole
        assert b"answer <b>0" not in whole
        assert json.loads(parts[MANIFEST])["first_event"] == 5


def test_what_was_erased_is_shown_as_erased(ledger: Ledger, ids: list[str], tmp_path: Path) -> None:
    with ledger.write() as connection:
        from ledger.definitions import need_definition

        whose = need_definition(connection, ids[1]).contributor_id
        erase_payloads(connection, ledger.keys, ledger.clock(), whose)
    report = export_audit(ledger, tmp_path / "all.zip")
    assert verify_audit(report.file).records == PEOPLE
    parts = read(report.file)
    assert b"answer <b>1" not in b"".join(parts.values())
    assert b"erased" in parts[PAGE]


def test_an_empty_record_is_a_file_as_well(ledger: Ledger, tmp_path: Path) -> None:
    report = export_audit(ledger, tmp_path / "all.zip")
    assert verify_audit(report.file).head.seq == 0


# ------------------------------------------------------------------ tampering
def test_two_hundred_flipped_bytes_are_all_found(
    ledger: Ledger, ids: list[str], tmp_path: Path
) -> None:
    parts = read(export_audit(ledger, tmp_path / "all.zip").file)
    chance, missed = random.Random(808), []
    for _ in range(200):
        name = chance.choice(sorted(parts))
        changed = bytearray(parts[name])
        place = chance.randrange(len(changed))
        changed[place] ^= 1 << chance.randrange(8)
        file = write(tmp_path / "changed.zip", {**parts, name: bytes(changed)})
        try:
            verify_audit(file, ledger.keys.public_keys)
        except NotGenuineError:
            continue
        # White space of the manifest's own file says nothing.
        if json.loads(bytes(changed)) != json.loads(parts[name]):
            missed.append((name, place))
    assert missed == []


def resigned(parts: dict[str, bytes], keys: Keys, change: Callable[[dict[str, Any]], None]) -> None:
    """Make the manifest fit what was changed, as whoever has the keys could."""
    import hashlib

    manifest = json.loads(parts[MANIFEST])
    del manifest["signature"]
    names = parts.keys() - {MANIFEST}
    manifest["files"] = {name: hashlib.sha256(parts[name]).hexdigest() for name in names}
    change(manifest)
    signature = keys.sign(canonical(manifest))
    parts[MANIFEST] = json.dumps({**manifest, "signature": signature}).encode()


def cut(parts: dict[str, bytes]) -> None:
    parts[CHAIN] = b"".join(parts[CHAIN].splitlines(keepends=True)[:-1])


def swap(parts: dict[str, bytes]) -> None:
    lines = parts[CHAIN].splitlines(keepends=True)
    parts[CHAIN] = b"".join([lines[1], lines[0], *lines[2:]])


def reword(parts: dict[str, bytes]) -> None:
    parts[OPENINGS] = parts[OPENINGS].replace(b"answer <b>0", b"answer <b>9")


def close(parts: dict[str, bytes]) -> None:
    parts[OPENINGS] = b"".join(parts[OPENINGS].splitlines(keepends=True)[1:])


def empty(parts: dict[str, bytes]) -> None:
    parts[CHAIN] = b""


def add(parts: dict[str, bytes]) -> None:
    parts["more.txt"] = b"more"


def other_head(parts: dict[str, bytes]) -> None:
    head = json.loads(parts[HEAD])
    parts[HEAD] = json.dumps({**head, "seq": head["seq"] - 1}).encode()


@pytest.mark.parametrize("tamper", [cut, swap, reword, close, empty, add, other_head])
def test_a_change_that_the_manifest_covers_up_is_still_noticed(
    ledger: Ledger, ids: list[str], tmp_path: Path, tamper: Callable[[dict[str, bytes]], None]
) -> None:
    parts = read(export_audit(ledger, tmp_path / "all.zip").file)
    resigned(parts, ledger.keys, lambda manifest: None)
    verify_audit(write(tmp_path / "same.zip", parts), ledger.keys.public_keys)
    tamper(parts)
    resigned(parts, ledger.keys, lambda manifest: None)
    with pytest.raises(NotGenuineError):
        verify_audit(write(tmp_path / "changed.zip", parts), ledger.keys.public_keys)


def test_a_record_that_tells_other_events_is_noticed(
    ledger: Ledger, ids: list[str], tmp_path: Path
) -> None:
    parts = read(export_audit(ledger, tmp_path / "all.zip").file)
    name = f"records/{ids[0]}.json"
    for change in ("drop", "reword"):
        record = json.loads(parts[name])
        del record["signature"]
        if change == "drop":
            record["events"].pop()
        else:
            record["events"][1]["text"] = "something else"
        signature = ledger.keys.sign(canonical(record))
        changed = {**parts, name: json.dumps({**record, "signature": signature}).encode()}
        resigned(changed, ledger.keys, lambda manifest: None)
        with pytest.raises(NotGenuineError, match="tells"):
            verify_audit(write(tmp_path / "changed.zip", changed), ledger.keys.public_keys)


def test_a_file_of_another_signer_is_noticed(
    ledger: Ledger, ids: list[str], tmp_path: Path
) -> None:
    parts, forger = read(export_audit(ledger, tmp_path / "all.zip").file), new_keys()
    resigned(parts, forger, lambda manifest: manifest.update(public_key=forger.public_key))
    with pytest.raises(NotGenuineError, match="not among those given"):
        verify_audit(write(tmp_path / "changed.zip", parts), ledger.keys.public_keys)


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip at all" * 20])
def test_what_is_no_audit_gets_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(NotGenuineError, match="no zip file"):
        verify_audit(tmp_path / "a.zip")
    for parts in ({}, {MANIFEST: b"{}"}, {MANIFEST: b"[]"}, {MANIFEST: b"\xff"}):
        with pytest.raises(NotGenuineError):
            verify_audit(write(tmp_path / "a.zip", parts))


# ------------------------------------------------------------------ exporting
def test_a_broken_chain_is_not_exported(ledger: Ledger, ids: list[str], tmp_path: Path) -> None:
    with ledger.write() as connection:
        connection.execute(update(events).where(events.c.seq == 1).values(kind="refused"))
    with pytest.raises(BrokenLedgerError, match="broken at event 1"):
        export_audit(ledger, tmp_path / "post.zip", ids[2])
    assert list(tmp_path.glob("*.zip*")) == list(tmp_path.glob(".post*")) == []


def test_an_existing_file_and_an_unknown_post_are_refused(
    ledger: Ledger, ids: list[str], tmp_path: Path
) -> None:
    (tmp_path / "a.zip").write_text("mine")
    with pytest.raises(DefinedbyError, match="exists already"):
        export_audit(ledger, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_text() == "mine"
    with pytest.raises(DefinedbyError, match="No post"):
        export_audit(ledger, tmp_path / "b.zip", "/nowhere/")


def test_the_commands(
    ledger: Ledger, ids: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEFINEDBY_HOME", str(ledger.settings.home))
    call, file = CliRunner().invoke, str(tmp_path / "a.zip")
    told = call(definedby, ["ledger", "audit", "--all", "--to", file])
    assert (told.exit_code, "3 records" in told.output) == (0, True)
    assert call(definedby, ["ledger", "audit", "--to", file]).exception is not None
    told = call(definedby, ["ledger", "verify-audit", file, "--json"])
    assert json.loads(told.output)["known_key"] is True
    monkeypatch.setenv("DEFINEDBY_HOME", str(tmp_path / "nothing"))
    told = call(definedby, ["ledger", "verify-audit", file])
    assert "nothing here can tell" in told.output
    key = tmp_path / "key.json"
    key.write_text(json.dumps(key_set(ledger.keys)))
    told = call(definedby, ["ledger", "verify-audit", file, "--key", str(key)])
    assert (told.exit_code, "nothing here" in told.output) == (0, False)
