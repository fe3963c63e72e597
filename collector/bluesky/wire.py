"""The wire to an account's Bluesky server: signing in, requests, what goes wrong.

The only module that imports atproto, which takes seconds: import this one when it is needed.
Answers stay plain JSON, because atproto's models would refuse a page for one malformed item.
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
from atproto_client import Client, Session
from atproto_client.exceptions import (
    RateLimitExceededError,
    RequestErrorBase,
)
from atproto_client.request import Request, Response
from atproto_core.exceptions import AtProtocolError

from collector.bluesky.answers import SIGN_IN_AGAIN, STALE_TOKEN, WAIT, Refused
from collector.connector import ChannelError
from ledger.clock import Clock
from ledger.model import clean_name

TIMEOUT = 20.0
#: Bytes of one answer, and seconds it may take to come in, however slowly it drips.
MOST_BYTES = 10 * 1024 * 1024
MOST_SECONDS = 60.0
#: Bluesky's longest window is a day; a reset later than that is not believed.
MOST_WAIT = timedelta(days=1)
#: https://docs.bsky.app/docs/api/chat-bsky-convo-get-convo-for-members, "service proxying"
CHAT_SERVICE = "did:web:api.bsky.chat#bsky_chat"
#: Scopes of a login (com.atproto.server.createSession): all but this one may read messages.
APP_PASSWORD = "com.atproto.appPass"  # noqa: S105 - the name of a scope
#: Failures before anything left us.
_NOTHING_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
#: Names of the statuses that pass by themselves: request timeout, conflict, too early.
_PASSING = frozenset({408, 409, 425})
#: httpx logs each address it asks, with people's ids in it (promise P39).
_TALKATIVE = ("httpx", "httpcore")


class Wire:
    """One login. `keep_session` is told each new session string, which replaces the old one."""

    def __init__(
        self,
        *,
        base_url: str,
        login: tuple[str, str],
        keep_session: Callable[[str], None],
        clock: Clock,
        timeout: float = TIMEOUT,
    ) -> None:
        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.WARNING)
        self._host = httpx.URL(base_url).host
        self._login = login
        self._keep_session = keep_session
        self._clock = clock
        request = Request(
            timeout=timeout,
            verify=_trusted(),
            headers={"Accept-Encoding": "identity"},
            event_hooks={"response": [_bound]},
        )
        self._client = Client(base_url, request=request)
        self._session = Session("", "", "", "")

    def sign_in(self, session: str) -> None:
        """Go on with the session that was kept, else begin one by the password."""
        self._session = self._resumed(session) or self._signed_in()

    def close(self) -> None:
        self._client.request.close()

    @property
    def did(self) -> str:
        return str(self._session.did)

    @property
    def handle(self) -> str:
        return str(self._session.handle)

    @property
    def may_chat(self) -> bool:
        with contextlib.suppress(AtProtocolError, ValueError):
            return bool(self._session.access_jwt_payload.scope != APP_PASSWORD)
        return False

    def query(self, nsid: str, **params: Any) -> dict[str, Any]:
        return self._answer(nsid, lambda given: self._client.request.get(**given, params=params))

    def call(self, nsid: str, body: dict[str, Any], *, once: bool = False) -> dict[str, Any]:
        return self._answer(
            nsid, lambda given: self._client.request.post(**given, json=body), once=once
        )

    def _answer(
        self, nsid: str, ask: Callable[[dict[str, Any]], Response], *, once: bool = False
    ) -> dict[str, Any]:
        with self._errors(once=once):
            try:
                return _body(ask(self._given(nsid)))
            except RequestErrorBase as error:
                if not _is_stale(error, nsid):
                    raise
        self._renew()
        with self._errors(once=once):
            return _body(ask(self._given(nsid)))

    def _given(self, nsid: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._session.access_jwt}"}
        if nsid.startswith("chat.bsky."):
            headers["atproto-proxy"] = CHAT_SERVICE
        return {"url": self._url(nsid), "headers": headers}

    def _url(self, nsid: str) -> str:
        server = (self._session.pds_endpoint or "").removesuffix("/xrpc").rstrip("/")
        return f"{server}/xrpc/{nsid}"

    def _resumed(self, session: str) -> Session | None:
        """The session that was kept, without asking the server; None if it can't be used."""
        if not session:
            return None
        try:
            self._client.login(session_string=session, fetch_bsky_profile=False)
            return Session.decode(session)
        except (AtProtocolError, ValueError, TypeError):
            return None

    def _signed_in(self) -> Session:
        """A new session; the server allows 300 a day (com.atproto.server.createSession)."""
        handle, password = self._login
        with self._errors():
            try:
                self._client.login(handle, password, fetch_bsky_profile=False)
            except RequestErrorBase as error:
                if _status(error) in (400, 401):
                    raise _refused_login(error) from error
                raise
        return self._keep(self._client.export_session_string())

    def _renew(self) -> None:
        """Another access token by the refresh token, or by the password where that is over."""
        old = self._session
        with self._errors():
            try:
                headers = {"Authorization": f"Bearer {old.refresh_jwt}"}
                url = self._url("com.atproto.server.refreshSession")
                answer = _body(self._client.request.post(url=url, headers=headers))
            except RequestErrorBase as error:
                if _status(error) not in (400, 401):
                    raise
                answer = None
        if answer is None:
            self._session = self._signed_in()
            return
        with self._errors():
            renewed = Session(
                str(answer["handle"]),
                str(answer["did"]),
                str(answer["accessJwt"]),
                str(answer["refreshJwt"]),
                old.pds_endpoint,
            )
        self._session = self._keep(renewed.export())

    def _keep(self, session: str) -> Session:
        self._keep_session(session)
        return Session.decode(session)

    @contextlib.contextmanager
    def _errors(self, *, once: bool = False) -> Iterator[None]:
        try:
            yield
        except RateLimitExceededError as error:
            raise Refused(
                f"{self._host} asks us to wait: too many requests.",
                code="RateLimitExceeded",
                said="",
                permanent=False,
                mend=WAIT,
                retry_after=self._wait(error),
            ) from error
        except RequestErrorBase as error:
            if error.response is None:
                raise self._unreachable(error.__cause__ or error, once=once) from error
            raise _refused(error, self._host, once=once) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._unreachable(error, once=once) from error
        except (AtProtocolError, ValueError, TypeError, KeyError) as error:
            raise ChannelError(
                f"{self._host} answered with something that can't be read.",
                permanent=False,
                mend=f"{WAIT} If it stays, check that base_url is a Bluesky server (PDS).",
                delivered_unknown=once,
            ) from error

    def _unreachable(self, error: BaseException, *, once: bool) -> ChannelError:
        timed_out = isinstance(error, httpx.TimeoutException)
        why = "no answer in time" if timed_out else clean_name(str(error))[:200]
        return ChannelError(
            f"{self._host} can't be reached: {why or type(error).__name__}.",
            permanent=False,
            mend=f"Check the network and base_url. {WAIT}",
            delivered_unknown=once and not isinstance(error, _NOTHING_LEFT),
        )

    def _wait(self, error: RateLimitExceededError) -> timedelta | None:
        """Until the window ends: `ratelimit-reset` in seconds since 1970, else `retry-after`."""
        try:
            if error.reset_at is not None:
                wait = error.reset_at - self._clock()
            elif error.retry_after is not None:
                wait = timedelta(seconds=error.retry_after)
            else:
                return None
        except (ValueError, OverflowError, OSError):
            return None
        return timedelta(seconds=min(max(wait.total_seconds(), 1), MOST_WAIT.total_seconds()))


@functools.cache
def _trusted() -> ssl.SSLContext:
    """The authorities that are trusted; loading them takes longer than a request."""
    return httpx.create_ssl_context()


def _refused(error: RequestErrorBase, host: str, *, once: bool) -> Refused:
    status, (code, said) = _status(error), _said(error)
    words = f"{host} answered {status}" + (f": {said or code}." if said or code else ".")
    if status >= 500 and status != 501:
        return Refused(
            words, code=code, said=said, permanent=False, mend=WAIT, delivered_unknown=once
        )
    if status in (404, 405, 501) or code in ("MethodNotImplemented", "XRPCNotSupported"):
        mend = "Check base_url: it must be the address of the account's Bluesky server (PDS)."
    elif status in (401, 403) or code in STALE_TOKEN:
        mend = SIGN_IN_AGAIN
    else:
        mend = "Change what it complains of; trying again as it is would not help."
    return Refused(words, code=code, said=said, permanent=status not in _PASSING, mend=mend)


def _refused_login(error: RequestErrorBase) -> Refused:
    code, said = _said(error)
    words = f"Bluesky refused the sign-in: {said or code or 'no reason given'}."
    return Refused(words, code=code, said=said, permanent=True, mend=SIGN_IN_AGAIN)


def _is_stale(error: RequestErrorBase, nsid: str) -> bool:
    """Whether another token would help; for a chat, "InvalidToken" means a missing right."""
    code, _ = _said(error)
    if nsid.startswith("chat.bsky."):
        return code == "ExpiredToken"
    return code in STALE_TOKEN or _status(error) == 401


def _status(error: RequestErrorBase) -> int:
    return 0 if error.response is None else error.response.status_code


def _said(error: RequestErrorBase) -> tuple[str, str]:
    """XRPC's name of the error and its words, on one line."""
    content = None if error.response is None else error.response.content
    code, said = getattr(content, "error", None), getattr(content, "message", None)
    words = clean_name(said).rstrip(".") if isinstance(said, str) else ""
    return (clean_name(code)[:100] if isinstance(code, str) else ""), words[:300]


def _body(answer: Response) -> dict[str, Any]:
    content = answer.content
    if content == b"":
        return {}
    if isinstance(content, bytes):  # JSON under another content type
        content = json.loads(content)
    if not isinstance(content, dict):
        raise TypeError("not a JSON object")
    return content


def _bound(response: httpx.Response) -> None:
    """Refuse redirects, which XRPC does not know, and make too large an answer end early."""
    if response.has_redirect_location:
        raise httpx.RemoteProtocolError("it answered with a redirect")
    if response.headers.get("content-encoding", "identity") != "identity":
        raise httpx.RemoteProtocolError("it answered in an encoding that was not asked for")
    assert isinstance(response.stream, httpx.SyncByteStream)
    response.stream = _BoundedStream(response.stream)


class _BoundedStream(httpx.SyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        taken, deadline = 0, time.monotonic() + MOST_SECONDS
        for chunk in self._stream:
            taken += len(chunk)
            if taken > MOST_BYTES:
                raise httpx.RemoteProtocolError("its answer is larger than 10 MiB")
            if time.monotonic() > deadline:
                raise httpx.ReadTimeout("its answer takes too long")
            yield chunk

    def close(self) -> None:
        self._stream.close()
