"""Posts of X looked up again by their ids: how they stand, how they read, which are our own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from collector.connector import LOOK, ChannelError, PromptPost, SourceState, no_such_post
from collector.x.api import Api
from collector.x.posts import (
    POST_FIELDS,
    USER_FIELDS,
    WEB,
    moment_of,
    newest_versions,
    number_of,
    read_posts,
    source_states,
)
from ledger.model import IncomingReply

#: docs.x.com/x-api/posts/get-posts-by-ids: at most 100 a request.
LOOKUP_IDS = 100
_STATE_FIELDS = ["author_id", "edit_history_tweet_ids", "withheld"]
_STATUS = re.compile(r"/status(?:es)?/(\d{1,20})(?:[/?#]|$)")


def states_of(api: Api, external_ids: Sequence[str]) -> dict[str, SourceState]:
    """How these posts stand now; what is no post is not in the answer.

    What X did not say before it refused more is left out. Raises ChannelError when that is
    everything.
    """
    states: dict[str, SourceState] = {}
    for ids in _by_request(external_ids):
        try:
            answer, asked = _look_up(api, ids, _STATE_FIELDS)
            states |= source_states(answer, asked)
        except ChannelError:
            if not states:
                raise
            break
    return states


def texts_of(api: Api, external_ids: Sequence[str]) -> dict[str, str]:
    """The words of the newest version of each of these posts. Raises ChannelError."""
    texts: dict[str, str] = {}
    for ids in _by_request(external_ids):
        texts |= _texts(api, ids)
    return texts


def own_post_at(api: Api, address: str) -> PromptPost:
    """The account's own post at an address that people see. Raises ChannelError."""
    found = _STATUS.search(address)
    if found is None:
        raise no_such_post(address)
    answer, _ = _look_up(api, [found[1]], POST_FIELDS)
    data = answer.get("data")
    post = data[0] if isinstance(data, list) and data and isinstance(data[0], dict) else {}
    if post.get("author_id") != api.own_id() or str(post.get("id")) != found[1]:
        raise no_such_post(address)
    written_at = moment_of(post)
    if written_at is None:
        raise ChannelError(
            "X does not say when this was posted.", permanent=False, mend="Try again later."
        )
    thread = str(number_of(post.get("conversation_id")) or found[1])
    return PromptPost(found[1], f"{WEB}/i/status/{found[1]}", written_at, thread)


def _by_request(external_ids: Sequence[str]) -> Iterator[list[str]]:
    ids = [one for one in external_ids if number_of(one)]
    for start in range(0, len(ids), LOOKUP_IDS):
        yield ids[start : start + LOOKUP_IDS]


def _texts(api: Api, ids: Sequence[str]) -> dict[str, str]:
    answer, _ = _look_up(api, ids, _STATE_FIELDS)
    newest = newest_versions(answer, ids)
    if not newest:
        return {}
    answer, _ = _look_up(api, sorted(set(newest.values())), POST_FIELDS)
    items = (item.reply for item in read_posts(answer, "", 0).items)
    words = {item.external_id: item.text for item in items if isinstance(item, IncomingReply)}
    return {one: words[version] for one, version in newest.items() if version in words}


def _look_up(
    api: Api, ids: Sequence[str], fields: Sequence[str]
) -> tuple[dict[str, Any], list[str]]:
    asked: list[str] = []

    def get(client: Any, oauth1: bool, count: int) -> Any:  # noqa: FBT001 - as every call here
        asked[:] = ids[:count]
        return client.get_tweets(
            asked,
            tweet_fields=list(fields),
            expansions=["author_id"],
            user_fields=USER_FIELDS,
            user_auth=oauth1,
        )

    answer = api.read(LOOK, (1, len(ids)), "the posts", get)
    return answer, asked
