"""Posted prompts: which post of ours asks which campaign's question.

A prompt is noted before the network call and settled after it; one whose outcome nobody knows
waits for a human, as a message does (promise P10).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from ledger.contributors import new_id
from ledger.tables import prompts


class PromptState(StrEnum):
    POSTING = "posting"
    POSTED = "posted"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Prompt:
    """One post of a campaign's prompt by one account; `key` makes repeating it harmless."""

    id: int
    campaign_id: str
    account_id: int
    key: str
    state: PromptState
    text: str
    external_id: str
    url: str
    thread_id: str
    error: str
    posted_at: datetime


def begin_prompt(
    connection: Connection,
    at: datetime,
    *,
    campaign_id: str,
    account_id: int,
    text: str,
    posted_by: str,
) -> Prompt:
    """Note that this is about to be posted. Commit before posting it."""
    made = connection.execute(
        insert(prompts).values(
            campaign_id=campaign_id,
            account_id=account_id,
            key=new_id(),
            state=PromptState.POSTING,
            text=text,
            posted_by=posted_by,
            posted_at=at,
        )
    )
    assert made.inserted_primary_key is not None
    row = connection.execute(
        select(prompts).where(prompts.c.id == made.inserted_primary_key[0])
    ).one()
    return _prompt(row)


def mark_posted(
    connection: Connection,
    prompt_id: int,
    *,
    external_id: str,
    url: str,
    thread_id: str,
    at: datetime,
) -> None:
    connection.execute(
        update(prompts)
        .where(prompts.c.id == prompt_id)
        .values(
            state=PromptState.POSTED,
            external_id=external_id,
            url=url,
            thread_id=thread_id,
            posted_at=at,
            error="",
        )
    )


def mark_not_posted(connection: Connection, prompt_id: int, state: PromptState, error: str) -> None:
    connection.execute(
        update(prompts).where(prompts.c.id == prompt_id).values(state=state, error=error)
    )


def prompts_of_account(connection: Connection, account_id: int) -> list[Prompt]:
    """The prompts an account has posted, newest first."""
    rows = connection.execute(
        select(prompts)
        .where(prompts.c.account_id == account_id, prompts.c.state == PromptState.POSTED)
        .order_by(prompts.c.id.desc())
    )
    return [_prompt(row) for row in rows]


def prompts_of_campaign(connection: Connection, campaign_id: str) -> list[Prompt]:
    """All tries to post a campaign's prompt, newest first, whatever became of them."""
    rows = connection.execute(
        select(prompts).where(prompts.c.campaign_id == campaign_id).order_by(prompts.c.id.desc())
    )
    return [_prompt(row) for row in rows]


def prompt_by_id(connection: Connection, prompt_id: int) -> Prompt:
    return _prompt(connection.execute(select(prompts).where(prompts.c.id == prompt_id)).one())


def all_prompts(connection: Connection) -> list[Prompt]:
    """All tries to post any prompt, newest first."""
    return [
        _prompt(row) for row in connection.execute(select(prompts).order_by(prompts.c.id.desc()))
    ]


def find_posted(connection: Connection, account_id: int, external_id: str) -> Prompt | None:
    """The prompt that an account posted under this id, if it is known."""
    row = connection.execute(
        select(prompts).where(
            prompts.c.account_id == account_id, prompts.c.external_id == external_id
        )
    ).first()
    return None if row is None else _prompt(row)


def campaign_answered(
    connection: Connection, account_id: int, answered: Sequence[str]
) -> str | None:
    """The campaign whose prompt is among the posts that a reply answers."""
    if not answered:
        return None
    found: str | None = connection.execute(
        select(prompts.c.campaign_id)
        .where(prompts.c.account_id == account_id, prompts.c.external_id.in_(answered))
        .limit(1)
    ).scalar()
    return found


def _prompt(row: Row[Any]) -> Prompt:
    return Prompt(
        row.id,
        row.campaign_id,
        row.account_id,
        row.key,
        PromptState(row.state),
        row.text,
        row.external_id,
        row.url,
        row.thread_id,
        row.error,
        row.posted_at,
    )
