"""Why may this be published? The whole reason for an address or a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update

from app import definedby
from consent.decisions import withdraw
from consent.why import why
from consent.why_words import in_words
from ledger import gate, tables
from ledger.database import Ledger
from ledger.editions import add_edition
from ledger.errors import DefinedbyError, SettingError
from ledger.model import Campaign, Use
from ledger.posts import find_post
from publisher.editions import publish_edition
from publisher.publish import publish
from tests.people import ADA, EVIDENCE, agree, asked

WORDS = "listening before you speak"


@pytest.fixture
def granted(ledger: Ledger, campaign: Campaign) -> str:
    """The definition of a post that stands on the blog."""
    question = asked(ledger, campaign, WORDS)
    agree(ledger, question, WORDS)
    publish(ledger)
    return question.request.definition_id


def address_of(ledger: Ledger, definition_id: str) -> str:
    with ledger.read() as connection:
        post = find_post(connection, definition_id)
    assert post is not None
    return post.address


def file_of(ledger: Ledger) -> Path:
    (file,) = (ledger.settings.content / "posts").rglob("*.md")
    return file


def hold_source(ledger: Ledger, state: str = "gone") -> None:
    with ledger.write() as connection:
        connection.execute(update(tables.replies).values(source_state=state))


# ------------------------------------------------------------------ why
def places(ledger: Ledger, definition_id: str) -> list[str]:
    """Every way to name one post."""
    address = address_of(ledger, definition_id)
    page = ledger.settings.site_folder / address.strip("/") / "index.html"
    url = f"{ledger.settings.public_url}{address}"
    return [url, url + "#words", address, address.strip("/"), str(page), str(file_of(ledger))]


def test_the_whole_reason_is_told_for_each_way_to_name_a_post(ledger: Ledger, granted: str) -> None:
    answers = [why(ledger, place) for place in places(ledger, granted)]
    assert all(one == answers[0] for one in answers)
    (told,) = answers[0]
    assert (told["status"], told["definition"]) == ("granted", granted)
    assert (told["text"], told["credit_line"]) == (WORDS, ADA.line)
    assert told["uses"] == sorted(Use)
    shown = told["asked"]
    assert shown["asked_by"] == "editor@blog.example"
    assert (shown["text"], shown["credit_line"]) == (WORDS, "Ada Sample")
    assert {name: told["answered"][name] for name in EVIDENCE} == EVIDENCE
    with ledger.read() as connection:
        row = connection.execute(
            select(tables.events).where(tables.events.c.seq == told["answered"]["number"])
        ).one()
        head = connection.execute(select(tables.chain_head)).one()
    assert (row.kind, row.hash) == ("granted", told["answered"]["hash"])
    assert told["proof"] == {"event": row.seq, "events": head.seq, "head": head.hash}


def test_the_reason_is_told_in_words(ledger: Ledger, granted: str) -> None:
    (told,) = why(ledger, address_of(ledger, granted))
    text = "\n".join(in_words(told))
    for wanted in (
        *(
            "Its author allows it",
            WORDS,
            ADA.line,
            "post, edition, share card",
            "by editor@blog.example",
        ),
        *("yes, on the personal page", "notice test", "in a chain that holds"),
    ):
        assert wanted in text


def test_words_of_strangers_do_not_steer_a_terminal(ledger: Ledger, campaign: Campaign) -> None:
    words = "calm\n\u202eand order"
    question = asked(ledger, campaign, words)
    agree(ledger, question, words)
    publish(ledger)
    (told,) = why(ledger, str(file_of(ledger)))
    assert told["text"] == words
    assert not any("\u202e" in line or "\n" in line for line in in_words(told))


def test_of_what_was_withdrawn_nothing_else_is_told(
    ledger: Ledger, granted: str, tmp_path: Path
) -> None:
    named = places(ledger, granted)
    copy = tmp_path / "copy.md"
    copy.write_bytes(file_of(ledger).read_bytes())
    withdraw(ledger, granted, EVIDENCE)
    for place in (*named[:4], str(copy)):
        assert why(ledger, place) == [{"status": "withdrawn"}]
    publish(ledger)  # records that it was retracted, which changes nothing of the answer
    assert why(ledger, str(copy)) == [{"status": "withdrawn"}]
    assert in_words({"status": "withdrawn"}) == ["Withdrawn."]


def test_a_file_that_was_changed_by_hand_has_no_grant(ledger: Ledger, granted: str) -> None:
    file = file_of(ledger)
    file.write_text(file.read_text().replace("listening", "talking"))
    (told,) = why(ledger, str(file))
    assert told["status"] == "not granted"
    assert "changed" in told["reason"]


def test_a_file_of_an_earlier_grant_is_told_apart(ledger: Ledger, granted: str) -> None:
    file = file_of(ledger)
    (told,) = why(ledger, str(file))
    other = "0" * 64
    file.write_text(file.read_text().replace(told["answered"]["hash"], other))
    (told,) = why(ledger, str(file))
    assert told["status"] == "not granted"
    assert "another grant" in told["reason"]


def test_what_lost_its_source_is_told_as_held(ledger: Ledger, granted: str) -> None:
    hold_source(ledger)
    (told,) = why(ledger, address_of(ledger, granted))
    assert (told["status"], told["reason"]) == ("not granted", gate.HELD)


def test_an_edition_is_explained_definition_by_definition(
    ledger: Ledger, campaign: Campaign
) -> None:
    ids = []
    for number, uses in enumerate((frozenset(Use), frozenset({Use.POST}))):
        words, address = f"answer {number}", f"p{number}@sample.example"
        question = asked(ledger, campaign, words, address=address)
        agree(ledger, question, words, uses=uses)
        ids.append(question.request.definition_id)
    publish(ledger)
    with ledger.write() as connection:
        made = add_edition(
            connection,
            ledger.clock(),
            campaign_id=campaign.id,
            title="Two answers",
            definition_ids=tuple(ids),
        )
    first, second = why(ledger, publish_edition(ledger, made.id))
    assert first["status"] == "granted"
    assert second["reason"] == "Its author has not granted this use (edition)."


@pytest.mark.parametrize("place", ["/nothing/here/", "/", "nothing.md"])
def test_where_nothing_stands_that_is_said(ledger: Ledger, granted: str, place: str) -> None:
    with pytest.raises(DefinedbyError, match="No post and no edition stands"):
        why(ledger, place)


def test_foreign_addresses_and_files_are_refused(ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="not an address of this blog"):
        why(ledger, "https://elsewhere.example/courage/")
    for content in (
        b"# Notes\n",
        b"\xff\xfe",
        b"",
        b'---\ndefinition: "' + b"0" * 32 + b'"\n---\n',
    ):
        (tmp_path / "notes.md").write_bytes(content)
        with pytest.raises(SettingError, match="no post that was composed here"):
            why(ledger, str(tmp_path / "notes.md"))


def test_a_broken_chain_proves_nothing(ledger: Ledger, campaign: Campaign, granted: str) -> None:
    asked(ledger, campaign, "another", address="bo@sample.example")
    address = address_of(ledger, granted)
    with ledger.write() as connection:
        newest = select(tables.chain_head.c.seq).scalar_subquery()
        connection.execute(
            update(tables.events).where(tables.events.c.seq == newest).values(kind="refused")
        )
    with pytest.raises(DefinedbyError, match="broken at event"):
        why(ledger, address)


def test_the_command_has_an_honest_exit_code(
    ledger: Ledger, granted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("home", "content", "site"):
        monkeypatch.setenv(f"DEFINEDBY_{name.upper()}", str(getattr(ledger.settings, name)))
    address = address_of(ledger, granted)
    done = CliRunner().invoke(definedby, ["why", address, "--json"])
    assert done.exit_code == 0
    assert json.loads(done.output)[0]["text"] == WORDS
    withdraw(ledger, granted, EVIDENCE)
    done = CliRunner().invoke(definedby, ["why", address])
    assert (done.exit_code, done.output) == (1, "Withdrawn.\n")
