"""Posts of Bluesky looked up again: how they stand, how they read, which are our own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from collector.bluesky.answers import Refused, Server, items_of, text_of, time_of
from collector.bluesky.posts import POST, parts_of, post_url, read_post
from collector.connector import PromptPost, SourceState, no_such_post
from ledger.model import IncomingReply

#: app.bsky.feed.getPosts: at most 25 a request.
POSTS_PER_REQUEST = 25
#: Errors of app.bsky.actor.getProfile that say: the account is away, its posts are not deleted.
_AWAY = frozenset({"AccountTakedown", "AccountDeactivated"})
#: A post as people see it in an app, or by its own address; named by handle or DID.
_POST_ADDRESS = re.compile(
    r"(?:/profile/|^at://)([A-Za-z0-9._:%-]{1,260})/(?:post|app\.bsky\.feed\.post)/"
    r"([A-Za-z0-9._~:-]{1,512})/?$"
)


def states_of(server: Server, external_ids: Sequence[str]) -> dict[str, SourceState]:
    """How these posts stand; "at://…#cid" also tells whether one was edited since that CID.

    What is no post is not in the answer. Raises ChannelError.
    """
    wanted = [one for one in dict.fromkeys(external_ids) if parts_of(one.partition("#")[0])]
    states: dict[str, SourceState] = {}
    for some in _by_request(wanted):
        states |= _states(server, some)
    return states


def texts_of(server: Server, external_ids: Sequence[str]) -> dict[str, str]:
    """The words of these posts as they are now. Raises ChannelError."""
    wanted = [one for one in dict.fromkeys(external_ids) if parts_of(one)]
    texts = {}
    for some in _by_request(wanted):
        answer = server.query("app.bsky.feed.getPosts", uris=some)
        for item in map(read_post, items_of(answer, "posts")):
            if isinstance(item, IncomingReply) and item.external_id in some:
                texts[item.external_id] = item.text
    return texts


def own_post_at(server: Server, address: str) -> PromptPost:
    """The account's own post at an address that people see, or at://. Raises ChannelError."""
    found = _POST_ADDRESS.search(address)
    if found is None or found[1].lower() not in (server.did.lower(), server.handle.lower()):
        raise no_such_post(address)
    uri = f"at://{server.did}/{POST}/{found[2]}"
    posts = items_of(server.query("app.bsky.feed.getPosts", uris=[uri]), "posts")
    post = next((each for each in posts if text_of(each, "uri") == uri), None)
    posted_at = time_of(text_of(post, "record", "createdAt")) or time_of(text_of(post, "indexedAt"))
    if post is None or posted_at is None:
        raise no_such_post(address)
    return PromptPost(uri, post_url(server.handle, uri), posted_at, text_of(post, "cid"))


def _by_request(wanted: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(wanted), POSTS_PER_REQUEST):
        yield wanted[start : start + POSTS_PER_REQUEST]


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
