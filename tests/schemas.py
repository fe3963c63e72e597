"""Receipts against the schema that we publish: every receipt that a test makes passes here."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from consent.receipts import receipt
from ledger.database import Ledger

SCHEMA = Path(__file__).parent.parent / "docs" / "reference" / "consent-record.schema.json"


@cache
def validator() -> Draft202012Validator:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def objections(record: dict[str, Any]) -> list[str]:
    """What the schema has against a receipt, as it would be read from its file."""
    stored = json.loads(json.dumps(record))
    return [f"{error.json_path}: {error.message}" for error in validator().iter_errors(stored)]


def valid_receipt(ledger: Ledger, definition_id: str) -> dict[str, Any]:
    record = receipt(ledger, definition_id)
    assert objections(record) == []
    return record
