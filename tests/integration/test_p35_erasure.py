"""P35: whoever is erased is gone: from rows, files, logs and, in time, from backups."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import func, select, update

from collector.channels.importing import open_source
from collector.imports.file import import_file
from collector.poll import store_page
from consent.errors import NotNowError
from consent.rights.cli import rights
from consent.rights.erasing import erase, what_goes
from ledger import chain, log, tables
from ledger.accounts import account_by_id, ensure_account
from ledger.backup import FOLDER, backup
from ledger.campaigns import add_campaign
from ledger.contributors import add_contributor, find_or_add_handle
from ledger.database import Ledger, open_ledger
from ledger.editions import add_edition
from ledger.errors import DefinedbyError
from ledger.expired_backups import expire_backups
from ledger.forgetting import is_erased
from ledger.heads import export_head, read_heads, verify_chain
from ledger.model import Campaign, Channel, IncomingReply, Page
from ledger.outbox import claim
from ledger.posts import find_post
from ledger.replies import recently_skipped
from ledger.restore import restore
from ledger.scrub import scrub
from ledger.settings import load_settings
from ledger.stop_list import FILE_NAME, read_stop_list, sync_stops
from ledger.suppressed import REASON
from ledger.whose import WHOSE, Trace, trace
from publisher.editions import publish_edition
from publisher.publish import publish, publish_pending
from publisher.site.tree import has_before
from tests.commands import Instance
from tests.conftest import SteppingClock
from tests.people import agree, answer, asked
from tests.planting import ADDRESS, MARK, NAME, OF_EDITORS, OF_THE_SITE, WORDS, Planted, plant
from tests.visiting import Visitor, application, contributor, owner

BECAUSE = {"channel": "command", "quoted": "by telephone, on Monday"}
#: What may say that there was somebody: the chain, the contributor's random id, keyed hashes.
REMAINS = {
    *("contributors", "events", "event_payloads", "stopped_addresses", "posts", "jobs"),
    *OF_EDITORS,
}


@pytest.fixture
def planted(ledger: Ledger, campaign: Campaign) -> Planted:
    """Their own post stands, and they are in an edition with somebody else."""
    other = asked(ledger, campaign, "asking first", address="bo@work.example", name="Bo Sample")
    agree(ledger, other, "asking first")
    made = plant(ledger, campaign, OF_THE_SITE | OF_EDITORS)
    with ledger.read() as connection:
        ids = list(
            connection.execute(
                select(tables.definitions.c.id).where(tables.definitions.c.id != made.definition_id)
            ).scalars()
        )
    with ledger.write() as connection:
        edition = add_edition(
            connection,
            ledger.clock(),
            campaign_id=campaign.id,
            title="Two answers",
            definition_ids=tuple(ids),
        )
    publish_edition(ledger, edition.id)
    publish(ledger)
    return made


def marked(*folders: Path) -> list[str]:
    """Files whose name or bytes hold a planted word."""
    return sorted(
        str(path)
        for folder in folders
        for path in folder.rglob("*")
        if MARK.search(path.name.encode()) or (path.is_file() and MARK.search(path.read_bytes()))
    )


def folders(ledger: Ledger) -> tuple[Path, ...]:
    """Instance, content, site, and whatever lies beside them."""
    return (ledger.settings.home.parent,)


def traced(ledger: Ledger, contributor_id: str) -> Trace:
    """By what somebody can be found, kept from before they were erased."""
    with ledger.read() as connection:
        return trace(connection, ledger.keys, contributor_id)


def left_of(ledger: Ledger, of: Trace) -> dict[str, int]:
    with ledger.read() as connection:
        counts = {
            name: connection.execute(
                select(func.count()).select_from(tables.metadata.tables[name]).where(whose(of))
            ).scalar_one()
            for name, whose in WHOSE.items()
        }
    return {name: count for name, count in counts.items() if count and name not in REMAINS}


def settle(ledger: Ledger) -> None:
    """What the worker does by itself afterwards."""
    publish_pending(ledger)
    assert scrub(ledger)


def test_p35_no_word_of_theirs_is_in_any_file(ledger: Ledger, planted: Planted) -> None:
    head = export_head(ledger)
    with ledger.write() as connection:
        add_campaign(connection, ledger.clock(), prompt="Courage is ___?")
    publish(ledger)
    assert has_before(ledger.settings.site_folder), "an earlier tree is kept to go back to"
    aside = ledger.settings.home / "before-restore" / "content" / "posts"
    aside.mkdir(parents=True)
    with ledger.read() as connection:
        (own,) = connection.execute(
            select(tables.definitions.c.id)
            .where(tables.definitions.c.contributor_id == planted.contributor_id)
            .where(tables.definitions.c.id != planted.definition_id)
        ).scalars()
    (aside / f"qzx000j-{own[:8]}.md").write_text("qzx000j")
    assert len(marked(*folders(ledger))) > 5, "the words are there to be found"

    of = traced(ledger, planted.contributor_id)
    written = io.StringIO()
    log.configure(load_settings({}, log_level="debug"), written)
    erase(ledger, planted.contributor_id, BECAUSE)
    assert left_of(ledger, of).keys() <= OF_THE_SITE
    settle(ledger)
    assert left_of(ledger, of) == {}
    # The log of the database is a file of its own; both are looked through while it is open.
    assert marked(*folders(ledger)) == []
    assert not MARK.search(written.getvalue().encode())

    assert isinstance(verify_chain(ledger, read_heads(head.parent, ledger.keys)), chain.Head)
    with ledger.read() as connection:
        for one in (planted.contributor_id, planted.twin):
            assert is_erased(connection, one)
    page = (ledger.settings.site_folder / "index.html").read_text()
    assert "asking first" in page
    (edition,) = ledger.settings.site_folder.glob("*/editions/*/index.html")
    assert "asking first" in edition.read_text()


def test_p35_without_scrubbing_the_file_would_still_hold_them(
    ledger: Ledger, planted: Planted
) -> None:
    """So that the test above is known to look where the words are."""
    erase(ledger, planted.contributor_id, BECAUSE)
    publish_pending(ledger)
    assert marked(ledger.settings.home) != []


def test_p35_on_each_database(any_ledger: Ledger) -> None:
    ledger = any_ledger
    with ledger.write() as connection:
        campaign = add_campaign(connection, ledger.clock(), prompt="Courage is ___?")
    question = asked(ledger, campaign, "hearing people out")
    agree(ledger, question, "hearing people out")
    publish(ledger)
    whom = question.request.contributor_id
    of = traced(ledger, whom)
    assert left_of(ledger, of).keys() >= {"replies", "definitions", "site_entries", "outputs"}
    erase(ledger, whom, BECAUSE)
    assert not scrub(ledger), "the publisher has to clear the site first"
    settle(ledger)
    assert left_of(ledger, of) == {}
    assert isinstance(verify_chain(ledger), chain.Head)
    assert not scrub(ledger), "nothing is left to do"
    with pytest.raises(NotNowError, match="erased already"):
        erase(ledger, whom, BECAUSE)
    publish(ledger, full=True)
    assert "hearing" not in (ledger.settings.site_folder / "index.html").read_text()


def test_p35_the_note_that_stays_names_nobody(ledger: Ledger, campaign: Campaign) -> None:
    whom = asked(ledger, campaign, "hearing people out").request.contributor_id
    for note in ("Ada Sample asked", "mail from ADA@sample.example", "sample said so"):
        with pytest.raises(NotNowError, match="The note names them"):
            erase(ledger, whom, {"channel": "editor", "quoted": note})
    erase(ledger, whom, {"channel": "editor", "by": "Robin", "quoted": "a letter of 2 March"})
    with ledger.read() as connection:
        sealed = connection.execute(
            select(tables.event_payloads.c.sealed).where(
                tables.event_payloads.c.sealed.is_not(None)
            )
        ).scalar_one()
    assert b"a letter of 2 March" in sealed


def test_p35_a_damaged_record_keeps_nobody(ledger: Ledger, campaign: Campaign) -> None:
    question = asked(ledger, campaign, "hearing people out")
    agree(ledger, question, "hearing people out")
    with ledger.write() as connection:
        connection.execute(
            update(tables.events).where(tables.events.c.seq == 2).values(commitment="0" * 64)
        )
    of = traced(ledger, question.request.contributor_id)
    erase(ledger, question.request.contributor_id, BECAUSE)
    assert left_of(ledger, of) == {}


# ------------------------------------------------------------- not contacted, not collected
@pytest.fixture
def gone(ledger: Ledger, campaign: Campaign) -> str:
    """The contributor id of somebody who was erased."""
    whom = asked(ledger, campaign, "hearing people out", address=ADDRESS).request.contributor_id
    erase(ledger, whom, BECAUSE)
    return whom


def replies_there(ledger: Ledger) -> int:
    with ledger.read() as connection:
        return connection.execute(select(func.count()).select_from(tables.replies)).scalar_one()


@pytest.mark.parametrize("address", [ADDRESS, ADDRESS.upper(), f" {ADDRESS}"])
@pytest.mark.usefixtures("gone")
def test_p35_what_they_write_is_not_collected_and_why_is_said_without_them(
    ledger: Ledger, campaign: Campaign, address: str
) -> None:
    with ledger.write() as connection:
        account = ensure_account(connection, ledger.keys, Channel.EMAIL, "m", campaign.id)
    theirs = IncomingReply("<9@sample.example>", address, "qzx009j again", contact=address)
    others = IncomingReply("<8@work.example>", "bo@work.example", "asking first")
    for _ in range(2):
        with ledger.read() as connection:
            account = account_by_id(connection, ledger.keys, account.id)
        store_page(ledger, account, Page((theirs, others), "7:1", edited=(theirs,)))
    assert replies_there(ledger) == 1
    with ledger.read() as connection:
        (skipped,) = recently_skipped(connection, account.id)
    assert skipped.reason == REASON
    assert "sample" not in skipped.external_id


@pytest.mark.usefixtures("gone")
def test_p35_an_import_passes_them_over_and_says_so(
    ledger: Ledger, campaign: Campaign, tmp_path: Path
) -> None:
    file = tmp_path / "cards.csv"
    file.write_text(f"text,address\nqzx009j again,{ADDRESS}\nasking first,bo@work.example\n")
    report = import_file(ledger, campaign, open_source(file, mapping={}), file.name)
    assert (report.stored, report.known) == (1, 0)
    assert [item.reason for item in report.skipped] == [REASON]
    assert replies_there(ledger) == 1


@pytest.mark.usefixtures("gone")
def test_p35_nobody_can_paste_them_in_or_write_to_them(ledger: Ledger, campaign: Campaign) -> None:
    editor = owner(application(ledger), ledger)
    editor.go("/desk/paste")
    editor.press("/desk/paste", text="again", source="a letter", handle=ADDRESS)
    assert editor.status == 400
    assert REASON in editor.page
    assert replies_there(ledger) == 0
    # Even if a row of theirs comes into being by some other way, nothing leaves.
    question_address = answer(ledger, campaign, "asking first", address="x@work.example")
    assert question_address.handle.address == "x@work.example"
    with ledger.write() as connection:
        _, handle = find_or_add_handle(
            connection, ledger.keys, ledger.clock(), channel=Channel.EMAIL, address=ADDRESS
        )
        stopped = connection.execute(
            select(tables.contributors.c.stopped_at).where(
                tables.contributors.c.id == handle.contributor_id
            )
        ).scalar_one()
        assert stopped is not None
        assert claim(connection, ledger.keys, ledger.clock()) is None


@pytest.mark.usefixtures("gone")
def test_p35_what_was_being_taken_in_meanwhile_goes_as_well(ledger: Ledger) -> None:
    with ledger.write() as connection:
        _, handle = find_or_add_handle(
            connection, ledger.keys, ledger.clock(), channel=Channel.EMAIL, address=ADDRESS
        )
    of = traced(ledger, handle.contributor_id)
    publish_pending(ledger)
    assert not scrub(ledger)
    assert left_of(ledger, of) == {}
    settle_now = scrub(ledger)
    assert settle_now
    assert marked(ledger.settings.home) == []


# ------------------------------------------------------------------------------- backups
def elsewhere(tmp_path: Path, name: str) -> Ledger:
    return open_ledger(
        load_settings({}, home=tmp_path / name, content=tmp_path / f"{name}-content")
    )


def test_p35_a_restored_backup_forgets_them_again(
    ledger: Ledger, planted: Planted, tmp_path: Path
) -> None:
    file = backup(ledger, tmp_path / "before.zip").file
    of = traced(ledger, planted.contributor_id)
    erase(ledger, planted.contributor_id, BECAUSE)
    shutil.copy(ledger.settings.home / FILE_NAME, tmp_path / FILE_NAME)
    settings = load_settings({}, home=tmp_path / "again", content=tmp_path / "again-content")
    report = restore(file, settings)
    assert report.erased == 1, "the two rows of one person"
    assert marked(settings.content) == []
    again = open_ledger(settings)
    assert left_of(again, of).keys() <= OF_THE_SITE
    publish_pending(again)
    assert scrub(again)
    assert left_of(again, of) == {}
    assert isinstance(verify_chain(again), chain.Head)
    again.close()
    assert marked(settings.home, settings.content) == []


def test_p35_a_database_put_back_by_hand_forgets_them_again(
    ledger: Ledger, campaign: Campaign
) -> None:
    """Somebody copies the old file over the new one; the list beside it is the newer one."""
    whom = asked(ledger, campaign, "hearing people out").request.contributor_id
    of = traced(ledger, whom)
    sync_stops(ledger)
    old = ledger.settings.home / "old.sqlite"
    with ledger.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(ledger.settings.home / "definedby.sqlite", old)
    erase(ledger, whom, BECAUSE)
    ledger.close()
    for suffix in ("-wal", "-shm"):
        (ledger.settings.home / f"definedby.sqlite{suffix}").unlink(missing_ok=True)
    old.replace(ledger.settings.home / "definedby.sqlite")
    again = open_ledger(ledger.settings, ledger.clock)
    assert left_of(again, of) != {}
    sync_stops(again)
    assert left_of(again, of) == {}
    again.close()


def test_p35_a_list_of_the_first_format_is_still_read(ledger: Ledger, campaign: Campaign) -> None:
    import json

    asked(ledger, campaign, "hearing people out")
    path = ledger.settings.home / FILE_NAME
    stated = {"format": 1, "people": {}, "addresses": {"t": "2026-01-05T12:00:00+00:00"}}
    signed = {**stated, "signature": ledger.keys.sign(chain.canonical(stated))}
    path.write_text(json.dumps(signed))
    assert read_stop_list(path, ledger.keys).addresses.keys() == {"t"}
    signed["erased"] = {"x": "2026-01-05T12:00:00+00:00"}
    path.write_text(json.dumps(signed))
    with pytest.raises(DefinedbyError, match="signature is not that"):
        read_stop_list(path, ledger.keys)


def test_p35_backups_that_know_them_go_by_their_stated_age(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    whom = asked(ledger, campaign, "hearing people out").request.contributor_id
    before = backup(ledger).file
    clock.pass_time(days=200)
    assert expire_backups(ledger) == [], "nobody was erased: old backups are left alone"
    still = backup(ledger).file
    clock.pass_time(days=1)
    erase(ledger, whom, BECAUSE)
    clock.pass_time(days=1)
    after = backup(ledger).file
    assert expire_backups(ledger) == [before]
    clock.pass_time(days=ledger.settings.backup_days)
    assert expire_backups(ledger) == [still]
    clock.pass_time(days=300)
    assert expire_backups(ledger) == [], "it was made after the erasure"
    assert list((ledger.settings.home / FOLDER).glob("*.zip")) == [after]


# ------------------------------------------------------------------- how it is asked for
@pytest.fixture
def app(ledger: Ledger) -> Flask:
    return application(ledger)


def test_p35_by_one_press_on_their_own_page(app: Flask, ledger: Ledger, campaign: Campaign) -> None:
    question = asked(ledger, campaign, "hearing people out")
    agree(ledger, question, "hearing people out")
    publish(ledger)
    with ledger.read() as connection:
        post = find_post(connection, question.request.definition_id)
    assert post is not None
    author = contributor(app, ledger, question.request.contributor_id)
    assert 'href="/me/erase"' in author.page
    author.go("/me/erase")
    assert post.address in author.page
    assert f"until they are {ledger.settings.backup_days} days old" in author.page
    author.press("/me/erase")
    assert author.at == "/erased"
    author.go("/me")
    assert author.status == 404
    reader = Visitor(app)
    reader.go(post.address)
    assert reader.status == 410
    assert what_goes(ledger, question.request.contributor_id).answers == 0


def test_p35_nobody_erases_by_looking_or_for_somebody_else(
    app: Flask, ledger: Ledger, campaign: Campaign
) -> None:
    question = asked(ledger, campaign, "hearing people out")
    visitor = Visitor(app)
    visitor.go("/me/erase")
    assert visitor.status == 404
    contributor(app, ledger, question.request.contributor_id).go("/me/erase")
    with ledger.write() as connection:
        nobody = add_contributor(connection, ledger.keys, ledger.clock())
        assert not is_erased(connection, question.request.contributor_id)
    contributor(app, ledger, nobody).press("/me/erase")
    assert what_goes(ledger, question.request.contributor_id).answers == 1


def test_p35_by_command_and_the_worker_does_the_rest(ledger: Ledger, campaign: Campaign) -> None:
    """Real processes from end to end: their files, and whatever they log."""
    question = asked(ledger, campaign, WORDS, address=ADDRESS, name=NAME)
    agree(ledger, question, WORDS)
    publish(ledger)
    of = traced(ledger, question.request.contributor_id)
    settings = ledger.settings
    where = {"CONTENT": settings.content, "SITE": settings.site_folder, "LOG_LEVEL": "debug"}
    instance = Instance(
        settings.home, {f"DEFINEDBY_{name}": str(value) for name, value in where.items()}
    )
    command = ["erase", ADDRESS.upper(), "--because", "by telephone"]
    asked_first = CliRunner(env=instance.command()[1]).invoke(rights, command, input="n\n")
    assert "Erase all of this for good?" in asked_first.output
    assert asked_first.exit_code != 0
    assert left_of(ledger, of) != {}
    # What it is about to erase is shown to whoever asked for that; from here on it is silent.
    assert "Erased." in instance.run("rights", *command, "--yes").stdout
    done = instance.run("worker", "--once")
    assert not MARK.search((done.stdout + done.stderr).encode())
    assert left_of(ledger, of) == {}
    assert marked(*folders(ledger)) == []
    assert isinstance(verify_chain(ledger), chain.Head)
