"""The listings of X that are read: mentions, answers to each prompt, direct messages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from collector.connector import Context
from collector.x.api import Api
from collector.x.posts import (
    MESSAGE_FIELDS,
    POST_FIELDS,
    USER_FIELDS,
    id_at,
    number_of,
    read_messages,
    read_posts,
)
from collector.x.walk import Batch, Listing, Mark

#: X's own smallest and largest page (docs.x.com/x-api, reference of each endpoint).
MENTIONS_PAGE, SEARCH_PAGE, MESSAGES_PAGE = (5, 100), (10, 100), (1, 100)
#: Messages can't be asked for by id: the newest are read again each time, and charged each day.
FIRST_MESSAGES = (1, 5)
#: The recent search reaches back seven days, and refuses an older since_id.
SEARCH_REACH = timedelta(days=7) - timedelta(hours=1)


def listings(api: Api, own_id: str, context: Context, *, with_messages: bool) -> Iterator[Listing]:
    """What is read in turn: the mentions, the answers to each prompt, the messages."""
    prompts = {
        number_of(prompt.external_id): number_of(prompt.thread_id or prompt.external_id)
        for prompt in context.prompts
    }
    # Nothing older can be an answer; without a prompt, everything may be one.
    start = min(prompts, default=0)
    yield Listing("mentions", lambda mark, token: _mentions(api, own_id, mark, token), start)
    floor = id_at(context.clock() - SEARCH_REACH)
    for prompt, thread in prompts.items():
        query = f"conversation_id:{thread} -from:{own_id}"
        yield Listing(
            f"answers:{prompt}",
            lambda mark, token, query=query: _search(api, own_id, query, floor, mark, token),  # type: ignore[misc]
            prompt,
        )
    if with_messages:
        yield Listing(
            "messages",
            lambda mark, token: _messages(api, own_id, mark, token),
            start,
            by_token=True,
        )


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
