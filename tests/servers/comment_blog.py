"""A blog with comments, on loopback: its comment feed and the page on which the comments stand.

Followed is WordPress (wp-includes): feed-rss2-comments.php for the items, class-wp-query.php for
which are listed (the newest `posts_per_rss`, by date, without any paging), class-wp.php for
Last-Modified and ETag, which tell of the newest comment alone and so of no edit, and
comment-template.php for the line before an answer and the anchors on the page. With `pages`, a
feed is Atom as Blogger has it (developers.google.com/blogger/docs/2.0/
developers_guide_protocol): in pages that name the next one (RFC 5005, 3), with an ETag of all that
it holds. Nothing can be posted: tests do that.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from urllib.parse import parse_qs, urlsplit

from tests.servers.mastodon_http import Fault

BEGAN = datetime(2026, 1, 5, 10, tzinfo=UTC)
POST = "/the-question/"
FEED = f"{POST}feed/"
_SPACES = 'xmlns:content="http://purl.org/rss/1.0/modules/content/"'
_SPACES += ' xmlns:dc="http://purl.org/dc/elements/1.1/"'


@dataclass
class Comment:
    number: int
    author: str
    text: str
    at: datetime
    url: str = ""
    answers: int = 0


@dataclass
class Request:
    path: str
    headers: dict[str, str]


@dataclass
class CommentBlog:
    """Serves while it is entered. `lists`: comments for each page of the feed."""

    pages: bool = False
    lists: int = 10
    comments: dict[int, Comment] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    seen: list[Request] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    ended: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> CommentBlog:
        bound = type("Bound", (_Handler,), {"blog": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), bound)
        self.base = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.feed = self.base + FEED
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.ended.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def write(self, text: str, author: str = "", **more: object) -> int:
        """Somebody comments, a second after the one before; returns the comment's number."""
        number = next(self.numbers)
        given = {"author": author or f"Person {number}", "at": BEGAN + timedelta(seconds=number)}
        self.comments[number] = Comment(number, text=text, **(given | more))  # type: ignore[arg-type]
        return number

    def link(self, number: int) -> str:
        return f"{self.base}{POST}#comment-{number}"

    def listed(self) -> list[Comment]:
        return sorted(self.comments.values(), key=lambda one: (one.at, one.number), reverse=True)

    def answer(self, path: str, query: dict[str, list[str]]) -> tuple[str, dict[str, str], str]:
        """Kind, validators and body of a page; KeyError for one that there is not."""
        if path == POST:
            stand = "".join(
                f'<li id="comment-{one.number}"><p>{escape(one.text)}</p></li>'
                for one in reversed(self.listed())
            )
            return "text/html", {}, f"<!doctype html><title>Q</title><ol>{stand}</ol>"
        if path != FEED:
            raise KeyError(path)
        return self._atom(int(query.get("start-index", ["1"])[0])) if self.pages else self._rss()

    def _rss(self) -> tuple[str, dict[str, str], str]:
        listed = self.listed()[: self.lists]
        newest = listed[0].at if listed else BEGAN
        modified = format_datetime(newest, usegmt=True)
        etag = f'"{hashlib.md5(modified.encode()).hexdigest()}"'
        items = "".join(self._rss_item(one) for one in listed)
        document = (
            f'<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" {_SPACES}><channel>'
            f"<title>\n\tComments on: The question</title><link>{self.base}{POST}</link>"
            f"<generator>https://wordpress.org/?v=6.8</generator>{items}</channel></rss>\n"
        )
        return (
            "application/rss+xml; charset=UTF-8",
            {"Last-Modified": modified, "ETag": etag},
            document,
        )

    def _rss_item(self, one: Comment) -> str:
        above = self.comments.get(one.answers)
        line = (
            f'In reply to <a href="{self.link(one.answers)}">{above.author}</a>.' if above else ""
        )
        whole = "\n".join(
            f"<p>{part}</p>" for part in (line, escape(one.text, quote=False)) if part
        )
        return (
            f"<item><title>By: {escape(one.author)}</title><link>{self.link(one.number)}</link>"
            f"<dc:creator><![CDATA[{one.author}]]></dc:creator>"
            f"<pubDate>{format_datetime(one.at)}</pubDate>"
            f'<guid isPermaLink="false">{self.base}/?p=1#comment-{one.number}</guid>'
            f"<description><![CDATA[{line} {escape(one.text)}]]></description>"
            f"<content:encoded><![CDATA[{whole}\n]]></content:encoded></item>"
        )

    def _atom(self, start: int) -> tuple[str, dict[str, str], str]:
        listed = self.listed()
        page = listed[start - 1 : start - 1 + self.lists]
        following = start + self.lists
        older = (
            f'<link rel="next" href="{self.feed}?start-index={following}"/>'
            if following <= len(listed)
            else ""
        )
        entries = "".join(self._atom_entry(one) for one in page)
        etag = f'W/"{hashlib.md5(repr(listed).encode()).hexdigest()}"'
        document = (
            '<?xml version="1.0" encoding="UTF-8"?><feed xmlns="http://www.w3.org/2005/Atom">'
            f'<title type="text">Comments on The question</title>{older}{entries}</feed>'
        )
        return "application/atom+xml; charset=UTF-8", {"ETag": etag}, document

    def _atom_entry(self, one: Comment) -> str:
        site = f"<uri>{one.url}</uri>" if one.url else ""
        return (
            f"<entry><id>tag:blog.example,2026:comment-{one.number}</id>"
            f"<published>{one.at.isoformat()}</published><title>x</title>"
            f'<content type="html">{escape(escape(one.text, quote=False))}</content>'
            f'<link rel="alternate" type="text/html" href="{self.link(one.number)}"/>'
            f"<author><name>{escape(one.author)}</name>{site}</author></entry>"
        )


class _Handler(BaseHTTPRequestHandler):
    blog: CommentBlog
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.blog.seen.append(Request(self.path, headers))
        taken: Sequence[Fault] = [one for one in self.blog.faults if one.takes("GET", self.path)]
        fault = taken[0] if taken else Fault()
        if fault.cut == "before" or (fault.wait and self.blog.ended.wait(fault.wait)):
            return
        with contextlib.suppress(OSError):  # the client may have gone
            if fault.status:
                self._send(fault.status, {"Content-Type": "text/html", **fault.headers}, fault.body)
            else:
                self._serve(headers, fault.cut)

    def _serve(self, headers: dict[str, str], cut: str) -> None:
        address = urlsplit(self.path)
        try:
            kind, validators, text = self.blog.answer(address.path, parse_qs(address.query))
        except KeyError:
            self._send(404, {"Content-Type": "text/html"}, b"gone")
            return
        asked = headers.get("if-none-match", headers.get("if-modified-since"))
        if asked is not None and asked in validators.values():
            self._send(304, validators, b"")
            return
        body = text.encode()
        self._send(
            200, {"Content-Type": kind, **validators}, body[: len(body) // 2] if cut else body
        )

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        # Without a length, as a page that PHP is still making: its end is the connection's.
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: the requests are kept."""
