"""Look again at the sources of what we use: deleted, protected or edited since? (promise P38)"""

from __future__ import annotations

from datetime import timedelta

from collector.channels import open_connector
from collector.connector import ChannelError, LookingConnector, SourceState
from collector.context import context_of
from ledger.accounts import all_accounts, note_failure
from ledger.database import Ledger
from ledger.model import Account
from ledger.sources import note_checked, note_edited, note_gone, sources_to_check

#: Often enough that a change is noticed within a day, with room for a failed try.
EVERY = timedelta(hours=8)
#: Sources per account and turn; what is left comes next time, longest unseen first.
MOST_SOURCES = 300


def check_sources(ledger: Ledger) -> int:
    """Look at every source that was not seen lately; returns how many have changed."""
    with ledger.read() as connection:
        accounts = all_accounts(connection, ledger.keys)
    return sum(_check_account(ledger, account) for account in accounts)


def _check_account(ledger: Ledger, account: Account) -> int:
    now = ledger.clock()
    with ledger.read() as connection:
        wanted = sources_to_check(connection, account, now - EVERY, MOST_SOURCES)
    if not wanted:
        return 0
    connector = open_connector(account, context_of(ledger, account))
    if not isinstance(connector, LookingConnector):
        return 0
    try:
        seen = connector.look_again(wanted)
    except ChannelError as error:
        with ledger.write() as connection:
            note_failure(
                connection,
                account.id,
                error=f"{error} {error.mend}".strip(),
                next_poll_at=now + (error.retry_after or timedelta(minutes=5)),
            )
        return 0
    changed = {key: state for key, state in seen.items() if state is not SourceState.THERE}
    with ledger.write() as connection:
        for external_id, state in changed.items():
            if state is SourceState.EDITED:
                note_edited(connection, account, external_id, now)
            else:
                note_gone(connection, account, external_id, state, now)
        note_checked(connection, account, list(seen), now)
    return len(changed)
