"""Mastodon: mentions, private mentions and the prompt's thread, by Mastodon.py.

Threads are incomplete across servers, so the prompt's own thread is read beside the mentions.
Requests go through collector/mastodon_api.py, a status becomes a reply in
collector/mastodon_posts.py, what goes wrong is worded in collector/mastodon_errors.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from collector.connector import (
    Ask,
    ChannelError,
    Connector,
    Context,
    FollowerPage,
    OutgoingMessage,
    PromptPost,
    SourceState,
    no_such_post,
)
from collector.mastodon_api import GONE, Api
from collector.mastodon_errors import reading_error
from collector.mastodon_place import Place, mark_of
from collector.mastodon_posts import (
    PRIVATE,
    Home,
    handle_of,
    items_in,
    mentioned_in,
    moment_of,
    read_status,
    stand_in_id,
    text_of,
    wants_no_bots,
    web_address,
)
from collector.platform_answers import NoAnswer, Refused
from ledger.model import Account, IncomingReply, Page, SkipKind, Skipped, clean_name

ASKS = (
    Ask(
        "base_url",
        "Address of your server",
        "as your browser shows it: https://mastodon.example",
        is_server=True,
    ),
    Ask(
        "token",
        "Access token",
        "Preferences, Development, New application, with the scopes read and write",
        secret=True,
    ),
)
#: The most that Mastodon gives at once (docs.joinmastodon.org/methods, each one's limit); of
#: conversations fewer, because each may cost a request of its own.
MENTIONS_AT_ONCE = 80
CONVERSATIONS_AT_ONCE = 20
#: Requests of the server's window that looking again leaves for reading.
KEPT_REQUESTS = 60
_PROTECTED = frozenset({401, 403})
_ID = re.compile(r"[A-Za-z0-9_-]{1,200}")


def account_from(answers: dict[str, str]) -> tuple[dict[str, Any], str]:
    """Options and secret of an account, from the answers to `ASKS`."""
    address = answers["base_url"].strip().rstrip("/")
    if "://" not in address:
        address = f"https://{address}"
    return {"base_url": address}, answers["token"].strip()


def answers_of(account: Account) -> dict[str, str]:
    """What would have to be answered to get this account again, the token included."""
    return {"base_url": str(account.options.get("base_url") or ""), "token": account.secret}


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
        return (
            self._mentions(place, limit)
            or self._private(place, limit)
            or self._threads(place, limit)
        )

    def send(self, message: OutgoingMessage) -> str:
        """Post a status that mentions its recipient; returns its id. Raises ChannelError.

        Nobody else may be mentioned, for they would receive it too, and nobody is written to who
        wants no programs to write.
        """
        account = self._recipient(message)
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
        from collector.mastodon_followers import new_followers

        return new_followers(self._api, cursor, limit)

    def look_again(self, external_ids: Sequence[str]) -> dict[str, SourceState]:
        """How these statuses stand now; stops early when the server wants fewer requests.

        EDITED says that a status was edited at some time, perhaps before it was read.
        """
        self._api.own()  # a token that is no longer known must not look like protected posts
        states: dict[str, SourceState] = {}
        for known in filter(_ID.fullmatch, external_ids):
            left = self._api.remaining
            if states and left is not None and left <= KEPT_REQUESTS:
                break
            try:
                states[known] = self._state(known)
            except (Refused, NoAnswer) as error:
                if not states:
                    raise reading_error(error, "a post", self._context.clock) from error
                break
        return states

    def read_again(self, external_ids: Sequence[str]) -> dict[str, str]:
        """The words of these statuses as they are now. Raises ChannelError."""
        home = Home(text_of(self._api.own(), "id"), self._api.domain)
        texts = {}
        for known in filter(_ID.fullmatch, external_ids):
            status = self._api.read_if_there("a post", self._api.client.status, known)
            item = read_status(status, home)
            if isinstance(item, IncomingReply):
                texts[known] = item.text
        return texts

    def with_version(self, external_id: str, raw: str) -> str:  # noqa: ARG002 - statuses tell
        return external_id

    def find_post(self, address: str) -> PromptPost:
        """This account's status at an address that people see. Raises ChannelError."""
        own_id = text_of(self._api.own(), "id")
        wanted = address.strip().rstrip("/")
        last = wanted.rpartition("/")[2]
        found = []
        if _ID.fullmatch(last):
            found = [self._api.read_if_there("the post", self._api.client.status, last)]
        # Not every server shows its ids in its addresses (snac).
        found += self._api.read_list("its posts", self._api.client.account_statuses, id=own_id)
        for status in found:
            names = (web_address(status, "url"), web_address(status, "uri"))
            account = status.get("account") if isinstance(status, dict) else None
            if text_of(account, "id") == own_id and wanted in names:
                at = moment_of(status, "created_at") or self._context.clock()
                return PromptPost(text_of(status, "id"), names[0] or names[1], at)
        raise no_such_post(address)

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

    def _mentions(self, place: Place, limit: int) -> Page | None:
        """The oldest mentions after the place: min_id pages upwards, so none is jumped over."""
        items = self._notifications(place.mentions)
        ids = [text_of(item, "id") for item in items]
        # At least one with an id, or the place could not move past those without.
        last = max(limit, next((at for at, known in enumerate(ids, 1) if known), 0))
        taken, ids = items[:last], [known for known in ids[:last] if known]
        newest = self._api.newer if len(taken) == len(items) else ""
        newest = newest or (ids[-1] if ids else "")
        if newest in ("", place.mentions):
            found = self._notifications(place.before_recent) if place.recent else []
            late = [item for item in found if text_of(item, "id") not in (*place.recent, "")]
            taken, newest = late[:limit], place.mentions
            ids = [text_of(item, "id") for item in taken]
        if not taken:
            return None
        return self._mentions_page(taken, place.after_mentions(newest, ids))

    def _mentions_page(self, items: list[Any], place: Place) -> Page:
        statuses, skipped = [], []
        for item in items:
            status = item.get("status") if isinstance(item, dict) else None
            if isinstance(status, dict):
                statuses.append(status)
            elif text_of(item, "type") in ("", "mention"):
                known = text_of(item, "id") or stand_in_id(item)
                skipped.append(Skipped(f"mention:{known}", "It comes without its post."))
        return self._page(statuses, place, more=True, skipped=skipped)

    def _notifications(self, after: str) -> list[Any]:
        """Mentions after one of them, oldest first."""
        # As many as there are, whatever the limit: some servers give the newest ones instead.
        found = self._api.read_list(
            "the mentions",
            self._api.client.notifications,
            types=["mention"],
            min_id=after,
            limit=MENTIONS_AT_ONCE,
        )
        return found[::-1]

    def _private(self, place: Place, limit: int) -> Page | None:
        """Private mentions that no notification told of, by the conversations they stand in."""
        found = self._api.read_list(
            "the private mentions",
            self._api.client.conversations,
            min_id=place.private,
            limit=min(limit, CONVERSATIONS_AT_ONCE),
        )
        # Conversations are paged by the ids of their last statuses, not by their own.
        newest, last = self._api.newer, ""
        statuses: list[Any] = []
        for item in reversed(found):
            status = item.get("last_status") if isinstance(item, dict) else None
            last = text_of(status, "id") or last
            if last and not place.knows(status):
                statuses += [*self._before(status), status]
        newest = newest or last
        if newest in ("", place.private):
            return None
        return self._page(statuses, replace(place, private=newest), more=True)

    def _before(self, status: Any) -> list[Any]:
        """What stands before a private status: a conversation names only its last one."""
        if not text_of(status, "in_reply_to_id"):
            return []
        context = self._api.read_if_there(
            "the private mentions", self._api.client.status_context, text_of(status, "id")
        )
        return [
            each
            for each in items_in(context, "ancestors")
            if text_of(each, "visibility") in PRIVATE
        ]

    def _threads(self, place: Place, limit: int) -> Page:
        """What stands under the prompts and was not taken yet, or was edited since."""
        found: dict[str, Any] = {}
        skipped: list[Skipped] = []
        for prompt in self._context.prompts:
            context = self._api.read_if_there(
                "the prompt's thread", self._api.client.status_context, prompt.external_id
            )
            statuses = items_in(context, "descendants")
            if context is None:
                # What stands for it in the place, so that it is told only once.
                statuses = [{"id": prompt.external_id, "edited_at": "gone"}]
                if not place.knows(statuses[0]):
                    reason = "The prompt's post is gone, and so is the list of its answers."
                    skipped.append(Skipped(prompt.external_id, reason, SkipKind.PROTECTED))
                    place = place.after(statuses)
            found |= {mark_of(status): status for status in statuses}
        fresh = [status for status in found.values() if not place.knows(status)]
        more = len(fresh) > limit
        return self._page(fresh[:limit], place.only(set(found)), more=more, skipped=skipped)

    def _page(
        self,
        statuses: list[Any],
        place: Place,
        *,
        more: bool,
        skipped: Sequence[Skipped] = (),
    ) -> Page:
        """These statuses as a page, each once; the next place knows that they were taken."""
        by_mark = {mark_of(status): status for status in statuses}
        own_id = text_of(self._api.own(), "id") if by_mark else ""
        home = Home(own_id, self._api.domain)
        replies, refused, edited = [], list(skipped), []
        for status in by_mark.values():
            item = read_status(status, home)
            if isinstance(item, Skipped):
                refused.append(item)
                continue
            item = replace(item, external_id=place.id_of(status))
            replies.append(item)
            if text_of(status, "edited_at"):
                edited.append(item)
        return Page(
            tuple(replies),
            place.after(list(by_mark.values())).cursor(),
            more=more,
            skipped=tuple(refused),
            edited=tuple(edited),
        )

    def _state(self, known: str) -> SourceState:
        """How one status stands. Raises Refused and NoAnswer."""
        try:
            status = self._api.ask(self._api.client.status, known)
        except Refused as error:
            if error.status in GONE:
                return SourceState.GONE
            if error.status in _PROTECTED:
                return SourceState.PROTECTED
            raise
        account = status.get("account") if isinstance(status, dict) else None
        if isinstance(account, dict) and (account.get("suspended") or account.get("limited")):
            return SourceState.PROTECTED
        return SourceState.EDITED if text_of(status, "edited_at") else SourceState.THERE

    def _recipient(self, message: OutgoingMessage) -> dict[str, Any]:
        """The account a message goes to. Raises ChannelError unless it may be written to."""
        handle = "@" + message.recipient.strip().lstrip("@")
        account = self._author_of(message.in_reply_to, handle)
        if account is None:
            account = self._api.read_if_there(
                "its accounts", self._api.client.account_lookup, acct=handle[1:]
            )
        if handle_of(account, self._api.domain).lower() != handle.lower():
            raise ChannelError(
                f"The server knows nobody called {clean_name(handle)}.",
                permanent=True,
                mend="Write to this person in another way.",
            )
        if wants_no_bots(account) or account.get("bot") is True:
            raise ChannelError(
                f"{handle} is a bot, or asks programs not to write (#nobot).",
                permanent=True,
                mend="Leave this person alone.",
            )
        ties = self._api.read_if_there(
            "its accounts", self._api.client.account_relationships, text_of(account, "id")
        )
        if any(isinstance(tie, dict) and tie.get("blocked_by") for tie in items_in(ties)):
            raise ChannelError(
                f"{handle} has blocked this account.",
                permanent=True,
                mend="Leave it: this person does not want to be written to.",
            )
        found: dict[str, Any] = account
        return found

    def _author_of(self, external_id: str, handle: str) -> dict[str, Any] | None:
        """The account behind the post that is answered, if it is that of `handle`."""
        if not external_id:
            return None
        status = None
        if _ID.fullmatch(external_id):
            status = self._api.read_if_there(
                "the post to answer", self._api.client.status, external_id
            )
        if not isinstance(status, dict):
            raise ChannelError(
                "The post to answer is no longer there.",
                permanent=True,
                mend="Write a new message instead of an answer, if the person wants one.",
            )
        account = status.get("account")
        is_theirs = handle_of(account, self._api.domain).lower() == handle.lower()
        return account if is_theirs and isinstance(account, dict) else None
