"""Bluesky: notifications, the prompt's thread and direct messages, by the account's server (PDS).

Reading is in collector/bluesky/reading.py and chats.py, one post in posts.py, the
requests and what goes wrong with them in wire.py.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from collector.bluesky.answers import SIGN_IN_AGAIN, Refused, Server, items_of, text_of
from collector.bluesky.chats import read_chats
from collector.bluesky.posts import parts_of, read_post
from collector.bluesky.reading import PER_REQUEST, Found, Notifications, read_thread
from collector.bluesky.writing import (
    answer_publicly,
    own_post_at,
    publish_prompt,
    write_privately,
)
from collector.connector import (
    Ask,
    ChannelError,
    Connector,
    Context,
    FollowerPage,
    OutgoingMessage,
    PromptPost,
    SourceState,
)
from ledger.model import Account, IncomingReply, Page

DEFAULT_SERVER = "https://bsky.social"
#: app.bsky.feed.getPosts: at most 25 a request.
POSTS_PER_REQUEST = 25
#: Errors of app.bsky.actor.getProfile that say: the account is away, its posts are not deleted.
_AWAY = frozenset({"AccountTakedown", "AccountDeactivated"})

ASKS = (
    Ask(
        "handle",
        "Handle of the account",
        "Your profile on bsky.app shows it below the name, as in ada.bsky.social.",
    ),
    Ask(
        "password",
        "App password",
        "Settings, Privacy and security, App passwords, Add app password; tick 'Allow access to "
        "your direct messages' if Definedby shall read and write those. Not your main password.",
        secret=True,
    ),
    Ask(
        "base_url",
        "Address of the account's server (PDS)",
        "Leave it as it is unless your account lives on a server of your own.",
        default=DEFAULT_SERVER,
        needed=False,
        is_server=True,
    ),
)


def account_from(answers: dict[str, str]) -> tuple[dict[str, Any], str]:
    """The options and the secret of an account, from the answers to `ASKS`."""
    options = {
        "handle": answers.get("handle", "").strip().lstrip("@").lower(),
        "base_url": answers.get("base_url", "").strip().rstrip("/") or DEFAULT_SERVER,
    }
    return options, json.dumps({"password": answers.get("password", "").strip(), "session": ""})


def answers_of(account: Account) -> dict[str, str]:
    """What would have to be answered to get this account again, the app password included."""
    given = {name: str(account.options.get(name) or "") for name in ("handle", "base_url")}
    with contextlib.suppress(ValueError, KeyError, TypeError):
        given["password"] = str(json.loads(account.secret)["password"])
    return given


def open_connector(account: Account, context: Context | None = None) -> Connector:
    """The connector of a Bluesky account; wrong options are reported when it is used."""
    return BlueskyConnector(account, context or Context())


class BlueskyConnector:
    """One account on Bluesky.

    Options: handle, base_url (the account's server), timeout (seconds). The secret is a JSON
    object: password, and session as it was last renewed.
    """

    def __init__(
        self, account: Account, context: Context, *, per_request: int = PER_REQUEST
    ) -> None:
        self._options = account.options
        self._secret = account.secret
        self._context = context
        self._per_request = per_request

    def fetch(self, cursor: str, limit: int) -> Page:
        """What is new: notifications first, then the prompts' threads, then direct messages.

        What fails for now does not hold back what was read before it: its error is raised once
        there is nothing else to give. Raises ChannelError.
        """
        found = Found(max(limit, 1))
        with self._server() as server:
            kept = _kept(cursor, server.did)
            notifications = Notifications(
                server, self._context.clock, kept.get("notifications"), self._per_request
            )
            notifications.read(found)
            kept["notifications"] = notifications.as_json()
            try:
                self._read_the_rest(server, kept, found)
            except ChannelError:
                if not (found.replies or found.skipped or found.edited or found.more):
                    raise
        return Page(
            replies=tuple(found.replies.values()),
            next_cursor=json.dumps(kept, separators=(",", ":")),
            more=found.more,
            skipped=tuple(found.skipped.values()),
            gone=tuple(found.gone),
            edited=tuple(found.edited.values()),
        )

    def send(self, message: OutgoingMessage) -> str:
        """Write to one person; returns the id of what was written. Raises ChannelError.

        An answer in public gets a record key made from the message's id, so a repeat is harmless;
        for a direct message Bluesky has nothing like it (promise P10).
        """
        with self._server() as server:
            if message.private:
                return write_privately(server, message)
            return answer_publicly(server, self._context.clock, message)

    def post(self, text: str, key: str) -> PromptPost:
        """Post the prompt, once for each key. Raises ChannelError."""
        with self._server() as server:
            return publish_prompt(server, self._context.clock, text, key)

    def new_followers(self, cursor: str, limit: int) -> FollowerPage:
        """Who follows since the cursor. Raises ChannelError."""
        from collector.bluesky.followers import new_followers

        with self._server() as server:
            return new_followers(server, cursor, limit)

    def look_again(self, external_ids: Sequence[str]) -> dict[str, SourceState]:
        """How these posts stand; "at://…#cid" also tells whether one was edited since that CID.

        Direct messages are not in the answer. Raises ChannelError.
        """
        wanted = [one for one in dict.fromkeys(external_ids) if parts_of(one.partition("#")[0])]
        states: dict[str, SourceState] = {}
        with self._server() as server:
            for start in range(0, len(wanted), POSTS_PER_REQUEST):
                some = wanted[start : start + POSTS_PER_REQUEST]
                states |= _states(server, some)
        return states

    def read_again(self, external_ids: Sequence[str]) -> dict[str, str]:
        """The words of these posts as they are now. Raises ChannelError."""
        wanted = [one for one in dict.fromkeys(external_ids) if parts_of(one)]
        texts = {}
        with self._server() as server:
            for start in range(0, len(wanted), POSTS_PER_REQUEST):
                some = wanted[start : start + POSTS_PER_REQUEST]
                answer = server.query("app.bsky.feed.getPosts", uris=some)
                for item in map(read_post, items_of(answer, "posts")):
                    if isinstance(item, IncomingReply) and item.external_id in some:
                        texts[item.external_id] = item.text
        return texts

    def with_version(self, external_id: str, raw: str) -> str:
        """Posts don't say that they were edited; their CID is another then."""
        with contextlib.suppress(ValueError, RecursionError):
            cid = text_of(json.loads(raw), "cid")
            return f"{external_id}#{cid}" if cid else external_id
        return external_id

    def find_post(self, address: str) -> PromptPost:
        """This account's post at an address like bsky.app/profile/…/post/…. Raises ChannelError."""
        with self._server() as server:
            return own_post_at(server, address)

    def check(self) -> str:
        """Sign in and say what the account may do; writes nothing. Raises ChannelError."""
        with self._server() as server:
            session = server.query("com.atproto.server.getSession")
            handle = text_of(session, "handle") or server.handle
            return f"Signed in to Bluesky as @{handle}; {_chat_note(server)}; {_label_note(server)}"

    def _read_the_rest(self, server: Server, kept: dict[str, Any], found: Found) -> None:
        old = kept.get("threads")
        threads: dict[str, Any] = old if isinstance(old, dict) else {}
        kept["threads"] = {
            prompt.external_id: threads.get(prompt.external_id) for prompt in self._context.prompts
        }
        for prompt in self._context.prompts:
            if found.more:
                return
            kept["threads"][prompt.external_id] = read_thread(
                server, self._context.clock, prompt, threads.get(prompt.external_id), found
            )
        if not found.more:
            kept["chats"] = read_chats(server, self._context.clock, kept.get("chats"), found)

    @contextlib.contextmanager
    def _server(self) -> Iterator[Server]:
        try:
            from collector.bluesky.wire import TIMEOUT, Wire
        except ModuleNotFoundError as error:
            raise ChannelError(
                "The Bluesky client is not installed.",
                permanent=True,
                mend="Install it with: pip install 'definedby[bluesky]'.",
            ) from error
        secret = self._read_secret()
        wire = Wire(
            base_url=_checked_address(str(self._options.get("base_url") or DEFAULT_SERVER)),
            login=(str(self._options.get("handle") or ""), secret["password"]),
            keep_session=self._keep_session,
            clock=self._context.clock,
            timeout=float(self._options.get("timeout") or TIMEOUT),
        )
        with contextlib.closing(wire):
            wire.sign_in(secret["session"])
            yield wire

    def _keep_session(self, session: str) -> None:
        secret = {**self._read_secret(), "session": session}
        self._secret = json.dumps(secret)
        self._context.keep_secret(self._secret)

    def _read_secret(self) -> dict[str, str]:
        try:
            secret = json.loads(self._secret)
            return {"password": str(secret["password"]), "session": str(secret.get("session", ""))}
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ChannelError(
                "The app password of this account is not stored.",
                permanent=True,
                mend=SIGN_IN_AGAIN,
            ) from error


def _kept(cursor: str, did: str) -> dict[str, Any]:
    """What the cursor holds; of another account, or unreadable, it means nothing here."""
    with contextlib.suppress(ValueError):
        kept = json.loads(cursor)
        if isinstance(kept, dict) and kept.get("of") == did:
            return kept
    return {"of": did}


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


def _states(server: Server, wanted: Sequence[str]) -> dict[str, SourceState]:
    uris = [one.partition("#")[0] for one in wanted]
    answer = server.query("app.bsky.feed.getPosts", uris=uris)
    versions = {text_of(post, "uri"): text_of(post, "cid") for post in items_of(answer, "posts")}
    states, authors = {}, dict[str, SourceState]()
    for one, uri in zip(wanted, uris, strict=True):
        parts = parts_of(uri)
        assert parts is not None
        if uri not in versions:
            if parts[0] not in authors:
                authors[parts[0]] = _without_post(server, parts[0])
            states[one] = authors[parts[0]]
        elif one.partition("#")[2] in ("", versions[uri]):
            states[one] = SourceState.THERE
        else:
            states[one] = SourceState.EDITED
    return states


def _without_post(server: Server, author: str) -> SourceState:
    """Why a post is not shown: its author is away or blocks us, or it was deleted."""
    try:
        profile = server.query("app.bsky.actor.getProfile", actor=author)
    except Refused as error:
        if not error.permanent:
            raise
        return SourceState.PROTECTED if error.code in _AWAY else SourceState.GONE
    viewer = profile.get("viewer")
    blocked = isinstance(viewer, dict) and (viewer.get("blockedBy") or viewer.get("blocking"))
    return SourceState.PROTECTED if blocked else SourceState.GONE


def _chat_note(server: Server) -> str:
    if not server.may_chat:
        return "direct messages are left out, as the app password does not allow them"
    try:
        server.query("chat.bsky.convo.listConvos", limit=1)
    except Refused as error:
        return f"direct messages are left out: {error.said or error.code}"
    return "direct messages are read and sent"


def _label_note(server: Server) -> str:
    try:
        profile = server.query("app.bsky.actor.getProfile", actor=server.did)
    except Refused as error:
        if not error.permanent:
            raise
        return f"its profile can't be seen: {error.said or error.code}."
    for label in items_of(profile, "labels"):
        if text_of(label, "val") == "bot" and text_of(label, "src") == server.did:
            return "its profile is labelled as automated."
    return "label its profile as automated if it posts by itself (Bluesky asks that of bots)."
