"""Try an account live, and keep one that answered."""

from __future__ import annotations

import dataclasses
from typing import Any

from collector.channels import open_connector
from collector.connector import ChannelError, Context
from collector.context import meter_of, prices_of
from collector.meter import TrialMeter
from collector.turns import within
from ledger.accounts import (
    account_by_id,
    add_account,
    find_account,
    name_taken,
    renew_secret,
    replace_account,
)
from ledger.database import Ledger
from ledger.errors import DefinedbyError, TemporaryError
from ledger.model import Account, Campaign, Channel, clean_name

#: Seconds that a person waits for the answer, whatever the server does.
LONGEST_TRY = 60.0


def try_account(account: Account, context: Context, seconds: float = LONGEST_TRY) -> str:
    """One sentence on what the channel answered. Raises DefinedbyError with what to mend.

    The context's `keep_secret` gets tokens that were renewed meanwhile: the ones before are worth
    nothing. Its meter is charged.
    """
    try:
        return within(seconds, lambda: open_connector(account, context).check(), account.name)
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
    seconds: float = LONGEST_TRY,
) -> tuple[Account, str]:
    """Store an account once it has answered; returns it with the answer.

    Nothing is stored when the test fails. Raises DefinedbyError.
    """
    name = clean_name(name)
    with ledger.read() as connection:
        known = find_account(connection, ledger.keys, channel, name)
    if known is not None and not replace:
        raise name_taken(channel, name)
    tried = Account(0, channel, name, campaign.id, options, secret)
    trial = TrialMeter(options, prices_of(channel), ledger.clock)
    secret, answer = _tried(ledger, tried, known, trial, seconds)
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
    trial.charge_to(meter_of(ledger, made))
    return made, answer


def _tried(
    ledger: Ledger, tried: Account, known: Account | None, trial: TrialMeter, seconds: float
) -> tuple[str, str]:
    """The secret as it is after the trial, and the answer. Raises DefinedbyError."""
    secret = tried.secret
    renewed = [secret]
    # On its new options, at the cost of the account that it is already.
    counting = dataclasses.replace(tried, id=known.id) if known is not None else None
    meter = trial if counting is None else meter_of(ledger, counting)
    context = Context(clock=ledger.clock, keep_secret=renewed.append, meter=meter)
    try:  # no transaction is open meanwhile
        answer = try_account(tried, context, seconds)
    except DefinedbyError as error:
        if known is not None and known.secret == secret != renewed[-1]:
            # Its own tokens were renewed before it failed; those it had are worth nothing now.
            with ledger.write() as connection:
                renew_secret(connection, ledger.keys, known.id, renewed[-1])
        if isinstance(error, TemporaryError):
            # Its own advice is for an account that is tried again by itself.
            raise TemporaryError(
                error.what, "Look whether the address is right, or try again in a moment."
            ) from error
        raise
    return renewed[-1], answer
