"""Look again at the sources of what we use: deleted, protected or edited since? (promise P38)"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from collector.channels import open_connector
from collector.connector import (
    ChannelError,
    Connector,
    Context,
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
#: What told nothing is looked at again after so long, behind what has waited longer.
AGAIN = timedelta(hours=1)
#: Sources per account and turn; what is left comes next time, longest unseen first.
MOST_SOURCES = 300
#: Sources looked at before what was found is kept: a turn that is given up later loses only these.
AT_ONCE = 25
#: Seconds after which no more are begun. The slowest 25 are web pages: four at a time, with 5
#: seconds to answer and 20 to be read.
ENOUGH_SECONDS = 120.0
#: Seconds after which an account is given up for this time, so that it delays no other.
LONGEST_LOOK_SECONDS = 300.0

#: Like collector.channels.open_connector.
Open = Callable[[Account, Context], Connector]

log = structlog.get_logger("sources")


@dataclass(frozen=True)
class Look:
    """What a look at sources brought; `texts`: how those that were edited read now."""

    states: Mapping[str, SourceState]
    texts: Mapping[str, str]
    #: Whether "there" says that a source reads as it did when it was stored.
    is_compared: bool = False


def check_sources(
    ledger: Ledger,
    longest_seconds: float = LONGEST_LOOK_SECONDS,
    enough_seconds: float = ENOUGH_SECONDS,
    open_one: Open = open_connector,
) -> int:
    """Look at every source that was not seen lately; returns how many have changed.

    The accounts are looked at side by side. One that hangs is given up and tried again next time.
    """
    with ledger.read() as connection:
        accounts = [
            account
            for account in all_accounts(connection, ledger.keys)
            if account.reading is not ReadingState.REMOVED
        ]

    def begin(account: Account) -> Turn[int]:
        return Turn(lambda turn: _check_account(ledger, account, turn, enough_seconds, open_one))

    turns = [(account, begin(account)) for account in accounts]
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


def _check_account(
    ledger: Ledger, account: Account, turn: Turn[int], enough_seconds: float, open_one: Open
) -> int:
    with ledger.read() as connection:
        wanted = sources_to_check(connection, account, ledger.clock() - EVERY, MOST_SOURCES)
    if not wanted:
        return 0
    connector = open_one(account, context_of(ledger, account))
    if not isinstance(connector, LookingConnector):
        return 0
    changed = 0
    for start in range(0, len(wanted), AT_ONCE):
        some = wanted[start : start + AT_ONCE]
        try:
            look = _look(ledger, account, connector, some)
        except ChannelError as error:
            _keep_failure(ledger, account, error, some[0])
            break
        if turn.given_up.is_set():
            break
        changed += _keep(ledger, account, some, look)
        if turn.seconds > enough_seconds:
            break
    return changed


def _keep_failure(ledger: Ledger, account: Account, error: ChannelError, first: str) -> None:
    now = ledger.clock()
    with ledger.write() as connection:
        note_failure(
            connection,
            account.id,
            error=f"{error} {error.mend}".strip(),
            next_poll_at=now + (error.retry_after or timedelta(minutes=5)),
            needs_person=error.permanent,
        )
        # Should this very one be what the platform stumbles over, the others come first next time.
        note_checked(connection, account, [first], now - EVERY + AGAIN)


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


def _keep(ledger: Ledger, account: Account, asked: Sequence[str], look: Look) -> int:
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
        silent = [one for one in asked if one not in look.states]
        note_checked(connection, account, silent, now - EVERY + AGAIN)
    return len(changed)
