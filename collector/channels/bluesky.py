"""Bluesky: notifications, the prompt's thread and direct messages, by the account's server (PDS).

How it is done is in collector/bluesky/: reading on in walk.py and chats.py, one post in posts.py,
looking again in again.py, the login in login.py, requests and what goes wrong with them in wire.py.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from collector.bluesky.again import own_post_at, states_of, texts_of
from collector.bluesky.answers import Server, text_of
from collector.bluesky.chats import read_chats
from collector.bluesky.check import chat_note, label_note
from collector.bluesky.login import read_secret, signed_in
from collector.bluesky.walk import PER_REQUEST, Found, Notifications, read_thread
from collector.bluesky.writing import answer_publicly, publish_prompt, write_privately
from collector.connector import (
    ChannelError,
    Connector,
    Context,
    FollowerPage,
    OutgoingMessage,
    PromptPost,
    SourceState,
)
from ledger.model import Account, Page


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
        with self._server() as server:
            return states_of(server, external_ids)

    def read_again(self, external_ids: Sequence[str]) -> dict[str, str]:
        """The words of these posts as they are now. Raises ChannelError."""
        with self._server() as server:
            return texts_of(server, external_ids)

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
            return f"Signed in to Bluesky as @{handle}; {chat_note(server)}; {label_note(server)}"

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

    def _server(self) -> AbstractContextManager[Server]:
        return signed_in(self._options, self._secret, self._context.clock, self._keep_session)

    def _keep_session(self, session: str) -> None:
        secret = {**read_secret(self._secret), "session": session}
        self._secret = json.dumps(secret)
        self._context.keep_secret(self._secret)


def _kept(cursor: str, did: str) -> dict[str, Any]:
    """What the cursor holds; of another account, or unreadable, it means nothing here."""
    with contextlib.suppress(ValueError):
        kept = json.loads(cursor)
        if isinstance(kept, dict) and kept.get("of") == did:
            return kept
    return {"of": did}
