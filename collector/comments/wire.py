"""Requests to the blog, by the safe fetch (promise P30), and what goes wrong with them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from collector.connector import ChannelError
from collector.safe_fetch import MOST_SECONDS, FetchedPage, Fetcher, UnreachableError
from collector.web_address import FetchError, read_address
from ledger.clock import Clock
from ledger.settings import LOOPBACK_HOSTS

USER_AGENT = "Definedby (comment feeds; +https://github.com/definedby/definedby)"
ACCEPT_FEEDS = "application/atom+xml, application/rss+xml, application/xml;q=0.9, */*;q=0.1"
NOT_MODIFIED = 304
GONE = frozenset({404, 410})
PROTECTED = frozenset({401, 403, 451})
#: These pass by themselves (RFC 9110, 15.5; RFC 6585, 4), as all from 500 on do.
_TEMPORARY = frozenset({408, 425, 429})
#: However long a server asks us to wait, it is asked again after this.
MOST_WAIT = timedelta(days=1)


@dataclass(frozen=True)
class Blog:
    """The blog whose comments an account reads; `address` is that of the feed."""

    address: str
    clock: Clock
    fetcher: Fetcher

    def page(self, url: str, headers: Mapping[str, str] | None = None) -> FetchedPage:
        """What the server answers, whatever its status. Raises ChannelError without an answer."""
        try:
            return replace(self.fetcher, headers={**self.fetcher.headers, **(headers or {})}).fetch(
                url
            )
        except UnreachableError as error:
            raise ChannelError(error.what, permanent=False, mend=error.next_step) from error
        except FetchError as error:
            raise ChannelError(
                error.what,
                permanent=True,
                mend="Give the account the public address of a comment feed; if that is it, let "
                "the blog list fewer comments there.",
            ) from error

    def feed(self, url: str, validators: Mapping[str, str] | None = None) -> FetchedPage:
        """The page of the feed at an address; with `validators`, perhaps that it is unchanged.

        Raises ChannelError for all else that the server answers.
        """
        page = self.page(url, {"Accept": ACCEPT_FEEDS, **(validators or {})})
        if 200 <= page.status < 300 or (validators and page.status == NOT_MODIFIED):
            return page
        raise _refusal(page, self.clock())


def blog_of(options: Mapping[str, Any], clock: Clock) -> Blog:
    """The blog of an account's options: address, timeout (seconds, at most 5).

    An address on this machine may be fetched, and nothing else here. Raises ChannelError.
    """
    address = str(options.get("address") or "")
    try:
        read = read_address(address)
    except FetchError as error:
        raise ChannelError(error.what, permanent=True, mend=error.next_step) from error
    fetcher = Fetcher(
        own=read.host_header if read.host in LOOPBACK_HOSTS else "",
        headers={"User-Agent": USER_AGENT},
        seconds=float(options.get("timeout") or MOST_SECONDS),
    )
    return Blog(read.url, clock, fetcher)


def validators_of(page: FetchedPage) -> dict[str, str]:
    """What to ask with next time, so that what is unchanged is not sent (RFC 9110, 13.1)."""
    asked = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}
    return {asked[name]: page.headers[name] for name in asked if name in page.headers}


def _refusal(page: FetchedPage, now: datetime) -> ChannelError:
    said = f"The comment feed answered with status {page.status}"
    if page.status in _TEMPORARY or page.status >= 500:
        wait = _asked_for(page.headers.get("retry-after", ""), now)
        mend = "It is tried again by itself."
        return ChannelError(f"{said}.", permanent=False, mend=mend, retry_after=wait)
    if page.status in PROTECTED:
        mend = "Let the blog show it to everyone, or give the address of one that it shows."
        return ChannelError(f"{said}: it is not for us.", permanent=True, mend=mend)
    mend = "Open its address in a browser, and give the account the one that the blog has now."
    return ChannelError(f"{said}.", permanent=True, mend=mend)


def _asked_for(value: str, now: datetime) -> timedelta | None:
    """How long Retry-After says: seconds or a moment (RFC 9110, 10.2.3)."""
    wait = None
    if value.isascii() and value.isdecimal() and len(value) < 9:
        wait = timedelta(seconds=int(value))
    else:
        with contextlib.suppress(ValueError, TypeError, IndexError):
            moment = parsedate_to_datetime(value)
            wait = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
    return None if wait is None else min(max(wait, timedelta(seconds=1)), MOST_WAIT)
