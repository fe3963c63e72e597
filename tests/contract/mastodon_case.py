"""The Mastodon connector under the contract, at a server of its own on loopback."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

from collector.channels.mastodon import MastodonConnector
from collector.connector import Connector, Context
from ledger.model import Account, Channel
from tests.contract.cases import MALFORMED, ConnectorCase
from tests.servers.mastodon_api import TOKEN, MastodonApi


def _connector(url: str) -> Connector:
    options = {"base_url": url, "timeout": 20}
    return MastodonConnector(
        Account(1, Channel.MASTODON, "contract", "c", options, TOKEN), Context()
    )


@contextlib.contextmanager
def _prepare(_folder: Path, texts: Sequence[str]) -> Iterator[Connector]:
    with MastodonApi() as server:
        server.add_person("contract@sample.example")
        for number, text in enumerate(texts):
            author = server.add_person(f"person{number}@sample.example")
            if text == MALFORMED:
                server.notify(server.add_status(author, "a lamp", content=None))
            else:
                # Without the name in front, so that what arrives is the text alone.
                server.notify(server.add_status(author, text))
        yield _connector(server.url)


@contextlib.contextmanager
def _broken(_folder: Path) -> Iterator[Connector]:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as probe:
        nobody = probe.getsockname()[1]
    yield _connector(f"http://127.0.0.1:{nobody}")


MASTODON_CASE = ConnectorCase("mastodon", _prepare, _broken, is_permanent=False, can_send=True)
