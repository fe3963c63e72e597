"""What an account of Bluesky may do and how its profile looks, one note each."""

from __future__ import annotations

from collector.bluesky.answers import Refused, Server, items_of, text_of


def chat_note(server: Server) -> str:
    if not server.may_chat:
        return "direct messages are left out, as the app password does not allow them"
    try:
        server.query("chat.bsky.convo.listConvos", limit=1)
    except Refused as error:
        return f"direct messages are left out: {error.said or error.code}"
    return "direct messages are read and sent"


def label_note(server: Server) -> str:
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
