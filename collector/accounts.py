"""Try an account live, and keep one that answered."""

from __future__ import annotations

from typing import Any

from collector.channels import open_connector
from collector.connector import ChannelError
from ledger.accounts import account_by_id, add_account, find_account, replace_account
from ledger.database import Ledger
from ledger.errors import DefinedbyError, TemporaryError
from ledger.model import Account, Campaign, Channel


def try_account(account: Account) -> str:
    """One sentence on what the channel answered. Raises DefinedbyError with what to mend."""
    try:
        return open_connector(account).check()
    except ChannelError as error:
        kind = DefinedbyError if error.permanent else TemporaryError
        raise kind(str(error), error.mend) from error


def keep_account(
    ledger: Ledger,
    campaign: Campaign,
    channel: Channel,
    name: str,
    options: dict[str, Any],
    secret: str,
    *,
    replace: bool = False,
) -> tuple[Account, str]:
    """Store an account once it has answered; returns it with the answer.

    Nothing is stored when the test fails. Raises DefinedbyError.
    """
    tried = Account(0, channel, name, campaign.id, options, secret)
    answer = try_account(tried)
    with ledger.write() as connection:
        known = find_account(connection, ledger.keys, channel, name)
        if known is not None and replace:
            replace_account(connection, ledger.keys, known.id, options, secret)
            return account_by_id(connection, ledger.keys, known.id), answer
        made = add_account(
            connection,
            ledger.keys,
            channel=channel,
            name=name,
            campaign_id=campaign.id,
            options=options,
            secret=secret,
        )
    return made, answer
