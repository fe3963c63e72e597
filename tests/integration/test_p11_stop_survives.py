"""P11, P15: a stop outlives what brings people back: imports, merges, restores, copied files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from collector.dispatch import dispatch
from collector.read import read_new
from consent.errors import NotNowError
from consent.requests import ask
from ledger.accounts import add_account, ensure_account
from ledger.backup import backup
from ledger.campaigns import add_campaign
from ledger.contributors import (
    find_handle,
    has_stopped_contact,
    is_stopped_address,
    stop_token,
)
from ledger.database import Ledger, open_ledger
from ledger.errors import DefinedbyError
from ledger.keys import read_keys
from ledger.model import Campaign, Channel, IncomingReply, ReplyState
from ledger.outbox import STOPPED, MessageState, add_draft, approve, claim
from ledger.paused import paused
from ledger.replies import desk_replies, store_replies
from ledger.restore import restore
from ledger.sent import messages_in
from ledger.settings import Settings, load_settings
from ledger.stop_list import FILE_NAME, read_stop_list, sync_stops
from ledger.tables import contributors, handles, stopped_addresses
from tests.commands import Instance
from tests.people import answer, asked, define

ADDRESS = "ada@sample.example"


def says_stop(ledger: Ledger, campaign: Campaign, address: str = ADDRESS) -> str:
    """Somebody answers by mail, and then says stop there; returns their id."""
    with ledger.write() as connection:
        account = ensure_account(connection, ledger.keys, Channel.EMAIL, "m", campaign.id)
        for number, text in enumerate(("hearing people out", "stop")):
            reply = IncomingReply(f"<{number}{address}>", address, text, contact=address)
            store_replies(connection, account, [reply], ledger.clock())
    read_new(ledger)
    with ledger.read() as connection:
        handle = find_handle(connection, Channel.EMAIL, address)
    assert handle is not None
    return handle.contributor_id


def message_to(ledger: Ledger, contributor_id: str, recipient: str) -> None:
    with ledger.write() as connection:
        account = connection.exec_driver_sql("SELECT min(id) FROM accounts").scalar_one()
        draft = add_draft(
            connection,
            ledger.keys,
            ledger.clock(),
            account_id=account,
            contributor_id=contributor_id,
            recipient=recipient,
            subject="Hello",
            body="Hello",
            domain="blog.example",
        )
        approve(connection, draft, "Olu")


def nothing_leaves(ledger: Ledger) -> bool:
    with ledger.write() as connection:
        left = claim(connection, ledger.keys, ledger.clock())
        refused = messages_in(connection, MessageState.FAILED)
    return left is None and all(message.error == STOPPED for message in refused)


@pytest.mark.parametrize(
    "address",
    [ADDRESS, "Ada@Sample.Example", " ada@sample.example", "ａｄａ@sample.example"],
)
def test_p11_an_import_of_their_address_does_not_reopen(
    ledger: Ledger, campaign: Campaign, address: str
) -> None:
    says_stop(ledger, campaign)
    imported = answer(ledger, campaign, "asking first", address=address)
    definition = define(ledger, imported)
    with pytest.raises(NotNowError, match="asked not to be written to"):
        ask(ledger, definition.id, asked_by="Olu")
    message_to(ledger, definition.contributor_id, address)
    assert nothing_leaves(ledger)


def test_p11_a_merge_does_not_reopen(ledger: Ledger, campaign: Campaign) -> None:
    """Whichever of the two goes on, and even if the one who stopped is no longer there."""
    stopped = says_stop(ledger, campaign)
    other = asked(ledger, campaign, "asking first", address="ada@work.example").request
    with ledger.write() as connection:
        connection.execute(
            update(handles)
            .where(handles.c.contributor_id == stopped)
            .values(contributor_id=other.contributor_id)
        )
        connection.execute(
            update(contributors).where(contributors.c.id == stopped).values(stopped_at=None)
        )
    for recipient in (ADDRESS, "ada@work.example"):
        message_to(ledger, other.contributor_id, recipient)
    with ledger.write() as connection:
        assert claim(connection, ledger.keys, ledger.clock()) is None
        refused = messages_in(connection, MessageState.FAILED)
    assert {message.error for message in refused} == {STOPPED}


def test_p11_only_keyed_hashes_are_kept(ledger: Ledger, campaign: Campaign) -> None:
    says_stop(ledger, campaign)
    sync_stops(ledger)
    text = (ledger.settings.home / FILE_NAME).read_text()
    assert "ada" not in text
    assert "sample.example" not in text
    with ledger.read() as connection:
        tokens = connection.execute(select(stopped_addresses.c.token)).scalars().all()
        assert tokens == [stop_token(ledger.keys, ADDRESS)]
        assert is_stopped_address(connection, ledger.keys, "ADA@sample.example")
        assert not is_stopped_address(connection, ledger.keys, "bo@sample.example", "")


def elsewhere(tmp_path: Path, name: str) -> Settings:
    return load_settings({}, home=tmp_path / name, content=tmp_path / f"{name}-content")


def restored(file: Path, settings: Settings, *stops: Path) -> tuple[Ledger, int]:
    report = restore(file, settings, stops)
    return open_ledger(settings), report.stopped


def still_stopped(ledger: Ledger, contributor_id: str) -> bool:
    with ledger.read() as connection:
        return has_stopped_contact(connection, contributor_id)


def test_p15_a_backup_from_before_the_stop_keeps_the_stop(
    ledger: Ledger, campaign: Campaign, tmp_path: Path
) -> None:
    """Known before the backup: their id is stopped. Met after it: their address is."""
    question = asked(ledger, campaign, "hearing people out", address="bo@sample.example")
    with ledger.write() as connection:
        add_account(
            connection, ledger.keys, channel=Channel.EMAIL, name="out", campaign_id=campaign.id,
            options={"address": "us@blog.example"},
        )  # fmt: skip
    message_to(ledger, question.request.contributor_id, "bo@sample.example")
    file = backup(ledger, tmp_path / "before.zip").file
    says_stop(ledger, campaign, "bo@sample.example")
    says_stop(ledger, campaign, ADDRESS)
    sync_stops(ledger)
    # The list of the old instance, found by its name or found beside the backup.
    for name, stops in (("named", [ledger.settings.home / FILE_NAME]), ("near", [])):
        if name == "near":
            shutil.copy(ledger.settings.home / FILE_NAME, tmp_path / FILE_NAME)
        again, learned = restored(file, elsewhere(tmp_path, name), *stops)
        assert learned == 1
        assert still_stopped(again, question.request.contributor_id)
        with again.read() as connection:
            assert paused(connection)
        assert dispatch(again).sent == 0
        with again.write() as connection:
            (refused,) = messages_in(connection, MessageState.FAILED)
            assert refused.recipient == "bo@sample.example"
            assert claim(connection, again.keys, again.clock()) is None
        # Somebody whom the backup never knew comes back by an import.
        known = answer(again, campaign, "asking first", address=ADDRESS)
        assert still_stopped(again, define(again, known).contributor_id)
        again.close()


def test_p15_without_any_list_the_restore_says_so(
    ledger: Ledger, campaign: Campaign, tmp_path: Path
) -> None:
    file = backup(ledger, tmp_path / "before.zip").file
    report = restore(file, elsewhere(tmp_path, "alone"))
    assert (report.stop_lists, report.stopped) == ((), 0)
    instance = Instance(tmp_path / "told", {"DEFINEDBY_CONTENT": str(tmp_path / "told-content")})
    done = instance.run("restore", str(file))
    assert done.returncode == 0, done.stderr
    assert "No stopped.json was found" in done.stdout
    says_stop(ledger, campaign)
    sync_stops(ledger)
    instance = Instance(tmp_path / "asked", {"DEFINEDBY_CONTENT": str(tmp_path / "asked-content")})
    stops = str(ledger.settings.home / FILE_NAME)
    done = instance.run("restore", str(file), "--stops", stops)
    assert "stays stopped" in done.stdout


def test_p15_another_instances_list_stops_the_restore_before_anything_is_changed(
    ledger: Ledger, campaign: Campaign, tmp_path: Path
) -> None:
    file = backup(ledger, tmp_path / "before.zip").file
    other = open_ledger(elsewhere(tmp_path, "other"), create=True)
    with other.write() as connection:
        theirs = add_campaign(connection, other.clock(), prompt="Courage is ___?")
    says_stop(other, theirs)
    sync_stops(other)
    target = elsewhere(tmp_path, "target")
    with pytest.raises(DefinedbyError, match="signature is not that of this instance"):
        restore(file, target, [other.settings.home / FILE_NAME])
    assert not (target.home / "definedby.sqlite").exists()
    assert not (target.home / "keys.json").exists()
    other.close()


def test_p15_a_database_that_was_put_back_by_hand_learns_from_the_file(
    ledger: Ledger, campaign: Campaign
) -> None:
    """An older copy of the database file, in the same folder: the worker's first look mends it."""
    stopped = says_stop(ledger, campaign)
    sync_stops(ledger)
    with ledger.write() as connection:
        connection.execute(update(contributors).values(stopped_at=None))
        connection.execute(delete(stopped_addresses))
    assert not still_stopped(ledger, stopped)
    assert sync_stops(ledger) == 1
    assert still_stopped(ledger, stopped)
    assert sync_stops(ledger) == 0


def test_p15_the_file_never_forgets(ledger: Ledger, campaign: Campaign) -> None:
    path = ledger.settings.home / FILE_NAME
    assert sync_stops(ledger) == 0
    assert not path.exists(), "nobody said stop"
    says_stop(ledger, campaign)
    sync_stops(ledger)
    before, stamp = read_stop_list(path, ledger.keys), path.stat().st_mtime_ns
    sync_stops(ledger)
    assert path.stat().st_mtime_ns == stamp, "what has not changed is not written again"
    says_stop(ledger, campaign, "bo@sample.example")
    sync_stops(ledger)
    after = read_stop_list(path, ledger.keys)
    assert before.people.keys() < after.people.keys()
    assert before.addresses.keys() < after.addresses.keys()
    assert read_keys(ledger.settings.home).public_key == ledger.keys.public_key


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"format": 1}', "cut", "added", "format"])
def test_p15_a_damaged_list_is_not_relied_upon(
    ledger: Ledger, campaign: Campaign, damage: str
) -> None:
    says_stop(ledger, campaign)
    sync_stops(ledger)
    path = ledger.settings.home / FILE_NAME
    text = path.read_text()
    if damage == "cut":
        damage = text[: len(text) // 2]
    elif damage in ("added", "format"):
        stored = json.loads(text)
        if damage == "added":
            stored["people"]["0" * 32] = "2026-01-05T12:00:00+00:00"
        else:
            stored["format"] = 3
        damage = json.dumps(stored)
    path.write_text(damage)
    with pytest.raises(DefinedbyError, match="can't be read") as error:
        sync_stops(ledger)
    assert "Put back an earlier copy" in error.value.next_step
    assert path.read_text() == damage, "it is left as it was"


def test_p11_everything_of_theirs_closes_in_one_transaction(
    ledger: Ledger, campaign: Campaign
) -> None:
    """The question is closed, what waits is dropped, and a reply of theirs opens nothing."""
    question = asked(ledger, campaign, "hearing people out", address=ADDRESS)
    message_to(ledger, question.request.contributor_id, ADDRESS)
    says_stop(ledger, campaign)
    with ledger.read() as connection:
        assert has_stopped_contact(connection, question.request.contributor_id)
        (refused,) = messages_in(connection, MessageState.FAILED)
        assert refused.error == STOPPED
    answer(ledger, campaign, "one more thought", address=ADDRESS)
    read_new(ledger)
    with ledger.read() as connection:
        assert has_stopped_contact(connection, question.request.contributor_id)
        assert len(desk_replies(connection, campaign.id, ReplyState.NEW)) == 3


def test_p11_the_address_on_the_envelope_counts_whoever_it_is_for(
    ledger: Ledger, campaign: Campaign
) -> None:
    """A message to somebody else, but to the address of one who stopped, in other letters."""
    says_stop(ledger, campaign)
    other = asked(ledger, campaign, "asking first", address="bo@sample.example").request
    message_to(ledger, other.contributor_id, "Ada@Sample.Example")
    with ledger.write() as connection:
        assert claim(connection, ledger.keys, ledger.clock()) is None
        (refused,) = messages_in(connection, MessageState.FAILED)
    assert refused.error == STOPPED
