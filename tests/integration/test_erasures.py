"""An erasure in the chain: it can't be forged, widened, narrowed or undone unnoticed."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, select, update

from ledger import chain, events
from ledger.consent_state import EventKind
from ledger.database import Ledger
from ledger.erasures import erase_payloads
from ledger.errors import DefinedbyError
from ledger.heads import export_head, read_heads, verify_chain
from ledger.keys import Keys, new_keys
from ledger.model import Campaign
from ledger.tables import chain_head, event_payloads
from ledger.tables import events as event_rows
from ledger.walk import KEY_BYTES, erasure_statement
from tests.people import agree, asked

WORDS = "listening before you speak"


@pytest.fixture
def people(ledger: Ledger, campaign: Campaign) -> tuple[str, str]:
    """Two contributors with two events each: 1 and 2, 3 and 4."""
    ids = []
    for number in range(2):
        question = asked(ledger, campaign, WORDS, address=f"p{number}@sample.example")
        agree(ledger, question, WORDS)
        ids.append(question.request.contributor_id)
    return ids[0], ids[1]


def erase(ledger: Ledger, contributor_id: str) -> None:
    with ledger.write() as connection:
        erase_payloads(connection, ledger.keys, ledger.clock(), contributor_id)


def reason(ledger: Ledger) -> tuple[int, str]:
    found = verify_chain(ledger)
    assert isinstance(found, chain.Break), found
    return found.seq, found.reason


def stated(connection: Connection, seq: int) -> dict[str, Any]:
    """An erasure's list as it lies in the database, in clear."""
    sealed = connection.execute(
        select(event_payloads.c.sealed).where(event_payloads.c.seq == seq)
    ).scalar_one()
    found: dict[str, Any] = json.loads(sealed[KEY_BYTES:])
    return found


def test_p08_an_erasure_lists_in_clear_what_it_erased_and_the_chain_holds(
    ledger: Ledger, people: tuple[str, str]
) -> None:
    erase(ledger, people[0])
    assert verify_chain(ledger).seq == 5
    assert isinstance(verify_chain(ledger), chain.Head)
    with ledger.read() as connection:
        assert stated(connection, 5)["erased"] == [1, 2]
        (only,) = events.history(connection, ledger.keys, people[0])
        assert only.kind is EventKind.ERASED
        kept = connection.execute(
            select(event_payloads.c.seq).where(event_payloads.c.sealed.is_not(None))
        ).scalars()
        assert sorted(kept) == [3, 4, 5]
    erase(ledger, people[1])
    assert isinstance(verify_chain(ledger), chain.Head)


def test_an_erased_history_is_empty_and_nothing_can_be_added_to_it(
    ledger: Ledger, people: tuple[str, str]
) -> None:
    with ledger.read() as connection:
        subject = connection.execute(
            select(event_rows.c.subject).where(event_rows.c.seq == 1)
        ).scalar_one()
    erase(ledger, people[0])
    with ledger.read() as connection:
        past = events.history(connection, ledger.keys, subject)
        assert [(event.kind, event.text, event.credit) for event in past] == [
            (EventKind.REQUESTED, "", None),
            (EventKind.GRANTED, "", None),
        ]
        assert events.state_of(connection, ledger.keys, subject).grant is None
    with pytest.raises(DefinedbyError, match="have been erased"):
        erase(ledger, people[0])


def test_p08_a_payload_that_no_erasure_names_may_not_be_missing(
    ledger: Ledger, people: tuple[str, str]
) -> None:
    erase(ledger, people[0])
    with ledger.write() as connection:
        # The forger says it was the erased person's: that alone used to explain it.
        connection.execute(
            update(event_payloads)
            .where(event_payloads.c.seq == 4)
            .values(sealed=None, contributor_id=people[0])
        )
    assert reason(ledger) == (4, "its payload is missing, and no erasure explains that")
    with ledger.read() as connection:
        subject = connection.execute(
            select(event_rows.c.subject).where(event_rows.c.seq == 4)
        ).scalar_one()
        with pytest.raises(DefinedbyError, match="does not verify: event 4"):
            events.history(connection, ledger.keys, subject)


def test_p08_what_an_erasure_names_may_not_be_there(
    ledger: Ledger, people: tuple[str, str]
) -> None:
    with ledger.read() as connection:
        before = connection.execute(
            select(event_payloads.c.sealed).where(event_payloads.c.seq == 2)
        ).scalar_one()
    erase(ledger, people[0])
    with ledger.write() as connection:
        connection.execute(
            update(event_payloads).where(event_payloads.c.seq == 2).values(sealed=before)
        )
    assert reason(ledger) == (2, "its payload is still there, though an erasure names it")


def rewrite(ledger: Ledger, change: dict[str, Any]) -> None:
    """Put another list into event 5 and make its commitment, its hash and the head fit."""
    with ledger.write() as connection:
        row = connection.execute(select(event_rows).where(event_rows.c.seq == 5)).one()
        payload, key = {**stated(connection, 5), **change}, os.urandom(KEY_BYTES)
        commit = chain.commitment(key, payload)
        own = chain.link_hash(5, row.prev_hash, row.kind, row.subject, row.at, commit)
        connection.execute(
            update(event_payloads)
            .where(event_payloads.c.seq == 5)
            .values(sealed=key + chain.canonical(payload))
        )
        connection.execute(
            update(event_rows).where(event_rows.c.seq == 5).values(commitment=commit, hash=own)
        )
        connection.execute(update(chain_head).values(hash=own))


@pytest.mark.parametrize("numbers", [[1, 2, 4], [1], [], "12", None, [1, 2, None]])
def test_p08_an_erasures_list_can_not_be_changed(
    ledger: Ledger, people: tuple[str, str], numbers: Any
) -> None:
    erase(ledger, people[0])
    rewrite(ledger, {"erased": numbers})
    seq, why = reason(ledger)
    assert (seq, why) == (1, "its payload is missing, and no erasure explains that")
    with ledger.write() as connection:  # and if nothing were missing, the list itself is noticed
        connection.execute(delete(event_payloads).where(event_payloads.c.seq != 5))
    assert isinstance(verify_chain(ledger), chain.Break)


def forge(ledger: Ledger, signer: Keys, previous: str = "") -> None:
    """Append an erasure of the second person, as somebody without the instance's keys could."""
    with ledger.write() as connection:
        head = events.head(connection)
        subject = connection.execute(
            select(event_payloads.c.contributor_id).where(event_payloads.c.seq == 3)
        ).scalar_one()
        at = ledger.clock().isoformat(timespec="microseconds")
        statement = erasure_statement(subject, previous or head.hash, [3, 4])
        payload = {"erased": [3, 4], "signature": signer.sign(statement)}
        key = os.urandom(KEY_BYTES)
        commit = chain.commitment(key, payload)
        seq = head.seq + 1
        own = chain.link_hash(seq, head.hash, "erased", subject, at, commit)
        connection.execute(
            insert(event_rows).values(
                seq=seq,
                prev_hash=head.hash,
                hash=own,
                kind="erased",
                subject=subject,
                at=at,
                commitment=commit,
            )
        )
        connection.execute(
            insert(event_payloads).values(
                seq=seq, contributor_id=subject, sealed=key + chain.canonical(payload)
            )
        )
        connection.execute(update(chain_head).values(seq=seq, hash=own))
        connection.execute(
            update(event_payloads).where(event_payloads.c.seq.in_([3, 4])).values(sealed=None)
        )


def test_p08_an_erasure_can_not_be_forged_without_the_instances_key(
    ledger: Ledger, people: tuple[str, str]
) -> None:
    head = export_head(ledger)
    forge(ledger, new_keys())
    assert reason(ledger)[0] == 3
    assert isinstance(verify_chain(ledger, read_heads(head.parent, ledger.keys)), chain.Break)
    with ledger.write() as connection:  # even where nothing was taken away yet
        connection.execute(update(event_payloads).values(sealed=b"x"))
    assert isinstance(verify_chain(ledger), chain.Break)


def test_p08_the_forgery_would_pass_with_the_key_so_the_signature_is_what_stops_it(
    ledger: Ledger, people: tuple[str, str]
) -> None:
    forge(ledger, ledger.keys)
    assert isinstance(verify_chain(ledger), chain.Head)


def test_p08_a_signed_list_can_not_be_used_in_another_place(
    ledger: Ledger, people: tuple[str, str]
) -> None:
    forge(ledger, ledger.keys, previous="0" * 64)
    assert reason(ledger)[0] == 3


def test_p08_an_unsigned_erasure_is_named_even_when_nothing_is_missing(
    ledger: Ledger, people: tuple[str, str]
) -> None:
    with ledger.read() as connection:
        before = connection.execute(
            select(event_payloads.c.seq, event_payloads.c.sealed).where(
                event_payloads.c.seq.in_([3, 4])
            )
        ).all()
    forge(ledger, new_keys())
    with ledger.write() as connection:
        for row in before:
            connection.execute(
                update(event_payloads)
                .where(event_payloads.c.seq == row.seq)
                .values(sealed=row.sealed)
            )
    assert reason(ledger) == (5, "its list of what was erased is not signed by this instance")


def test_an_erasure_signed_with_a_former_key_still_counts(
    ledger: Ledger, people: tuple[str, str]
) -> None:
    from dataclasses import replace

    erase(ledger, people[0])
    assert isinstance(
        verify_chain(replace(ledger, keys=ledger.keys.with_new_signing_key())), chain.Head
    )
    assert isinstance(
        verify_chain(replace(ledger, keys=replace(ledger.keys, signing=new_keys().signing))),
        chain.Break,
    )
