"""X: mentions, answers to the prompt and direct messages, by tweepy and X's API v2.

X charges by use, so every request asks the meter first (collector/x/api.py). How a listing is read
without gaps is in collector/x/walk.py, what goes wrong in collector/x/errors.py, the login in
collector/x/login.py.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from collector.connector import (
    ChannelError,
    Connector,
    Context,
    FollowerPage,
    OutgoingMessage,
    PromptPost,
    SourceState,
)
from collector.x.again import LOOKUP_IDS, own_post_at, states_of, texts_of
from collector.x.api import Api
from collector.x.errors import OnlyHere
from collector.x.login import ASKS, Login, account_from, answers_of, base_url_of, timeout_of
from collector.x.posts import (
    MESSAGE_FIELDS,
    MESSAGE_PREFIX,
    POST_FIELDS,
    USER_FIELDS,
    WEB,
    id_at,
    number_of,
    read_messages,
    read_posts,
)
from collector.x.prices import kind_of_post
from collector.x.walk import Batch, Listing, Mark, Taken, read_listing
from ledger.model import Account, IncomingReply, Page, Skipped

if TYPE_CHECKING:
    from collector.x.session import ApiSession

__all__ = ["ASKS", "XConnector", "account_from", "answers_of", "open_connector"]

#: X's own smallest and largest page (docs.x.com/x-api, reference of each endpoint).
MENTIONS_PAGE, SEARCH_PAGE, MESSAGES_PAGE = (5, 100), (10, 100), (1, 100)
#: Messages can't be asked for by id: the newest are read again each time, and charged each day.
FIRST_MESSAGES = (1, 5)
#: The recent search reaches back seven days, and refuses an older since_id.
SEARCH_REACH = timedelta(days=7) - timedelta(hours=1)
#: As many mentions as no cap leaves room for.
#: These write tokens and people's words to the debug log (promise P39).
_TALKATIVE = ("tweepy", "oauthlib", "requests_oauthlib")


def open_connector(account: Account, context: Context | None = None) -> Connector:
    """The connector of an X account; wrong options are reported when it is used."""
    return XConnector(account, context or Context())


class XConnector:
    """One login at X.

    Options: monthly_cap and prices (dollars, see collector/meter.py), messages ("no": direct
    messages are not read), base_url (a gateway), timeout (seconds).
    """

    def __init__(self, account: Account, context: Context) -> None:
        self._options = account.options
        self._secret = account.secret
        self._context = context

    def fetch(self, cursor: str, limit: int) -> Page:
        """What is new in the mentions, in the answers to each prompt, in the messages.

        A listing that X refuses does not keep the others from being read: its error is raised
        once there is nothing else to give. Raises ChannelError.
        """
        items: list[IncomingReply | Skipped] = []
        edited: list[IncomingReply] = []
        rest, error = False, None
        with self._api() as api:
            own_id = api.own_id()
            marks = _marks(cursor, own_id)
            for listing in self._listings(api, own_id):
                if len(items) >= max(limit, 1):
                    rest = True
                    break
                before = marks.get(listing.name) or Mark(since=listing.start)
                taken = read_listing(listing, before, limit - len(items))
                marks[listing.name] = taken.mark
                items += _items(taken, before, edited)
                rest, error = rest or taken.rest, error or taken.error
                if taken.error is not None and not isinstance(taken.error, OnlyHere):
                    break
        if error is not None and not items:
            raise error
        found = {item.external_id: item for item in items}.values()
        return Page(
            replies=tuple(item for item in found if isinstance(item, IncomingReply)),
            next_cursor=_cursor(own_id, marks),
            more=rest or error is not None,
            skipped=tuple(item for item in found if isinstance(item, Skipped)),
            edited=tuple(edited),
        )

    def send(self, message: OutgoingMessage) -> str:
        """Send a direct message, or answer a post; return X's id. Raises ChannelError.

        X knows no idempotency keys: what may have left is never tried again by itself (P10).
        What X leaves to people comes with the address of its composer.
        """
        text = quote(message.body, safe="")
        number = number_of(message.recipient if message.private else message.in_reply_to)
        if message.private:
            hand_over = f"{WEB}/messages/compose?recipient_id={number}&text={text}"
        else:
            hand_over = f"{WEB}/intent/post?in_reply_to={number}&text={text}"
        if not number:
            raise ChannelError(
                "X sends only to a known account, or as the answer to a known post.",
                permanent=True,
                mend="Open the prepared text in X and send it yourself, then mark it as sent.",
                hand_over=f"{WEB}/intent/post?text={text}" if not message.private else "",
            )
        if not message.private:
            return self._post(message.body, message.message_id, hand_over, number)
        with self._api() as api:
            made = api.write(
                "dm",
                message.message_id,
                hand_over,
                lambda client, oauth1: client.create_direct_message(
                    participant_id=number, text=message.body, user_auth=oauth1
                ),
            )
        return f"{MESSAGE_PREFIX}{made.get('dm_event_id') or made['id']}"

    def post(self, text: str, key: str) -> PromptPost:
        """Post the prompt. X has no use for `key`, but refuses the very same text soon after."""
        hand_over = f"{WEB}/intent/post?text={quote(text, safe='')}"
        number = self._post(text, key, hand_over)
        return PromptPost(
            number, f"{WEB}/i/status/{number}", self._context.clock(), thread_id=number
        )

    def new_followers(self, cursor: str, limit: int) -> FollowerPage:
        """Who follows since the cursor; each one that X shows is charged. Raises ChannelError."""
        from collector.x.followers import new_followers

        with self._api() as api:
            return new_followers(api, cursor, limit)

    def look_again(self, external_ids: Sequence[str]) -> dict[str, SourceState]:
        """How these posts stand now; messages can't be looked up and are not in the answer.

        What X did not say before it refused more is left out. Raises ChannelError when that is
        everything.
        """
        ids = [one for one in external_ids if number_of(one)]
        states: dict[str, SourceState] = {}
        with self._api() as api:
            for start in range(0, len(ids), LOOKUP_IDS):
                try:
                    states |= states_of(api, ids[start : start + LOOKUP_IDS])
                except ChannelError:
                    if not states:
                        raise
                    break
        return states

    def read_again(self, external_ids: Sequence[str]) -> dict[str, str]:
        """The words of these posts in their newest version; X charges for that one as well."""
        ids = [one for one in external_ids if number_of(one)]
        texts: dict[str, str] = {}
        with self._api() as api:
            for start in range(0, len(ids), LOOKUP_IDS):
                texts |= texts_of(api, ids[start : start + LOOKUP_IDS])
        return texts

    def with_version(self, external_id: str, raw: str) -> str:  # noqa: ARG002 - X tells by itself
        return external_id

    def find_post(self, address: str) -> PromptPost:
        """The post at an address like x.com/name/status/123. Raises ChannelError."""
        with self._api() as api:
            return own_post_at(api, address)

    def check(self) -> str:
        """Ask X who we are; says what is left of the monthly cap. Raises ChannelError."""
        with self._api() as api:
            name = api.me().get("username")
        left = self._context.meter.left()
        if left is None:
            return f"X answered as @{name}; no monthly cap is set."
        return f"X answered as @{name}; ${left:.2f} of this month's cap is left."

    def _post(self, text: str, key: str, hand_over: str, answered: int = 0) -> str:
        with self._api() as api:
            made = api.write(
                kind_of_post(text),
                key,
                hand_over,
                lambda client, oauth1: client.create_tweet(
                    text=text, in_reply_to_tweet_id=answered or None, user_auth=oauth1
                ),
            )
        return str(made["id"])

    def _listings(self, api: Api, own_id: str) -> Iterator[Listing]:
        prompts = {
            number_of(prompt.external_id): number_of(prompt.thread_id or prompt.external_id)
            for prompt in self._context.prompts
        }
        # Nothing older can be an answer; without a prompt, everything may be one.
        start = min(prompts, default=0)
        yield Listing("mentions", lambda mark, token: _mentions(api, own_id, mark, token), start)
        floor = id_at(self._context.clock() - SEARCH_REACH)
        for prompt, thread in prompts.items():
            query = f"conversation_id:{thread} -from:{own_id}"
            yield Listing(
                f"answers:{prompt}",
                lambda mark, token, query=query: _search(api, own_id, query, floor, mark, token),  # type: ignore[misc]
                prompt,
            )
        if self._options.get("messages") != "no":
            yield Listing(
                "messages",
                lambda mark, token: _messages(api, own_id, mark, token),
                start,
                by_token=True,
            )

    @contextlib.contextmanager
    def _api(self) -> Iterator[Api]:
        from collector.x.session import ApiSession

        login = Login.of(self._secret)
        base_url, timeout = base_url_of(self._options), timeout_of(self._options)
        with contextlib.closing(ApiSession(base_url, timeout)) as session:
            yield Api(_client(login, session), session, login, self._context, self._keep)

    def _keep(self, login: Login) -> None:
        self._secret = login.secret
        self._context.keep_secret(login.secret)


def _client(login: Login, session: ApiSession) -> Any:
    import requests
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


def _mentions(api: Api, own_id: str, mark: Mark, token: str) -> Batch:
    answer = api.read(
        "mention",
        MENTIONS_PAGE,
        "the mentions",
        lambda client, oauth1, count: client.get_users_mentions(
            own_id,
            since_id=mark.since or None,
            until_id=mark.until or None,
            pagination_token=token or None,
            max_results=count,
            tweet_fields=POST_FIELDS,
            expansions=["author_id"],
            user_fields=USER_FIELDS,
            user_auth=oauth1,
        ),
        token=token,
    )
    return read_posts(answer, own_id, mark.since)


def _search(api: Api, own_id: str, query: str, floor: int, mark: Mark, token: str) -> Batch:
    """Up to seven days back; `floor` is the oldest id that the search knows."""
    if 0 < mark.until <= floor:
        return Batch(())
    answer = api.read(
        "post_read",
        SEARCH_PAGE,
        "the answers to the prompt",
        lambda client, oauth1, count: client.search_recent_tweets(
            query,
            since_id=mark.since if mark.since > floor else None,
            until_id=mark.until or None,
            next_token=token or None,
            max_results=count,
            tweet_fields=POST_FIELDS,
            expansions=["author_id"],
            user_fields=USER_FIELDS,
            user_auth=oauth1,
        ),
        token=token,
    )
    return read_posts(answer, own_id, mark.since)


def _messages(api: Api, own_id: str, mark: Mark, token: str) -> Batch:
    answer = api.read(
        "dm_read",
        FIRST_MESSAGES if mark.since and not token else MESSAGES_PAGE,
        "direct messages",
        lambda client, oauth1, count: client.get_direct_message_events(
            event_types="MessageCreate",
            pagination_token=token or None,
            max_results=count,
            dm_event_fields=MESSAGE_FIELDS,
            expansions=["sender_id"],
            user_fields=USER_FIELDS,
            user_auth=oauth1,
        ),
        token=token,
    )
    return read_messages(answer, own_id, mark.since)


def _items(
    taken: Taken, before: Mark, edited: list[IncomingReply]
) -> Iterator[IncomingReply | Skipped]:
    """What was taken. An edited post has a new id; it stays the reply it was if we read that."""
    together = {item.position for item in taken.items}
    for item in taken.items:
        known = [
            version
            for version in item.earlier
            if before.has_read(number_of(version)) or number_of(version) in together
        ]
        if isinstance(item.reply, Skipped) or not known:
            yield item.reply
            continue
        edited += [replace(item.reply, external_id=version) for version in known]
        # Given as a reply as well, should the first version have been left out: stored once.
        yield replace(item.reply, external_id=known[0])


def _marks(cursor: str, own_id: str) -> dict[str, Mark]:
    """Nothing of it counts for another login, or when it can't be read."""
    try:
        parts = json.loads(cursor or "{}")
        if parts.get("of") == own_id:
            return {name: Mark.of(mark) for name, mark in parts["read"].items()}
    except (AttributeError, KeyError, ValueError):
        pass
    return {}


def _cursor(own_id: str, marks: dict[str, Mark]) -> str:
    read = {name: mark.as_json() for name, mark in sorted(marks.items())}
    return json.dumps({"of": own_id, "read": read})
