"""A small Bluesky server (PDS with AppView and chat service) that misbehaves when told to.

For what the real network can't be made to do, or does not have: rate limits, time-outs, malformed
items, huge answers, cut connections, direct messages. It follows these lexicons, in the parts that
a connector sees: com.atproto.server.createSession, refreshSession, getSession;
com.atproto.identity.resolveHandle; com.atproto.repo.putRecord, getRecord;
app.bsky.notification.listNotifications; app.bsky.feed.getPosts, getPostThread;
app.bsky.actor.getProfile; chat.bsky.convo.listConvos, getMessages, getConvoForMembers,
sendMessage. Errors and paging (a cursor is a time, and what comes after is strictly older) are
those of the real servers of @atproto/dev-env 0.3.215.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ledger.model import Account, Channel

PASSWORD = "aaaa-bbbb-cccc-dddd"  # an invented one
CHAT = "did:web:api.bsky.chat#bsky_chat"
PRIVILEGED, PLAIN = "com.atproto.appPassPrivileged", "com.atproto.appPass"
OWN_DID, OWN_HANDLE = "did:plc:owner", "owner.test"
POST = "app.bsky.feed.post"
Given = dict[str, list[str]]


class XrpcError(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        self.status, self.code, self.message = status, code, message


@dataclass(frozen=True)
class Fault:
    """What happens to the next request of `nsid` ("" for any): an answer in place of its own.

    `status` 0 cuts the connection; `silence` seconds pass first. `done`: it takes effect anyway.
    """

    nsid: str = ""
    status: int = 0
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    silence: float = 0.0
    done: bool = False


class FaultyBluesky:
    """Use as a context manager. Items go in by `arrive` and `write_to`, faults into `faults`."""

    def __init__(self) -> None:
        self.scope = PRIVILEGED
        self.faults: list[Fault] = []
        self.asked: list[str] = []
        self.notifications: list[Any] = []
        self.records: dict[str, dict[str, Any]] = {}
        self.posts: dict[str, dict[str, Any]] = {}
        self.convos: dict[str, list[dict[str, Any]]] = {}
        self.handles: dict[str, str] = {OWN_HANDLE: OWN_DID}
        self.threads: dict[str, Any] = {}
        self.away: dict[str, str] = {}
        self.closed_to_messages: set[str] = set()
        self.live_tokens: set[str] = set()
        self._numbers = count(1)
        self._lock = threading.Lock()

    def __enter__(self) -> FaultyBluesky:
        self._http = Listener(self)
        self.base_url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._http.shutdown()
        self._thread.join(10)
        self._http.server_close()

    def account(self, *, session: str = "", **options: Any) -> Account:
        """The owner's account here, as the ledger would give it to a connector."""
        given = {"handle": OWN_HANDLE, "base_url": self.base_url, **options}
        secret = json.dumps({"password": PASSWORD, "session": session})
        return Account(1, Channel.BLUESKY, "sky", "c1", given, secret)

    def arrive(self, text: str, at: int, *, reason: str = "reply", **more: Any) -> dict[str, Any]:
        """An item for listNotifications, sorted at this millisecond; the test may change it."""
        number = next(self._numbers)
        did = f"did:plc:person{number}"
        uri = f"at://{did}/{POST}/3k{number:011d}"
        item = {
            "uri": uri,
            "cid": f"bafy{number}",
            "author": {"did": did, "handle": f"person{number}.test", "displayName": "Ada Sample"},
            "reason": reason,
            "record": {"$type": POST, "text": text, "createdAt": moment(at), **more},
            "indexedAt": moment(at),
            "isRead": False,
        }
        self.posts[uri] = item
        with self._lock:
            self.notifications.append(item)
        return item

    def follow(self, handle: str, at: int, **author: Any) -> dict[str, Any]:
        """Somebody begins to follow the account: a notification with a record of its own kind."""
        number = next(self._numbers)
        did = f"did:plc:follower{number}"
        item = {
            "uri": f"at://{did}/app.bsky.graph.follow/3k{number:011d}",
            "cid": f"bafyfollow{number}",
            "author": {"did": did, "handle": handle, **author},
            "reason": "follow",
            "record": {"$type": "app.bsky.graph.follow", "subject": OWN_DID},
            "indexedAt": moment(at),
            "isRead": False,
        }
        with self._lock:
            self.notifications.append(item)
        return item

    def write_to(self, person: str, text: str, at: int, *, sender: str = "") -> dict[str, Any]:
        """A message in the conversation with a person (a DID); by them, or by `sender`."""
        message = {
            "$type": "chat.bsky.convo.defs#messageView",
            "id": f"m{next(self._numbers)}",
            "rev": f"{at}",
            "text": text,
            "sender": {"did": sender or person},
            "sentAt": moment(at),
        }
        self.convos.setdefault(f"convo-{person}", []).append(message)
        return message

    def listed(self, given: Given) -> dict[str, Any]:
        """listNotifications: one page, filtered after it was cut, as the AppView does."""
        limit, cursor = int(given.get("limit", ["50"])[0]), given.get("cursor", [""])[0]
        with self._lock:
            items = sorted(self.notifications, key=_sort_key, reverse=True)
        if cursor:
            items = [item for item in items if _sort_key(item) < cursor]
        page = items[:limit]
        wanted = given.get("reasons")
        shown = [
            one
            for one in page
            if not wanted or not isinstance(one, dict) or one["reason"] in wanted
        ]
        answer: dict[str, Any] = {"notifications": shown}
        if page:
            answer["cursor"] = _sort_key(page[-1])
        return answer

    def session(self) -> dict[str, Any]:
        tokens = [self._token(kind) for kind in (self.scope, "com.atproto.refresh")]
        self.live_tokens.update(tokens)
        return {
            "did": OWN_DID,
            "handle": OWN_HANDLE,
            "accessJwt": tokens[0],
            "refreshJwt": tokens[1],
            "active": True,
        }

    def put(self, given: dict[str, Any]) -> dict[str, Any]:
        uri = f"at://{given['repo']}/{given['collection']}/{given['rkey']}"
        if uri in self.records and given.get("swapRecord", "") is None:
            raise XrpcError(400, "InvalidSwap", "Record was at another version")
        cid = f"bafyown{next(self._numbers)}"
        self.records[uri] = {"uri": uri, "cid": cid, "value": given["record"]}
        return {"uri": uri, "cid": cid}

    def convo_view(self, convo_id: str) -> dict[str, Any]:
        person = convo_id.removeprefix("convo-")
        messages = self.convos.get(convo_id, [])
        members = [
            {"did": OWN_DID, "handle": OWN_HANDLE},
            {"did": person, "handle": f"{person.rpartition(':')[2]}.test"},
        ]
        view = {"id": convo_id, "rev": "1", "members": members, "muted": False, "unreadCount": 0}
        return {**view, "lastMessage": messages[-1]} if messages else view

    def _token(self, scope: str) -> str:
        claims = {"scope": scope, "sub": OWN_DID, "exp": int(time.time()) + 7200}
        parts = [{"alg": "none"}, {**claims, "jti": str(next(self._numbers))}]
        raw = [base64.urlsafe_b64encode(json.dumps(part).encode()) for part in parts]
        return ".".join(part.decode().rstrip("=") for part in raw) + ".c2ln"


def moment(milliseconds: int) -> str:
    when = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _sort_key(item: Any) -> str:
    """The hidden time by which the server sorts; a malformed item still has one."""
    if isinstance(item, dict):
        return str(item.get("_sort") or item.get("indexedAt") or "")
    return moment(int(item.rpartition(" ")[2]))


def _list_notifications(server: FaultyBluesky, given: Given) -> dict[str, Any]:
    return server.listed(given)


def _get_posts(server: FaultyBluesky, given: Given) -> dict[str, Any]:
    if len(given["uris"]) > 25:
        raise XrpcError(400, "InvalidRequest", "uris must not have more than 25 elements")
    return {"posts": [server.posts[uri] for uri in given["uris"] if uri in server.posts]}


def _get_thread(server: FaultyBluesky, given: Given) -> dict[str, Any]:
    if given["uri"][0] not in server.threads:
        raise XrpcError(400, "NotFound", f"Post not found: {given['uri'][0]}")
    return {"thread": server.threads[given["uri"][0]]}


def _get_profile(server: FaultyBluesky, given: Given) -> dict[str, Any]:
    actor = given["actor"][0]
    if actor in server.away:
        raise XrpcError(400, server.away[actor], "Account is away")
    return {"did": actor, "handle": OWN_HANDLE, "labels": []}


def _resolve(server: FaultyBluesky, given: Given) -> dict[str, Any]:
    if given["handle"][0] not in server.handles:
        raise XrpcError(400, "InvalidRequest", "Unable to resolve handle")
    return {"did": server.handles[given["handle"][0]]}


def _get_record(server: FaultyBluesky, given: Given) -> dict[str, Any]:
    uri = f"at://{given['repo'][0]}/{given['collection'][0]}/{given['rkey'][0]}"
    if uri not in server.records:
        raise XrpcError(400, "RecordNotFound", "Could not locate record")
    return server.records[uri]


def _list_convos(server: FaultyBluesky, given: Given) -> dict[str, Any]:
    convos = sorted(server.convos, key=lambda one: server.convos[one][-1]["sentAt"], reverse=True)
    return _page("convos", [server.convo_view(one) for one in convos], given)


def _get_messages(server: FaultyBluesky, given: Given) -> dict[str, Any]:
    return _page("messages", server.convos[given["convoId"][0]][::-1], given)


def _page(name: str, items: list[Any], given: Given) -> dict[str, Any]:
    start, limit = int(given.get("cursor", ["0"])[0]), int(given.get("limit", ["50"])[0])
    answer: dict[str, Any] = {name: items[start : start + limit]}
    if start + limit < len(items):
        answer["cursor"] = str(start + limit)
    return answer


def _get_convo(server: FaultyBluesky, given: Given) -> dict[str, Any]:
    if given["members"][0] in server.closed_to_messages:
        message = "recipient requires incoming messages to come from someone they follow"
        raise XrpcError(400, "InvalidRequest", message)
    return {"convo": server.convo_view(f"convo-{given['members'][0]}")}


QUERIES: dict[str, Callable[[FaultyBluesky, Given], dict[str, Any]]] = {
    "app.bsky.notification.listNotifications": _list_notifications,
    "app.bsky.feed.getPosts": _get_posts,
    "app.bsky.feed.getPostThread": _get_thread,
    "app.bsky.actor.getProfile": _get_profile,
    "com.atproto.identity.resolveHandle": _resolve,
    "com.atproto.repo.getRecord": _get_record,
    "com.atproto.server.getSession": lambda server, _: {"did": OWN_DID, "handle": OWN_HANDLE},
    "chat.bsky.convo.listConvos": _list_convos,
    "chat.bsky.convo.getMessages": _get_messages,
    "chat.bsky.convo.getConvoForMembers": _get_convo,
}


def _create_session(server: FaultyBluesky, given: dict[str, Any]) -> dict[str, Any]:
    if (given["identifier"], given["password"]) != (OWN_HANDLE, PASSWORD):
        raise XrpcError(401, "AuthenticationRequired", "Invalid identifier or password")
    return server.session()


def _send_message(server: FaultyBluesky, given: dict[str, Any]) -> dict[str, Any]:
    person = given["convoId"].removeprefix("convo-")
    at = round(time.time() * 1000)
    return server.write_to(person, given["message"]["text"], at, sender=OWN_DID)


PROCEDURES: dict[str, Callable[[FaultyBluesky, dict[str, Any]], dict[str, Any]]] = {
    "com.atproto.server.createSession": _create_session,
    "com.atproto.server.refreshSession": lambda server, _: server.session(),
    "com.atproto.repo.putRecord": lambda server, given: server.put(given),
    "chat.bsky.convo.sendMessage": _send_message,
}


class Listener(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, faulty: FaultyBluesky) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.faulty = faulty


class Handler(BaseHTTPRequestHandler):
    server: Listener
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet for each answer: the second would wait for the first's receipt

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        self._serve(address.path, parse_qs(address.query), QUERIES)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self._serve(self.path, json.loads(body or b"{}"), PROCEDURES)

    def _serve(self, path: str, given: Any, known: dict[str, Any]) -> None:
        nsid = path.removeprefix("/xrpc/")
        faulty = self.server.faulty
        faulty.asked.append(nsid)
        fault = next((one for one in faulty.faults if one.nsid in ("", nsid)), None)
        if fault is not None:
            faulty.faults.remove(fault)
            if fault.done:
                self._answer_of(nsid, given, known)
            time.sleep(fault.silence)
            self._answer(fault.status, fault.body, fault.headers)
            return
        status, answer = self._answer_of(nsid, given, known)
        self._answer(status, json.dumps(answer).encode(), {})

    def _answer_of(self, nsid: str, given: Any, known: dict[str, Any]) -> tuple[int, Any]:
        try:
            self._check_rights(nsid)
            if nsid not in known:
                raise XrpcError(404, "XRPCNotSupported", "Not Found")
            return 200, known[nsid](self.server.faulty, given)
        except XrpcError as error:
            return error.status, {"error": error.code, "message": error.message}

    def _check_rights(self, nsid: str) -> None:
        if nsid == "com.atproto.server.createSession":
            return
        token = self.headers.get("authorization", "").removeprefix("Bearer ")
        if not token:
            raise XrpcError(401, "AuthMissing", "Authentication Required")
        if token not in self.server.faulty.live_tokens:
            raise XrpcError(400, "ExpiredToken", "Token has expired")
        if nsid.startswith("chat."):
            if self.headers.get("atproto-proxy") != CHAT:
                raise XrpcError(404, "XRPCNotSupported", "XRPCNotSupported")
            if self.server.faulty.scope != PRIVILEGED:
                raise XrpcError(400, "InvalidToken", "Bad token method")

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        if status == 0:
            self.close_connection = True
            return
        try:
            self.send_response(status)
            for name, value in {"content-type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:  # the client left: it timed out, or had read enough
            self.close_connection = True
