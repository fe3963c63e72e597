"""One file per connector, which says what happens; the folders beside this one say how.

docs/how-to/add-a-channel.md is the checklist for a new one.
"""

from __future__ import annotations

import importlib

from collector.connector import Connector, Context
from ledger.model import Account, Channel

_MODULES = {
    Channel.BLUESKY: "collector.channels.bluesky",
    Channel.COMMENTS: "collector.channels.comments",
    Channel.EMAIL: "collector.channels.email",
    Channel.FORM: "collector.channels.form",
    Channel.IMPORT: "collector.channels.importing",
    Channel.MASTODON: "collector.channels.mastodon",
    Channel.PASTE: "collector.channels.paste",
    Channel.WEBMENTION: "collector.channels.webmention",
    Channel.X: "collector.channels.x",
}

#: Channels on which the prompt itself can be posted.
POSTING = frozenset({Channel.X, Channel.MASTODON, Channel.BLUESKY}) & _MODULES.keys()

#: Channels whose server can tell us that something has arrived.
LISTENING = frozenset({Channel.EMAIL})
#: Channels whose accounts have followers.
FOLLOWED = POSTING

#: Channels that we go and read; the others are brought to us.
POLLED = frozenset({Channel.EMAIL, Channel.COMMENTS}) | POSTING


def open_connector(account: Account, context: Context | None = None) -> Connector:
    """The connector of an account. Its module is imported here, when it is needed."""
    module = importlib.import_module(_MODULES[account.channel])
    connector: Connector = module.open_connector(account, context or Context())
    return connector
