"""The mail that confirms a yes brings the signed receipt, which verifies without us.

Given somebody who answered by mail and was asked by mail; when they say yes, then the mail that
arrives at their mailbox, over a real SMTP server, has the receipt with it, byte for byte.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from app import definedby
from collector.dispatch import dispatch
from consent.decisions import withdraw
from consent.receipt_check import NotGenuineError
from ledger.database import Ledger
from ledger.definitions import need_definition
from ledger.keys import read_keys
from ledger.model import Campaign
from ledger.public_keys import key_set
from ledger.rotation import rotate_keys
from ledger.tables import outbox
from tests.people import agree
from tests.schemas import objections
from tests.sending_houses import MailHouse
from tests.servers.mail import MailServer

pytestmark = pytest.mark.mail


@pytest.fixture
def house(
    ledger: Ledger, campaign: Campaign, mail_server: MailServer, request: pytest.FixtureRequest
) -> MailHouse:
    user = "t" + hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:12]
    made = MailHouse(ledger, campaign, mail_server, user)
    made.move_in()
    return made


def held(ledger: Ledger) -> list[str]:
    with ledger.read() as connection:
        return list(connection.execute(select(outbox.c.sealed_attachment)).scalars())


def test_the_receipt_comes_with_the_mail_and_verifies(
    house: MailHouse, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = house.asked(words="listening, before you speak")
    assert dispatch(ledger).sent == 1
    given = agree(ledger, question, question_words(ledger, question.request.definition_id))
    (_, sealed) = held(ledger)
    assert sealed
    assert given.text not in sealed, "kept encrypted until it leaves"
    assert dispatch(ledger).sent == 1
    assert held(ledger) == ["", ""], "and not kept when it has left"

    _, stored = house.server.wait_for_mail(house.writer(private=True)[0], 2)
    mail = message_from_bytes(stored.raw, policy=modern)
    assert isinstance(mail, EmailMessage)
    told = mail.get_body(("plain",))
    assert told is not None
    assert given.text in told.get_content()
    assert "comes with this message as a signed file" in told.get_content()
    (part,) = mail.iter_attachments()
    assert part.get_content_type() == "application/ld+json"
    assert part.get_content_disposition() == "attachment"
    name = part.get_filename()
    assert name == f"consent-{question.request.definition_id[:8]}.json"

    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    file, keys = tmp_path / name, tmp_path / "key.json"
    file.write_bytes(content)
    keys.write_text(json.dumps(key_set(ledger.keys)))
    record = json.loads(content)
    assert objections(record) == []
    assert (record["status"], record["text"]) == ("given", given.text)
    assert given.event_hash in {event["hash"] for event in record["events"]}
    assert not content.isascii(), "or no byte of it could have been harmed on the way"
    for link in (question.link, *re.findall(r"/p/[\w-]+", told.get_content())):
        assert link.rpartition("/")[2] not in content.decode(), "a personal link is a secret"

    monkeypatch.setenv("DEFINEDBY_HOME", str(tmp_path / "nothing"))
    verify = ["receipt", "verify", str(file), "--json", "--key", str(keys)]
    found = CliRunner().invoke(definedby, verify)
    assert (found.exit_code, json.loads(found.output)["known_key"]) == (0, True)
    file.write_bytes(content.replace(b"before you", b"after you"))
    assert isinstance(CliRunner().invoke(definedby, verify).exception, NotGenuineError)


def test_a_receipt_that_has_not_left_is_gone_with_its_yes(house: MailHouse, ledger: Ledger) -> None:
    question = house.asked(words="listening, before you speak")
    dispatch(ledger)
    agree(ledger, question, question_words(ledger, question.request.definition_id))
    (_, before) = held(ledger)
    rotate_keys(ledger)
    ledger = replace(ledger, keys=read_keys(ledger.settings.home))
    (_, after) = held(ledger)
    assert after
    assert after != before, "sealed anew with everything else"
    withdraw(ledger, question.request.definition_id, {"channel": "page"})
    assert held(ledger) == ["", ""]
    assert dispatch(ledger).sent == 0


def question_words(ledger: Ledger, definition_id: str) -> str:
    with ledger.read() as connection:
        return need_definition(connection, definition_id).text
