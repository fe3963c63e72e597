"""Writing on Bluesky: the prompt, an answer in public, a direct message."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from collector.bluesky.answers import Refused, Server, items_of, text_of, time_of
from collector.bluesky.posts import (
    CHAT_BYTES,
    CHAT_GRAPHEMES,
    CHAT_PREFIX,
    POST,
    POST_BYTES,
    POST_GRAPHEMES,
    facets_of,
    graphemes,
    parts_of,
    post_record,
    post_url,
    profile_url,
    record_key,
)
from collector.connector import ChannelError, OutgoingMessage, PromptPost
from ledger.clock import Clock


def publish_prompt(server: Server, clock: Clock, text: str, key: str) -> PromptPost:
    """Post the prompt; the same key again gives the post that stands already."""
    _check_length(text, POST_GRAPHEMES, POST_BYTES)
    uri, cid, posted_at = _put(server, clock, f"prompt:{key}", text, None)
    return PromptPost(uri, post_url(server.handle, uri), posted_at, cid)


def answer_publicly(server: Server, clock: Clock, message: OutgoingMessage) -> str:
    """Answer a post below it, once for each message id."""
    _check_length(message.body, POST_GRAPHEMES, POST_BYTES)
    if parts_of(message.in_reply_to) is None:
        raise ChannelError(
            "On Bluesky only people who wrote to the account may be written to.",
            permanent=True,
            mend="Answer one of their posts, or write to them yourself.",
        )
    uri, _, _ = _put(
        server,
        clock,
        f"message:{message.message_id}",
        message.body,
        _reply_to(server, message.in_reply_to),
    )
    return uri


def write_privately(server: Server, message: OutgoingMessage) -> str:
    """Send a direct message. Nobody can say whether it left when the answer is lost.

    Where the login may not, a person still can: the profile has the button for it.
    """
    _check_length(message.body, CHAT_GRAPHEMES, CHAT_BYTES)
    if not server.may_chat:
        raise ChannelError(
            "This app password does not allow direct messages.",
            permanent=True,
            mend="Send it yourself from their profile, or sign in with one that does (tick 'Allow "
            "access to your direct messages'): definedby account add bluesky --replace.",
            hand_over=profile_url(message.recipient),
        )
    person = _resolve(server, message.recipient.removeprefix("@"))
    if not person:
        raise ChannelError(
            f"Bluesky knows nobody called {message.recipient}.",
            permanent=True,
            mend="Look the person up; the handle may have changed.",
        )
    facets = facets_of(message.body, lambda handle: _resolve(server, handle))
    text = {"text": message.body, **({"facets": facets} if facets else {})}
    try:
        answer = server.query("chat.bsky.convo.getConvoForMembers", members=[person])
        convo = text_of(answer, "convo", "id")
        sent = server.call(
            "chat.bsky.convo.sendMessage", {"convoId": convo, "message": text}, once=True
        )
    except Refused as error:
        if error.permanent:
            error.mend = "They take no messages from this account: answer their post in public."
        raise
    return f"{CHAT_PREFIX}{convo}/{text_of(sent, 'id')}"


def _put(
    server: Server, clock: Clock, key: str, text: str, reply: dict[str, Any] | None
) -> tuple[str, str, datetime]:
    """Put a post under the record key that belongs to `key`; its address, CID and time.

    `swapRecord: null` says that nothing may stand there yet (com.atproto.repo.putRecord). Where
    something does, an earlier try has arrived, and its answer was lost.
    """
    now = clock()
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)  # as the record has it
    place = {"repo": server.did, "collection": POST, "rkey": record_key(key)}
    record = post_record(text, now, facets_of(text, lambda handle: _resolve(server, handle)), reply)
    try:
        put = server.call(
            "com.atproto.repo.putRecord", {**place, "record": record, "swapRecord": None}
        )
    except Refused as error:
        if error.code != "InvalidSwap":
            raise
        return _standing(server, place, text)
    return text_of(put, "uri"), text_of(put, "cid"), now


def _standing(server: Server, place: dict[str, str], text: str) -> tuple[str, str, datetime]:
    found = server.query("com.atproto.repo.getRecord", **place)
    if text_of(found, "value", "text") != text:
        raise ChannelError(
            "Another text was posted for this already.",
            permanent=True,
            mend="Look at the account's posts, and write a new message.",
        )
    posted_at = time_of(text_of(found, "value", "createdAt")) or datetime.now(UTC)
    return text_of(found, "uri"), text_of(found, "cid"), posted_at


def _reply_to(server: Server, uri: str) -> dict[str, Any]:
    """The references of an answer: the post itself and the beginning of its thread."""
    posts = items_of(server.query("app.bsky.feed.getPosts", uris=[uri]), "posts")
    post = posts[0] if posts else {}
    if text_of(post, "uri") != uri:
        raise ChannelError(
            "The post to be answered is not there any more.",
            permanent=True,
            mend="Leave it, or write to the person another way.",
        )
    viewer = post.get("viewer")
    if isinstance(viewer, dict) and viewer.get("replyDisabled"):
        raise ChannelError(
            "The author has limited who may answer this post.",
            permanent=True,
            mend="Respect that, or answer another post of theirs.",
        )
    parent = {"uri": uri, "cid": text_of(post, "cid")}
    root = {
        "uri": text_of(post, "record", "reply", "root", "uri"),
        "cid": text_of(post, "record", "reply", "root", "cid"),
    }
    return {"root": root if root["uri"] and root["cid"] else parent, "parent": parent}


def _resolve(server: Server, handle: str) -> str:
    """The DID of a handle; "" where there is none. A DID stays what it is."""
    if handle.startswith("did:"):
        return handle
    try:
        answer = server.query("com.atproto.identity.resolveHandle", handle=handle)
    except Refused as error:
        if not error.permanent:
            raise
        return ""
    return text_of(answer, "did")


def _check_length(text: str, most_graphemes: int, most_bytes: int) -> None:
    count = graphemes(text)
    if count > most_graphemes or len(text.encode()) > most_bytes:
        raise ChannelError(
            f"The text has {count:,} characters; Bluesky allows {most_graphemes:,}.",
            permanent=True,
            mend="Shorten it.",
        )
    if not text.strip():
        raise ChannelError("There is no text to send.", permanent=True, mend="Write some.")
