"""The X connector under the contract, at a server that follows X's public reference."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

from collector.channels.x import open_connector
from collector.connector import Connector
from ledger.clock import system_clock
from tests.contract.cases import MALFORMED, ConnectorCase
from tests.servers.x import XServer
from tests.servers.x_account import connector_at, x_account


@contextlib.contextmanager
def _prepare(_folder: Path, texts: Sequence[str]) -> Iterator[Connector]:
    with XServer(system_clock) as server:
        for text in texts:
            post = server.add_post(text)
            if text == MALFORMED:
                del post["text"]
        yield connector_at(server)


@contextlib.contextmanager
def _broken(_folder: Path) -> Iterator[Connector]:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as probe:
        nobody = probe.getsockname()[1]
    yield open_connector(x_account(f"http://127.0.0.1:{nobody}"))


# A message by address is refused: X sends only to a known account.
X_CASE = ConnectorCase("x", _prepare, _broken, is_permanent=False, can_send=False)
