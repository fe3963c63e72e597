"""Made-up people and their consent, written the way the other stages write it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from ledger.accounts import ensure_account
from ledger.consent_state import ConsentEvent, EventKind
from ledger.database import Ledger
from ledger.definitions import add_version, need_definition, take_definition
from ledger.events import record
from ledger.jobs import JobKind, add_job
from ledger.model import Campaign, Channel, Credit, Definition, IncomingReply, NameForm, Use
from ledger.posts import bury_post
from ledger.replies import find_reply, store_replies
from ledger.requests import close_request, open_request
from ledger.tables import replies

ALL = frozenset(Use)
ADA = Credit(
    NameForm.NAME,
    name="Ada Sample",
    handle="@ada@social.example",
    url="https://ada.example/",
    role="editor",
    organisation="Sample Press",
)


def named(name: str) -> Credit:
    return Credit(NameForm.NAME, name=name)


def take(
    ledger: Ledger,
    campaign: Campaign,
    words: str,
    *,
    author: str = "",
    channel: Channel = Channel.IMPORT,
    source_url: str = "",
) -> Definition:
    """A reply by a person of its own, unless `author` names one, shortlisted as a definition."""
    with ledger.write() as connection:
        account = ensure_account(
            connection, ledger.keys, channel, f"{channel} {campaign.slug}", campaign.id
        )
        count = connection.execute(select(replies.c.id).order_by(replies.c.id.desc())).scalar() or 0
        incoming = IncomingReply(
            external_id=f"sample-{count + 1}",
            address=author or f"person{count + 1}@sample.example",
            text=words,
            written_at=ledger.clock() - timedelta(days=2),
            source_url=source_url,
        )
        store_replies(connection, account, [incoming], ledger.clock())
        reply = find_reply(connection, count + 1)
        assert reply is not None
        return take_definition(connection, ledger.keys, ledger.clock(), reply, "en")


def grant(
    ledger: Ledger,
    definition: Definition,
    credit: Credit = ADA,
    *,
    uses: frozenset[Use] = ALL,
    words: str = "",
) -> str:
    """Ask for the newest words (or for `words`) and have them granted; the grant's hash."""
    now = ledger.clock()
    with ledger.write() as connection:
        if words:
            definition = add_version(connection, definition.id, words, now)
        else:
            definition = need_definition(connection, definition.id)
        request = open_request(
            connection,
            ledger.keys,
            now,
            definition,
            credit=credit,
            uses=ALL,
            asked_by="the editor",
            notice="1",
            expires_at=now + timedelta(days=14),
        )
        event = ConsentEvent(
            EventKind.GRANTED,
            request_id=request.id,
            text=definition.text,
            credit=credit,
            uses=uses,
        )
        granted = record(
            connection,
            ledger.keys,
            now,
            event,
            definition_id=definition.id,
            contributor_id=definition.contributor_id,
        )
        close_request(connection, request.id, now)
        add_job(connection, JobKind.PUBLISH, definition.id, now)
    return granted.hash


def withdraw(ledger: Ledger, definition: Definition) -> None:
    now = ledger.clock()
    with ledger.write() as connection:
        record(
            connection,
            ledger.keys,
            now,
            ConsentEvent(EventKind.WITHDRAWN),
            definition_id=definition.id,
            contributor_id=definition.contributor_id,
        )
        bury_post(connection, ledger.keys, definition.id, now)
        add_job(connection, JobKind.PUBLISH, definition.id, now)


def tree(*folders: Path) -> dict[str, bytes]:
    """Every file below the folders, by its path."""
    return {
        f"{folder.name}/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def published_files(ledger: Ledger) -> dict[str, bytes]:
    return tree(ledger.settings.site_folder, ledger.settings.content / "posts")
