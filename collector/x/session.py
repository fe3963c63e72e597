"""tweepy's client, and the HTTP session under it: the host that an account names in place of X's.

Importing this costs the import of requests, making a client that of tweepy: both are done when a
connector is used.
"""

from __future__ import annotations

import logging
from typing import Any

import requests

from collector.bounded_session import BoundedSession, json_of
from collector.platform_answers import NoAnswer, Refused
from collector.x.errors import detail_of
from collector.x.login import TWEEPY_HOST, Login

#: These write tokens and people's words to the debug log (promise P39).
_TALKATIVE = ("tweepy", "oauthlib", "requests_oauthlib")


class ApiSession(BoundedSession):
    """Raises Refused for an answer that is not 2xx, NoAnswer where there is none to use.

    Raised here and not by tweepy, whose own errors fail on bodies that aren't objects. OAuth 1.0a
    signs the address that is called, so the host is replaced before a request is prepared.
    """

    def __init__(self, base_url: str, timeout: float) -> None:
        super().__init__(timeout)
        self.base_url = base_url

    def request(self, method: str, url: str | bytes, *args: Any, **given: Any) -> requests.Response:
        """Send one request; its answer's body is read, and at most 10 MiB long."""
        address = self.base_url + str(url).removeprefix(TWEEPY_HOST)
        response, body = self.exchange(method, address, *args, **given)
        if not 200 <= response.status_code < 300:
            headers = {name.lower(): value for name, value in response.headers.items()}
            raise Refused(response.status_code, headers, detail_of(json_of(body)))
        return response


def json_object(response: requests.Response) -> dict[str, Any]:
    """The answer as an object. Raises NoAnswer when it is anything else."""
    answer = json_of(response.content)
    if not isinstance(answer, dict):
        raise NoAnswer("its answer can't be understood", may_have_arrived=True)
    return answer


def client_of(login: Login, session: ApiSession) -> Any:
    """Tweepy's client, sending by this session."""
    import tweepy  # type: ignore[import-untyped]

    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    client = tweepy.Client(
        bearer_token=login.access_token,
        consumer_key=login.consumer_key,
        consumer_secret=login.consumer_secret,
        access_token=login.access_token,
        access_token_secret=login.access_token_secret,
        return_type=requests.Response,
    )
    client.session.close()
    client.session = session
    return client
