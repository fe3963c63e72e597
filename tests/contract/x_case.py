"""The X connector under the contract, at a server that follows X's public reference."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from collector.channels.x import XConnector, open_connector
from collector.connector import Connector
from ledger.clock import system_clock
from tests.contract.cases import MALFORMED, ConnectorCase
from tests.contract.kinds import Changed, Hooks, Kind, Trouble, Troubled, by_looking
from tests.servers.x import ME, XServer
from tests.servers.x_account import connector_at, x_account
from tests.servers.x_http import Fault

MENTIONS = f"/2/users/{ME}/mentions"
LONG = 11 * 1024 * 1024


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


def _spoilt(*faults: Fault, reset: bool = False) -> Trouble:
    @contextlib.contextmanager
    def trouble(_folder: Path, texts: Sequence[str]) -> Iterator[Troubled]:
        with XServer(system_clock) as server:
            for text in texts:
                server.add_post(text)
            server.spoil(MENTIONS, *faults)
            if reset:
                server.left[MENTIONS], server.reset_in = 0, 90
            connector = connector_at(server, options={"timeout": 0.5})
            wait = timedelta(seconds=90) if reset else None
            yield Troubled(lambda: connector.fetch("", 5), server.left.clear, wait)

    return trouble


@contextlib.contextmanager
def _one_post(*, edit: bool) -> Iterator[Changed]:
    with XServer(system_clock) as server:
        post = server.add_post("A lamp")
        connector = connector_at(server)
        assert isinstance(connector, XConnector)

        def change() -> None:
            if edit:
                server.edit_post(post, "A door")
            else:
                server.deleted.add(post["id"])

        yield by_looking(connector, change)


HOOKS = Hooks(
    troubles={
        Kind.RATE_LIMIT: _spoilt(reset=True),
        # A login that ended is renewed once; only then is it refused.
        Kind.UNAUTHORISED: _spoilt(Fault(401, b"{}"), Fault(401, b"{}")),
        Kind.FORBIDDEN: _spoilt(Fault(403, b'{"detail": "not your app"}')),
        Kind.SERVER_ERROR: _spoilt(Fault(500, b"{}")),
        Kind.UNAVAILABLE: _spoilt(Fault(503)),
        Kind.MALFORMED_BODY: _spoilt(Fault(200, b"<html>not JSON")),
        Kind.TIME_OUT: _spoilt(Fault(seconds=0.8)),
        Kind.HUGE_BODY: _spoilt(Fault(200, b'{"x": "' + b"x" * LONG + b'"}')),
    },
    changes={
        Kind.EDIT: lambda _folder: _one_post(edit=True),
        Kind.DELETION: lambda _folder: _one_post(edit=False),
    },
)
# A message by address is refused: X sends only to a known account.
X_CASE = ConnectorCase("x", _prepare, _broken, is_permanent=False, can_send=False, hooks=HOOKS)
