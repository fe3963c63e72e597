"""One story for every channel: asked, answered, read, granted, published, deleted, held, released.

A stage is what one channel adds: how the question gets out there, how a second person answers it,
how they delete that again. All that lies between is ours, and the same for every channel.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from typing import Protocol, TypeVar

from flask import Flask

from collector.polling import poll_due
from collector.prompting import post_prompt
from collector.read import read_new
from collector.source_check import check_sources
from consent.requests import ask
from ledger.accounts import account_by_id
from ledger.chain import Head
from ledger.database import Ledger
from ledger.definitions import definitions_in
from ledger.events import state_of
from ledger.heads import verify_chain
from ledger.model import Account, Campaign, Reply, ReplyKind, ReplyState
from ledger.posts import Post, find_post
from ledger.prompts import Prompt
from ledger.replies import desk_replies
from publisher.publish import publish_pending
from tests.conftest import SteppingClock
from tests.visiting import Visitor, application, choices, contributor, owner

#: Words with what must come out as text: quotes, markup, an ampersand, letters beyond ASCII.
WORDS = "making other people’s *ideas* louder & <b>clearer</b>, näher"
CREDIT = {"name": "Ada Sample", "role": "gardener", "url": "https://ada.example/"}
#: Servers that work off queues need a moment; nothing here waits when it need not.
ARRIVES_SECONDS = 40.0
Found = TypeVar("Found")


@dataclass
class World:
    """The instance in which the story is played; its campaign asks "<term> is ___?"."""

    ledger: Ledger
    campaign: Campaign
    clock: SteppingClock
    words: str = WORDS
    app: Flask = field(init=False)
    editor: Visitor = field(init=False)

    def __post_init__(self) -> None:
        self.app = application(self.ledger)
        self.editor = owner(self.app, self.ledger)

    @property
    def answer(self) -> str:
        """What the second person writes."""
        return f"{self.campaign.term} is {self.words}"

    def replies(self) -> list[Reply]:
        with self.ledger.read() as connection:
            return desk_replies(connection, self.campaign.id, ReplyState.NEW)


class Stage(Protocol):
    """One channel. Where something can't be done there, a sentence says why."""

    name: str
    #: Why the prompt can't be posted there by an account; "" where it can.
    cannot_post: str
    #: Why nobody can delete a source there so that we could notice; "" where they can.
    cannot_delete: str

    def account(self, world: World) -> Account | None:
        """Our account there, in the ledger; None where none is needed."""

    def answer(self, world: World, prompt: Prompt | None) -> None:
        """A second person answers, by their own doing, in the channel's own way."""

    def delete(self, world: World) -> None:
        """They delete what they wrote."""

    def bring(self, world: World) -> None:
        """What the worker does until a reply is there."""

    def notice(self, world: World) -> None:
        """What the worker does within a day, by which a deletion is noticed."""


class Stepwise:
    """What is the same at every place that we poll."""

    cannot_post = ""
    cannot_delete = ""

    def bring(self, world: World) -> None:
        for report in poll_due(world.ledger):
            assert not report.error, report

    def notice(self, world: World) -> None:
        check_sources(world.ledger)


def play(stage: Stage, world: World) -> None:
    """The whole chain; every step is looked at before the next one is taken."""
    prompt = _asked(stage, world)
    stage.answer(world, prompt)
    reply = _arrived(stage, world, prompt)
    definition_id = _shortlisted(world, reply)
    assert _published(world) is None, "nothing is published before its author allows it"
    author = _granted(world, definition_id)
    post = _public(world, definition_id)
    if not stage.cannot_delete:
        stage.delete(world)
        _held(stage, world, definition_id, post)
        world.editor.press(f"/desk/definitions/{definition_id}/release")
        assert "Its source was deleted." not in _desk_page(world, definition_id)
        post = _public(world, definition_id)
    author.go(_page_of(definition_id))
    author.press(_page_of(definition_id), decision="withdraw")
    _nowhere(world, definition_id, post)
    found = verify_chain(world.ledger, [])
    assert isinstance(found, Head), found


def _asked(stage: Stage, world: World) -> Prompt | None:
    account = stage.account(world)
    if stage.cannot_post:
        return None
    assert account is not None
    prompt = post_prompt(world.ledger, world.campaign, account, "", "robin@blog.example")
    assert prompt.external_id
    return prompt


def _arrived(stage: Stage, world: World, prompt: Prompt | None) -> Reply:
    """Read, word for word, once, by whoever wrote it."""

    def look() -> list[Reply]:
        stage.bring(world)
        world.clock.pass_time(minutes=20)  # so that every account is due again
        return world.replies()

    (reply,) = until(look, f"an answer on {stage.name}")
    stage.bring(world)
    assert len(world.replies()) == 1, "read twice, stored once"
    assert world.answer in reply.text
    assert reply.handle.address
    if prompt is not None:
        with world.ledger.read() as connection:
            account = account_by_id(connection, world.ledger.keys, reply.account_id)
        assert (account.id, reply.campaign_id) == (prompt.account_id, prompt.campaign_id)
    read_new(world.ledger)
    (reply,) = world.replies()
    assert reply.reading.kind is ReplyKind.DEFINITION, reply.reading
    assert reply.reading.words(reply.text) == world.answer, (reply.text, reply.reading)
    return reply


def _shortlisted(world: World, reply: Reply) -> str:
    world.editor.go("/desk")
    world.editor.press("/desk/replies", do=f"shortlist:{reply.id}")
    with world.ledger.read() as connection:
        (definition,) = definitions_in(connection, world.campaign.id)
    assert (definition.reply_id, definition.text) == (reply.id, world.answer)
    return definition.id


def _granted(world: World, definition_id: str) -> Visitor:
    """They open their personal link, set their credit, look at it, and say yes to just that."""
    ask(world.ledger, definition_id, asked_by="robin@blog.example")
    with world.ledger.read() as connection:
        (definition,) = definitions_in(connection, world.campaign.id)
    author, mine = (
        contributor(world.app, world.ledger, definition.contributor_id),
        _page_of(definition_id),
    )
    assert escape(world.answer) in author.go(mine)
    for is_shown in (False, True):
        author.press(mine, decision="grant", **choices(**CREDIT))
        with world.ledger.read() as connection:
            granted = state_of(connection, world.ledger.keys, definition_id).grant
        assert (granted is not None) is is_shown, "only what was on the screen is agreed to"
    assert granted is not None
    assert granted.text == world.answer
    return author


def _page_of(definition_id: str) -> str:
    return f"/me/{definition_id}"


def _published(world: World) -> int | None:
    publish_pending(world.ledger)
    return len(_files_with(world, "Ada Sample")) or None


def _public(world: World, definition_id: str) -> Post:
    """The file and the page hold the words, character for character, and the credit."""
    publish_pending(world.ledger)
    with world.ledger.read() as connection:
        post = find_post(connection, definition_id)
    assert post is not None
    (file,) = (world.ledger.settings.content / "posts").rglob("*.md")
    for part in ("Ada Sample", "gardener", "https://ada.example/"):
        assert part in file.read_text(encoding="utf-8")
    page = Visitor(world.app).go(post.address)
    words = escape(world.answer, quote=False)
    assert words in page
    assert "Ada Sample" in page
    assert "gardener" in page
    on_disk = world.ledger.settings.site_folder / post.address.strip("/") / "index.html"
    assert words in on_disk.read_text(encoding="utf-8")
    return post


def _held(stage: Stage, world: World, definition_id: str, post: Post) -> None:
    """Noticed within a day, taken off the blog, and shown to the editor."""
    began = world.clock()

    def look() -> bool:
        world.clock.pass_time(hours=9)
        stage.notice(world)
        return "Its source was deleted." in _desk_page(world, definition_id)

    until(look, f"the deletion on {stage.name} to be noticed")
    assert (world.clock() - began).total_seconds() <= 24 * 3600, "P38: within a day"
    _nowhere(world, definition_id, post)


def _nowhere(world: World, definition_id: str, post: Post) -> None:
    publish_pending(world.ledger)
    with world.ledger.read() as connection:
        assert find_post(connection, definition_id) is None
    reader = Visitor(world.app)
    reader.go(post.address)
    assert reader.status in (404, 410)
    assert "Ada" not in reader.page
    for sentinel in ("Ada Sample", "louder"):
        assert _files_with(world, sentinel) == []


def _files_with(world: World, words: str) -> list[str]:
    folders = (world.ledger.settings.site_folder, world.ledger.settings.content / "posts")
    return [
        str(path)
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and words.encode() in path.read_bytes()
    ]


def _desk_page(world: World, definition_id: str) -> str:
    return world.editor.go(f"/desk/definitions/{definition_id}")


def until(look: Callable[[], Found], what: str) -> Found:
    """What `look` finds at last, for servers that take a moment."""
    deadline = time.monotonic() + ARRIVES_SECONDS
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.2)
    return found
