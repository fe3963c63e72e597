"""Writing on X: the prompt, an answer to a post, a direct message.

X knows no idempotency keys: what may have left is never tried again by itself (promise P10).
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from collector.connector import ChannelError, OutgoingMessage, PromptPost
from collector.x.api import Api
from collector.x.posts import MESSAGE_PREFIX, WEB, number_of
from collector.x.prices import kind_of_post
from ledger.clock import Clock


@dataclass(frozen=True)
class Target:
    """Where a message goes: X's number of the person or the post, and the composer for it."""

    number: int
    hand_over: str

    @classmethod
    def of(cls, message: OutgoingMessage) -> Target:
        """Raises ChannelError for a message to nobody that X knows."""
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
        return cls(number, hand_over)


def write(api: Api, message: OutgoingMessage, target: Target) -> str:
    """Send a direct message, or answer a post; return X's id. Raises ChannelError."""
    if not message.private:
        return _post(api, message.body, message.message_id, target.hand_over, target.number)
    made = api.write(
        "dm",
        message.message_id,
        target.hand_over,
        lambda client, oauth1: client.create_direct_message(
            participant_id=target.number, text=message.body, user_auth=oauth1
        ),
    )
    return f"{MESSAGE_PREFIX}{made.get('dm_event_id') or made['id']}"


def publish_prompt(api: Api, text: str, key: str, clock: Clock) -> PromptPost:
    """Post the prompt. X has no use for `key`, but refuses the very same text soon after."""
    number = _post(api, text, key, f"{WEB}/intent/post?text={quote(text, safe='')}")
    return PromptPost(number, f"{WEB}/i/status/{number}", clock(), thread_id=number)


def _post(api: Api, text: str, key: str, hand_over: str, answered: int = 0) -> str:
    made = api.write(
        kind_of_post(text),
        key,
        hand_over,
        lambda client, oauth1: client.create_tweet(
            text=text, in_reply_to_tweet_id=answered or None, user_auth=oauth1
        ),
    )
    return str(made["id"])
