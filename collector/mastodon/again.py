"""Statuses looked up again by their ids: how they stand, how they read, which are our own."""

from __future__ import annotations

from collections.abc import Sequence

from collector.connector import PromptPost, SourceState, no_such_post
from collector.mastodon.api import GONE, Api
from collector.mastodon.errors import reading_error
from collector.mastodon.posts import (
    STATUS_ID,
    Home,
    moment_of,
    read_status,
    text_of,
    web_address,
)
from collector.platform_answers import NoAnswer, Refused
from ledger.clock import Clock
from ledger.model import IncomingReply

#: Requests of the server's window that looking again leaves for reading.
KEPT_REQUESTS = 60
_PROTECTED = frozenset({401, 403})


def states_of(api: Api, external_ids: Sequence[str], clock: Clock) -> dict[str, SourceState]:
    """How these statuses stand now; stops early when the server wants fewer requests.

    Raises ChannelError when nothing is known by then.
    """
    api.own()  # a token that is no longer known must not look like protected posts
    states: dict[str, SourceState] = {}
    for known in filter(STATUS_ID.fullmatch, external_ids):
        left = api.remaining
        if states and left is not None and left <= KEPT_REQUESTS:
            break
        try:
            states[known] = _state(api, known)
        except (Refused, NoAnswer) as error:
            if not states:
                raise reading_error(error, "a post", clock) from error
            break
    return states


def texts_of(api: Api, external_ids: Sequence[str]) -> dict[str, str]:
    """The words of these statuses as they are now. Raises ChannelError."""
    home = Home(text_of(api.own(), "id"), api.domain)
    texts = {}
    for known in filter(STATUS_ID.fullmatch, external_ids):
        status = api.read_if_there("a post", api.client.status, known)
        item = read_status(status, home)
        if isinstance(item, IncomingReply):
            texts[known] = item.text
    return texts


def own_post_at(api: Api, address: str, clock: Clock) -> PromptPost:
    """The account's own status at an address that people see. Raises ChannelError."""
    own_id = text_of(api.own(), "id")
    wanted = address.strip().rstrip("/")
    last = wanted.rpartition("/")[2]
    found = []
    if STATUS_ID.fullmatch(last):
        found = [api.read_if_there("the post", api.client.status, last)]
    # Not every server shows its ids in its addresses (snac).
    found += api.read_list("its posts", api.client.account_statuses, id=own_id)
    for status in found:
        names = (web_address(status, "url"), web_address(status, "uri"))
        account = status.get("account") if isinstance(status, dict) else None
        if text_of(account, "id") == own_id and wanted in names:
            at = moment_of(status, "created_at") or clock()
            return PromptPost(text_of(status, "id"), names[0] or names[1], at)
    raise no_such_post(address)


def _state(api: Api, known: str) -> SourceState:
    """How one status stands. Raises Refused and NoAnswer."""
    try:
        status = api.ask(api.client.status, known)
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
