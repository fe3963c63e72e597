"""Webmention: people answer on pages of their own, and their server tells us (W3C, 2017).

What was sent is kept by web/webmentions.py, and what became of it by
collector/webmention/checking.py. How a source is looked at is in collector/webmention/look.py, what
its page says in page.py.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from collector import safe_fetch
from collector.connector import Connector, Context, SourceState, mentions_nothing
from collector.turns import Turn
from collector.unpolled import Unpolled
from collector.webmention.look import Fetch, Outcome, Read, look
from collector.webmention.page import read_apart
from ledger.model import Account

#: Pages fetched at a time when they are looked at again; reading one takes a process of its own.
LOOKS_AT_ONCE = 4
#: Far beyond what a page may take. What is not known by then is left out.
LONGEST_SECONDS = 300.0
#: How a page stands of which nothing is taken in; the other outcomes tell nothing.
_STATES = {
    Outcome.GONE: SourceState.GONE,
    Outcome.NO_LINK: SourceState.GONE,
    Outcome.NO_WORDS: SourceState.EDITED,
    Outcome.PROTECTED: SourceState.PROTECTED,
}


@dataclass(frozen=True)
class Webmentions(Unpolled):
    """The connector: mentions are brought to us, and their sources can be looked at again."""

    fetch_page: Fetch = safe_fetch.fetch
    read_page: Read = read_apart
    mentioned_by: Callable[[str], Sequence[str]] = mentions_nothing
    _words: dict[str, str] = field(default_factory=dict, compare=False)

    def look_again(self, external_ids: Sequence[str]) -> dict[str, SourceState]:
        """How these pages stand now; one that tells nothing is not in the answer.

        Several are fetched at a time, for each may take its 5 seconds. EDITED says that a page
        may read differently: one without an h-entry tells that only by its words.
        """
        left = deque(external_ids)
        targets = {one: self.mentioned_by(one.partition(" ")[0]) for one in external_ids}
        found: dict[str, SourceState] = {}

        def look_at_some(_turn: Turn[None]) -> None:
            while True:
                try:
                    one = left.popleft()
                except IndexError:
                    return
                state = self._state(one, targets[one])
                if state is not None:
                    found[one] = state

        turns = [Turn(look_at_some, "pages") for _ in range(LOOKS_AT_ONCE)]
        for turn in turns:
            if turn.wait(LONGEST_SECONDS):
                turn.result()
        return dict(found)

    def read_again(self, external_ids: Sequence[str]) -> dict[str, str]:
        """The words of those pages that were found edited."""
        return {one: self._words[one] for one in external_ids if one in self._words}

    def with_version(self, external_id: str, raw: str) -> str:
        return f"{external_id} {_version(raw)}" if raw else external_id

    def _state(self, asked: str, targets: Sequence[str]) -> SourceState | None:
        source, _, version = asked.partition(" ")
        finding = look(source, targets, self.fetch_page, self.read_page)
        if finding.reply is not None:
            if version == _version(finding.reply.raw):
                return SourceState.THERE
            self._words[source] = finding.reply.text
            return SourceState.EDITED
        if finding.outcome is Outcome.NO_LINK and not targets:
            return SourceState.THERE  # it answers, and more than that can't be told
        return _STATES.get(finding.outcome)


def _version(raw: str) -> str:
    return hashlib.blake2s(raw.encode(), digest_size=16).hexdigest()


def open_connector(account: Account, context: Context | None = None) -> Connector:  # noqa: ARG001 - every one is the same
    """The connector of a webmention account."""
    return Webmentions(
        answer="The blog takes webmentions; what servers send is checked within minutes.",
        refusal="A webmention can't carry a message to the person who wrote the page.",
        mend="Write to an address that their page names, or answer on a page of the blog.",
        mentioned_by=(context or Context()).mentioned_by,
    )
