"""Look again at the sources of what we use: deleted, protected or edited since? (promise P38)"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from collector.channels import open_connector
from collector.connector import (
    ChannelError,
    LookingConnector,
    RereadingConnector,
    SourceState,
)
from collector.context import context_of
from collector.turns import Turn
from ledger.accounts import all_accounts, note_failure
from ledger.database import Ledger
from ledger.errors import DefinedbyError
from ledger.model import Account, IncomingReply, ReadingState
from ledger.sources import (
    as_stored,
    note_as_stored,
    note_checked,
    note_edit,
    note_edited,
    note_gone,
    sources_to_check,
)

#: Often enough that a change is noticed within a day, with room for a failed try.
EVERY = timedelta(hours=8)
#: Sources per account and turn; what is left comes next time, longest unseen first.
MOST_SOURCES = 300
#: Seconds after which an account is given up for this time, so that it delays no other.
LONGEST_LOOK_SECONDS = 300.0

log = structlog.get_logger("sources")


@dataclass(frozen=True)
class Look:
    """What a look at sources brought; `texts`: how those that were edited read now."""

    states: Mapping[str, SourceState]
    texts: Mapping[str, str]
    #: Whether "there" says that a source reads as it did when it was stored.
    is_compared: bool = False


def check_sources(ledger: Ledger, longest_seconds: float = LONGEST_LOOK_SECONDS) -> int:
    """Look at every source that was not seen lately; returns how many have changed.

    The accounts are looked at side by side. One that hangs is given up and tried again next time.
    """
    with ledger.read() as connection:
        accounts = [
            account
            for account in all_accounts(connection, ledger.keys)
            if account.reading is not ReadingState.REMOVED
        ]
    turns = [
        (account, Turn(lambda turn, one=account: _check_account(ledger, one, turn)))  # type: ignore[misc]
        for account in accounts
    ]
    changed = 0
    for account, turn in turns:
        if turn.wait(longest_seconds - turn.seconds):
            changed += _result(account, turn)
        else:
            turn.given_up.set()
            log.warning("looking at sources took too long", account=account.name)
    return changed


def _result(account: Account, turn: Turn[int]) -> int:
    try:
        return turn.result()
    except DefinedbyError:
        raise
    except Exception:
        # One connector that breaks must not keep what the others found.
        log.exception("looking broke in a way nobody foresaw", account=account.name)
        return 0


def _check_account(ledger: Ledger, account: Account, turn: Turn[int]) -> int:
    now = ledger.clock()
    with ledger.read() as connection:
        wanted = sources_to_check(connection, account, now - EVERY, MOST_SOURCES)
    if not wanted:
        return 0
    connector = open_connector(account, context_of(ledger, account))
    if not isinstance(connector, LookingConnector):
        return 0
    try:
        look = _look(ledger, account, connector, wanted)
    except ChannelError as error:
        with ledger.write() as connection:
            note_failure(
                connection,
                account.id,
                error=f"{error} {error.mend}".strip(),
                next_poll_at=now + (error.retry_after or timedelta(minutes=5)),
                needs_person=error.permanent,
            )
        return 0
    return 0 if turn.given_up.is_set() else _keep(ledger, account, look)


def _look(
    ledger: Ledger, account: Account, connector: LookingConnector, wanted: Sequence[str]
) -> Look:
    if not isinstance(connector, RereadingConnector):
        return Look(connector.look_again(wanted), {})
    with ledger.read() as connection:
        stored = as_stored(connection, account, wanted)
    asked = {connector.with_version(one, stored.get(one, "")): one for one in wanted}
    states = {asked[one]: state for one, state in connector.look_again(list(asked)).items()}
    edited = [one for one, state in states.items() if state is SourceState.EDITED]
    try:
        texts = connector.read_again(edited) if edited else {}
    except ChannelError as error:
        # What is known already must not be lost over it; how they read now comes next time.
        log.info("edited sources could not be read", account=account.name, reason=str(error))
        texts = {}
    return Look(states, texts, is_compared=True)


def _keep(ledger: Ledger, account: Account, look: Look) -> int:
    now = ledger.clock()
    changed = {key: state for key, state in look.states.items() if state is not SourceState.THERE}
    with ledger.write() as connection:
        for external_id, state in changed.items():
            if state is not SourceState.EDITED:
                note_gone(connection, account, external_id, state, now)
            elif external_id in look.texts:
                reply = IncomingReply(external_id, "", look.texts[external_id])
                note_edit(connection, account, reply, now)
            else:
                note_edited(connection, account, external_id, now)
        if look.is_compared:
            note_as_stored(connection, account, [key for key in look.states if key not in changed])
        note_checked(connection, account, list(look.states), now)
    return len(changed)
