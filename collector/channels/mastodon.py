"""Mastodon: mentions, private mentions and the prompt's thread, by Mastodon.py.

How it is done is in collector/mastodon/: reading on in walk.py, a status as a reply in posts.py,
looking again in again.py, requests in api.py, what goes wrong with them in errors.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from collector.connector import (
    ChannelError,
    Connector,
    Context,
    FollowerPage,
    OutgoingMessage,
    PromptPost,
    SourceState,
)
from collector.mastodon.again import own_post_at, states_of, texts_of
from collector.mastodon.api import Api
from collector.mastodon.place import Place
from collector.mastodon.posts import handle_of, mentioned_in, moment_of, text_of, web_address
from collector.mastodon.recipients import recipient_of
from collector.mastodon.walk import Walk
from ledger.model import Account, Page


def open_connector(account: Account, context: Context | None = None) -> Connector:
    """The connector of a Mastodon account; wrong options are reported when it is used."""
    return MastodonConnector(account, context or Context())


class MastodonConnector:
    """One account at a Mastodon server, or at one that speaks its API.

    Options: base_url (https, or http to a loopback address), timeout (seconds). The secret is an
    access token with the scopes read and write.
    """

    def __init__(self, account: Account, context: Context) -> None:
        self._context = context
        self._api = Api(account.options, account.secret, context.clock)

    def fetch(self, cursor: str, limit: int) -> Page:
        """The next replies: mentions first, private ones next, then what else the threads have.

        A source is read on when the one before has nothing new, so trouble with one does not
        hold back what another brought. A status that was edited comes again, in `edited` too.
        """
        place, limit = Place.of(cursor), max(limit, 1)
        walk = Walk(self._api, self._context.prompts)
        mentions = walk.mentions(place, limit)
        if mentions is not None:
            return mentions
        place = replace(place, is_settled=True)
        return walk.private(place, limit) or walk.threads(place, limit)

    def send(self, message: OutgoingMessage) -> str:
        """Post a status that mentions its recipient; returns its id. Raises ChannelError.

        Nobody else may be mentioned, for they would receive it too, and nobody is written to who
        wants no programs to write.
        """
        account = recipient_of(message, self._api)
        handle, domain = handle_of(account, self._api.domain), self._api.domain()
        text = message.body
        if handle.lower() not in mentioned_in(text, domain):
            text = f"{handle} {text}"
        others = mentioned_in(text, domain) - {handle.lower()}
        if others:
            raise ChannelError(
                f"The message mentions {', '.join(sorted(others))}, who would receive it too.",
                permanent=True,
                mend="Write the name without the @, or leave it out.",
            )
        status = self._api.post(
            text,
            key=message.message_id,
            visibility="direct" if message.private else "unlisted",
            in_reply_to_id=message.in_reply_to or None,
        )
        return text_of(status, "id")

    def post(self, text: str, key: str) -> PromptPost:
        """Post the prompt for everyone to see. Raises ChannelError."""
        status = self._api.post(text, key=key, visibility="public")
        return PromptPost(
            text_of(status, "id"),
            web_address(status, "url") or web_address(status, "uri"),
            moment_of(status, "created_at") or self._context.clock(),
        )

    def new_followers(self, cursor: str, limit: int) -> FollowerPage:
        """Who follows since the cursor. Raises ChannelError."""
        from collector.mastodon.followers import new_followers

        return new_followers(self._api, cursor, limit)

    def look_again(self, external_ids: Sequence[str]) -> dict[str, SourceState]:
        """How these statuses stand now; stops early when the server wants fewer requests.

        EDITED says that a status was edited at some time, perhaps before it was read.
        """
        return states_of(self._api, external_ids, self._context.clock)

    def read_again(self, external_ids: Sequence[str]) -> dict[str, str]:
        """The words of these statuses as they are now. Raises ChannelError."""
        return texts_of(self._api, external_ids)

    def with_version(self, external_id: str, raw: str) -> str:  # noqa: ARG002 - statuses tell
        return external_id

    def find_post(self, address: str) -> PromptPost:
        """This account's status at an address that people see. Raises ChannelError."""
        return own_post_at(self._api, address, self._context.clock)

    def check(self) -> str:
        """Sign in, try to read, and say who answered. Raises ChannelError."""
        own = self._api.own()
        self._api.read("the mentions", self._api.client.notifications, types=["mention"], limit=1)
        answer = f"The server answered as {handle_of(own, self._api.domain)}"
        if own.get("bot") is True:
            return f"{answer}, which is marked as automated."
        return (
            f"{answer}. Mark the account as automated (Preferences, Public profile): servers ask"
            " that of accounts for which a program writes."
        )
