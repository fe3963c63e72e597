"""The Bluesky connector under the contract, at a small server that can send malformed items."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from collector.channels.bluesky import BlueskyConnector
from collector.connector import Connector, Context
from ledger.model import Account, Channel
from tests.contract.cases import MALFORMED, ConnectorCase
from tests.contract.kinds import Changed, Hooks, Kind, Trouble, Troubled, by_looking
from tests.servers.bluesky_faults import Fault, FaultyBluesky

NOON = 1_767_614_400_000  # 2026-01-05T12:00Z in milliseconds
NOW = datetime(2026, 1, 7, tzinfo=UTC)
LIST = "app.bsky.notification.listNotifications"
LONG = 11 * 1024 * 1024
RESET = {"ratelimit-reset": str(int(NOW.timestamp()) + 90)}


@contextlib.contextmanager
def _prepare(_folder: Path, texts: Sequence[str]) -> Iterator[Connector]:
    with FaultyBluesky() as server:
        server.handles["contract@sample.example"] = (
            "did:plc:contract"  # whom the contract writes to
        )
        for number, text in enumerate(texts):
            item = server.arrive(text, NOON + number)
            if text == MALFORMED:
                item["record"] = None
        yield BlueskyConnector(server.account(), _context())


@contextlib.contextmanager
def _broken(_folder: Path) -> Iterator[Connector]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        nobody = probe.getsockname()[1]
    options = {"handle": "owner.test", "base_url": f"http://127.0.0.1:{nobody}"}
    secret = json.dumps({"password": "aaaa-bbbb-cccc-dddd", "session": ""})
    yield BlueskyConnector(Account(1, Channel.BLUESKY, "sky", "c1", options, secret), _context())


def _context() -> Context:
    return Context(clock=lambda: NOW)


def _spoilt(*faults: Fault, retry_after: timedelta | None = None) -> Trouble:
    @contextlib.contextmanager
    def trouble(_folder: Path, texts: Sequence[str]) -> Iterator[Troubled]:
        with FaultyBluesky() as server:
            for number, text in enumerate(texts):
                server.arrive(text, NOON + number)
            server.faults = list(faults)
            connector = BlueskyConnector(server.account(timeout=0.5), _context())
            yield Troubled(lambda: connector.fetch("", 5), retry_after=retry_after)

    return trouble


@contextlib.contextmanager
def _one_post(*, edit: bool) -> Iterator[Changed]:
    with FaultyBluesky() as server:
        item = server.arrive("A lamp", NOON)

        def change() -> None:
            if edit:
                item["cid"] = "bafyanother"
                item["record"] = {**item["record"], "text": "A door"}
            else:
                del server.posts[item["uri"]]
                server.notifications.remove(item)

        yield by_looking(BlueskyConnector(server.account(), _context()), change)


HOOKS = Hooks(
    troubles={
        Kind.RATE_LIMIT: _spoilt(Fault(LIST, 429, b"{}", RESET), retry_after=timedelta(seconds=90)),
        # A session that ended is renewed once; only then is it refused.
        Kind.UNAUTHORISED: _spoilt(Fault(LIST, 401, b"{}"), Fault(LIST, 401, b"{}")),
        Kind.FORBIDDEN: _spoilt(Fault(LIST, 403, b'{"error": "AccountTakedown"}')),
        Kind.SERVER_ERROR: _spoilt(Fault(LIST, 500)),
        Kind.UNAVAILABLE: _spoilt(Fault(LIST, 503)),
        Kind.MALFORMED_BODY: _spoilt(Fault(LIST, 200, b"<html>not JSON")),
        Kind.TIME_OUT: _spoilt(Fault(LIST, 200, b"{}", silence=0.8)),
        Kind.HUGE_BODY: _spoilt(Fault(LIST, 200, b'{"x": "' + b"x" * LONG + b'"}')),
    },
    changes={
        Kind.EDIT: lambda _folder: _one_post(edit=True),
        Kind.DELETION: lambda _folder: _one_post(edit=False),
    },
)
BLUESKY_CASE = ConnectorCase(
    "bluesky", _prepare, _broken, is_permanent=False, can_send=True, hooks=HOOKS
)
