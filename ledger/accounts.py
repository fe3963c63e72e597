"""Accounts: the configured mailboxes, logins and sources, and how far each has been read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, case, insert, literal, or_, select, update

from ledger.errors import DefinedbyError
from ledger.keys import Keys
from ledger.model import Account, Channel, ReadingState, clean_name
from ledger.tables import accounts, outbox

MOST_NAME_CHARACTERS = 120
#: States of a message that may still leave (ledger/outbox.py).
_STILL_TO_SEND = ("draft", "approved", "claimed", "unknown")


def add_account(
    connection: Connection,
    keys: Keys,
    *,
    channel: Channel,
    name: str,
    campaign_id: str,
    options: dict[str, Any] | None = None,
    secret: str = "",
) -> Account:
    """Make an account; its secret is stored encrypted. Raises DefinedbyError for a taken name."""
    if find_account(connection, keys, channel, name):
        raise name_taken(channel, name)
    made = connection.execute(
        insert(accounts).values(
            channel=channel,
            name=name,
            campaign_id=campaign_id,
            options=options or {},
            secret=keys.encrypt(secret) if secret else "",
        )
    )
    assert made.inserted_primary_key is not None
    return account_by_id(connection, keys, made.inserted_primary_key[0])


def name_taken(channel: Channel, name: str) -> DefinedbyError:
    """What to say of a name that another account of the channel has."""
    return DefinedbyError(
        f"There is a {channel} account named '{name}' already.",
        "Choose another name; or change that one (at a terminal: --replace).",
    )


def replace_account(
    connection: Connection, keys: Keys, account_id: int, options: dict[str, Any], secret: str
) -> None:
    """New options and secret for an account; its cursor and replies stay."""
    connection.execute(
        update(accounts)
        .where(accounts.c.id == account_id)
        .values(
            options=options,
            secret=keys.encrypt(secret) if secret else "",
            last_error="",
            needs_person=False,
            failures=0,
            next_poll_at=None,
            reading=ReadingState.ON,
        )
    )


def renew_secret(connection: Connection, keys: Keys, account_id: int, secret: str) -> None:
    """Keep renewed tokens; the ones before are worth nothing any more."""
    connection.execute(
        update(accounts)
        .where(accounts.c.id == account_id)
        .values(secret=keys.encrypt(secret) if secret else "")
    )


def ensure_account(
    connection: Connection, keys: Keys, channel: Channel, name: str, campaign_id: str
) -> Account:
    """The account of a channel that needs no login (form, import), made when it is missing."""
    return find_account(connection, keys, channel, name) or add_account(
        connection, keys, channel=channel, name=name, campaign_id=campaign_id
    )


def find_account(connection: Connection, keys: Keys, channel: Channel, name: str) -> Account | None:
    row = connection.execute(
        select(accounts).where(accounts.c.channel == channel, accounts.c.name == name)
    ).first()
    return None if row is None else _account(row, keys)


def account_by_id(connection: Connection, keys: Keys, account_id: int) -> Account:
    return _account(
        connection.execute(select(accounts).where(accounts.c.id == account_id)).one(), keys
    )


def all_accounts(connection: Connection, keys: Keys) -> list[Account]:
    rows = connection.execute(select(accounts).order_by(accounts.c.channel, accounts.c.name))
    return [_account(row, keys) for row in rows]


def accounts_of(connection: Connection, keys: Keys, campaign_id: str) -> list[Account]:
    """The accounts that serve this campaign first, without those whose login was removed."""
    rows = connection.execute(
        select(accounts)
        .where(accounts.c.campaign_id == campaign_id, accounts.c.reading != ReadingState.REMOVED)
        .order_by(accounts.c.id)
    )
    return [_account(row, keys) for row in rows]


def due_accounts(
    connection: Connection, keys: Keys, now: datetime, channels: frozenset[Channel]
) -> list[Account]:
    """The accounts of these channels whose time to be read has come."""
    rows = connection.execute(
        select(accounts)
        .where(
            accounts.c.channel.in_(channels),
            accounts.c.reading == ReadingState.ON,
            or_(accounts.c.next_poll_at.is_(None), accounts.c.next_poll_at <= now),
        )
        .order_by(accounts.c.next_poll_at)
    )
    return [_account(row, keys) for row in rows]


def wake_account(connection: Connection, account_id: int, now: datetime) -> None:
    """Make an account due now: something has arrived. One that fails keeps its back-off."""
    connection.execute(
        update(accounts)
        .where(accounts.c.id == account_id, accounts.c.failures == 0)
        .values(next_poll_at=now)
    )


def note_read(
    connection: Connection,
    account_id: int,
    *,
    cursor: str,
    now: datetime,
    next_poll_at: datetime | None,
    stored: int,
    skipped: int,
    loaded: Account | None = None,
) -> None:
    """Keep how far an account has been read.

    `loaded` is the account as it was before the reading. If it was woken since, it stays due:
    what woke it may have come too late for that reading.
    """
    due: Any = literal(next_poll_at, accounts.c.next_poll_at.type)
    if loaded is not None:
        woken = accounts.c.next_poll_at.is_distinct_from(loaded.next_poll_at)
        due = case((woken, accounts.c.next_poll_at), else_=due)
    connection.execute(
        update(accounts)
        .where(accounts.c.id == account_id)
        .values(
            cursor=cursor,
            last_read_at=now,
            next_poll_at=due,
            last_error="",
            needs_person=False,
            failures=0,
            stored=accounts.c.stored + stored,
            skipped=accounts.c.skipped + skipped,
        )
    )


def note_failure(
    connection: Connection,
    account_id: int,
    *,
    error: str,
    next_poll_at: datetime,
    needs_person: bool = False,
) -> None:
    connection.execute(
        update(accounts)
        .where(accounts.c.id == account_id)
        .values(
            last_error=error,
            failures=accounts.c.failures + 1,
            next_poll_at=next_poll_at,
            needs_person=needs_person,
        )
    )


def rename_account(connection: Connection, keys: Keys, account_id: int, name: str) -> None:
    """Another name for an account. Raises DefinedbyError for one that is taken or unusable."""
    account = account_by_id(connection, keys, account_id)
    wanted = clean_name(name)
    if not wanted or len(wanted) > MOST_NAME_CHARACTERS:
        raise DefinedbyError(
            "That is no name for an account.",
            f"Give one of 1 to {MOST_NAME_CHARACTERS} characters, such as letters.",
        )
    known = find_account(connection, keys, account.channel, wanted)
    if known is not None and known.id != account_id:
        raise name_taken(account.channel, wanted)
    connection.execute(update(accounts).where(accounts.c.id == account_id).values(name=wanted))


def set_reading(connection: Connection, account_id: int, state: ReadingState) -> None:
    """Pause reading, or go on where it stopped. A removed account needs its login again first."""
    connection.execute(
        update(accounts)
        .where(accounts.c.id == account_id, accounts.c.reading != ReadingState.REMOVED)
        .values(reading=state, next_poll_at=None)
    )


def remove_account(connection: Connection, account_id: int) -> None:
    """End an account: its login is forgotten, its replies and how far it was read stay.

    Raises DefinedbyError while a message is waiting to leave by it.
    """
    waiting = connection.execute(
        select(outbox.c.id)
        .where(outbox.c.account_id == account_id, outbox.c.state.in_(_STILL_TO_SEND))
        .limit(1)
    ).first()
    if waiting:
        raise DefinedbyError(
            "A message is still waiting to leave by this account.",
            "Let it leave, or take its question back; then remove the account.",
        )
    connection.execute(
        update(accounts)
        .where(accounts.c.id == account_id)
        .values(
            secret="",
            reading=ReadingState.REMOVED,
            next_poll_at=None,
            last_error="",
            needs_person=False,
            failures=0,
        )
    )


def _account(row: Row[Any], keys: Keys) -> Account:
    return Account(
        id=row.id,
        channel=Channel(row.channel),
        name=row.name,
        campaign_id=row.campaign_id,
        options=row.options,
        secret=keys.decrypt(row.secret) if row.secret else "",
        cursor=row.cursor,
        next_poll_at=row.next_poll_at,
        last_read_at=row.last_read_at,
        last_error=row.last_error,
        failures=row.failures,
        stored=row.stored,
        skipped=row.skipped,
        reading=ReadingState(row.reading),
        needs_person=row.needs_person,
        last_reply_at=row.last_reply_at,
    )
