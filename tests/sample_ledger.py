"""A small instance with made-up people, for tests of the ledger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert, select

from ledger import tables
from ledger.accounts import ensure_account, find_account
from ledger.campaigns import add_campaign, all_campaigns
from ledger.consent_state import ConsentEvent, EventKind
from ledger.contributors import new_id
from ledger.database import Ledger, open_ledger
from ledger.erasures import erase_payloads
from ledger.events import record
from ledger.heads import export_head
from ledger.model import Account, Channel, Credit, Definition, IncomingReply, NameForm, Use
from ledger.replies import author_of, find_reply, store_replies
from ledger.settings import load_settings
from tests.molds import open_new

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
CREDIT = Credit(NameForm.NAME, name="Ada Sample")
WORDS = "carrying the lamp — «first», 先に立つ"


class SteppingClock:
    """Each look is one second after the one before."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def make_ledger(
    home: Path, database_url: str = "", *, create: bool = True, migrate: bool = False
) -> Ledger:
    """Open the instance; one that is new has its tables from a copy, unless told to `migrate`."""
    settings = load_settings(
        {}, home=home, content=home.parent / f"{home.name}-content", database_url=database_url
    )
    if create and not migrate:
        return open_new(settings, SteppingClock())
    return open_ledger(settings, SteppingClock(), create=create)


def mailbox(ledger: Ledger) -> Account:
    """The one account of the sample, made with its campaign when it is missing."""
    with ledger.write() as connection:
        known = find_account(connection, ledger.keys, Channel.EMAIL, "inbox")
        if known:
            return known
        found = all_campaigns(connection)
        campaign = found[0] if found else add_campaign(connection, START, prompt="Courage is ___?")
        return ensure_account(connection, ledger.keys, Channel.EMAIL, "inbox", campaign.id)


def add_reply(ledger: Ledger, account: Account, number: int) -> int:
    """One stored reply of a person of its own; returns its id."""
    reply = IncomingReply(
        external_id=f"<{number}@sample.example>",
        address=f"person{number}@sample.example",
        text=f"Courage is {WORDS} {number}",
        raw="From: …\r\n\r\nCourage",
        written_at=START,
        in_reply_to=("<prompt@sample.example>",),
    )
    with ledger.write() as connection:
        store_replies(connection, account, [reply], ledger.clock())
        return connection.execute(
            select(tables.replies.c.id).where(tables.replies.c.external_id == reply.external_id)
        ).scalar_one()


def add_definition(ledger: Ledger, account: Account, number: int) -> Definition:
    reply_id = add_reply(ledger, account, number)
    with ledger.write() as connection:
        reply = find_reply(connection, reply_id)
        assert reply is not None
        now = ledger.clock()
        author = author_of(connection, ledger.keys, reply, now)
        made = Definition(
            new_id(),
            author.contributor_id,
            account.campaign_id,
            reply_id,
            1,
            f"{WORDS} {number}",
            "en",
            f"courage-{number}",
            now,
        )
        row = {name: value for name, value in vars(made).items() if name not in ("version", "text")}
        connection.execute(insert(tables.definitions).values(**row))
        for version, spans in ((1, [[11, 20]]), (2, None)):
            connection.execute(
                insert(tables.definition_versions).values(
                    definition_id=made.id,
                    version=version,
                    text=made.text,
                    spans=spans,
                    created_at=now,
                )
            )
    return made


def tell(ledger: Ledger, definition: Definition, kind: EventKind, *, given: str = "") -> str:
    """Record one event of the ordinary story; returns its hash. `given`: its request or grant."""
    shown = kind in (EventKind.REQUESTED, EventKind.GRANTED)
    event = ConsentEvent(
        kind,
        request_id=given,
        text=definition.text if shown else "",
        credit=CREDIT if shown else None,
        uses=frozenset({Use.POST, Use.EDITION}) if shown else frozenset(),
    )
    with ledger.write() as connection:
        return record(
            connection,
            ledger.keys,
            ledger.clock(),
            event,
            definition_id=definition.id,
            contributor_id=definition.contributor_id,
            evidence={"notice": "2026-11", "page": "/me"},
        ).hash


def story(ledger: Ledger, account: Account, number: int) -> Definition:
    """One person's way: asked, granted, published, and every third one withdrawn: 3.3 events."""
    definition = add_definition(ledger, account, number)
    request = new_id()
    tell(ledger, definition, EventKind.REQUESTED, given=request)
    granted = tell(ledger, definition, EventKind.GRANTED, given=request)
    tell(ledger, definition, EventKind.PUBLISHED, given=granted)
    if number % 3 == 0:
        tell(ledger, definition, EventKind.WITHDRAWN)
    return definition


def erase(ledger: Ledger, contributor_id: str) -> None:
    """Forget a person as the law asks: payloads and key go, the chain stays."""
    with ledger.write() as connection:
        erase_payloads(connection, ledger.keys, ledger.clock(), contributor_id)


def fill(ledger: Ledger, people: int) -> list[Definition]:
    """A campaign with `people` stories, the second person erased early on."""
    account = mailbox(ledger)
    made = []
    for number in range(people):
        made.append(story(ledger, account, number))
        if number == 1:
            erase(ledger, made[1].contributor_id)
    return made


def write_everything(ledger: Ledger) -> None:
    """Rows of every kind, a head, content, and what a backup leaves out: a link, a hidden file."""
    fill(ledger, 6)
    export_head(ledger)
    posts = ledger.settings.content / "posts" / "courage"
    posts.mkdir(parents=True)
    (posts / "lämp.md").write_text("# Courage\n", encoding="utf-8")
    (posts / ".half.md.part").write_text("half written")
    (posts / "link.md").symlink_to("/etc/hostname")
    with ledger.write() as connection:
        now = ledger.clock()
        connection.execute(
            insert(tables.leases).values(name="worker", holder="w1", fence=7, expires_at=now)
        )
        connection.execute(
            insert(tables.jobs).values(kind="retract", subject="x", created_at=now, done_at=None)
        )
