"""P05: a withdrawal clears Markdown, pages, feeds and sitemap; the address answers 410."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.database import Ledger
from ledger.editions import add_edition
from ledger.model import Campaign, Credit, Definition, NameForm
from ledger.posts import find_post, is_gone
from ledger.tables import outputs, posts
from publisher.editions import publish_edition
from publisher.publish import publish, publish_pending
from publisher.report import STEPS
from tests.golden.audit import violations
from tests.golden.sample_blog import grant, named, take, withdraw

WORD, NAME, PLACE = "xylophonic", "Quetzalcoatl Sample", "zwieback.example"
CREDIT = Credit(NameForm.NAME, name=NAME, handle=f"@q@{PLACE}", url=f"https://{PLACE}/")


@pytest.fixture
def sentinel(ledger: Ledger, campaign: Campaign) -> Definition:
    """Granted, published and in an edition, among others."""
    grant(ledger, take(ledger, campaign, "Something that stays."), named("Ada Sample"))
    definition = take(ledger, campaign, f"A {WORD} silence", source_url=f"https://{PLACE}/notes/1")
    grant(ledger, definition, CREDIT)
    with ledger.write() as connection:
        edition = add_edition(
            connection,
            ledger.clock(),
            campaign_id=campaign.id,
            title="One answer",
            definition_ids=(definition.id,),
        )
    publish_edition(ledger, edition.id)
    publish(ledger)
    assert len(hits(ledger)) >= 9
    return definition


def hits(ledger: Ledger) -> list[Path]:
    """Files and folders of the site and of the content whose name or text holds a sentinel."""
    wanted = (WORD, "quetzalcoatl", PLACE)
    return [
        path
        for folder in (ledger.settings.site_folder, ledger.settings.content)
        for path in folder.rglob("*")
        for text in [path.name + (path.read_text(encoding="utf-8") if path.is_file() else "")]
        if any(word in text.lower() for word in wanted)
    ]


def assert_gone(ledger: Ledger, definition: Definition, address: str) -> None:
    assert hits(ledger) == []
    site = ledger.settings.site_folder
    assert [path for path in site.rglob("*") if path.is_dir() and not any(path.iterdir())] == []
    with ledger.read() as connection:
        assert is_gone(connection, ledger.keys, address)
        stored = (
            connection.execute(posts.select()).all() + connection.execute(outputs.select()).all()
        )
        planned = {row.path for row in connection.execute(outputs.select())}
    assert WORD not in repr(stored)
    assert "quetzalcoatl" not in repr(stored)
    on_disk = {
        path.relative_to(site).as_posix()
        for path in site.rglob("*")
        if path.is_file() and path.name != ".definedby-site"
    }
    assert on_disk == {path for path in planned if not path.startswith("content:")}
    assert violations(ledger) == []


def address_of(ledger: Ledger, definition: Definition) -> str:
    with ledger.read() as connection:
        post = find_post(connection, definition.id)
    assert post is not None
    return post.address


def test_p05_nothing_of_it_is_left(ledger: Ledger, sentinel: Definition) -> None:
    address = address_of(ledger, sentinel)
    withdraw(ledger, sentinel)
    publish_pending(ledger)
    assert_gone(ledger, sentinel, address)


@pytest.mark.parametrize("step", STEPS)
def test_p05_nor_when_it_comes_in_the_middle_of_a_build(
    ledger: Ledger, campaign: Campaign, sentinel: Definition, step: str
) -> None:
    address = address_of(ledger, sentinel)
    grant(ledger, take(ledger, campaign, "Something new."), named("Grace Example"))
    waiting = [sentinel]

    def progress(now: str, _done: int, _total: int) -> None:
        if now == step and waiting:
            withdraw(ledger, waiting.pop())

    publish(ledger, progress=progress)
    assert not waiting
    assert_gone(ledger, sentinel, address)


def test_p05_nor_when_the_first_publication_was_never_finished(
    ledger: Ledger, campaign: Campaign
) -> None:
    definition = take(ledger, campaign, f"A {WORD} silence")
    grant(ledger, definition, CREDIT)

    def progress(now: str, _done: int, _total: int) -> None:
        if now == "write":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        publish(ledger, progress=progress)
    address = address_of(ledger, definition)
    withdraw(ledger, definition)
    publish(ledger)
    assert_gone(ledger, definition, address)
