"""The site after any sequence of changes is, byte for byte, the site that is built from nothing.

A state machine grants, rewords, withdraws, holds, opens campaigns, publishes editions, writes
pages and changes settings, with a publication of changes alone after some of them. At any time
a copy of the ledger, its graph thrown away, is built from scratch and compared.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import delete, select, update

from consent.decisions import withdraw as take_a_piece_back
from consent.piecing import make_piece
from ledger.backup import copy_database
from ledger.campaigns import add_campaign, set_edition_every, set_open
from ledger.database import Ledger, open_ledger
from ledger.definitions import add_version, definitions_in, need_definition
from ledger.editions import EditionKind, add_edition, editions_in, save_edition
from ledger.jobs import JobKind, add_job
from ledger.model import Campaign, Credit, Definition, NameForm, PostKind, Use
from ledger.periods import Every, period_before
from ledger.pieces import with_other_words
from ledger.settings import load_settings
from ledger.tables import jobs, outputs, replies, site_dirty
from ledger.tables import metadata as schema
from publisher import feeds
from publisher.edition_drafts import draft_due
from publisher.editions import publish_edition, retract_edition
from publisher.kept import Kept
from publisher.publish import publish, publish_pending
from publisher.site import listings, nodes
from tests.conftest import SteppingClock
from tests.conversing import said, wish
from tests.golden.audit import violations
from tests.golden.sample_blog import ALL, grant, take, tree, withdraw
from tests.people import EVIDENCE

CREDITS = [
    Credit(NameForm.NAME, "Ada Sample"),
    Credit(NameForm.NAME, "Ada Sample", url="https://ada.example/"),
    Credit(NameForm.PSEUDONYM, "Nobody Much"),
    Credit(NameForm.ANONYMOUS),
]
USES = [ALL, ALL, frozenset({Use.POST}), frozenset({Use.EDITION})]
AUTHORS = ["ada@sample.example", "ben@sample.example"]
PROSE = ["", "---\ntitle: Colophon\n---\nSet in *something*.\n", "Set in something else.\n"]


class Blog(RuleBasedStateMachine):
    definitions = Bundle("definitions")
    pieces = Bundle("pieces")

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.home = Path(self.folder.name)
        given = load_settings(
            {},
            home=self.home / "home",
            content=self.home / "content",
            site=self.home / "site",
        )
        self.clock = SteppingClock()
        self.ledger = open_ledger(given, self.clock, create=True)
        self.count = 0
        self.kept = Kept()
        self.campaigns: list[Campaign] = []
        self.new_campaign()
        publish(self.ledger)

    def teardown(self) -> None:
        if hasattr(self, "ledger"):
            self.publish_changes()
            self.compare()
            self.ledger.close()
            self.folder.cleanup()

    def pass_time(self) -> int:
        self.count += 1
        self.clock.pass_time(days=self.count % 9, seconds=1)
        return self.count

    @rule()
    def new_campaign(self) -> None:
        if len(self.campaigns) < 3:
            with self.ledger.write() as connection:
                self.campaigns.append(
                    add_campaign(
                        connection, self.clock(), prompt=f"Thing {len(self.campaigns)} is ___."
                    )
                )
            self.pass_time()

    @rule(
        target=definitions,
        which=st.integers(0, 2),
        author=st.sampled_from(AUTHORS),
        credit=st.sampled_from(CREDITS),
        uses=st.sampled_from(USES),
    )
    def allow(self, which, author, credit, uses) -> Definition:
        campaign = self.campaigns[which % len(self.campaigns)]
        number = self.pass_time()
        definition = take(self.ledger, campaign, f"words {number}", author=author)
        grant(self.ledger, definition, credit, uses=uses)
        return definition

    @rule(
        definition=definitions,
        credit=st.sampled_from(CREDITS),
        uses=st.sampled_from(USES),
        reword=st.booleans(),
    )
    def allow_again(self, definition, credit, uses, reword) -> None:
        words = f"other words {self.pass_time()}" if reword else ""
        grant(self.ledger, definition, credit, uses=uses, words=words)

    @rule(definition=definitions)
    def take_back(self, definition) -> None:
        withdraw(self.ledger, definition)

    @rule(
        target=pieces,
        which=st.integers(0, 2),
        who=st.sampled_from([["ada"], ["ben"], ["ada", "ben"], ["ben", "ada", "ben"]]),
        kind=st.sampled_from([PostKind.INTERVIEW, PostKind.ENDORSEMENT]),
    )
    def put_together(self, which, who, kind) -> list[Definition]:
        campaign = self.campaigns[which % len(self.campaigns)]
        spoken = [said(self.ledger, campaign, one, f"said {self.pass_time()}") for one in who]
        asked = wish(spoken, kind=kind, title=f"Piece {self.count}")
        return make_piece(self.ledger, campaign.id, "en", asked)

    @rule(piece=pieces, credits_=st.tuples(st.sampled_from(CREDITS), st.sampled_from(CREDITS)))
    def allow_all_of_it(self, piece, credits_) -> None:
        self.pass_time()
        for share, credit in zip(piece, credits_, strict=False):
            grant(self.ledger, share, credit, uses=frozenset({share.kind.use}))

    @rule(piece=pieces, which=st.integers(0, 1), credit=st.sampled_from(CREDITS))
    def one_allows_it(self, piece, which, credit) -> None:
        share = piece[which % len(piece)]
        grant(self.ledger, share, credit, uses=frozenset({share.kind.use}))

    @rule(piece=pieces)
    def reword_a_piece(self, piece) -> None:
        with self.ledger.write() as connection:
            share = need_definition(connection, piece[0].id)
            words = {1: f"in other words {self.pass_time()}"}
            text = with_other_words(share, words)
            add_version(connection, share.id, text, self.clock())

    @rule(piece=pieces, which=st.integers(0, 1))
    def one_takes_it_back(self, piece, which) -> None:
        take_a_piece_back(self.ledger, piece[which % len(piece)].id, EVIDENCE)

    @rule(piece=pieces, which=st.integers(0, 1), state=st.sampled_from(["", "gone"]))
    def lose_a_source_of_a_piece(self, piece, which, state) -> None:
        share = piece[which % len(piece)]
        with self.ledger.write() as connection:
            connection.execute(
                update(replies).where(replies.c.id == share.reply_id).values(source_state=state)
            )
            add_job(connection, JobKind.PUBLISH, share.id, self.clock())

    @rule(definition=definitions, state=st.sampled_from(["", "gone", "protected"]))
    def lose_or_find_the_source(self, definition, state) -> None:
        with self.ledger.write() as connection:
            connection.execute(
                update(replies)
                .where(replies.c.id == definition.reply_id)
                .values(source_state=state)
            )
            add_job(connection, JobKind.PUBLISH, definition.id, self.clock())

    @rule(which=st.integers(0, 2), is_open=st.booleans())
    def open_or_close(self, which, is_open) -> None:
        campaign = self.campaigns[which % len(self.campaigns)]
        with self.ledger.write() as connection:
            set_open(connection, campaign.id, is_open=is_open)

    @rule(
        which=st.integers(0, 2),
        introduction=st.sampled_from(["", "Hello."]),
        by_rule=st.booleans(),
        kind=st.sampled_from([*EditionKind, EditionKind.EDITION]),
    )
    def make_edition(self, which, introduction, by_rule, kind) -> None:
        campaign = self.campaigns[which % len(self.campaigns)]
        with self.ledger.write() as connection:
            ids = tuple(one.id for one in definitions_in(connection, campaign.id)[:4])
            made = add_edition(
                connection,
                self.clock(),
                campaign_id=campaign.id,
                title="" if by_rule else f"Edition {self.pass_time()}",
                theme=f"theme {self.pass_time()}",
                introduction=introduction,
                definition_ids=ids,
                kind=kind,
                period=period_before(Every.MONTH, self.clock()),
                winner_id=ids[0] if ids else "",
                method="By reading.",
            )
        if ids or kind is not EditionKind.BEST:
            publish_edition(self.ledger, made.id)

    @rule(which=st.integers(0, 2), decision=st.sampled_from(["retract", "change", "publish"]))
    def change_edition(self, which, decision) -> None:
        campaign = self.campaigns[which % len(self.campaigns)]
        with self.ledger.read() as connection:
            known = editions_in(connection, campaign.id)
        if not known:
            return
        edition = known[self.pass_time() % len(known)]
        if decision == "retract":
            retract_edition(self.ledger, edition.id)
            return
        if decision == "change":
            with self.ledger.write() as connection:
                save_edition(
                    connection,
                    edition.id,
                    title=edition.title and edition.title + "!",
                    theme=edition.theme,
                    winner_id=(edition.definition_ids[1:] or ("",))[0],
                    method="Another way.",
                    introduction="Changed.",
                    definition_ids=edition.definition_ids[1:],
                )
        no_winner = edition.kind is EditionKind.BEST and len(edition.definition_ids) < 2
        if not no_winner and (edition.published_at is not None or decision == "publish"):
            publish_edition(self.ledger, edition.id)

    @rule(which=st.integers(0, 2), every=st.sampled_from(Every))
    def gather_editions(self, which, every) -> None:
        campaign = self.campaigns[which % len(self.campaigns)]
        with self.ledger.write() as connection:
            set_edition_every(connection, campaign.id, every)
        for made in draft_due(self.ledger):
            publish_edition(self.ledger, made.id)

    @rule(text=st.sampled_from(PROSE), name=st.sampled_from(["colophon", "imprint"]))
    def write_page(self, text, name) -> None:
        page = self.ledger.settings.content / "pages" / f"{name}.md"
        page.unlink(missing_ok=True)
        if text:
            page.write_text(text + f"{self.pass_time()}\n")

    @rule(title=st.sampled_from(["Definedby", "Another title"]))
    def change_setting(self, title) -> None:
        given = self.ledger.settings.model_copy(update={"title": title})
        self.ledger = replace(self.ledger, settings=given)

    @rule(pending=st.booleans())
    def publish_changes(self, pending=True) -> None:
        self.pass_time()
        if pending:
            publish_pending(self.ledger, self.kept)
        else:
            publish(self.ledger, full=False)
        self.check_rows()

    def check_rows(self) -> None:
        """All is done, and every file is a row and every row a file."""
        with self.ledger.read() as connection:
            assert connection.execute(select(site_dirty)).all() == []
            assert connection.execute(select(jobs.c.id).where(jobs.c.done_at.is_(None))).all() == []
            rows = {row.path for row in connection.execute(select(outputs))}
        site = self.ledger.settings.site_folder
        there = {path for path in tree(site) if "/." not in path}
        assert there == {f"site/{path}" for path in rows if not path.startswith("content:")}
        assert violations(self.ledger) == []

    @rule()
    def publish_and_compare(self) -> None:
        self.publish_changes()
        self.compare()

    def compare(self) -> None:
        other = Path(self.folder.name) / "other"
        shutil.rmtree(other, ignore_errors=True)
        (other / "home").mkdir(parents=True)
        copy_database(self.ledger, other / "home" / "definedby.sqlite")
        shutil.copy(self.ledger.settings.home / "keys.json", other / "home")
        shutil.copytree(self.ledger.settings.content, other / "content")
        given = self.ledger.settings.model_copy(
            update={
                "home": other / "home",
                "content": other / "content",
                "site": other / "site",
            }
        )
        fresh = open_ledger(given, self.clock)
        forget_graph(fresh)
        publish(fresh)
        made, expected = tree(self.ledger.settings.site_folder), tree(other / "site")
        fresh.close()
        made = {path: text for path, text in made.items() if ".definedby-before" not in path}
        assert sorted(made) == sorted(expected)
        for path, text in expected.items():
            assert made[path].decode() == text.decode(), path


def forget_graph(ledger: Ledger) -> None:
    """Leave only what the ledger itself knows."""
    with ledger.write() as connection:
        for name in ("entries", "groups", "edges", "dirty", "sources"):
            connection.execute(delete(schema.tables[f"site_{name}"]))
        connection.execute(
            delete(outputs).where(~outputs.c.path.startswith("content:", autoescape=True))
        )


def test_any_sequence_of_changes_gives_the_site_that_is_built_from_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Few on each page, so that short sequences fill pages, empty them and begin new ones.
    for module, name, value in (
        (nodes, "PER_PAGE", 2),
        (nodes, "PER_MAP", 3),
        (nodes, "MAP_OFFSET", 1),
        (listings, "ON_FRONT", 2),
        (listings, "ON_CAMPAIGN", 3),
        (feeds, "MOST_ENTRIES", 3),
    ):
        monkeypatch.setattr(module, name, value)
    run_state_machine_as_test(
        Blog,
        settings=settings(
            max_examples=int(os.environ.get("EXAMPLES", "12")),
            stateful_step_count=25,
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
            deadline=None,
            derandomize=bool(os.environ.get("CI")),
            suppress_health_check=list(HealthCheck),
        ),
    )
