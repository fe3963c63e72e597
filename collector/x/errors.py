"""What goes wrong with X, and what a person can do about it.

Source of the codes: docs.x.com/x-api/fundamentals/response-codes-and-errors.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from collector.connector import ChannelError
from collector.platform_answers import NoAnswer, Refused
from ledger.clock import Clock
from ledger.model import clean_name

SIGN_IN_AGAIN = "Sign in again: definedby account add x --replace."
WAIT = "Wait; it is tried again by itself."
#: The length of X's window, for an answer that doesn't say when it ends.
RATE_WINDOW = timedelta(minutes=15)
#: X's longest window. A reset later than that is not believed.
MOST_WAIT = timedelta(days=1)
#: Two of X's limits count by the day and have headers of their own.
_LIMITS = ("x-rate-limit", "x-user-limit-24hour", "x-app-limit-24hour")
MOST_DETAIL = 200


class OnlyHere(ChannelError):  # noqa: N818 - says how far the trouble reaches
    """One request is refused; others of the same account may well be answered."""


class PlaceLost(OnlyHere):
    """X does not know this paging token (any more)."""


def detail_of(body: Any) -> str:
    """What X says of an error, on one line: problem JSON (RFC 9457) or its own list of errors."""
    if not isinstance(body, dict):
        return ""
    errors = body.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else {}
    for part in (first, body):
        for name in ("message", "detail", "error_description", "title"):
            if isinstance(part, dict) and isinstance(part.get(name), str) and part[name]:
                return clean_name(part[name])[:MOST_DETAIL]
    return ""


def reading_error(error: Refused | NoAnswer, what: str, clock: Clock) -> ChannelError:
    """`what` could not be read ("the mentions")."""
    if isinstance(error, NoAnswer):
        return ChannelError(f"X can't be read: {error.why}.", permanent=False, mend=WAIT)
    if error.status == 429:
        return _too_many(error, clock)
    if error.status >= 500 or error.status == 408:
        return ChannelError(
            f"X has trouble of its own (HTTP {error.status}).", permanent=False, mend=WAIT
        )
    if error.status == 403:
        return OnlyHere(
            f"X does not let this app read {what}: {_said(error)}",
            permanent=True,
            mend="Give the app this right, and credits, in X's developer console. " + SIGN_IN_AGAIN,
        )
    return _other(error, what)


def writing_error(
    error: Refused | NoAnswer, what: str, clock: Clock, hand_over: str
) -> ChannelError:
    """`what` was not sent, or nobody knows whether it was (promise P10)."""
    if isinstance(error, NoAnswer):
        if not error.may_have_arrived:
            return ChannelError(f"X can't be reached: {error.why}.", permanent=False, mend=WAIT)
        return _unknown(f"X did not say whether it took {what}: {error.why}.")
    if error.status == 429:
        return _too_many(error, clock)
    if error.status >= 500 or error.status == 408:
        return _unknown(f"X had trouble of its own with {what} (HTTP {error.status}).")
    if error.status == 403 and "duplicate" in error.detail.lower():
        return ChannelError(
            f"X has {what} already: {_said(error)}",
            permanent=True,
            mend="Look at the account's own posts; mark this as sent if it is there.",
        )
    if error.status in (400, 403):
        return ChannelError(
            f"X does not let an app send {what}: {_said(error)}",
            permanent=True,
            mend="Open the prepared text in X and send it yourself, then mark it as sent.",
            hand_over=hand_over,
        )
    return _other(error, what)


def _too_many(error: Refused, clock: Clock) -> ChannelError:
    resets = [
        error.headers.get(f"{limit}-reset", "")
        for limit in _LIMITS
        if error.headers.get(f"{limit}-remaining") == "0"
    ] or [error.headers.get("x-rate-limit-reset", "")]
    wait = RATE_WINDOW
    # Epoch seconds; cut and compared as numbers, for a wild one is no date that Python knows.
    known = [int(reset[:12]) for reset in resets if reset.isascii() and reset.isdecimal()]
    if known:
        seconds = max(known) - clock().timestamp()
        wait = timedelta(seconds=min(max(seconds, 1), MOST_WAIT.total_seconds()))
    return OnlyHere(
        "X allows no more requests for now.", permanent=False, mend=WAIT, retry_after=wait
    )


def _other(error: Refused, what: str) -> ChannelError:
    if error.status == 401:
        return ChannelError("X refused the login.", permanent=True, mend=SIGN_IN_AGAIN)
    if error.status == 402:
        return ChannelError(
            f"X wants credits for {what}: {_said(error)}",
            permanent=True,
            mend="Buy credits in X's developer console.",
        )
    if 300 <= error.status < 400:
        return ChannelError(
            f"X answered with a redirect (HTTP {error.status}), which is not followed.",
            permanent=True,
            mend="Correct the account's base_url.",
        )
    return OnlyHere(
        f"X refused {what} (HTTP {error.status}): {_said(error)}",
        permanent=True,
        mend="Look at the account's options and at the app in X's developer console.",
    )


def _unknown(sentence: str) -> ChannelError:
    return ChannelError(
        sentence,
        permanent=False,
        mend="Look on X whether it is there, then mark it as sent or send it again.",
        delivered_unknown=True,
    )


def _said(error: Refused) -> str:
    said = error.detail or f"HTTP {error.status}"
    return said if said.endswith((".", "!", "?")) else f"{said}."
