"""P01: everything rendered has a live grant for exactly that text, credit and use.

A state machine answers, edits, grants, supersedes, withdraws, loses sources, tampers, publishes and
crashes on a real ledger, on both databases; after every publication all output is parsed the way a
stranger would read it.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
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
from sqlalchemy import select, update

from ledger import tables
from ledger.campaigns import add_campaign
from ledger.database import open_ledger
from ledger.definitions import add_version, definitions_in
from ledger.editions import add_edition
from ledger.events import state_of
from ledger.jobs import JobKind, add_job
from ledger.model import Credit, NameForm, Use
from ledger.settings import load_settings
from publisher.editions import publish_edition
from publisher.kept import Kept
from publisher.publish import publish, publish_pending
from publisher.report import STEPS
from tests.conftest import SteppingClock
from tests.golden.audit import (
    leaks,
    live,
    never_or_no_longer_granted,
    pictures_astray,
    rendered_items,
    site_items,
    violations,
)
from tests.golden.sample_blog import ALL, grant, take, withdraw
from tests.molds import open_copy, open_new
from tests.pictures import pictured
from tests.servers.postgres import PostgresServer

#: Long enough that what tells two texts apart never reaches the address, which is permanent.
OPENING = "Whatever it is that people mean when they say it in meetings, namely"
NAMES = ["Ada Sample", "Grace <b>Example</b>", "Ann & Bob", "Zoë"]


class CrashError(Exception):
    """Thrown into the publisher in the middle of a step."""


class Blog(RuleBasedStateMachine):
    definitions = Bundle("definitions")
    #: The address of a database that nobody has used; "" is SQLite, in the instance's folder.
    new_database = staticmethod(lambda: "")

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        home = Path(self.folder.name)
        given = load_settings(
            {},
            home=home / "home",
            content=home / "content",
            site=home / "site",
            database_url=self.new_database(),
        )
        self.clock = SteppingClock()
        # On a server the database is a copy of one that was made, and belongs to nobody yet.
        opened = open_copy if given.database_url else open_new
        self.ledger = opened(given, self.clock)
        self.count = 0
        self.kept = Kept()
        with self.ledger.write() as connection:
            self.campaign = add_campaign(connection, self.clock(), prompt="Home is ___.")

    def teardown(self) -> None:
        if hasattr(self, "ledger"):
            self.ledger.close()
            self.folder.cleanup()

    def words(self) -> str:
        self.count += 1
        self.clock.pass_time(seconds=1)
        return f"{OPENING} *{self.count}* <i>"

    @rule(target=definitions)
    def reply(self):
        return take(self.ledger, self.campaign, self.words())

    @rule(target=definitions)
    def reply_and_allow(self):
        definition = take(self.ledger, self.campaign, self.words())
        grant(self.ledger, definition)
        return definition

    @rule(definition=definitions)
    def edit(self, definition) -> None:
        with self.ledger.write() as connection:
            add_version(connection, definition.id, self.words(), self.clock())

    @rule(
        definition=definitions,
        name=st.sampled_from(NAMES),
        form=st.sampled_from([NameForm.NAME, NameForm.PSEUDONYM, NameForm.ANONYMOUS]),
        uses=st.sampled_from([ALL, frozenset({Use.POST}), frozenset({Use.EDITION})]),
        reword=st.booleans(),
        colour=st.sampled_from(["", "teal", "red"]),
    )
    def allow(self, definition, name, form, uses, reword, colour) -> None:
        words, credit = self.words() if reword else "", Credit(form, name=name)
        if colour:
            credit = pictured(self.ledger, definition, credit, colour)
        grant(self.ledger, definition, credit, uses=uses, words=words)

    @rule(definition=definitions)
    def take_back(self, definition) -> None:
        withdraw(self.ledger, definition)

    @rule(definition=definitions, state=st.sampled_from(["gone", "protected", ""]))
    def lose_or_find_the_source(self, definition, state) -> None:
        with self.ledger.write() as connection:
            connection.execute(
                update(tables.replies)
                .where(tables.replies.c.id == definition.reply_id)
                .values(source_state=state)
            )
            add_job(connection, JobKind.PUBLISH, definition.id, self.clock())

    def held(self) -> set[str]:
        """Granted words whose source is gone: they stand nowhere until an editor has looked."""
        with self.ledger.read() as connection:
            lost = connection.execute(
                select(tables.definitions.c.id)
                .join(tables.replies, tables.replies.c.id == tables.definitions.c.reply_id)
                .where(tables.replies.c.source_state != "")
            ).scalars()
            states = [state_of(connection, self.ledger.keys, one) for one in lost]
        grants = [one.grant for one in states if one.grant and Use.POST in one.grant.uses]
        return {one.text for one in grants}

    def none_held_stands(self) -> None:
        shown = {item.words for item in site_items(self.ledger)}
        assert shown.isdisjoint(self.held())

    @rule(data=st.data())
    def tamper(self, data) -> None:
        files = sorted((self.ledger.settings.content / "posts").rglob("*.md"))
        if files:
            path = data.draw(st.sampled_from(files))
            path.write_bytes(path.read_bytes().replace(b"namely", b"surely"))

    @rule()
    def make_edition(self) -> None:
        with self.ledger.write() as connection:
            made = add_edition(
                connection,
                self.clock(),
                campaign_id=self.campaign.id,
                title=self.words()[-8:],
                introduction="Hello.",
                definition_ids=tuple(
                    one.id for one in definitions_in(connection, self.campaign.id)
                ),
            )
        publish_edition(self.ledger, made.id)

    @rule(recompose=st.booleans())
    def publish(self, recompose) -> None:
        self.clock.pass_time(seconds=1)
        report = publish(self.ledger, recompose=recompose)
        assert violations(self.ledger, report.refused) == []
        assert leaks(self.ledger, never_or_no_longer_granted(self.ledger)) == []
        assert pictures_astray(self.ledger) == []
        granted = len(live(self.ledger)[Use.POST])
        assert report.posts + len(report.refused) == granted - len(self.held()), report
        self.none_held_stands()
        assert not (recompose and report.refused)
        pages = [item for item in rendered_items(self.ledger) if item.file == "feed.xml"]
        assert len(pages) == report.posts

    @rule(pending=st.booleans())
    def publish_changes(self, pending) -> None:
        """As the worker does: files that somebody has tampered with are not looked at."""
        self.clock.pass_time(days=2)
        if pending:
            publish_pending(self.ledger, self.kept)
        else:
            publish(self.ledger, full=False)
        found = [one for one in violations(self.ledger) if not one.file.endswith(".md")]
        assert found == []
        assert pictures_astray(self.ledger) == []
        self.none_held_stands()

    @rule(step=st.sampled_from(STEPS), after=st.integers(0, 4), full=st.booleans())
    def crash(self, step, after, full) -> None:
        left = [after]

        def progress(now: str, _done: int, _total: int) -> None:
            if now == step:
                left[0] -= 1
                if left[0] < 0:
                    raise CrashError

        try:
            report = publish(self.ledger, progress=progress, full=full)
        except CrashError:
            pass
        else:
            if full:
                assert violations(self.ledger, report.refused) == []

    @rule(definition=definitions, step=st.sampled_from(STEPS))
    def take_back_meanwhile(self, definition, step) -> None:
        done = []

        def progress(now: str, _done: int, _total: int) -> None:
            if now == step and not done:
                done.append(now)
                withdraw(self.ledger, definition)

        report = publish(self.ledger, progress=progress)
        assert violations(self.ledger, report.refused) == []
        assert leaks(self.ledger, never_or_no_longer_granted(self.ledger)) == []


def test_p01_every_rendered_item_has_a_live_grant() -> None:
    run_blog(Blog, examples=18)


@pytest.mark.postgres
def test_p01_every_rendered_item_has_a_live_grant_on_postgresql_too(
    postgres_server: PostgresServer, postgres_mold: str
) -> None:
    names: list[str] = []

    class OnPostgres(Blog):
        @staticmethod
        def new_database() -> str:
            names.append(postgres_server.new_database(postgres_mold))
            return postgres_server.url(names[-1])

    try:
        run_blog(OnPostgres, examples=4)
    finally:
        for name in names:
            postgres_server.drop_database(name)


def run_blog(machine: type[Blog], examples: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=25,
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
            deadline=None,
            derandomize=bool(os.environ.get("CI")),
            suppress_health_check=list(HealthCheck),
        ),
    )


CHILD = """
import sys
from dataclasses import replace
from datetime import datetime, timedelta, UTC
from pathlib import Path
from ledger.campaigns import need_campaign
from ledger.database import open_ledger
from ledger.definitions import definitions_in
from ledger.settings import load_settings
from publisher.publish import publish, publish_pending
from tests.golden.sample_blog import grant, take, withdraw, named

home, ahead, turn = Path(sys.argv[1]), timedelta(hours=int(sys.argv[2])), int(sys.argv[2])
settings = load_settings({}, home=home / "home", content=home / "content", site=home / "site")
ledger = open_ledger(settings, lambda: datetime.now(UTC) + ahead)
with ledger.read() as connection:
    campaign = need_campaign(connection, "")
print("ready", flush=True)
for number in range(1000):
    words = f"Whatever it is that people mean when they say it in meetings: {turn}-{number}."
    other = words.replace("Whatever", "Precisely what")
    grant(ledger, take(ledger, campaign, words), named(f"Person {turn} {number}"))
    with ledger.read() as connection:
        known = definitions_in(connection, campaign.id)
    if number % 2:
        withdraw(ledger, known[len(known) // 2])
    else:
        grant(ledger, known[-1], words=other)
    if number % 7 == 6:  # a whole build in a fresh tree
        given = settings.model_copy(update={"title": f"Title {turn} {number}"})
        publish(replace(ledger, settings=given), full=False)
    publish(ledger, full=number % 7 == 3)
"""
KILLS = 6


def test_p01_a_killed_publisher_leaves_nothing_that_the_next_run_does_not_mend(
    tmp_path: Path,
) -> None:
    given = load_settings(
        {}, home=tmp_path / "home", content=tmp_path / "content", site=tmp_path / "site"
    )
    ledger = open_new(given)
    with ledger.write() as connection:
        add_campaign(connection, ledger.clock(), prompt="Home is ___.")
    ledger.close()
    chance = random.Random(1)
    for turn in range(1, KILLS + 1):
        _run_and_kill(tmp_path, turn, chance.uniform(0.05, 1.0))
        # An hour on, so that the lease of the dead has run out.
        ahead = timedelta(hours=turn, minutes=30)
        after = open_ledger(given, lambda ahead=ahead: datetime.now(UTC) + ahead)
        report = publish(after, full=False)
        assert report.refused == ()
        assert report.posts == len(live(after)[Use.POST])
        assert violations(after) == []
        assert leaks(after, never_or_no_longer_granted(after)) == []
        left = [
            path for name in ("*.part", "*staging*", "*fresh*") for path in tmp_path.rglob(name)
        ]
        assert left == []
        # Opening every record and comparing every file finds nothing that this run has missed.
        again = publish(after)
        assert (again.written, again.removed, again.refused) == (0, 0, ())
        after.close()


def _run_and_kill(home: Path, turn: int, seconds: float) -> None:
    root = str(Path(__file__).parent.parent.parent)
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(home), str(turn)],
        stdout=subprocess.PIPE,
        cwd=root,
        env={**os.environ, "PYTHONPATH": root},
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    time.sleep(seconds)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert child.returncode == -signal.SIGKILL
