"""P34: somebody gets everything that is held about them, and nothing of anybody else."""

from __future__ import annotations

import io
import json
import time
from zipfile import ZipFile

import pytest
from flask import Flask
from sqlalchemy import LargeBinary, String, insert, select

from consent.rights.export import export, export_file
from consent.rights.export_page import PARTS
from consent.wording import languages
from ledger import tables
from ledger.accounts import ensure_account
from ledger.database import Ledger
from ledger.errors import DefinedbyError
from ledger.model import Campaign, Channel, IncomingReply, Skipped
from ledger.replies import store_replies, store_skipped
from ledger.whose import LEFT_OUT, NOBODYS, SEALED, WHOSE
from publisher.publish import publish
from tests.commands import Instance
from tests.people import agree, answer, asked
from tests.planting import ADDRESS, LINK, NAME, WORDS, Planted, plant
from tests.schemas import objections
from tests.visiting import application, contributor

SECONDS = 60


@pytest.fixture
def planted(ledger: Ledger, campaign: Campaign) -> Planted:
    return plant(ledger, campaign)


def unpacked(ledger: Ledger, contributor_id: str, lang: str = "en") -> dict[str, str]:
    file = io.BytesIO()
    export(ledger, contributor_id, file, lang)
    with ZipFile(file) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_p34_every_table_and_column_is_declared() -> None:
    """A new table must say whose it is; a new column is exported unless it says why not."""
    assert WHOSE.keys() | NOBODYS.keys() == set(tables.metadata.tables)
    assert WHOSE.keys().isdisjoint(NOBODYS)
    assert sorted(name for names in PARTS.values() for name in names) == sorted(WHOSE)
    for declared in (LEFT_OUT, SEALED):
        for name, columns in declared.items():
            assert name in WHOSE
            assert set(columns) <= set(tables.metadata.tables[name].columns.keys())
    for name in WHOSE:
        for column in tables.metadata.tables[name].columns:
            if isinstance(column.type, LargeBinary):
                assert column.name in {*SEALED.get(name, ()), *LEFT_OUT.get(name, ())}
            if column.name.startswith("sealed"):
                assert column.name in {*SEALED.get(name, ()), *LEFT_OUT.get(name, ())}


def test_p34_a_word_in_every_column_of_every_table_comes_out(
    ledger: Ledger, planted: Planted
) -> None:
    found = unpacked(ledger, planted.contributor_id)
    secret = {(name, column) for name, columns in LEFT_OUT.items() for column in columns}
    wanted = {
        (name, column.name)
        for name in WHOSE
        for column in tables.metadata.tables[name].columns
        if isinstance(column.type, String) and not column.foreign_keys
    }
    # Random ids, hashes and what ties a row to somebody: they come out as they are.
    ties = {
        *(("contributors", name) for name in ("id", "person_id")),
        *((name, "definition_id") for name in ("places", "site_entries", "site_edges")),
        *((name, "subject") for name in ("told_pages", "jobs", "posts")),
        *(
            ("handles", "channel"),
            ("profile_pictures", "channel"),
            ("pictures", "hash"),
            ("posts", "kind"),
            ("editions", "kind"),
            ("definitions", "id"),
            ("definitions", "kind"),
            ("site_dirty", "owner"),
        ),
        *(("events", column.name) for column in tables.events.columns),
        ("links", "token_hash"),
    }
    assert wanted - planted.words.keys() - ties - secret == set(), "nothing was planted there"
    for (name, column), word in planted.words.items():
        if (name, column) in secret:
            assert word not in found["everything.json"], (name, column)
            continue
        if column == "sealed_picture":  # a file beside the page, and named there
            (file,) = [one for one in found if one.startswith("pictures/")]
            assert found[file] == word
            assert file in found["everything.json"]
            assert file in found["index.html"]
            continue
        assert word in found["everything.json"], (name, column)
        assert word in found["index.html"], (name, column)
    held = json.loads(found["everything.json"])["held"]
    with ledger.read() as connection:
        rows = connection.execute(select(tables.events)).all()
    assert {row.hash for row in rows} == {row["hash"] for row in held["events"]}
    for planted_word in (WORDS, ADDRESS, NAME):
        assert planted_word in found["everything.json"]
        assert planted_word in found["index.html"]


def test_p34_neither_keys_nor_links_come_out(ledger: Ledger, planted: Planted) -> None:
    found = unpacked(ledger, planted.contributor_id)
    with ledger.read() as connection:
        sealed = connection.execute(select(tables.contributors.c.sealed_key)).scalars().all()
    everything = "".join(found.values())
    assert LINK not in everything
    assert LINK.rpartition("/")[2] not in everything
    assert "/p/[left out]" in everything
    for secret in (*(one.decode() for one in sealed), ledger.keys.tokens, ledger.keys.web):
        assert secret not in everything


def test_p34_nothing_of_anybody_else_comes_out(
    ledger: Ledger, campaign: Campaign, planted: Planted
) -> None:
    other = asked(ledger, campaign, "somebody elses words", address="bo@sample.example", name="Bo")
    agree(ledger, other, "somebody elses words")
    everything = "".join(unpacked(ledger, planted.contributor_id).values())
    for word in ("somebody elses", "bo@sample.example", other.request.contributor_id):
        assert word not in everything


def test_p34_a_report_about_mail_to_them_is_in_it_and_none_about_mail_to_others(
    ledger: Ledger, campaign: Campaign
) -> None:
    """A bounce is nobody's answer, but it names whom the mail was for."""
    whom = asked(ledger, campaign, "hearing people out", address="ada@sample.example")
    named = ("ada@sample.example", "lada@sample.example", "ada@sample.example.net")
    with ledger.write() as connection:
        account = ensure_account(connection, ledger.keys, Channel.EMAIL, "m", campaign.id)
        reports = [
            IncomingReply(
                f"<{number}>", "mailer@work.example", "no", raw=f"To: <{to}>", automatic=True
            )
            for number, to in enumerate(named)
        ]
        store_replies(connection, account, reports, ledger.clock())
        skips = [Skipped(f"<{to}>", "It has no words.") for to in named]
        store_skipped(connection, account, skips, ledger.clock())
    found = unpacked(ledger, whom.request.contributor_id)
    held = json.loads(found["everything.json"])["held"]
    assert {row["raw"] for row in held["replies"] if row["automatic"]} == {f"To: <{named[0]}>"}
    assert [row["external_id"] for row in held["skipped_items"]] == [f"<{named[0]}>"]


def test_p34_what_is_published_and_the_receipts_are_in_it(
    ledger: Ledger, campaign: Campaign
) -> None:
    question = asked(ledger, campaign, "hearing people out")
    agree(ledger, question, "hearing people out")
    publish(ledger)
    found = unpacked(ledger, question.request.contributor_id)
    (post,) = [text for name, text in found.items() if name.startswith("posts/")]
    assert "hearing people out" in post
    record = json.loads(found[f"receipts/{question.request.definition_id}.json"])
    assert record["status"] == "given"
    assert objections(record) == []


def test_p34_an_unread_answer_of_theirs_is_in_it(ledger: Ledger, campaign: Campaign) -> None:
    """Nobody has read it, so no handle is tied to it yet."""
    question = asked(ledger, campaign, "hearing people out")
    answer(ledger, campaign, "and asking twice")
    assert "and asking twice" in unpacked(ledger, question.request.contributor_id)["index.html"]


def test_p34_the_page_speaks_their_language(ledger: Ledger, planted: Planted) -> None:
    for lang in languages():
        page = unpacked(ledger, planted.contributor_id, lang)["index.html"]
        assert f'<html lang="{lang}"' in page
        assert ("Everything kept about you" in page) is (lang == "en")
        assert "<script" not in page


def test_p34_among_many_others_it_is_there_within_the_time(
    ledger: Ledger, campaign: Campaign
) -> None:
    """Some hundred replies of one person among 20,000: the time is that of looking for them."""
    question = asked(ledger, campaign, "hearing people out")
    with ledger.write() as connection:
        (row,) = connection.execute(select(tables.replies)).mappings().all()
        theirs = {**row, "id": None}
        del theirs["id"]
        others = []
        for number in range(20_000):
            mine = number % 200 == 0
            others.append(
                {
                    **theirs,
                    "external_id": f"many {number}",
                    "address": row["address"] if mine else f"p{number}@sample.example",
                    "handle_id": row["handle_id"] if mine else None,
                    "text": f"words {number}",
                }
            )
        connection.execute(insert(tables.replies), others)
    before = time.process_time()
    found = unpacked(ledger, question.request.contributor_id)
    assert time.process_time() - before < SECONDS / 10
    assert len(json.loads(found["everything.json"])["held"]["replies"]) == 101


@pytest.fixture
def app(ledger: Ledger) -> Flask:
    return application(ledger)


def test_p34_they_get_it_from_their_own_page(
    app: Flask, ledger: Ledger, campaign: Campaign
) -> None:
    question = asked(ledger, campaign, "hearing people out")
    author = contributor(app, ledger, question.request.contributor_id)
    assert 'href="/me/export"' in author.page
    author.go("/me/export")
    assert author.answer is not None
    assert author.answer.headers["Content-Disposition"].startswith("attachment")
    assert "no-store" in author.answer.headers["Cache-Control"]
    with ZipFile(io.BytesIO(author.answer.get_data())) as archive:
        assert "hearing people out" in archive.read("index.html").decode()


def test_p34_the_command_writes_a_new_file_and_never_over_one(
    ledger: Ledger, campaign: Campaign
) -> None:
    asked(ledger, campaign, "hearing people out", address="ada@sample.example")
    file = ledger.settings.home / "ada.zip"
    instance = Instance(ledger.settings.home)
    done = instance.run("rights", "export", "ADA@sample.example", "--to", str(file))
    assert "Hand it to nobody else" in done.stdout
    assert file.stat().st_mode & 0o077 == 0
    done = instance.run("rights", "export", "ada@sample.example", "--to", str(file), code=None)
    assert done.returncode != 0
    assert "exists already" in done.stderr
    done = instance.run("rights", "export", "nobody", "--to", str(file) + "2", code=None)
    assert "Nobody here is known as 'nobody'" in done.stderr


def test_p34_no_folder_is_a_sentence(ledger: Ledger, campaign: Campaign) -> None:
    question = asked(ledger, campaign, "hearing people out")
    with pytest.raises(DefinedbyError, match="There is no folder"):
        export_file(
            ledger, question.request.contributor_id, ledger.settings.home / "none" / "x.zip"
        )
