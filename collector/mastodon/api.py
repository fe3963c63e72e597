"""One account at a Mastodon server: requests by Mastodon.py, and what is known of the server."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from collector.connector import ChannelError
from collector.mastodon.errors import (
    OTHER_SERVER,
    SIGN_IN_AGAIN,
    reading_error,
    sending_error,
    unknown,
)
from collector.mastodon.posts import counted_length, text_of
from collector.platform_answers import NoAnswer, Refused
from ledger.clock import Clock
from ledger.settings import LOOPBACK_HOSTS

if TYPE_CHECKING:
    from mastodon import Mastodon

    from collector.mastodon.session import ApiSession

GONE = frozenset({404, 410})
#: Seconds for connecting and for each answer, unless the account says otherwise.
TIMEOUT = 20.0
MOST_TIMEOUT = 30.0
#: Mastodon's own, for servers that don't say (docs.joinmastodon.org/entities/Instance).
STATUS_CHARACTERS = 500
ADDRESS_CHARACTERS = 23


class Api:
    """Requests in one account's name. Answers are plain JSON, whatever the server made of it."""

    def __init__(self, options: dict[str, Any], token: str, clock: Clock) -> None:
        self._options = options
        self._token = token
        self._clock = clock
        self._client: Mastodon | None = None
        self._session: ApiSession | None = None
        self._own: dict[str, Any] = {}
        self._server: dict[str, Any] = {}

    @property
    def client(self) -> Mastodon:
        """Mastodon.py's client; only to name the method that `ask` and `read` call."""
        if self._client is None:
            address, timeout = address_of(self._options), timeout_of(self._options)
            token = _checked_token(self._token)
            # Here, when it is needed: importing it takes a second.
            from mastodon import Mastodon

            from collector.mastodon.session import ApiSession

            # It would write people's names to the debug log (promise P39).
            logging.getLogger("urllib3").setLevel(logging.INFO)
            self._session = ApiSession(timeout)
            self._client = Mastodon(
                api_base_url=address,
                session=self._session,
                request_timeout=timeout,
                ratelimit_method="throw",
                version_check_mode="none",
                user_agent="definedby",
            )
            # Not by its constructor, which would read a file of that name.
            self._client.access_token = token
        return self._client

    @property
    def newer(self) -> str:
        """The id after which newer items come, by the last answer's Link header, or ""."""
        return self._session.newer if self._session else ""

    @property
    def remaining(self) -> int | None:
        """How many requests the server still allows, by the last answer; None if it is silent."""
        return self._session.remaining if self._session else None

    def ask(self, call: Callable[..., Any], *args: Any, **given: Any) -> Any:
        """The answer of one method of the client. Raises Refused and NoAnswer."""
        from mastodon.errors import MastodonNetworkError

        try:
            call(*args, **given)
        except MastodonNetworkError as error:
            # Mastodon.py wraps whatever its session raises.
            if isinstance(error.__context__, Refused | NoAnswer):
                raise error.__context__ from error
            raise
        assert self._session is not None
        return self._session.answer

    def read(self, what: str, call: Callable[..., Any], *args: Any, **given: Any) -> Any:
        """`ask`, for what must be there. Raises ChannelError, naming `what`."""
        try:
            return self.ask(call, *args, **given)
        except (Refused, NoAnswer) as error:
            raise reading_error(error, what, self._clock) from error

    def read_list(self, what: str, call: Callable[..., Any], **given: Any) -> list[Any]:
        """`read`, for a list; an empty one where the server knows no such thing."""
        found = self.read_if_there(what, call, **given)
        if found is None or isinstance(found, list):
            return found or []
        error = NoAnswer("its answer can't be understood", may_have_arrived=True)
        raise reading_error(error, what, self._clock)

    def read_if_there(self, what: str, call: Callable[..., Any], *args: Any, **given: Any) -> Any:
        """`ask`, for what may be gone or unknown to this server: None. Raises ChannelError."""
        try:
            return self.ask(call, *args, **given)
        except (Refused, NoAnswer) as error:
            if isinstance(error, Refused) and error.status in GONE:
                return None
            raise reading_error(error, what, self._clock) from error

    def post(self, text: str, *, key: str, **given: Any) -> dict[str, Any]:
        """Post a status; returns it. Raises ChannelError (promise P10).

        `key` is the Idempotency-Key, by which a server knows the same post for an hour. So a
        connection that was cut is tried once more. What was slow is not: the server may still be
        at it, and some know the key only afterwards (mastodon/mastodon#21840).
        """
        self._refuse_long(text)
        try:
            status = self.ask(self.client.status_post, text, idempotency_key=key, **given)
        except NoAnswer as error:
            if not error.is_cut:
                raise sending_error(error, self._clock) from error
            status = self._post_again(error, text, idempotency_key=key, **given)
        except Refused as error:
            raise sending_error(error, self._clock) from error
        if not text_of(status, "id"):
            raise unknown("its answer can't be understood")
        posted: dict[str, Any] = status
        return posted

    def own(self) -> dict[str, Any]:
        """The account whose token this is. Raises ChannelError."""
        if not self._own:
            try:
                found = self.ask(self.client.account_verify_credentials)
            except (Refused, NoAnswer) as error:
                # snac says 422 of a token it does not know.
                if isinstance(error, Refused) and error.status == 422:
                    error = Refused(401, error.headers, error.detail)
                raise reading_error(error, "its account", self._clock) from error
            if not text_of(found, "id") or not text_of(found, "acct"):
                raise ChannelError(
                    "What answers there is no Mastodon server.", permanent=True, mend=OTHER_SERVER
                )
            self._own = found
        return self._own

    def domain(self) -> str:
        """The host in the handles of the server's own people; it need not be where it answers."""
        server = self._about()
        said = text_of(server, "domain") or text_of(server, "uri")
        host = urlsplit(said).netloc if "://" in said else said
        return (host or urlsplit(address_of(self._options)).netloc).lower()

    def _about(self) -> dict[str, Any]:
        """The server's description of itself, in the second or the first version."""
        if not self._server:
            what = "a description of itself"
            found = self.read_if_there(what, self.client.instance_v2)
            if not isinstance(found, dict):
                found = self.read_if_there(what, self.client.instance_v1)
            self._server = found if isinstance(found, dict) else {"domain": ""}
        return self._server

    def _refuse_long(self, text: str) -> None:
        server = self._about()
        configuration = server.get("configuration")
        limits = configuration.get("statuses") if isinstance(configuration, dict) else None
        most = _number(limits, "max_characters") or _number(server, "max_toot_chars")
        most = most or STATUS_CHARACTERS
        per_address = _number(limits, "characters_reserved_per_url") or ADDRESS_CHARACTERS
        length = counted_length(text, per_address)
        if length > most:
            raise ChannelError(
                f"The post has {length:,} characters; the server allows {most:,}.",
                permanent=True,
                mend="Shorten it.",
            )

    def _post_again(self, before: NoAnswer, text: str, **given: Any) -> Any:
        try:
            return self.ask(self.client.status_post, text, **given)
        except (Refused, NoAnswer) as error:
            # Whatever is wrong now: the first one may be out.
            raise unknown(before.why) from error


def address_of(options: dict[str, Any]) -> str:
    """The server's address, checked: a token must not travel in the open. Raises ChannelError."""
    address = str(options.get("base_url") or "").rstrip("/")
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    is_plain = bool(host) and address.isprintable() and " " not in address
    if not is_plain or parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        raise ChannelError(
            "The account has no usable server address.", permanent=True, mend=OTHER_SERVER
        )
    if parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK_HOSTS):
        return address
    raise ChannelError(
        f"Without https anyone on the way to {host} could read the token.",
        permanent=True,
        mend=f"Begin the address with https://. {OTHER_SERVER}",
    )


def timeout_of(options: dict[str, Any]) -> float:
    """Seconds to wait for the server. Raises ChannelError."""
    given = options.get("timeout") or TIMEOUT
    try:
        seconds = float(given)
    except (TypeError, ValueError):
        seconds = 0.0
    if not 0 < seconds <= MOST_TIMEOUT:
        raise ChannelError(
            f"The timeout '{given}' is no number of seconds up to {MOST_TIMEOUT:.0f}.",
            permanent=True,
            mend="Correct it with 'definedby account add mastodon --replace'.",
        )
    return seconds


def _checked_token(token: str) -> str:
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ChannelError(
            "The account has no usable access token.", permanent=True, mend=SIGN_IN_AGAIN
        )
    return token


def _number(found: Any, name: str) -> int:
    value = found.get(name) if isinstance(found, dict) else None
    return value if isinstance(value, int) and value > 0 else 0
