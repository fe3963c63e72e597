"""X: mentions, answers to the prompt and direct messages, by tweepy and X's API v2.

X charges by use, so every request asks the meter first (collector/x/api.py). How it is done is
in collector/x/: what is read in listings.py, without gaps by walk.py, a post as a reply in
posts.py, sending in writing.py, looking again in again.py, what goes wrong in errors.py.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from collector.connector import (
    Connector,
    Context,
    FollowerPage,
    OutgoingMessage,
    PromptPost,
    SourceState,
)
from collector.x.again import own_post_at, states_of, texts_of
from collector.x.api import Api
from collector.x.errors import OnlyHere
from collector.x.listings import listings
from collector.x.login import Login, base_url_of, timeout_of
from collector.x.place import cursor_of, items_of, marks_in
from collector.x.walk import Mark, read_listing
from collector.x.writing import Target, publish_prompt, write
from ledger.model import Account, IncomingReply, Page, Skipped


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
        with_messages = self._options.get("messages") != "no"
        with self._api() as api:
            own_id = api.own_id()
            marks = marks_in(cursor, own_id)
            for listing in listings(api, own_id, self._context, with_messages=with_messages):
                if len(items) >= max(limit, 1):
                    rest = True
                    break
                before = marks.get(listing.name) or Mark(since=listing.start)
                taken = read_listing(listing, before, limit - len(items))
                marks[listing.name] = taken.mark
                items += items_of(taken, before, edited)
                rest, error = rest or taken.rest, error or taken.error
                if taken.error is not None and not isinstance(taken.error, OnlyHere):
                    break
        if error is not None and not items:
            raise error
        found = {item.external_id: item for item in items}.values()
        return Page(
            replies=tuple(item for item in found if isinstance(item, IncomingReply)),
            next_cursor=cursor_of(own_id, marks),
            more=rest or error is not None,
            skipped=tuple(item for item in found if isinstance(item, Skipped)),
            edited=tuple(edited),
        )

    def send(self, message: OutgoingMessage) -> str:
        """Send a direct message, or answer a post; return X's id. Raises ChannelError.

        X knows no idempotency keys: what may have left is never tried again by itself (P10).
        What X leaves to people comes with the address of its composer.
        """
        target = Target.of(message)
        with self._api() as api:
            return write(api, message, target)

    def post(self, text: str, key: str) -> PromptPost:
        """Post the prompt. X has no use for `key`, but refuses the very same text soon after."""
        with self._api() as api:
            return publish_prompt(api, text, key, self._context.clock)

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
        with self._api() as api:
            return states_of(api, external_ids)

    def read_again(self, external_ids: Sequence[str]) -> dict[str, str]:
        """The words of these posts in their newest version; X charges for that one as well."""
        with self._api() as api:
            return texts_of(api, external_ids)

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

    @contextlib.contextmanager
    def _api(self) -> Iterator[Api]:
        from collector.x.session import ApiSession, client_of

        login = Login.of(self._secret)
        base_url, timeout = base_url_of(self._options), timeout_of(self._options)
        with contextlib.closing(ApiSession(base_url, timeout)) as session:
            yield Api(client_of(login, session), session, login, self._context, self._keep)

    def _keep(self, login: Login) -> None:
        self._secret = login.secret
        self._context.keep_secret(login.secret)
