"""The Mastodon connector under the contract at snac2, a real server of the fediverse.

It delivers through queues and in no order: a text is written when the one before has arrived.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import count
from pathlib import Path

from collector.channels.mastodon import MastodonConnector
from collector.connector import Connector, Context
from ledger.model import Account, Channel
from tests.contract.cases import ConnectorCase
from tests.contract.kinds import Change, Changed, Hooks, Kind, Troubled, by_looking
from tests.contract.mastodon_case import MASTODON_CASE
from tests.servers.snac import Person, SnacServer

NEVER = "A real server does not do that for us; the one of the case 'mastodon' does: "
CANNOT = {
    Kind.RATE_LIMIT: NEVER + "snac2 limits nobody.",
    Kind.FORBIDDEN: NEVER + "to whom snac2 knows nothing is forbidden.",
    Kind.SERVER_ERROR: NEVER + "it would have to be broken.",
    Kind.UNAVAILABLE: NEVER + "nothing stands before it that could say so.",
    Kind.MALFORMED_ITEM: NEVER + "each of its posts has what a post has.",
    Kind.MALFORMED_BODY: NEVER + "its answers are well formed.",
}
#: As people have them who live at one server: what an API says of them is kept.
WRITERS = ("ada", "eve")
_NUMBERS = count()


class _Scene:
    """Two people, and a bot of its own for each test that changes something."""

    def __init__(self, server: SnacServer) -> None:
        self.server = server
        self.writers = [server.add_person(f"{name}{next(_NUMBERS)}") for name in WRITERS]
        #: What was written for one test is read by the next ones too.
        self.filled = cache(self._fill)

    def connector(self, bot: Person, *, token: str = "", timeout: float = 20) -> MastodonConnector:
        options = {"base_url": self.server.url, "timeout": timeout}
        account = Account(1, Channel.MASTODON, "a", "c", options, token or bot.token)
        return MastodonConnector(account, Context())

    def _fill(self, texts: tuple[str, ...]) -> Person:
        return self.fill(texts)

    def fill(self, texts: Sequence[str]) -> Person:
        bot = self.server.add_person(f"bot{next(_NUMBERS)}", bot=True)
        prompt = bot.write("Thought leadership is ___?")
        for number, text in enumerate(texts):
            # Without the name in front, so that what arrives is the text alone.
            self.writers[number % 2].write(text, in_reply_to_id=prompt["id"])
            bot.wait_for_notifications(number + 1)
        return bot


@cache
def _scene(server: SnacServer) -> _Scene:
    return _Scene(server)


def snac_case(server: SnacServer) -> ConnectorCase:
    """snac2 with the people of this process."""
    scene = _scene(server)

    @contextlib.contextmanager
    def prepare(_folder: Path, texts: Sequence[str]) -> Iterator[Connector]:
        yield scene.connector(scene.filled(tuple(texts)))

    return ConnectorCase(
        "mastodon at snac2",
        prepare,
        MASTODON_CASE.broken,
        is_permanent=False,
        can_send=True,
        hooks=_hooks(scene),
        writers=len(scene.writers),
        elsewhere=CANNOT[Kind.MALFORMED_ITEM],
        recipient=scene.writers[0].handle,
    )


def _hooks(scene: _Scene) -> Hooks:
    @contextlib.contextmanager
    def unauthorised(_folder: Path, texts: Sequence[str]) -> Iterator[Troubled]:
        bot = scene.filled(tuple(texts))
        known = iter([scene.connector(bot, token="of-nobody")])
        yield Troubled(lambda: next(known, scene.connector(bot)).fetch("", 5))

    @contextlib.contextmanager
    def silent(_folder: Path, texts: Sequence[str]) -> Iterator[Troubled]:
        connector = scene.connector(scene.filled(tuple(texts)), timeout=0.5)
        with contextlib.ExitStack() as silence:
            silence.enter_context(scene.server.silent())
            yield Troubled(lambda: connector.fetch("", 5), silence.close)

    @contextlib.contextmanager
    def huge(_folder: Path, texts: Sequence[str]) -> Iterator[Troubled]:
        bot = scene.fill([texts[0], "x " * 10_001, *texts[1:]])
        yield Troubled(lambda: scene.connector(bot).fetch("", 50), left_out=True)

    def edit(writer: Person, bot: Person) -> None:
        writer.edit(bot.notifications()[0]["status"]["id"], "A door")

    def delete(writer: Person, bot: Person) -> None:
        status = bot.notifications()[0]["status"]
        writer.delete(status["uri"])
        bot.wait_until_gone(status["id"])

    def one_status(change: Callable[[Person, Person], None]) -> Change:
        @contextlib.contextmanager
        def changed(_folder: Path) -> Iterator[Changed]:
            bot, writer = scene.fill(["A lamp"]), scene.writers[0]
            bot.follow(writer)
            yield by_looking(scene.connector(bot), lambda: change(writer, bot))

        return changed

    return Hooks(
        troubles={
            Kind.UNAUTHORISED: unauthorised,
            Kind.TIME_OUT: silent,
            Kind.HUGE_BODY: huge,
        },
        changes={Kind.EDIT: one_status(edit), Kind.DELETION: one_status(delete)},
        cannot=CANNOT,
    )
