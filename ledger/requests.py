"""Consent requests as rows: at most one open per person and purpose (promise P12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from ledger import events
from ledger.consent_state import ConsentEvent, EventKind
from ledger.contributors import new_id
from ledger.errors import DefinedbyError
from ledger.keys import Keys
from ledger.model import Credit, Definition, Use
from ledger.rights_requests import settle_corrections
from ledger.tables import requests
from ledger.together import people_of


class AskedAlreadyError(DefinedbyError):
    """This person has an open request for this purpose."""


@dataclass(frozen=True)
class ConsentRequest:
    """What was asked; `credit` is the suggestion that its reader may change.

    `lang`: the language it was asked in; "" where that was not noted.
    """

    id: str
    definition_id: str
    contributor_id: str
    version: int
    uses: frozenset[Use]
    credit: Credit
    asked_by: str
    notice: str
    asked_at: datetime
    expires_at: datetime
    closed_at: datetime | None = None
    lang: str = ""


def open_request(
    connection: Connection,
    keys: Keys,
    at: datetime,
    definition: Definition,
    *,
    credit: Credit,
    uses: frozenset[Use],
    asked_by: str,
    notice: str,
    expires_at: datetime,
    evidence: dict[str, Any] | None = None,
    lang: str = "",
    at_once: bool = False,
) -> ConsentRequest:
    """Open a request for the definition's newest words and record that in the chain.

    The row's unique live key decides a race. Raises AskedAlreadyError. With `at_once` its author
    answers it in the same transaction, of their own accord, whatever else they are asked.
    """
    made = ConsentRequest(
        new_id(),
        definition.id,
        definition.contributor_id,
        definition.version,
        uses,
        credit,
        asked_by,
        notice,
        at,
        expires_at,
        lang=lang,
    )
    try:
        connection.execute(
            insert(requests).values(
                **{**vars(made), "uses": sorted(uses), "credit": credit.as_dict()},
                live_key=None
                if at_once
                else live_key(people_of(connection, definition.contributor_id)[0]),
            )
        )
    except IntegrityError as error:
        raise asked_already() from error
    if not at_once:
        settle_corrections(connection, definition.id, at, asked_by)
    event = ConsentEvent(
        EventKind.REQUESTED, request_id=made.id, text=definition.text, credit=credit, uses=uses
    )
    events.record(
        connection,
        keys,
        at,
        event,
        definition_id=definition.id,
        contributor_id=definition.contributor_id,
        evidence={
            "notice": notice,
            "asked_by": asked_by,
            "version": definition.version,
            **(evidence or {}),
        },
    )
    return made


def asked_already() -> AskedAlreadyError:
    return AskedAlreadyError(
        "This person has been asked already and has not answered yet.",
        "Wait for the answer, or cancel that request first.",
    )


def live_key(person_id: str) -> str:
    """One purpose so far: being published. Uses are chosen within it."""
    return f"{person_id}:publish"


def close_request(connection: Connection, request_id: str, at: datetime) -> None:
    connection.execute(
        update(requests)
        .where(requests.c.id == request_id, requests.c.closed_at.is_(None))
        .values(closed_at=at, live_key=None)
    )


def find_request(connection: Connection, request_id: str) -> ConsentRequest | None:
    row = connection.execute(select(requests).where(requests.c.id == request_id)).first()
    return None if row is None else _request(row)


def live_request(connection: Connection, contributor_id: str) -> ConsentRequest | None:
    """The open request of this contributor, or of another who is the same person."""
    person = people_of(connection, contributor_id)[0]
    row = connection.execute(
        select(requests).where(requests.c.live_key == live_key(person))
    ).first()
    return None if row is None else _request(row)


def rekey_requests(connection: Connection, person: Sequence[str]) -> None:
    """These contributors are one person now: what one of them is asked is asked of all.

    Raises AskedAlreadyError when two of them have open requests.
    """
    try:
        connection.execute(
            update(requests)
            .where(requests.c.contributor_id.in_(person), requests.c.closed_at.is_(None))
            .values(live_key=live_key(person[0]))
        )
    except IntegrityError as error:
        raise AskedAlreadyError(
            "Both have been asked, and have not answered yet; one person is asked once.",
            "Take one of the two questions back first.",
        ) from error


def overdue_requests(connection: Connection, now: datetime) -> list[ConsentRequest]:
    rows = connection.execute(
        select(requests).where(requests.c.closed_at.is_(None), requests.c.expires_at <= now)
    )
    return [_request(row) for row in rows]


def _request(row: Row[Any]) -> ConsentRequest:
    return ConsentRequest(
        row.id,
        row.definition_id,
        row.contributor_id,
        row.version,
        frozenset(Use(use) for use in row.uses),
        Credit.from_dict(row.credit),
        row.asked_by,
        row.notice,
        row.asked_at,
        row.expires_at,
        row.closed_at,
        row.lang,
    )
