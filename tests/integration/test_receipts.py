"""Receipts: what they say, that they can be verified offline, and that they go out by mail once."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update

from app import definedby
from consent.decisions import propose, refuse, stop, withdraw
from consent.messages import USE_WORDS, message_languages, use_words
from consent.own_messages import start
from consent.receipt_check import NotGenuineError, verify_receipt
from consent.receipt_mail import BY_GRANT
from consent.requests import Asked, ask, cancel, expire_overdue, revise
from ledger.accounts import ensure_account
from ledger.chain import canonical
from ledger.database import Ledger
from ledger.errors import SettingError
from ledger.heads import export_head, read_heads
from ledger.keys import Keys, new_keys, read_keys
from ledger.model import Campaign, Channel, IncomingReply, ReplyState, Use
from ledger.outbox import claim, mark_sent
from ledger.public_keys import PATH, key_set, read_key_set
from ledger.replies import desk_replies, store_replies
from ledger.rotation import rotate_signing_key
from ledger.tables import outbox
from tests.conftest import SteppingClock
from tests.people import ADA, EVIDENCE, agree, asked, define
from tests.schemas import objections, valid_receipt
from tests.visiting import Visitor, application

WORDS = "listening before you speak"


def saved(record: dict[str, Any], folder: Path, name: str = "receipt.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(record, ensure_ascii=False, indent=2), encoding="utf-8")
    return path


@pytest.fixture
def record(ledger: Ledger, campaign: Campaign) -> dict[str, Any]:
    question = asked(ledger, campaign, WORDS)
    agree(ledger, question, WORDS)
    return valid_receipt(ledger, question.request.definition_id)


# ------------------------------------------------------------------ what it says
def test_a_receipt_carries_the_fields_of_ts_27560(record: dict[str, Any]) -> None:
    assert record["@type"] == "dpv:ConsentRecord"
    assert (record["text"], record["credit_line"]) == (WORDS, ADA.line)
    assert record["purposes"] == sorted(Use)
    (shown, granted) = record["events"]
    assert (shown["kind"], granted["kind"]) == ("requested", "granted")
    assert granted["channel"] == "page"
    assert record["key_location"].endswith(PATH)


def test_a_question_that_ran_out_has_a_valid_receipt(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    question = asked(ledger, campaign, WORDS)
    clock.pass_time(days=15)
    expire_overdue(ledger)
    assert valid_receipt(ledger, question.request.definition_id)["status"] == "not given"


def test_every_stage_of_a_consent_has_a_valid_receipt(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    question = asked(ledger, campaign, WORDS)
    definition_id = question.request.definition_id

    def status() -> str:
        clock.pass_time(minutes=1)
        return str(valid_receipt(ledger, definition_id)["status"])

    def again() -> Asked:
        return ask(ledger, definition_id, asked_by="editor@blog.example")

    assert status() == "not given"
    propose(ledger, question.request.id, "hearing", EVIDENCE)
    assert status() == "not given"
    refuse(ledger, again().request.id, EVIDENCE)
    assert status() == "not given"
    clock.pass_time(days=91)  # nobody is asked again sooner after a no
    cancel(ledger, again().request.id, "editor@blog.example")
    first = agree(ledger, again(), WORDS)
    assert status() == "given"
    revise(ledger, definition_id, "hearing", by="editor@blog.example")
    second = agree(ledger, again(), "hearing")
    assert status() == "given"
    now = valid_receipt(ledger, definition_id)
    assert (now["text"], now["supersedes"]) == ("hearing", first.event_hash)
    grants = [event for event in now["events"] if event["kind"] == "granted"]
    assert [event["supersedes"] for event in grants] == ["", first.event_hash]
    assert grants[1]["hash"] == second.event_hash
    withdraw(ledger, definition_id, EVIDENCE)
    assert status() == "withdrawn"
    revise(ledger, definition_id, WORDS, by="editor@blog.example")
    clock.pass_time(days=91)
    assert agree(ledger, again(), WORDS).event_hash
    now = valid_receipt(ledger, definition_id)
    assert (now["status"], now["supersedes"]) == ("given", "")


@pytest.mark.parametrize(
    "change",
    [
        {"status": "perhaps"},
        {"text": ""},
        {"credit": None},
        {"purposes": []},
        {"public_key": "x"},
        {"extra": 1},
        {"events": [{"kind": "granted"}]},
        {"@type": "dpv:Other"},
        {"notice": {}},
    ],
)
def test_the_schema_refuses_what_is_no_receipt(
    record: dict[str, Any], change: dict[str, Any]
) -> None:
    assert objections({**record, **change}) != []


# ------------------------------------------------------------------ verified offline
def test_a_receipt_verifies_by_the_keys_at_the_well_known_address(
    ledger: Ledger, record: dict[str, Any], tmp_path: Path
) -> None:
    visitor = Visitor(application(ledger))
    keys = tmp_path / "key.json"
    keys.write_text(visitor.go(PATH))
    assert visitor.status == 200
    assert json.loads(keys.read_text()) == key_set(ledger.keys)
    assert ledger.keys.signing not in keys.read_text()
    found = verify_receipt(saved(record, tmp_path), read_key_set(keys))
    assert found.known_key
    assert found.record["text"] == WORDS


def test_one_changed_field_is_noticed(record: dict[str, Any], tmp_path: Path) -> None:
    for name in sorted(record.keys() - {"signature"}):
        changed = {**record, name: f"{record[name]}!"}
        with pytest.raises(NotGenuineError):
            verify_receipt(saved(changed, tmp_path))
    assert not verify_receipt(saved(record, tmp_path)).known_key


def test_somebody_elses_key_is_noticed(record: dict[str, Any], tmp_path: Path) -> None:
    forger = new_keys()
    stated = {**record, "text": "talking", "public_key": forger.public_key}
    del stated["signature"]
    forged = {**stated, "signature": forger.sign(canonical(stated))}
    path = saved(forged, tmp_path)
    assert not verify_receipt(path).known_key
    with pytest.raises(NotGenuineError, match="not among those given"):
        verify_receipt(path, [record["public_key"]])


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"[]", b"3", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"signature": NaN}'),
        b'{"signature":"","public_key":"","record_id":"","events":[],"status":"","status":""}',
        b'{"signature":3,"public_key":[],"record_id":"","events":[],"status":""}',
        b'{"signature":"","public_key":"eA==","record_id":"","events":[],"status":""}',
        b'{"signature":"","public_key":"","record_id":"","events":["\\ud800"],"status":""}',
    ],
)
def test_a_file_that_is_no_receipt_gets_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "r.json").write_bytes(content)
    with pytest.raises(NotGenuineError):
        verify_receipt(tmp_path / "r.json")


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"keys": []}', '{"keys": [{"kty": "OKP", "crv": "Ed25519"}]}']
)
def test_a_file_without_keys_gets_a_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / "key.json").write_text(content)
    with pytest.raises(SettingError, match="holds no public key"):
        read_key_set(tmp_path / "key.json")


def test_rotation_keeps_old_receipts_and_heads_verifiable(
    ledger: Ledger, record: dict[str, Any], tmp_path: Path
) -> None:
    heads = export_head(ledger).parent
    rotate_signing_key(ledger)
    renewed = replace(ledger, keys=read_keys(ledger.settings.home))
    assert renewed.keys.public_key != ledger.keys.public_key
    assert renewed.keys.public_keys == (renewed.keys.public_key, ledger.keys.public_key)
    (tmp_path / "key.json").write_text(json.dumps(key_set(renewed.keys)))
    known = read_key_set(tmp_path / "key.json")
    assert known == renewed.keys.public_keys
    assert verify_receipt(saved(record, tmp_path), known).known_key
    assert len(read_heads(heads, renewed.keys)) == 1
    fresh = valid_receipt(renewed, record["record_id"])
    assert objections(fresh) == []
    assert verify_receipt(saved(fresh, tmp_path), known).known_key
    with pytest.raises(NotGenuineError):
        verify_receipt(saved(fresh, tmp_path), ledger.keys.public_keys)


def test_a_key_file_from_before_has_no_former_keys(ledger: Ledger) -> None:
    path = ledger.settings.home / "keys.json"
    stored = json.loads(path.read_text())
    del stored["former"]
    path.write_text(json.dumps(stored))
    assert read_keys(ledger.settings.home) == ledger.keys
    assert isinstance(ledger.keys, Keys)


def test_the_command_works_without_an_instance(
    ledger: Ledger, record: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(saved(record, tmp_path))
    (tmp_path / "key.json").write_text(json.dumps(key_set(ledger.keys)))
    monkeypatch.setenv("DEFINEDBY_HOME", str(tmp_path / "nothing"))
    call = CliRunner().invoke
    told = call(definedby, ["receipt", "verify", path])
    assert (told.exit_code, "nothing here can tell" in told.output) == (0, True)
    told = call(
        definedby, ["receipt", "verify", path, "--json", "--key", str(tmp_path / "key.json")]
    )
    assert json.loads(told.output)["known_key"] is True
    monkeypatch.setenv("DEFINEDBY_HOME", str(ledger.settings.home))
    told = call(definedby, ["receipt", "verify", path, "--json"])
    assert json.loads(told.output)["known_key"] is True
    saved({**record, "status": "withdrawn"}, tmp_path)
    told = call(definedby, ["receipt", "verify", path])
    assert isinstance(told.exception, NotGenuineError)


# ------------------------------------------------------------------ by mail
def by_mail(
    ledger: Ledger,
    campaign: Campaign,
    channel: Channel,
    lang: str = "",
    who: str = "ada@sample.example",
) -> Asked:
    """Somebody whom a mail reaches, asked by mail."""
    with ledger.write() as connection:
        mailbox = ensure_account(connection, ledger.keys, Channel.EMAIL, "inbox", campaign.id)
        account = ensure_account(connection, ledger.keys, channel, "inbox", campaign.id)
        reply = IncomingReply(
            *(who.replace("ada@sample.example", "1"), who, WORDS, "Ada Sample"), contact=who
        )
        store_replies(connection, account, [reply], ledger.clock())
        (stored,) = desk_replies(connection, campaign.id, ReplyState.NEW)
    assert mailbox.channel is Channel.EMAIL
    return ask(ledger, define(ledger, stored).id, asked_by="editor@blog.example", lang=lang)


def messages(ledger: Ledger) -> list[Any]:
    with ledger.read() as connection:
        return list(connection.execute(select(outbox).order_by(outbox.c.id)).all())


def send(ledger: Ledger) -> str:
    with ledger.write() as connection:
        found = claim(connection, ledger.keys, ledger.clock())
        assert found is not None
        mark_sent(connection, found.id, ledger.clock())
    return found.body


def test_a_yes_is_confirmed_by_one_mail(ledger: Ledger, campaign: Campaign) -> None:
    question = by_mail(ledger, campaign, Channel.EMAIL)
    send(ledger)
    given = agree(ledger, question, WORDS)
    _, mail = messages(ledger)
    assert (mail.state, mail.approved_by) == ("approved", BY_GRANT)
    assert (mail.recipient, mail.in_reply_to) == ("ada@sample.example", "1")
    body = send(ledger)
    for wanted in (
        WORDS,
        ADA.line,
        *USE_WORDS.values(),
        given.event_hash,
        "/p/",
        "“stop”",
    ):
        assert wanted in body
    assert len(messages(ledger)) == 2


@pytest.mark.parametrize("lang", [one for one in message_languages() if one != "en"])
def test_a_receipt_speaks_the_language_of_the_question(
    lang: str, ledger: Ledger, campaign: Campaign
) -> None:
    question = by_mail(ledger, campaign, Channel.EMAIL, lang=lang)
    send(ledger)
    agree(ledger, question, WORDS)
    body = send(ledger)
    for wanted in (WORDS, ADA.line, use_words("edition", lang), "/p/", "stop"):
        assert wanted in body
    assert "You find the same" not in body


def test_an_address_from_a_form_is_mailed_only_once_it_has_answered(
    ledger: Ledger, campaign: Campaign
) -> None:
    question = by_mail(ledger, campaign, Channel.FORM)
    agree(ledger, question, WORDS)  # in the same visit: the question never left
    assert [one.state for one in messages(ledger)] == ["failed"]
    revise(ledger, question.request.definition_id, "hearing", by="editor@blog.example")
    again = ask(ledger, question.request.definition_id, asked_by="editor@blog.example")
    send(ledger)
    agree(ledger, again, "hearing")
    assert [one.state for one in messages(ledger)] == ["failed", "sent", "approved"]


def test_own_words_confirm_a_yes_and_faulty_ones_never_cost_it(
    ledger: Ledger, campaign: Campaign, caplog: pytest.LogCaptureFixture
) -> None:
    file = start(ledger.settings, "receipt", "en", "email")
    whole = file.read_text()
    for text, told in ((f"Hurray\n{whole.partition(chr(10))[2]}", "Hurray"), ("Hurray\n", "Your")):
        file.write_text(text)
        question = by_mail(ledger, campaign, Channel.EMAIL, who=f"{told}@sample.example")
        send(ledger)
        given = agree(ledger, question, WORDS)
        assert messages(ledger)[-1].subject.startswith(told)
        assert given.event_hash in send(ledger)
    assert "leaves out what this message has to say" in caplog.text


def test_p11_whoever_stopped_gets_no_receipt(ledger: Ledger, campaign: Campaign) -> None:
    question = by_mail(ledger, campaign, Channel.EMAIL)
    agree(ledger, question, WORDS)
    stop(ledger, question.request.contributor_id, EVIDENCE)
    with ledger.write() as connection:
        assert claim(connection, ledger.keys, ledger.clock()) is None
    assert {one.state for one in messages(ledger)} == {"failed"}


def test_a_withdrawal_overtakes_the_receipt(ledger: Ledger, campaign: Campaign) -> None:
    question = by_mail(ledger, campaign, Channel.EMAIL)
    agree(ledger, question, WORDS)
    withdraw(ledger, question.request.definition_id, EVIDENCE)
    assert {one.state for one in messages(ledger)} == {"failed"}


def test_nobody_is_mailed_where_no_mail_reaches_them(ledger: Ledger, campaign: Campaign) -> None:
    agree(ledger, asked(ledger, campaign, WORDS), WORDS)
    assert messages(ledger) == []


def test_no_mail_confirms_a_grant_that_was_not_kept(ledger: Ledger, campaign: Campaign) -> None:
    question = by_mail(ledger, campaign, Channel.EMAIL)
    send(ledger)
    with ledger.write() as connection:  # the answer comes too late
        connection.execute(update(outbox).values(sent_at=ledger.clock()))
    cancel(ledger, question.request.id, "editor@blog.example")
    with pytest.raises(Exception, match="not open any more"):
        agree(ledger, question, WORDS, uses=frozenset({Use.POST}))
    assert len(messages(ledger)) == 1
