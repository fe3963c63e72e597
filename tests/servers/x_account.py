"""An account of the X server, as `definedby account add` would make it."""

from __future__ import annotations

import json
from typing import Any

from collector.channels.x import XConnector, open_connector
from collector.connector import Context, PromptPost
from ledger.model import Account, Channel
from tests.servers.x import ME, XServer

OAUTH2 = {
    "access_token": "token-1",
    "refresh_token": "refresh-1",
    "client_id": "client",
    "client_secret": "client-secret",
}


def x_account(url: str, secret: dict[str, str] | None = None, **options: Any) -> Account:
    given = {"base_url": url, "timeout": 5, **options}
    return Account(1, Channel.X, "@asker_example", "c", given, json.dumps(secret or OAUTH2))


def connector_at(
    server: XServer, *, secret: dict[str, str] | None = None, options: Any = None, **context: Any
) -> XConnector:
    """A connector with the server's clock; `context` is what else it is given."""
    opened = open_connector(
        x_account(server.url, secret, **(options or {})),
        Context(**{"clock": server.clock, **context}),
    )
    assert isinstance(opened, XConnector)
    return opened


def prompt_at(server: XServer, text: str = "Thought leadership is ___?") -> PromptPost:
    """The prompt, posted by the account itself."""
    number = server.add_post(text, author=ME, mentions=False)["id"]
    return PromptPost(number, f"https://x.com/i/status/{number}", server.clock(), number)
