"""Requests to X: each holds its price first and is charged after, and renews a login that ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from collector.connector import ChannelError, Context
from collector.platform_answers import NoAnswer, Refused
from collector.x.errors import (
    SIGN_IN_AGAIN,
    PlaceLost,
    reading_error,
    writing_error,
)
from collector.x.login import TWEEPY_HOST, Login
from collector.x.posts import USER_FIELDS, ids_of, number_of

if TYPE_CHECKING:
    from collector.x.session import ApiSession

_NAMELESS = NoAnswer("it does not say who we are", may_have_arrived=False)
#: Given the client and whether to sign by OAuth 1.0a; returns the response.
Call = Callable[[Any, bool], Any]
#: The same for a listing, with how many items to ask for.
ListingCall = Callable[[Any, bool, int], Any]


class Api:
    """tweepy's client with a login, a meter and our errors. `keep` stores a changed login."""

    def __init__(
        self,
        client: Any,
        session: ApiSession,
        login: Login,
        context: Context,
        keep: Callable[[Login], None],
    ) -> None:
        self._client = client
        self._session = session
        self._login = login
        self._context = context
        self._keep = keep

    def own_id(self) -> str:
        """X's number of this account; asked for, and paid, once per login."""
        signed_in = self._login.access_token.partition("-")[0] if self._login.is_oauth1 else ""
        return self._login.user_id or str(number_of(signed_in) or self.me()["id"])

    def me(self) -> dict[str, Any]:
        """This account as X knows it. Raises ChannelError."""
        answer = self.read(
            "user_read",
            (1, 1),
            "the account",
            lambda client, oauth1, _: client.get_me(user_fields=USER_FIELDS, user_auth=oauth1),
        )
        user = answer.get("data")
        if not isinstance(user, dict) or not number_of(user.get("id")):
            raise self._not_read(_NAMELESS, "the account")
        if user["id"] != self._login.user_id:
            self._change(replace(self._login, user_id=str(user["id"])))
        return user

    def read(
        self,
        kind: str,
        page: tuple[int, int],
        what: str,
        call: ListingCall,
        *,
        token: str = "",
    ) -> dict[str, Any]:
        """One answer of at least and at most so many items as `page` says and the cap allows.

        Raises ChannelError; PlaceLost where `token` is not known any more.
        """
        least, most = page
        meter = self._context.meter
        held = meter.hold(kind, most)
        if held.count < least:
            meter.settle(held, ())
            raise meter.capped()
        try:
            answer = self._answered(lambda client, oauth1: call(client, oauth1, held.count))
        except (Refused, NoAnswer) as error:
            meter.settle(held, ())
            if isinstance(error, Refused) and error.status == 400 and token:
                raise PlaceLost(
                    f"X lost our place in {what}.", permanent=False, mend="It is found by itself."
                ) from error
            raise self._not_read(error, what) from error
        meter.settle(held, ids_of(answer))
        return answer

    def write(self, kind: str, key: str, hand_over: str, call: Call) -> dict[str, Any]:
        """Send once; returns what X says it made. Raises ChannelError.

        What may have been sent counts as paid, so that the cap holds in any case.
        """
        meter = self._context.meter
        what = "this message" if kind == "dm" else "this post"
        held = meter.hold(kind, 1)
        if held.count < 1:
            raise meter.capped()
        try:
            made = self._answered(call).get("data")
            number = made.get("id") or made.get("dm_event_id") if isinstance(made, dict) else ""
            if not isinstance(made, dict) or not number_of(number):
                raise NoAnswer("its answer names no id", may_have_arrived=True)
        except (Refused, NoAnswer) as error:
            failure = writing_error(error, what, self._context.clock, hand_over)
            meter.settle(held, [f"unknown:{key}"] if failure.delivered_unknown else ())
            raise failure from error
        meter.settle(held, [str(number)])
        return made

    def _answered(self, call: Call) -> dict[str, Any]:
        from collector.x.session import json_object

        try:
            return json_object(call(self._client, self._login.is_oauth1))
        except Refused as error:
            if error.status != 401 or not self._login.is_renewable:
                raise
        self._renew()
        return json_object(call(self._client, self._login.is_oauth1))

    def _renew(self) -> None:
        """New tokens for the login, kept before they are used: the old ones end with this."""
        from collector.x.session import json_object

        login = self._login
        try:
            response = self._session.request(
                "POST",
                f"{TWEEPY_HOST}/2/oauth2/token",
                data={
                    "grant_type": "refresh_token",
                    "refresh_token": login.refresh_token,
                    "client_id": login.client_id,
                },
                auth=(login.client_id, login.client_secret) if login.client_secret else None,
            )
            tokens = json_object(response)
        except (Refused, NoAnswer) as error:
            if isinstance(error, Refused) and error.status in (400, 401, 403):
                raise ChannelError(
                    "X does not renew the login.", permanent=True, mend=SIGN_IN_AGAIN
                ) from error
            raise self._not_read(error, "the login") from error
        renewed = replace(
            login,
            access_token=str(tokens.get("access_token") or ""),
            refresh_token=str(tokens.get("refresh_token") or login.refresh_token),
        )
        if not renewed.access_token:
            raise self._not_read(NoAnswer("it gave no tokens", may_have_arrived=True), "the login")
        self._change(renewed)
        self._client.bearer_token = renewed.access_token

    def _change(self, login: Login) -> None:
        self._login = login
        self._keep(login)

    def _not_read(self, error: Refused | NoAnswer, what: str) -> ChannelError:
        return reading_error(error, what, self._context.clock)
