"""The login of a Bluesky account: the secret it is kept as, and the way to its server."""

from __future__ import annotations

import contextlib
import ipaddress
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from collector.bluesky.answers import SIGN_IN_AGAIN, Server
from collector.bluesky.asks import DEFAULT_SERVER
from collector.connector import ChannelError
from ledger.clock import Clock


@contextlib.contextmanager
def signed_in(
    options: dict[str, Any], secret: str, clock: Clock, keep_session: Callable[[str], None]
) -> Iterator[Server]:
    """The account's server, until the block ends. Raises ChannelError.

    `keep_session` is given the session whenever it was renewed. The client library is imported
    here, when it is needed.
    """
    try:
        from collector.bluesky.wire import TIMEOUT, Wire
    except ModuleNotFoundError as error:
        raise ChannelError(
            "The Bluesky client is not installed.",
            permanent=True,
            mend="Install it with: pip install 'definedby[bluesky]'.",
        ) from error
    login = read_secret(secret)
    wire = Wire(
        base_url=_checked_address(str(options.get("base_url") or DEFAULT_SERVER)),
        login=(str(options.get("handle") or ""), login["password"]),
        keep_session=keep_session,
        clock=clock,
        timeout=float(options.get("timeout") or TIMEOUT),
    )
    with contextlib.closing(wire):
        wire.sign_in(login["session"])
        yield wire


def read_secret(kept: str) -> dict[str, str]:
    """Password and session of an account. Raises ChannelError."""
    try:
        secret = json.loads(kept)
        return {"password": str(secret["password"]), "session": str(secret.get("session", ""))}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ChannelError(
            "The app password of this account is not stored.",
            permanent=True,
            mend=SIGN_IN_AGAIN,
        ) from error


def _checked_address(address: str) -> str:
    """The server's address: passwords go there, so it is https, or this machine itself."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    is_local = host == "localhost"
    with contextlib.suppress(ValueError):
        is_local = is_local or ipaddress.ip_address(host).is_loopback
    if host and (parts.scheme == "https" or (parts.scheme == "http" and is_local)):
        return address.rstrip("/")
    raise ChannelError(
        f"'{address}' is not the address of a Bluesky server.",
        permanent=True,
        mend=f"Give base_url as in {DEFAULT_SERVER}.",
    )
