"""A blog that really listens, and pages elsewhere that mention it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select
from werkzeug.serving import WSGIRequestHandler, make_server

from collector.safe_fetch import fetch
from collector.webmention.checking import check_mentions
from collector.webmention.look import Fetch
from collector.webmention.page import read_here
from ledger.accounts import all_accounts
from ledger.campaigns import add_campaign
from ledger.clock import Clock
from ledger.database import Ledger
from ledger.mentions import MentionState, SentMention, receive, recent
from ledger.model import Account, Campaign, Channel, Reply, ReplyState
from ledger.replies import desk_replies, recently_skipped
from ledger.settings import load_settings
from ledger.tables import replies
from tests.molds import open_new
from web.application import create_application

#: As in use, but that servers on this machine may be fetched from.
near = partial(fetch, allow_private=True)
TARGET = "https://blog.example/thought-leadership/"
LINK = '<link rel="webmention" href="/webmention">'


class _Quiet(WSGIRequestHandler):
    def log(self, *_arguments: Any) -> None:
        """Tests look at the ledger."""


@dataclass
class Blog:
    """The open question "Courage is ___?", its page and one definition on it."""

    ledger: Ledger
    campaign: Campaign
    base: str

    @property
    def question(self) -> str:
        return f"{self.base}/courage/"

    def check(self) -> int:
        """A turn of the worker."""
        return check(self.ledger, near)

    def mentions(self) -> list[SentMention]:
        with self.ledger.read() as connection:
            return recent(connection)

    def replies(self) -> list[Reply]:
        return stored(self.ledger, self.campaign)

    def standing(self) -> list[tuple[str, str]]:
        return standing(self.ledger)


def put_page(site: Path, path: str, body: str = "") -> None:
    """A page of the built blog that says where mentions go."""
    file = site / path.strip("/") / "index.html"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"<!doctype html><head><title>x</title>{LINK}</head>{body}", encoding="utf-8")


@contextlib.contextmanager
def listening_blog(folder: Path, clock: Clock) -> Iterator[Blog]:
    """The web application of a new instance on a free port."""
    answer: list[Callable[..., Any]] = []
    server = make_server(
        "127.0.0.1", 0, lambda *given: answer[0](*given), threaded=True, request_handler=_Quiet
    )
    settings = load_settings(
        {},
        home=folder / "home",
        content=folder / "content",
        site=folder / "site",
        port=server.port,
    )
    ledger = open_new(settings, clock)
    with ledger.write() as connection:
        campaign = add_campaign(connection, clock(), prompt="Courage is ___?")
    for path in ("", "courage", "courage/going-first-1a2b3c4d", "people/ada", "about"):
        put_page(settings.site_folder, path)
    answer.append(create_application(ledger))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield Blog(ledger, campaign, settings.public_url)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        ledger.close()


def note(target: str, words: str = "Courage is going first.", *, head: str = "") -> str:
    """A note as people have on their own sites: an h-entry that answers `target`."""
    return f"""<!doctype html><html><head><title>Notes</title>{head}</head><body>
<article class="h-entry"><a class="p-author h-card" href="/">Ada Sample</a>
<a class="u-in-reply-to" href="{target}">In reply to</a>
<div class="e-content"><p>{words}</p></div>
<time class="dt-published" datetime="2026-01-04T10:00:00+01:00">4 January</time></article>"""


def check(ledger: Ledger, fetch: Fetch, limit: int = 10) -> int:
    """A turn of the worker that reads pages in this process: starting another takes its time."""
    return check_mentions(ledger, fetch, limit, read_here)


def send(ledger: Ledger, source: str, target: str = TARGET) -> None:
    with ledger.write() as connection:
        receive(connection, source, target, ledger.clock())


def outcome(ledger: Ledger) -> tuple[MentionState, str]:
    with ledger.read() as connection:
        newest = recent(connection, 1)[0]
    return newest.state, newest.error


def stored(ledger: Ledger, campaign: Campaign) -> list[Reply]:
    with ledger.read() as connection:
        return desk_replies(connection, campaign.id, ReplyState.NEW)


def standing(ledger: Ledger) -> list[tuple[str, str]]:
    """How each reply's source stands, and how it reads now."""
    with ledger.read() as connection:
        rows = connection.execute(
            select(replies.c.source_state, replies.c.source_text).order_by(replies.c.id)
        )
        return [(row.source_state, row.source_text) for row in rows]


def account(ledger: Ledger) -> Account:
    with ledger.read() as connection:
        return next(
            one
            for one in all_accounts(connection, ledger.keys)
            if one.channel is Channel.WEBMENTION
        )


def skipped(ledger: Ledger) -> list[str]:
    with ledger.read() as connection:
        return [one.reason for one in recently_skipped(connection, account(ledger).id)]
