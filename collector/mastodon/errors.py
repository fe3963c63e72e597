"""What goes wrong with a Mastodon server, and what a person can do about it.

Sources: docs.joinmastodon.org/api/rate-limits, /api/guidelines and the answers of each method.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from collector.connector import ChannelError
from collector.platform_answers import NoAnswer, Refused
from ledger.clock import Clock
from ledger.model import clean_name

SIGN_IN_AGAIN = (
    "Make a new token (Preferences, Development, your application) and run"
    " 'definedby account add mastodon --replace'."
)
OTHER_SERVER = "Give the address of your server with 'definedby account add mastodon --replace'."
WAIT = "Wait; it is tried again by itself."
#: Mastodon's own window, for an answer that doesn't say when it ends.
RATE_WINDOW = timedelta(minutes=5)
#: Mastodon's longest window counts posts in three hours. A reset later than a day is not believed.
MOST_WAIT = timedelta(days=1)
MOST_DETAIL = 200
_PASSING = frozenset({408, 425})


def detail_of(body: Any) -> str:
    """What the server says of an error, on one line (docs.joinmastodon.org/entities/Error)."""
    said = body.get("error") if isinstance(body, dict) else body
    return clean_name(said)[:MOST_DETAIL] if isinstance(said, str) else ""


def reading_error(error: Refused | NoAnswer, what: str, clock: Clock) -> ChannelError:
    """`what` could not be read ("the mentions")."""
    if isinstance(error, NoAnswer):
        return ChannelError(
            f"The Mastodon server can't be read: {error.why}.", permanent=False, mend=WAIT
        )
    return _passing(error, clock) or _redirected(error) or _refused(error, f"give {what}")


def sending_error(error: Refused | NoAnswer, clock: Clock) -> ChannelError:
    """A status was not posted, or nobody knows whether it was (promise P10)."""
    if isinstance(error, NoAnswer):
        if error.may_have_arrived:
            return unknown(error.why)
        return ChannelError(
            f"The Mastodon server can't be reached: {error.why}.", permanent=False, mend=WAIT
        )
    if error.status >= 500:
        return unknown(f"it has trouble of its own (HTTP {error.status})")
    return _passing(error, clock) or _redirected(error) or _refused(error, "take this post")


def unknown(why: str) -> ChannelError:
    """The status may be out, and only a person can tell."""
    return ChannelError(
        f"Nobody knows whether the Mastodon server took this post: {why}.",
        permanent=False,
        mend="Look at the account's posts, and mark this one as sent or send it again.",
        delivered_unknown=True,
    )


def _passing(error: Refused, clock: Clock) -> ChannelError | None:
    if error.status == 429:
        return ChannelError(
            "The Mastodon server wants fewer requests.",
            permanent=False,
            mend=WAIT,
            retry_after=_wait_asked_for(error.headers, clock()),
        )
    if error.status >= 500 or error.status in _PASSING:
        return ChannelError(
            f"The Mastodon server has trouble of its own (HTTP {error.status}).",
            permanent=False,
            mend=WAIT,
        )
    return None


def _redirected(error: Refused) -> ChannelError | None:
    if not 300 <= error.status < 400:
        return None
    return ChannelError(
        f"The Mastodon server sends us to another address: {error.detail or 'it does not say'}.",
        permanent=True,
        mend=OTHER_SERVER,
    )


def _refused(error: Refused, what: str) -> ChannelError:
    said = error.detail or f"HTTP {error.status}"
    if error.status == 401:
        return ChannelError(
            f"The Mastodon server does not know this token: {said}.",
            permanent=True,
            mend=SIGN_IN_AGAIN,
        )
    if error.status == 403:
        return ChannelError(
            f"The Mastodon server does not {what}: {said}.",
            permanent=True,
            mend=f"See that the account is not suspended and the token may do it. {SIGN_IN_AGAIN}",
        )
    if error.status in (404, 410):
        return ChannelError(
            f"The Mastodon server does not {what}: {said}.",
            permanent=True,
            mend=f"See whether the address is right and the post is still there. {OTHER_SERVER}",
        )
    return ChannelError(
        f"The Mastodon server does not {what}: {said}.",
        permanent=True,
        mend="Change what it complains about.",
    )


def _wait_asked_for(headers: Mapping[str, str], now: datetime) -> timedelta:
    """Until the window ends: X-RateLimit-Reset (ISO 8601), else Retry-After (RFC 9110, 10.2.3)."""
    wait = _until(headers.get("x-ratelimit-reset", ""), now)
    if wait is None:
        wait = _until(headers.get("retry-after", ""), now)
    if wait is None:
        return RATE_WINDOW
    return min(max(wait, timedelta(seconds=1)), MOST_WAIT)


def _until(value: str, now: datetime) -> timedelta | None:
    if value.isascii() and value.isdecimal() and len(value) < 12:
        # Some servers give the second since 1970, as X does; Retry-After gives a duration.
        seconds = int(value)
        is_moment = seconds > MOST_WAIT.total_seconds()
        return timedelta(seconds=seconds - now.timestamp() if is_moment else seconds)
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(value)
        except (ValueError, TypeError, IndexError):
            continue
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
    return None
