"""The receipt: what somebody allowed, as a signed JSON record.

The fields follow ISO/IEC TS 27560:2023 as the W3C's DPV guide maps them; `signature` is
Ed25519 over the canonical JSON of everything else.
"""

from __future__ import annotations

from typing import Any

from consent.notice import NOTICE_VERSION, notice
from ledger import chain, events
from ledger.campaigns import campaign_by_id
from ledger.consent_state import ConsentEvent, fold
from ledger.database import Ledger
from ledger.definitions import need_definition

SCHEMA_VERSION = "ISO/IEC TS 27560:2023; definedby 1"


def receipt(ledger: Ledger, definition_id: str) -> dict[str, Any]:
    """Everything recorded about the consent to one definition, oldest event first."""
    with ledger.read() as connection:
        definition = need_definition(connection, definition_id)
        campaign = campaign_by_id(connection, definition.campaign_id)
        history = events.full_history(connection, ledger.keys, definition_id)
    grant = fold(event for event, _ in history).grant
    record: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "record_id": definition_id,
        "pii_principal_id": definition.contributor_id,
        "pii_controller": {"name": ledger.settings.asker, "contact": ledger.settings.contact},
        "publication": ledger.settings.title,
        "question": campaign.prompt,
        "notice": {"version": NOTICE_VERSION, "language": "en", "text": notice(ledger.settings)},
        "lawful_basis": "consent (GDPR article 6(1)(a))",
        "status": "given" if grant else "not given",
        "text": grant.text if grant else "",
        "credit": grant.credit.as_dict() if grant else None,
        "credit_line": grant.credit.line if grant else "",
        "purposes": sorted(grant.uses) if grant else [],
        "storage_location": f"the server of {ledger.settings.public_url}",
        "retention": "until withdrawn; afterwards the events, as proof of what was allowed",
        "withdrawal_method": "the button on your personal page, at any time, without a reason",
        "events": [_event(event, payload) for event, payload in history],
        "public_key": ledger.keys.public_key,
    }
    return {**record, "signature": ledger.keys.sign(chain.canonical(record))}


def _event(event: ConsentEvent, payload: dict[str, Any]) -> dict[str, Any]:
    return {**payload, "kind": event.kind, "at": event.at, "number": event.seq, "hash": event.hash}
