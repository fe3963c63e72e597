"""What the Mastodon connector makes of threads, privacy and ids at snac2, a real server.

What every connector promises is tried there by the contract (tests/contract/snac_case.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from collector.channels.mastodon import MastodonConnector
from collector.connector import ChannelError, Context, OutgoingMessage, PromptPost, SourceState
from ledger.model import Account, Channel, IncomingReply
from tests.servers.snac import Person, SnacServer

#: Notifications, conversations, the thread, and one more to see that nothing is left.
MOST_PAGES = 6


@dataclass
class Scene:
    """A bot that asked, Ada who answered twice, and Eve who wants no bots."""

    server: SnacServer
    bot: Person
    ada: Person
    eve: Person
    prompt: PromptPost
    answer: str

    def connector(self) -> MastodonConnector:
        options = {"base_url": self.server.url}
        account = Account(1, Channel.MASTODON, "a", "c", options, self.bot.token)
        return MastodonConnector(account, Context(prompts=(self.prompt,)))

    def read(self, cursor: str = "", limit: int = 50) -> tuple[list[IncomingReply], str]:
        """What arrives until there is no more, by a new connector each time, and the cursor."""
        found: list[IncomingReply] = []
        for _ in range(MOST_PAGES):
            page = self.connector().fetch(cursor, limit)
            found += page.replies
            cursor = page.next_cursor
            if not page.more:
                return found, cursor
        pytest.fail("The connector never said that there is no more.")


@pytest.fixture(scope="module")
def scene(snac_server: SnacServer) -> Scene:
    server = snac_server
    bot = server.add_person("bot", bot=True)
    ada, eve = server.add_person("ada"), server.add_person("eve", bio="Reader. #nobot")
    account = Account(1, Channel.MASTODON, "a", "c", {"base_url": server.url}, bot.token)
    prompt = MastodonConnector(account, Context()).post("Thought leadership is ___?", "k1")
    answer = ada.write("@bot a lamp\nleft on", in_reply_to_id=prompt.external_id)
    ada.write("a lamp without a name", in_reply_to_id=prompt.external_id)
    ada.write("@bot in private", visibility="direct")
    eve.write("@bot by Eve")
    bot.wait_for_notifications(4)
    return Scene(server, bot, ada, eve, prompt, answer["id"])


def test_p16_mentions_and_the_thread_come_once(scene: Scene) -> None:
    found, cursor = scene.read(limit=1)
    texts = sorted(reply.text.removeprefix(f"@bot@{scene.server.host} ") for reply in found)
    assert texts == ["a lamp\nleft on", "a lamp without a name", "by Eve", "in private"]
    assert {reply.address for reply in found} == {scene.ada.handle, scene.eve.handle}
    assert [reply.private for reply in found].count(True) == 1
    assert all(reply.source_url.startswith(scene.server.url) for reply in found)
    assert all(reply.written_at and reply.written_at.utcoffset() is not None for reply in found)
    assert scene.read(cursor)[0] == []


def test_an_edit_names_the_reply_by_its_first_id(scene: Scene) -> None:
    known = len(scene.bot.notifications())
    late = scene.ada.write("a lmap", in_reply_to_id=scene.prompt.external_id)
    scene.bot.wait_for_notifications(known + 1)
    found, cursor = scene.read()
    (first,) = [reply for reply in found if reply.text == "a lmap"]
    # snac2 gives a status another id when something happens to it.
    scene.ada.edit(late["id"], "a lamp after all")
    page = scene.connector().fetch(cursor, 50)
    for _ in range(MOST_PAGES):
        if page.edited:
            break
        page = scene.connector().fetch(page.next_cursor, 50)
    assert [(reply.external_id, reply.text) for reply in page.edited] == [
        (first.external_id, "a lamp after all")
    ]
    states = scene.connector().look_again([first.external_id, scene.answer, "0" * 42])
    assert states == {
        first.external_id: SourceState.EDITED,
        scene.answer: SourceState.THERE,
        "0" * 42: SourceState.GONE,
    }


def test_an_answer_arrives_in_private_and_not_at_who_wants_none(scene: Scene) -> None:
    known = len(scene.ada.notifications())
    message = OutgoingMessage("<m1>", scene.ada.handle, "", "May we?", in_reply_to=scene.answer)
    assert scene.connector().send(message)
    newest = scene.ada.wait_for_notifications(known + 1)[0]["status"]
    assert "May we?" in newest["content"]
    assert newest["visibility"] == "private"
    with pytest.raises(ChannelError, match="#nobot") as error:
        scene.connector().send(OutgoingMessage("<m2>", scene.eve.handle, "", "May we?"))
    assert error.value.permanent
