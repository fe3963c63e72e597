"""X on loopback: a real HTTP server that follows the public reference of X's API v2.

Which parts (docs.x.com/x-api):
- GET /2/users/me, /2/users/:id/mentions, /2/users/:id/followers (newest first),
  /2/tweets/search/recent (conversation_id:, -from:),
  /2/tweets?ids= (with `errors` for what was deleted or is protected), /2/dm_events;
- POST /2/tweets, /2/dm_conversations/with/:participant_id/messages, /2/oauth2/token (refresh).
Ids are strings and grow with time (Snowflakes). Lists begin with the newest item and have
includes.users for the expansion of their author, meta.result_count, newest_id, oldest_id and
next_token; since_id and until_id exclude themselves; the search knows seven days, messages thirty;
max_results outside its range is refused. Errors are problem JSON, 429 carries x-rate-limit-*.
Logins: OAuth 2.0 bearer tokens (a renewal ends the tokens before it) and OAuth 1.0a (the HMAC-SHA1
signature is checked). Faults are put in front of an endpoint with `spoil`.
"""

from __future__ import annotations

import base64
import random
import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from typing import Any

from tests.servers.x_http import Fault, Handler, Problem, Seen, is_signed

PROBLEMS = "https://api.twitter.com/2/problems"
EPOCH = datetime(2010, 11, 4, 1, 42, 54, 657_000, tzinfo=UTC)
#: Dollars, as X's price list has them.
PRICES = {
    "mention": 0.001,
    "follower": 0.001,
    "post_read": 0.005,
    "user_read": 0.01,
    "dm_read": 0.01,
}
PRICES |= {"post": 0.015, "post_with_url": 0.2, "dm": 0.015}
ME = "1000"


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


class XServer:
    """The account that is signed in is @asker_example, number 1000."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.users: dict[str, dict[str, Any]] = {}
        self.posts: list[dict[str, Any]] = []
        self.messages: list[dict[str, Any]] = []
        self.deleted: set[str] = set()
        self.followers: list[str] = []
        self.seen: list[Seen] = []
        self.faults: dict[str, list[Fault]] = {}
        #: Requests left per endpoint; endpoints not named are not limited.
        self.left: dict[str, int] = {}
        self.reset_in = 600
        #: The most items that any answer has, whatever is asked for.
        self.page_size = 100
        #: Called after each answer of a list, to let things happen between two pages.
        self.between_pages: Callable[[], None] = lambda: None
        #: Gives the items of an answer in another order each time; `shuffled` counts such answers.
        self.shuffle: random.Random | None = None
        self.shuffled = 0
        self.tokens = {"token-1"}
        self.refresh_tokens = {"refresh-1"}
        self.renewals = 0
        self.oauth1 = {
            "consumer_key": "app",
            "consumer_secret": "app-secret",
            "access_token": f"{ME}-token",
            "access_token_secret": "token-secret",
        }
        #: (day, kind, id) of everything that X would charge for.
        self.billed: set[tuple[str, str, str]] = set()
        self._sequence = 0
        self._last_id = 0
        self.add_user("asker_example", number=ME)

    # What happens on X.

    def add_user(self, username: str, *, number: str = "", protected: bool = False) -> str:
        number = number or str(2000 + len(self.users))
        name = username.replace("_", " ").title()
        self.users[number] = {
            "id": number,
            "name": name,
            "username": username,
            "protected": protected,
        }
        return number

    def add_follower(self, username: str, *, protected: bool = False, description: str = "") -> str:
        """Somebody new who begins to follow the account."""
        with self.lock:
            number = self.add_user(username, protected=protected)
            self.users[number]["description"] = description
            self.followers.append(number)
            return number

    def next_id(self) -> str:
        with self.lock:
            milliseconds = (self.clock() - EPOCH) // timedelta(milliseconds=1)
            self._last_id = max(self._last_id + 1, milliseconds << 22)
            return str(self._last_id)

    def add_post(
        self,
        text: str,
        *,
        author: str = "",
        answers: str = "",
        mentions: bool = True,
        **more: Any,
    ) -> dict[str, Any]:
        """A post by a new user or the one given; `answers`: the id of the post it replies to."""
        with self.lock:
            number = self.next_id()
            author = author or self.add_user(f"person{len(self.users)}_example")
            parent = next((post for post in self.posts if post["id"] == answers), None)
            post = {
                "id": number,
                "text": text,
                "author_id": author,
                "conversation_id": parent["conversation_id"] if parent else number,
                "created_at": iso(self.clock()),
                "edit_history_tweet_ids": [number],
                "_mentions": [ME] if mentions else [],
            }
            if answers:
                post["referenced_tweets"] = [{"type": "replied_to", "id": answers}]
            post.update(more)
            self.posts.append(post)
            return post

    def edit_post(self, post: dict[str, Any], text: str) -> dict[str, Any]:
        """A new version under a new id; lists have that from now on."""
        with self.lock:
            number = self.next_id()
            history = [*post["edit_history_tweet_ids"], number]
            newer = {**post, "id": number, "text": text, "edit_history_tweet_ids": history}
            post["edit_history_tweet_ids"] = history
            post["_old"] = True
            self.posts.append(newer)
            return newer

    def add_message(self, text: str, *, sender: str = "", **more: Any) -> dict[str, Any]:
        with self.lock:
            number = self.next_id()
            sender = sender or self.add_user(f"person{len(self.users)}_example")
            message = {
                "id": number,
                "event_type": "MessageCreate",
                "text": text,
                "sender_id": sender,
                "dm_conversation_id": f"{ME}-{sender}",
                "created_at": iso(self.clock()),
                **more,
            }
            self.messages.append(message)
            return message

    def spoil(self, path: str, *faults: Fault) -> None:
        """The next requests to this path (its end is enough) meet these faults, in turn."""
        self.faults.setdefault(path, []).extend(faults)

    def cost(self) -> float:
        return sum(PRICES[kind] for _, kind, _ in self.billed)

    def requests(self, path: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.path.endswith(path)]

    # Running.

    def __enter__(self) -> XServer:
        outer = self

        class XHandler(Handler):
            server_of_x = outer

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), XHandler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.http.shutdown()
        self.thread.join(timeout=10)
        self.http.server_close()

    # The API.

    def fault_for(self, path: str) -> Fault | None:
        with self.lock:
            for end, faults in self.faults.items():
                if path.endswith(end) and faults:
                    return faults.pop(0)
        return None

    def answer(self, seen: Seen, raw_url: str) -> tuple[dict[str, Any], dict[str, str]]:
        with self.lock:
            self.seen.append(seen)
            if seen.path == "/2/oauth2/token":
                return self._renew(seen), {}
            self._check_login(seen, raw_url)
            limits = self._check_limit(seen.path)
            for pattern, method, handler in _ROUTES:
                found = re.fullmatch(pattern, seen.path)
                if found and method == seen.method:
                    return handler(self, seen, *found.groups()), limits
        raise Problem(404, "Not Found", "There is no such endpoint.")

    def me(self, seen: Seen) -> dict[str, Any]:
        self._bill("user_read", [ME])
        return {"data": self._user(ME, seen)}

    def mentions(self, seen: Seen, user_id: str) -> dict[str, Any]:
        if user_id != ME:
            raise Problem(403, "Forbidden", "These are not your mentions.")
        posts = [post for post in self.posts if ME in post["_mentions"]][-800:]
        return self._list(seen, posts, "mention", 5, "pagination_token")

    def follower_list(self, seen: Seen, user_id: str) -> dict[str, Any]:
        if user_id != ME:
            raise Problem(403, "Forbidden", "These are not your followers.")
        count = int(seen.query.get("max_results", 100))
        if not 1 <= count <= 1000:
            raise Problem(400, "Invalid Request", "max_results is from 1 to 1000.")
        given = self.followers[::-1][:count]
        self._bill("follower", given)
        found = [self._user(number, seen) for number in given]
        return {"meta": {"result_count": len(found)}} | ({"data": found} if found else {})

    def search(self, seen: Seen) -> dict[str, Any]:
        wanted = dict(re.findall(r"(-?[a-z_]+):(\S+)", seen.query["query"]))
        oldest = ((self.clock() - timedelta(days=7) - EPOCH) // timedelta(milliseconds=1)) << 22
        for name in ("since_id", "until_id"):
            if 0 < int(seen.query.get(name, 0)) < oldest:
                detail = f"'{name}' must be a tweet id created after seven days ago."
                raise Problem(400, "Invalid Request", detail, f"{PROBLEMS}/invalid-request")
        posts = [
            post
            for post in self.posts
            if post["conversation_id"] == wanted["conversation_id"]
            and post["id"] != wanted["conversation_id"]
            and post["author_id"] != wanted.get("-from")
            and not post.get("_unindexed")
            and int(post["id"]) >= oldest
        ]
        return self._list(seen, posts, "post_read", 10, "next_token")

    def events(self, seen: Seen) -> dict[str, Any]:
        oldest = ((self.clock() - timedelta(days=30) - EPOCH) // timedelta(milliseconds=1)) << 22
        messages = [message for message in self.messages if int(message["id"]) >= oldest]
        return self._list(seen, messages, "dm_read", 1, "pagination_token")

    def lookup(self, seen: Seen) -> dict[str, Any]:
        ids = seen.query["ids"].split(",")
        if len(ids) > 100:
            raise Problem(400, "Invalid Request", "At most 100 ids.", f"{PROBLEMS}/invalid-request")
        found, errors = [], []
        for number in ids:
            post = next((post for post in self.posts if post["id"] == number), None)
            if post is None or number in self.deleted:
                errors.append(_missing(number, "Not Found Error", "resource-not-found"))
            elif self.users[post["author_id"]]["protected"]:
                errors.append(
                    _missing(number, "Authorization Error", "not-authorized-for-resource")
                )
            else:
                found.append(post)
        self._bill("post_read", [post["id"] for post in found])
        answer = {"data": [_public(post) for post in found]} if found else {}
        users = [self._user(post["author_id"], seen) for post in found]
        return answer | {"includes": {"users": users}} | ({"errors": errors} if errors else {})

    def create_post(self, seen: Seen) -> dict[str, Any]:
        text, reply = seen.body["text"], seen.body.get("reply")
        if any(post["text"] == text and post["author_id"] == ME for post in self.posts):
            raise Problem(
                403, "Forbidden", "You are not allowed to create a Tweet with duplicate content."
            )
        parent = reply["in_reply_to_tweet_id"] if reply else ""
        answered = next((post for post in self.posts if post["id"] == parent), None)
        if reply and (answered is None or ME not in answered["_mentions"]):
            raise Problem(
                403,
                "Forbidden",
                "Reply to this conversation is not allowed because you have not been mentioned.",
            )
        post = self.add_post(text, author=ME, answers=parent, mentions=False)
        self._bill("post_with_url" if "http" in text else "post", [post["id"]])
        return {"data": {"id": post["id"], "text": text, "edit_history_tweet_ids": [post["id"]]}}

    def create_message(self, seen: Seen, participant: str) -> dict[str, Any]:
        if not any(message["sender_id"] == participant for message in self.messages):
            raise Problem(
                403, "Forbidden", "You do not have permission to DM one or more participants."
            )
        message = self.add_message(seen.body["text"], sender=ME)
        self._bill("dm", [message["id"]])
        return {"data": {"dm_conversation_id": f"{ME}-{participant}", "dm_event_id": message["id"]}}

    def _list(
        self, seen: Seen, items: list[dict[str, Any]], kind: str, least: int, token_name: str
    ) -> dict[str, Any]:
        query = seen.query
        count = int(query.get("max_results", 10))
        if not least <= count <= 100:
            raise Problem(
                400, "Invalid Request", f"max_results is from {least} to 100.", "invalid-request"
            )
        since, until = int(query.get("since_id", 0)), int(query.get("until_id", 1 << 64))
        before = until
        if token := query.get(token_name):
            if not token.startswith("place"):
                raise Problem(
                    400, "Invalid Request", f"'{token_name}' is not valid.", "invalid-request"
                )
            before = min(until, int(token.removeprefix("place")))
        wanted = sorted(
            (
                item
                for item in items
                if since < int(item.get("_at", item["id"])) < before and not item.get("_old")
            ),
            key=lambda item: -int(item.get("_at", item["id"])),
        )
        given = wanted[: min(count, self.page_size)]
        self._bill(kind, [str(item["id"]) for item in given])
        meta: dict[str, Any] = {"result_count": len(given)}
        if given:
            meta |= {"newest_id": given[0]["id"], "oldest_id": given[-1]["id"]}
        if len(wanted) > len(given):
            meta["next_token"] = f"place{given[-1].get('_at', given[-1]['id'])}"
        authors = {item.get("author_id") or item.get("sender_id") for item in given}
        users = [self._user(author, seen) for author in sorted(map(str, authors))]
        answer: dict[str, Any] = {"meta": meta}
        if self.shuffle and len(given) > 1:
            given = self.shuffle.sample(given, len(given))
            self.shuffled += 1
        if given:
            answer |= {
                "data": [_public(item) for item in given],
                "includes": {"users": [user for user in users if user]},
            }
        self.between_pages()
        return answer

    def _user(self, number: str, seen: Seen) -> dict[str, Any] | None:
        user = self.users.get(number)
        fields = {"id", "name", "username", *seen.query.get("user.fields", "").split(",")}
        return user and {name: value for name, value in user.items() if name in fields}

    def _bill(self, kind: str, ids: list[str]) -> None:
        day = self.clock().date().isoformat()
        self.billed |= {(day, kind, number) for number in ids}

    def _check_limit(self, path: str) -> dict[str, str]:
        for end, left in self.left.items():
            if path.endswith(end):
                reset = str(int(self.clock().timestamp()) + self.reset_in)
                headers = {"x-rate-limit-limit": "300", "x-rate-limit-reset": reset}
                if left <= 0:
                    problem = Problem(429, "Too Many Requests", "Too Many Requests")
                    problem.body["_headers"] = {**headers, "x-rate-limit-remaining": "0"}
                    raise problem
                self.left[end] = left - 1
                return {**headers, "x-rate-limit-remaining": str(left - 1)}
        return {}

    def _check_login(self, seen: Seen, raw_url: str) -> None:
        scheme, _, value = seen.authorization.partition(" ")
        if scheme == "Bearer" and value in self.tokens:
            return
        if scheme == "OAuth" and is_signed(seen, value, raw_url, self.oauth1):
            return
        raise Problem(401, "Unauthorized", "Unauthorized")

    def _renew(self, seen: Seen) -> dict[str, Any]:
        client = base64.b64encode(b"client:client-secret").decode()
        if seen.authorization != f"Basic {client}":
            raise Problem(401, "unauthorized_client", "Missing valid authorization header")
        if seen.body.get("refresh_token") not in self.refresh_tokens:
            raise Problem(400, "invalid_request", "Value passed for the token was invalid.")
        self.renewals += 1
        number = self.renewals + 1
        self.tokens, self.refresh_tokens = {f"token-{number}"}, {f"refresh-{number}"}
        return {
            "token_type": "bearer",
            "expires_in": 7200,
            "access_token": f"token-{number}",
            "refresh_token": f"refresh-{number}",
            "scope": "tweet.read tweet.write users.read dm.read dm.write offline.access",
        }


def _public(item: dict[str, Any]) -> Any:
    return item.get("_as", {name: part for name, part in item.items() if name[0] != "_"})


def _missing(number: str, title: str, problem: str) -> dict[str, str]:
    return {
        "value": number,
        "resource_id": number,
        "resource_type": "tweet",
        "parameter": "ids",
        "title": title,
        "detail": f"Could not find tweet with ids: [{number}].",
        "type": f"{PROBLEMS}/{problem}",
    }


_ROUTES: list[tuple[str, str, Callable[..., dict[str, Any]]]] = [
    (r"/2/users/me", "GET", XServer.me),
    (r"/2/users/(\d+)/mentions", "GET", XServer.mentions),
    (r"/2/users/(\d+)/followers", "GET", XServer.follower_list),
    (r"/2/tweets/search/recent", "GET", XServer.search),
    (r"/2/tweets", "GET", XServer.lookup),
    (r"/2/dm_events", "GET", XServer.events),
    (r"/2/tweets", "POST", XServer.create_post),
    (r"/2/dm_conversations/with/(\d+)/messages", "POST", XServer.create_message),
]
