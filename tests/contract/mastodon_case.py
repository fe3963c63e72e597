"""The Mastodon connector under the contract, at a server of its own on loopback."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from collector.channels.mastodon import MastodonConnector
from collector.connector import Connector, Context
from ledger.clock import system_clock
from ledger.model import Account, Channel
from tests.contract.cases import MALFORMED, ConnectorCase
from tests.contract.kinds import Changed, Hooks, Kind, Trouble, Troubled, by_looking
from tests.servers.mastodon_api import TOKEN, MastodonApi
from tests.servers.mastodon_http import Fault, iso

LONG = 11 * 1024 * 1024


def _connector(url: str, timeout: float = 20) -> MastodonConnector:
    options = {"base_url": url, "timeout": timeout}
    return MastodonConnector(
        Account(1, Channel.MASTODON, "contract", "c", options, TOKEN), Context()
    )


def _fill(server: MastodonApi, texts: Sequence[str]) -> None:
    for number, text in enumerate(texts):
        author = server.add_person(f"person{number}@sample.example")
        if text == MALFORMED:
            server.notify(server.add_status(author, "a lamp", content=None))
        else:
            # Without the name in front, so that what arrives is the text alone.
            server.notify(server.add_status(author, text))


@contextlib.contextmanager
def _prepare(_folder: Path, texts: Sequence[str]) -> Iterator[Connector]:
    with MastodonApi() as server:
        server.add_person("contract@sample.example")
        _fill(server, texts)
        yield _connector(server.url)


@contextlib.contextmanager
def _broken(_folder: Path) -> Iterator[Connector]:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as probe:
        nobody = probe.getsockname()[1]
    yield _connector(f"http://127.0.0.1:{nobody}")


def _spoilt(retry_after: timedelta | None = None, **fault: object) -> Trouble:
    @contextlib.contextmanager
    def trouble(_folder: Path, texts: Sequence[str]) -> Iterator[Troubled]:
        with MastodonApi() as server:
            _fill(server, texts)
            once = Fault(path="notifications", **fault)  # type: ignore[arg-type]
            if retry_after is not None:
                once.headers = {"X-RateLimit-Reset": iso(system_clock() + retry_after)}
            server.faults.append(once)
            connector = _connector(server.url, timeout=0.5)
            yield Troubled(lambda: connector.fetch("", 5), retry_after=retry_after)

    return trouble


@contextlib.contextmanager
def _one_status(*, edit: bool) -> Iterator[Changed]:
    with MastodonApi() as server:
        _fill(server, ["A lamp"])
        known = max(server.statuses)

        def change() -> None:
            if edit:
                server.edit(known, "A door")
            else:
                server.delete(known)

        yield by_looking(_connector(server.url), change)


HOOKS = Hooks(
    troubles={
        Kind.RATE_LIMIT: _spoilt(timedelta(seconds=90), status=429),
        Kind.UNAUTHORISED: _spoilt(status=401),
        Kind.FORBIDDEN: _spoilt(status=403),
        Kind.SERVER_ERROR: _spoilt(status=500),
        Kind.UNAVAILABLE: _spoilt(status=503),
        Kind.MALFORMED_BODY: _spoilt(status=200, body=b"<html>not JSON"),
        Kind.TIME_OUT: _spoilt(wait=0.8),
        Kind.HUGE_BODY: _spoilt(status=200, body=b'["' + b"x" * LONG + b'"]'),
    },
    changes={
        Kind.EDIT: lambda _folder: _one_status(edit=True),
        Kind.DELETION: lambda _folder: _one_status(edit=False),
    },
)
MASTODON_CASE = ConnectorCase(
    "mastodon", _prepare, _broken, is_permanent=False, can_send=True, hooks=HOOKS
)
