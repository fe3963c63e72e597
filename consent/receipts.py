"""The receipt: what somebody allowed, as a signed JSON record.

The fields follow ISO/IEC TS 27560:2023 as the W3C's DPV guide maps them; the context makes the
record JSON-LD, so that programs read them as terms of the Data Privacy Vocabulary without asking
any server. `signature` is Ed25519 over the canonical JSON of everything else.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection

from consent.notice import notice, notice_language, notice_version
from consent.rights.age import AGE
from ledger import chain, events
from ledger.attachments import Attachment
from ledger.campaigns import campaign_by_id
from ledger.consent_state import ConsentEvent, ConsentState, EventKind, fold
from ledger.database import Ledger
from ledger.definitions import need_definition
from ledger.public_keys import PATH

#: JSON-LD 1.1, 8 (w3.org/TR/json-ld11/#iana-considerations).
MEDIA_TYPE = "application/ld+json"
SCHEMA_VERSION = "ISO/IEC TS 27560:2023; definedby 3"
#: Our field names as terms; what is not named here is left out by JSON-LD, and still signed.
CONTEXT: dict[str, Any] = {
    "dpv": "https://w3id.org/dpv#",
    "dct": "http://purl.org/dc/terms/",
    "schema_version": "dct:conformsTo",
    "record_id": "dct:identifier",
    "pii_principal_id": "dpv:hasDataSubject",
    "pii_controller": "dpv:hasDataController",
    "name": "dpv:hasName",
    "contact": "dpv:hasContact",
    "notice": "dpv:hasNotice",
    "version": "dct:hasVersion",
    "language": "dct:language",
    "lawful_basis": {"@id": "dpv:hasLegalBasis", "@type": "@vocab"},
    "status": {"@id": "dpv:hasConsentStatus", "@type": "@vocab"},
    "given": "dpv:ConsentGiven",
    "not given": "dpv:ConsentStatusInvalidForProcessing",
    "withdrawn": "dpv:ConsentWithdrawn",
    "consent (GDPR article 6(1)(a))": "dpv:Consent",
    "purposes": "dpv:hasPurpose",
    "processing": {"@id": "dpv:hasProcessing", "@type": "@vocab"},
    "collect": "dpv:Collect",
    "store": "dpv:Store",
    "publish": "dpv:MakeAvailable",
    "text": "dpv:hasPersonalData",
    "credit_line": "dpv:hasPersonalData",
    "storage_location": "dpv:hasLocation",
    "retention": "dpv:hasDuration",
    "withdrawal_method": "dpv:hasConsentControl",
    "recipients": "dpv:hasRecipient",
    "issued_at": "dct:issued",
    "supersedes": "dct:replaces",
    "events": "dct:hasPart",
    "at": "dct:date",
}


def receipt(ledger: Ledger, definition_id: str) -> dict[str, Any]:
    """Everything recorded about the consent to one definition, oldest event first."""
    with ledger.read() as connection:
        return receipt_within(ledger, connection, definition_id)


def receipt_file(record: dict[str, Any]) -> Attachment:
    """The record as a file to keep."""
    content = json.dumps(record, ensure_ascii=False, indent=2) + "\n"
    return Attachment(f"consent-{record['record_id'][:8]}.json", MEDIA_TYPE, content)


def receipt_within(ledger: Ledger, connection: Connection, definition_id: str) -> dict[str, Any]:
    """The same in a transaction that is open, with what it has written already."""
    definition = need_definition(connection, definition_id)
    campaign = campaign_by_id(connection, definition.campaign_id)
    history = events.full_history(connection, ledger.keys, definition_id)
    state = fold(event for event, _ in history)
    stated = _events(history)
    lang = notice_language(next((one["notice"] for one in reversed(stated) if "notice" in one), ""))
    record: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "dpv:ConsentRecord",
        "@id": f"urn:definedby:{definition_id}",
        "schema_version": SCHEMA_VERSION,
        "record_id": definition_id,
        "issued_at": ledger.clock().isoformat(timespec="seconds"),
        "pii_principal_id": definition.contributor_id,
        "pii_controller": {"name": ledger.settings.asker, "contact": ledger.settings.contact},
        "publication": ledger.settings.title,
        "question": campaign.prompt,
        "kind": str(definition.kind),
        "notice": {
            "version": notice_version(lang),
            "language": lang,
            "text": notice(ledger.settings, lang),
        },
        "lawful_basis": "consent (GDPR article 6(1)(a))",
        **_standing(state, stated),
        "processing": ["collect", "store", "publish"],
        "recipients": "everybody who reads the publication",
        "storage_location": f"the server of {ledger.settings.public_url}",
        "retention": "until withdrawn; afterwards the events, as proof of what was allowed",
        "withdrawal_method": "the button on your personal page, at any time, without a reason",
        "events": stated,
        "key_location": f"{ledger.settings.public_url}{PATH}",
        "public_key": ledger.keys.public_key,
    }
    return {**record, "signature": ledger.keys.sign(chain.canonical(record))}


def _standing(state: ConsentState, stated: list[dict[str, Any]]) -> dict[str, Any]:
    """What is allowed now; of what is not live any more only the events tell."""
    grant = state.grant
    if grant is None:
        status = "withdrawn" if state.withdrawn else "not given"
        return {
            "status": status,
            "text": "",
            "credit": None,
            "credit_line": "",
            "purposes": [],
            "age_statement": "",
            "supersedes": "",
        }
    event = next(one for one in stated if one["hash"] == grant.event_hash)
    return {
        "status": "given",
        "text": grant.text,
        "credit": grant.credit.as_dict(),
        "credit_line": grant.credit.line,
        "purposes": sorted(grant.uses),
        "age_statement": str(event.get(AGE, "")),
        "supersedes": event["supersedes"],
    }


def _events(history: list[tuple[ConsentEvent, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Each event with its payload. A grant names the one before it, which it takes the place of."""
    stated, before = [], ""
    for number, (event, payload) in enumerate(history, start=1):
        own = {
            **payload,
            "kind": event.kind,
            "at": event.at,
            "number": event.seq,
            "hash": event.hash,
        }
        if event.kind is EventKind.GRANTED:
            own["supersedes"] = before
        stated.append(own)
        grant = fold(one for one, _ in history[:number]).grant
        before = grant.event_hash if grant else ""
    return stated
