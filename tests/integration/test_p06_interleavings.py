"""P06: whatever order things happen in, a withdrawal and a deletion win. All 720 orders."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from collector.poll import store_page
from consent.decisions import grant, withdraw
from consent.errors import NotNowError
from consent.requests import ask
from ledger import sources, stopping
from ledger.accounts import add_account
from ledger.campaigns import add_campaign
from ledger.contributors import find_or_add_handle
from ledger.database import Ledger
from ledger.definitions import take_definition
from ledger.model import Account, Channel, IncomingReply, Page, Use
from ledger.replies import find_reply
from publisher.publish import publish
from tests.people import ADA, EVIDENCE

STEPS = ("arrives", "deleted", "edited", "withdrawn", "granted")
POSITIONS = range(len(STEPS) + 1)


@dataclass
class Story:
    """One reply and the order in which things happen to it."""

    number: int
    order: tuple[str, ...]
    definition_id: str = ""
    reply_id: int = 0
    done: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        return f"sentinel{self.number}x"

    @property
    def source(self) -> str:
        return f"post-{self.number}"

    @property
    def address(self) -> str:
        return f"@person{self.number}_example"

    def may_stand(self) -> bool:
        """Said as plainly as can be: they allowed it, and nothing was taken back, ever."""
        done = self.done
        came_first = "arrives" in done and "granted" in done[done.index("arrives") :]
        return came_first and "deleted" not in done and "withdrawn" not in done


@pytest.fixture
def account(ledger: Ledger) -> Account:
    with ledger.write() as connection:
        campaign = add_campaign(connection, ledger.clock(), prompt="Leadership is ___?")
        return add_account(
            connection,
            ledger.keys,
            channel=Channel.MASTODON,
            name="@asker@social.example",
            campaign_id=campaign.id,
        )


@pytest.mark.parametrize("published_after", POSITIONS)
def test_p06_in_every_order_a_withdrawal_and_a_deletion_win(
    ledger: Ledger, account: Account, published_after: int
) -> None:
    """The five others in all 120 orders, and publishing after so many of them: 720 in all."""
    stories = [Story(n, order) for n, order in enumerate(itertools.permutations(STEPS))]
    for position in POSITIONS:
        if position == published_after:
            publish(ledger)
            assert on_the_blog(ledger.settings.site_folder, stories) == expected(stories)
        if position < len(STEPS):
            for story in stories:
                happens(ledger, account, story, story.order[position])
    publish(ledger)
    assert on_the_blog(ledger.settings.site_folder, stories) == expected(stories) == set()
    # Without those two, the very same steps do lead to a post: the test can fail.
    for story in stories:
        story.done = [step for step in story.done if step not in ("deleted", "withdrawn")]
    assert len(expected(stories)) == len(stories) // 2


def happens(ledger: Ledger, account: Account, story: Story, step: str) -> None:
    story.done.append(step)
    reply = IncomingReply(story.source, story.address, story.words)
    edited = IncomingReply(story.source, story.address, f"{story.words} edited")
    if step == "arrives":
        store_page(ledger, account, Page((reply,), ""))
        with ledger.read() as connection:
            story.reply_id = reply_id_of(connection, story)
    elif step == "deleted":
        # As a poll tells it, and as looking the source up tells it.
        if story.number % 2:
            store_page(ledger, account, Page((), "", gone=(story.source,)))
        else:
            with ledger.write() as connection:
                state = "protected" if story.number % 4 else "gone"
                sources.note_gone(connection, account, story.source, state, ledger.clock())
    elif step == "edited":
        store_page(ledger, account, Page((), "", edited=(edited,)))
    elif step == "withdrawn":
        take_back(ledger, story)
    else:
        allow(ledger, story)


def allow(ledger: Ledger, story: Story) -> None:
    """An editor shortlists and asks, the author says yes; all as far as it is possible by now."""
    if not story.reply_id:
        return
    with ledger.write() as connection:
        reply = find_reply(connection, story.reply_id)
        assert reply is not None
        definition = take_definition(connection, ledger.keys, ledger.clock(), reply, "en")
    story.definition_id = definition.id
    try:
        asked = ask(ledger, definition.id, asked_by="robin@blog.example")
    except NotNowError:
        assert "withdrawn" in story.done
        return
    assert "withdrawn" not in story.done
    everything = frozenset(Use)
    grant(
        ledger,
        asked.request.id,
        text=story.words,
        credit=ADA,
        uses=everything,
        evidence=EVIDENCE,
    )


def take_back(ledger: Ledger, story: Story) -> None:
    """By their page; by the word "stop" where they were never asked, or were not yet heard."""
    if story.definition_id:
        withdraw(ledger, story.definition_id, EVIDENCE)
        return
    with ledger.write() as connection:
        _, handle = find_or_add_handle(
            connection,
            ledger.keys,
            ledger.clock(),
            channel=Channel.MASTODON,
            address=story.address,
            name="",
            url="",
            contact="",
        )
        stopping.stop(
            connection, ledger.keys, ledger.clock(), handle.contributor_id, dict(EVIDENCE)
        )


def reply_id_of(connection, story: Story) -> int:  # type: ignore[no-untyped-def]
    row = connection.exec_driver_sql(
        "SELECT id FROM replies WHERE external_id = ?", (story.source,)
    ).one()
    return int(row[0])


def on_the_blog(site: Path, stories: list[Story]) -> set[str]:
    pages = "\n".join(path.read_text() for path in site.rglob("*") if is_text(path))
    return {story.words for story in stories if story.words in pages}


def is_text(path: Path) -> bool:
    return path.is_file() and path.suffix in (".html", ".xml", ".json")


def expected(stories: list[Story]) -> set[str]:
    return {story.words for story in stories if story.may_stand()}
