"""The Bluesky connector under the contract, at a small server that can send malformed items."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from collector.channels.bluesky import BlueskyConnector
from collector.connector import Connector, Context
from ledger.model import Account, Channel
from tests.contract.cases import MALFORMED, ConnectorCase
from tests.servers.bluesky_faults import FaultyBluesky

NOON = 1_767_614_400_000  # 2026-01-05T12:00Z in milliseconds


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
    return Context(clock=lambda: datetime(2026, 1, 7, tzinfo=UTC))


BLUESKY_CASE = ConnectorCase("bluesky", _prepare, _broken, is_permanent=False, can_send=True)
