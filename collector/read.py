"""Read: say of each new reply what it seems to be, and obey a "stop" at once."""

from __future__ import annotations

import time
from dataclasses import replace

from sqlalchemy import Connection

from collector.goodbye import say_goodbye
from collector.joining import join_to_earlier
from collector.mail.reports import with_report
from collector.reading import read_reply
from ledger import stopping
from ledger.campaigns import campaign_by_id
from ledger.database import Ledger
from ledger.joined import authors_of_several
from ledger.known_as import bearers_of
from ledger.model import Campaign, Channel, Reading, Reply, ReplyKind
from ledger.private_questions import is_asked_in_private
from ledger.replies import (
    author_of,
    references_in,
    replies_without_thread,
    save_reading,
    unread,
)
from ledger.sent import addressees, are_ours
from ledger.threads import place_earlier, place_replies

BATCH = 200
#: Seconds between two batches of what is placed late: nothing else lies between them, and who waits
#: to write to SQLite looks for an opening every tenth of a second (sqlite3_busy_timeout).
OPENING = 0.12


def read_new(ledger: Ledger) -> int:
    """Read every reply that nobody has read yet; returns how many."""
    total = 0
    while True:
        with ledger.read() as connection:
            waiting = unread(connection, BATCH)
            campaigns = {
                one: campaign_by_id(connection, one) for one in {r.campaign_id for r in waiting}
            }
            references = references_in(connection, [reply.id for reply in waiting])
            answers = {
                reply.id
                for reply in waiting
                if are_ours(connection, references.get(reply.id, []), reply.account_id)
                or is_asked_in_private(connection, reply)
            }
        # Reading is pure and may take a while over long texts: no transaction is open.
        readings = [
            (reply, _read(reply, campaigns[reply.campaign_id], in_thread=reply.id in answers))
            for reply in waiting
        ]
        if readings:
            with ledger.write() as connection:
                several = authors_of_several(connection, waiting)
                for reply, reading in readings:
                    answered = references.get(reply.id, [])
                    author = (reply.account_id, reply.campaign_id, reply.handle.address)
                    _keep(
                        ledger, connection, reply, reading, answered, is_first=author not in several
                    )
                read = [replace(reply, reading=reading) for reply, reading in readings]
                place_replies(connection, ledger.keys, read, ledger.clock())
        total += len(readings)
        if len(waiting) < BATCH:
            break
    _place_earlier(ledger)
    return total


def _place_earlier(ledger: Ledger) -> None:
    """What was read by a version that knew no conversations; mostly there is nothing."""
    while True:
        with ledger.read() as connection:
            if not replies_without_thread(connection, 1):
                return
        with ledger.write() as connection:
            place_earlier(connection, ledger.keys, ledger.clock())
        time.sleep(OPENING)


def _read(reply: Reply, campaign: Campaign, *, in_thread: bool) -> Reading:
    reading = read_reply(
        reply.text,
        campaign,
        automatic=reply.automatic,
        subject=reply.subject,
        is_mail=reply.channel is Channel.EMAIL,
    )
    if in_thread and reading.kind is not ReplyKind.STOP and not reply.automatic:
        return Reading(
            ReplyKind.OTHER,
            "It answers a message of ours: what they decided is read on its own.",
            1.0,
        )
    return reading


def _keep(
    ledger: Ledger,
    connection: Connection,
    reply: Reply,
    reading: Reading,
    references: list[str],
    *,
    is_first: bool,
) -> None:
    save_reading(connection, reply.id, with_report(connection, reply, reading))
    if not is_first and join_to_earlier(connection, reply, reading, references):
        return
    if reading.kind is not ReplyKind.STOP:
        return
    now = ledger.clock()
    author = author_of(connection, ledger.keys, reply, now)
    evidence = {
        "channel": reply.channel,
        "message": reply.external_id,
        "quoted": reply.text or reply.subject,
    }
    # One person may be known by the form and by mail: "stop" is meant by the person. Anybody can
    # give another's address in the form; being silent to them then is the lesser harm.
    meant = {
        author.contributor_id,
        *addressees(connection, references, reply.account_id),
        *bearers_of(connection, author.address, author.contact),
    }
    stopped = [
        contributor_id
        for contributor_id in sorted(meant)
        if stopping.stop(connection, ledger.keys, now, contributor_id, evidence)
    ]
    if stopped and reply.private:
        say_goodbye(ledger, connection, reply, author)
