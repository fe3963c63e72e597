"""Mastodon: mentions, private mentions and the prompt's thread, by Mastodon.py.

Threads are incomplete across servers, so the prompt's own thread is read beside the mentions.
Requests go through collector/mastodon/api.py, a status becomes a reply in
collector/mastodon/posts.py, what goes wrong is worded in collector/mastodon/errors.py.
"""

from __future__ import annotations

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
from collector.mastodon.api import GONE, Api
from collector.mastodon.errors import reading_error
from collector.mastodon.place import Place, mark_of
from collector.mastodon.posts import (
    PRIVATE,
    STATUS_ID,
    Home,
    handle_of,
    items_in,
    mentioned_in,
    moment_of,
    read_status,
    stand_in_id,
    text_of,
    web_address,
)
from collector.mastodon.recipients import recipient_of
from collector.platform_answers import NoAnswer, Refused
from ledger.model import Account, IncomingReply, Page, SkipKind, Skipped

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
        mentions = self._mentions(place, limit)
        if mentions is not None:
            return mentions
        place = replace(place, is_settled=True)
        return self._private(place, limit) or self._threads(place, limit)

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
        self._api.own()  # a token that is no longer known must not look like protected posts
        states: dict[str, SourceState] = {}
        for known in filter(STATUS_ID.fullmatch, external_ids):
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
        for known in filter(STATUS_ID.fullmatch, external_ids):
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
        if STATUS_ID.fullmatch(last):
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
        late: list[Any] | None = None
        items: list[Any] = []
        if place.is_settled and place.recent:
            items = self._notifications(place.before_recent)
            known = [at for at, one in enumerate(items) if text_of(one, "id") in place.recent]
            ends = max(known, default=-1) + 1
            late, items = _unknown(items[:ends], place), items[ends:]
        if late:
            return self._late(late, place, limit)
        if not items:
            items = self._notifications(place.mentions)
        ids = [text_of(item, "id") for item in items]
        # At least one with an id, or the place could not move past those without.
        last = max(limit, next((at for at, known in enumerate(ids, 1) if known), 0))
        taken, ids = items[:last], [known for known in ids[:last] if known]
        newest = self._api.newer if len(taken) == len(items) else ""
        newest = newest or (ids[-1] if ids else "")
        if newest not in ("", place.mentions):
            return self._mentions_page(taken, place.after_mentions(newest, ids)) if taken else None
        if late is None and place.recent:
            late = _unknown(self._notifications(place.before_recent), place)
        return self._late(late, place, limit) if late else None

    def _late(self, late: list[Any], place: Place, limit: int) -> Page:
        ids = [text_of(item, "id") for item in late[:limit]]
        return self._mentions_page(late[:limit], place.after_mentions(place.mentions, ids))

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


def _unknown(notifications: list[Any], place: Place) -> list[Any]:
    """Those among them that were stored late: all others of their time are known."""
    return [one for one in notifications if text_of(one, "id") not in (*place.recent, "")]
