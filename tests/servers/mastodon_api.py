"""A small real HTTP server that follows the Mastodon API reference, for what snac2 lacks.

Followed (docs.joinmastodon.org, Mastodon 4.3): api/rate-limits (X-RateLimit-* with an ISO 8601
reset, 429), api/guidelines#pagination (Link with next and prev; min_id, since_id, max_id, limit),
methods/notifications (types[], include_filtered; newest first), methods/conversations (paged by the
last status), methods/statuses (post with Idempotency-Key kept for an hour, get, context, history,
edit, delete; 404 for what one may not see, 422 for what is too long), methods/accounts
(verify_credentials, lookup, relationships), methods/instance (v2), entities/Error. The HTML of a
status is made as app/lib/text_formatter.rb makes it: shortened links, mentions as h-cards.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from typing import Any

from tests.servers.mastodon_http import DOMAIN, Fault, Seen, handler, html_of, iso

TOKEN = "a-token-of-nobody"  # an invented one, for this server only
MOST_CHARACTERS = 500
WINDOW = timedelta(minutes=5)
KEY_KEPT = timedelta(hours=1)
Answer = tuple[int, Any, dict[str, str]]


class MastodonApi:
    """The server; use as a context manager. Account "1" is the one the token belongs to."""

    token = TOKEN
    own_id = "1"

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.clock = clock
        self.accounts: dict[str, dict[str, Any]] = {}
        self.statuses: dict[int, dict[str, Any]] = {}
        self.notifications: list[tuple[int, Any]] = []
        self.conversations: dict[int, int] = {}
        self.blocked_by: set[str] = set()
        self.keys: dict[str, tuple[datetime, int]] = {}
        self.faults: list[Fault] = []
        self.requests: list[Seen] = []
        self.allowed = 300
        self.page_cap = 80
        self.has_conversations = True
        self._spent = 0
        self._window_ends = datetime.min.replace(tzinfo=UTC)
        self._last_id = 0
        self._lock = threading.RLock()
        self._ended = threading.Event()
        self.add_person("bot", bot=True)

    def __enter__(self) -> MastodonApi:
        self._http = ThreadingHTTPServer(
            ("127.0.0.1", 0), handler(self.answer, self.faults, self._ended)
        )
        self._http.daemon_threads = False
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._ended.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    # What happens at the server

    def add_person(self, acct: str, **given: Any) -> str:
        """A person, local or (name@host) not; returns the id."""
        with self._lock:
            known = str(len(self.accounts) + 1)
            host = acct.partition("@")[2] or DOMAIN
            self.accounts[known] = {
                "id": known,
                "username": acct.partition("@")[0],
                "acct": acct,
                "display_name": acct.partition("@")[0].title(),
                "url": f"https://{host}/@{acct.partition('@')[0]}",
                "note": "",
                "fields": [],
                "bot": False,
                **given,
            }
            return known

    def add_status(
        self, author: str, text: str, *, answers: int = 0, visibility: str = "public", **given: Any
    ) -> int:
        """A status as its author posts it; `given` overrides what the API shows of it."""
        with self._lock:
            self._last_id += 1
            known = self._last_id
            host = self.accounts[author]["acct"].partition("@")[2] or DOMAIN
            self.statuses[known] = {
                "id": str(known),
                "uri": f"https://{host}/statuses/{known}",
                "url": f"https://{host}/@{self.accounts[author]['username']}/{known}",
                "created_at": iso(self.clock()),
                "edited_at": None,
                "in_reply_to_id": str(answers) if answers else None,
                "visibility": visibility,
                "spoiler_text": "",
                "content": html_of(text),
                "account": self.accounts[author],
                **given,
            }
            if visibility == "direct":
                self._into_conversation(known)
            return known

    def mention(self, author: str, text: str, *, notify: bool = True, **given: Any) -> int:
        """A status that mentions the account, and its notification unless a policy drops it."""
        with self._lock:
            known = self.add_status(author, f"@bot@{DOMAIN} {text}", **given)
            if notify:
                self.notify(known)
            return known

    def reserve(self) -> int:
        """A number that something being stored has taken; it shows up later (`at`)."""
        with self._lock:
            self._last_id += 1
            return self._last_id

    def notify(self, status_id: int, *, at: int = 0, **given: Any) -> None:
        """A notification of a status; `given` overrides what the API shows of it."""
        with self._lock:
            known = at or self.reserve()
            item = {
                "id": str(known),
                "type": "mention",
                "created_at": iso(self.clock()),
                "account": self.statuses[status_id]["account"],
                "status": status_id,
                **given,
            }
            self.notifications.append((known, item))
            self.notifications.sort(key=lambda entry: entry[0])

    def follow(self, person: str) -> int:
        """Somebody begins to follow the account."""
        with self._lock:
            known = self.reserve()
            item = {"id": str(known), "type": "follow", "account": self.accounts[person]}
            self.notifications.append((known, item))
            return known

    def notify_malformed(self, item: Any) -> None:
        """Something in the list of notifications that is none."""
        with self._lock:
            self._last_id += 1
            if isinstance(item, dict) and item.get("id") == "":
                item = {**item, "id": str(self._last_id)}
            self.notifications.append((self._last_id, item))

    def edit(self, status_id: int, text: str) -> None:
        with self._lock:
            status = self.statuses[status_id]
            status.setdefault("_history", [status["content"]]).append(html_of(text))
            status |= {"content": html_of(text), "edited_at": iso(self.clock())}

    def delete(self, status_id: int) -> None:
        with self._lock:
            del self.statuses[status_id]
            self.notifications = [
                (known, item)
                for known, item in self.notifications
                if not isinstance(item, dict) or item.get("status") != status_id
            ]
            self.conversations = {
                root: last for root, last in self.conversations.items() if last != status_id
            }

    def posted(self) -> list[dict[str, Any]]:
        """What the account itself posted, oldest first."""
        with self._lock:
            return [s for s in self.statuses.values() if s["account"]["id"] == self.own_id]

    def wait_for_posts(self, count: int) -> None:
        """Until the account has posted so many; a slow request goes on without its client."""
        for _ in range(500):
            if len(self.posted()) >= count:
                return
            time.sleep(0.01)
        raise TimeoutError(f"{count} posts did not arrive")

    def _into_conversation(self, known: int) -> None:
        root = known
        while self.statuses[root]["in_reply_to_id"]:
            root = int(self.statuses[root]["in_reply_to_id"])
        self.conversations[root] = known

    # What the API answers

    def answer(self, seen: Seen) -> Answer:
        """What a request gets, as api/rate-limits and each method's reference say."""
        with self._lock:
            self.requests.append(seen)
            now = self.clock()
            if now >= self._window_ends:
                self._window_ends, self._spent = now + WINDOW, 0
            self._spent += 1
            limits = {
                "X-RateLimit-Limit": str(self.allowed),
                "X-RateLimit-Remaining": str(max(self.allowed - self._spent, 0)),
                "X-RateLimit-Reset": iso(self._window_ends, "microseconds"),
            }
            if self._spent > self.allowed:
                return 429, {"error": "Too many requests"}, limits
            status, body, headers = self._routed(seen)
            return status, body, limits | headers

    def _routed(self, seen: Seen) -> Answer:
        if seen.headers.get("authorization") != f"Bearer {self.token}":
            return 401, {"error": "The access token is invalid"}, {}
        for method, pattern, action in _ROUTES:
            found = re.fullmatch(pattern, seen.path)
            if found and method == seen.method:
                given = {name: values[-1] for name, values in seen.params.items()}
                answer: Answer = action(self, given, seen, *found.groups())
                return answer
        return 404, {"error": "Record not found"}, {}

    def _verify(self, *_: Any) -> Answer:
        return 200, self.accounts[self.own_id] | {"source": {}}, {}

    def _lookup(self, given: dict[str, str], *_: Any) -> Answer:
        wanted = given.get("acct", "").removesuffix(f"@{DOMAIN}").lower()
        for account in self.accounts.values():
            if account["acct"].lower() == wanted:
                return 200, account, {}
        return 404, {"error": "Record not found"}, {}

    def _relationships(self, given: dict[str, str], *_: Any) -> Answer:
        known = given.get("id") or given.get("id[]", "")
        return 200, [{"id": known, "blocked_by": known in self.blocked_by}], {}

    def _instance(self, *_: Any) -> Answer:
        limits = {"max_characters": MOST_CHARACTERS, "characters_reserved_per_url": 23}
        return 200, {"domain": DOMAIN, "configuration": {"statuses": limits}}, {}

    def _notifications(self, given: dict[str, str], seen: Seen, *_: Any) -> Answer:
        types = seen.params.get("types[]", [])
        shown = [
            (known, item)
            for known, item in self.notifications
            if not isinstance(item, dict)
            or (
                (not types or item.get("type", "mention") in types)
                and (given.get("include_filtered") == "true" or not item.get("filtered"))
            )
        ]
        status, page, headers = self._paged(shown, given, seen, default=40, most=80)
        return status, [self._shown_notification(item) for item in page], headers

    def _shown_notification(self, item: Any) -> Any:
        if isinstance(item, dict) and isinstance(item.get("status"), int):
            return item | {"status": self._shown(self.statuses[item["status"]])}
        return item

    def _conversations(self, given: dict[str, str], seen: Seen, *_: Any) -> Answer:
        if not self.has_conversations:
            return 404, {"error": "Record not found"}, {}
        shown = [
            (last, {"id": f"c{root}", "unread": True, "last_status": self._shown(status)})
            for root, last in self.conversations.items()
            for status in [self.statuses[last]]
        ]
        return self._paged(sorted(shown, key=lambda x: x[0]), given, seen, default=20, most=40)

    def _paged(
        self,
        items: list[tuple[int, Any]],
        given: dict[str, str],
        seen: Seen,
        *,
        default: int,
        most: int,
    ) -> Answer:
        """min_id: the oldest ones above it; since_id and max_id: the newest ones between."""
        limit = max(min(int(given.get("limit", default)), most, self.page_cap), 1)
        lowest = int(given.get("min_id") or given.get("since_id") or 0)
        highest = int(given.get("max_id") or 10**12)
        within = [(known, item) for known, item in items if lowest < known < highest]
        page = within[:limit] if given.get("min_id") else within[-limit:]
        if not page:
            return 200, [], {}
        base = f"{self.url}{seen.path}?limit={limit}"
        link = (
            f'<{base}&max_id={page[0][0]}>; rel="next", <{base}&min_id={page[-1][0]}>; rel="prev"'
        )
        return 200, [item for _, item in reversed(page)], {"Link": link}

    def _status(self, _given: dict[str, str], _seen: Seen, known: str) -> Answer:
        status = self.statuses.get(int(known))
        if status is None:
            return 404, {"error": "Record not found"}, {}
        return 200, self._shown(status), {}

    def _context(self, _given: dict[str, str], _seen: Seen, known: str) -> Answer:
        if int(known) not in self.statuses:
            return 404, {"error": "Record not found"}, {}
        above: list[Any] = []
        at = self.statuses[int(known)]["in_reply_to_id"]
        while at and int(at) in self.statuses:
            above.insert(0, self._shown(self.statuses[int(at)]))
            at = self.statuses[int(at)]["in_reply_to_id"]
        return 200, {"ancestors": above, "descendants": self._below(known)}, {}

    def _below(self, known: str) -> list[Any]:
        found = []
        for status in list(self.statuses.values()):
            if status["in_reply_to_id"] == known:
                found += [self._shown(status), *self._below(status["id"])]
        return found

    def _history(self, _given: dict[str, str], _seen: Seen, known: str) -> Answer:
        status = self.statuses.get(int(known))
        if status is None:
            return 404, {"error": "Record not found"}, {}
        versions = status.get("_history", [status["content"]])
        return 200, [{"content": content} for content in versions], {}

    def _post(self, given: dict[str, str], seen: Seen, *_: Any) -> Answer:
        key = seen.headers.get("idempotency-key", "")
        until, known = self.keys.get(key, (self.clock(), 0))
        if key and self.clock() < until:
            return 200, self._shown(self.statuses[known]), {}
        if len(given.get("status", "")) > MOST_CHARACTERS:
            return 422, {"error": "Validation failed: Text character limit of 500 exceeded"}, {}
        answers = int(given.get("in_reply_to_id", 0))
        if answers and answers not in self.statuses:
            return 404, {"error": "The post you are trying to reply to does not exist."}, {}
        known = self.add_status(
            self.own_id,
            given["status"],
            answers=answers,
            visibility=given.get("visibility", "public"),
        )
        if key:
            self.keys[key] = (self.clock() + KEY_KEPT, known)
        return 200, self._shown(self.statuses[known]), {}

    def _delete(self, _given: dict[str, str], _seen: Seen, known: str) -> Answer:
        status = self.statuses.get(int(known))
        if status is None or status["account"]["id"] != self.own_id:
            return 404, {"error": "Record not found"}, {}
        self.delete(int(known))
        return 200, self._shown(status), {}

    def _shown(self, status: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in status.items() if not name.startswith("_")}


_ROUTES: list[tuple[str, str, Callable[..., Answer]]] = [
    ("GET", "/api/v1/accounts/verify_credentials", MastodonApi._verify),
    ("GET", "/api/v1/accounts/lookup", MastodonApi._lookup),
    ("GET", "/api/v1/accounts/relationships", MastodonApi._relationships),
    ("GET", "/api/v2/instance", MastodonApi._instance),
    ("GET", "/api/v1/notifications", MastodonApi._notifications),
    ("GET", "/api/v1/conversations", MastodonApi._conversations),
    ("GET", "/api/v1/statuses/([0-9]+)", MastodonApi._status),
    ("GET", "/api/v1/statuses/([0-9]+)/context", MastodonApi._context),
    ("GET", "/api/v1/statuses/([0-9]+)/history", MastodonApi._history),
    ("POST", "/api/v1/statuses", MastodonApi._post),
    ("DELETE", "/api/v1/statuses/([0-9]+)", MastodonApi._delete),
]
