"""Whom a message goes to on Mastodon: only the person meant, and nobody who wants no programs."""

from __future__ import annotations

from typing import Any

from collector.connector import ChannelError, OutgoingMessage
from collector.mastodon.api import Api
from collector.mastodon.posts import STATUS_ID, handle_of, items_in, text_of
from collector.nobots import wants_no_bots
from ledger.model import clean_name


def recipient_of(message: OutgoingMessage, api: Api) -> dict[str, Any]:
    """The account a message goes to. Raises ChannelError unless it may be written to."""
    handle = "@" + message.recipient.strip().lstrip("@")
    account = _author_of(api, message.in_reply_to, handle)
    if account is None:
        account = api.read_if_there("its accounts", api.client.account_lookup, acct=handle[1:])
    if handle_of(account, api.domain).lower() != handle.lower():
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
    ties = api.read_if_there(
        "its accounts", api.client.account_relationships, text_of(account, "id")
    )
    if any(isinstance(tie, dict) and tie.get("blocked_by") for tie in items_in(ties)):
        raise ChannelError(
            f"{handle} has blocked this account.",
            permanent=True,
            mend="Leave it: this person does not want to be written to.",
        )
    found: dict[str, Any] = account
    return found


def _author_of(api: Api, external_id: str, handle: str) -> dict[str, Any] | None:
    """The account behind the post that is answered, if it is that of `handle`."""
    if not external_id:
        return None
    status = None
    if STATUS_ID.fullmatch(external_id):
        status = api.read_if_there("the post to answer", api.client.status, external_id)
    if not isinstance(status, dict):
        raise ChannelError(
            "The post to answer is no longer there.",
            permanent=True,
            mend="Write a new message instead of an answer, if the person wants one.",
        )
    account = status.get("account")
    is_theirs = handle_of(account, api.domain).lower() == handle.lower()
    return account if is_theirs and isinstance(account, dict) else None
