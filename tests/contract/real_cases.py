"""The Bluesky connector under the contract at the network's own PDS and AppView.

What a real server never does (a malformed post, an outage to order) is tried at the faithful one
beside this file; what people do to their posts there is in tests/integration.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from collector.channels.bluesky import BlueskyConnector
from collector.connector import Connector, Context
from ledger.model import Account, Channel
from tests.contract.bluesky_case import BLUESKY_CASE
from tests.contract.cases import ConnectorCase
from tests.servers.bluesky import BlueskyNetwork, shown_notifications

WRITERS = 2


def bluesky_network_case(network: BlueskyNetwork) -> ConnectorCase:
    """Bluesky's PDS and AppView. What was written for one test is read by the next ones too."""
    filled: dict[tuple[str, ...], Account] = {}

    def fill(texts: Sequence[str]) -> Account:
        owner = network.person("owner")
        prompt = owner.write("Thought leadership is ___?")
        owner.wait_for_post(prompt["uri"])
        people = network.crowd(WRITERS)
        for number, text in enumerate(texts):
            people[number % WRITERS].answer(prompt, text)
        shown_notifications(owner, len(texts))
        options = {"handle": owner.handle, "base_url": owner.base_url}
        secret = json.dumps({"password": owner.app_password(), "session": ""})
        return Account(1, Channel.BLUESKY, "sky", "c1", options, secret)

    @contextlib.contextmanager
    def prepare(_folder: Path, texts: Sequence[str]) -> Iterator[Connector]:
        known = tuple(texts)
        if known not in filled:
            filled[known] = fill(texts)
        yield BlueskyConnector(filled[known], Context())

    return ConnectorCase(
        "bluesky-network",
        prepare,
        BLUESKY_CASE.broken,
        is_permanent=False,
        can_send=True,
        writers=WRITERS,
        elsewhere="Malformed posts come in the case 'bluesky'; tests/integration sends there.",
        recipient="",
    )
