"""Whose each row is: which rows of which tables are about one person, and what is held in them.

One declaration for an export and for an erasure, so that neither can know of less than the other.
Every table and every column of ledger/tables.py is named here, or is exported as it stands; a test
compares them and plants a word in each (promises P34, P35).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, and_, false, or_, select

from ledger import tables as t
from ledger.contributors import addresses_of, stop_token
from ledger.keys import Keys
from ledger.model import Channel
from ledger.newcomers import passed_over_token
from ledger.profile_marks import mark_token
from ledger.together import people_of

#: What is shorter could stand in anybody's text by chance.
LEAST_TELLING_CHARACTERS = 6

#: Tables without anything about a contributor, and what is in them instead.
NOBODYS: Mapping[str, str] = MappingProxyType(
    {
        "instance": "facts about the instance itself",
        "campaigns": "the questions",
        "accounts": "our own logins",
        "prompts": "our own posts of the question",
        "spending": "what a platform charged, as sums",
        "chain_head": "the newest hash of the chain",
        "leases": "which worker may act",
        "site_sources": "hashes of what the site was built from",
        "editors": "those who work at the desk",
        "invitations": "links of editors",
        "manners": "how a campaign treats people",
        "follower_places": "how far an account was looked through",
    }
)

#: Columns of a person's rows that are not handed out, with the reason.
LEFT_OUT: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "contributors": {"sealed_key": "the key that opens their record"},
        "links": {"token_hash": "the secret of their personal link"},
        "stop_links": {"token_hash": "the secret of a link in our mails"},
        "editions": {
            "definition_ids": "names what others said",
            "winner_id": "names what somebody else may have said",
        },
        "passed_over": {"token": "a keyed hash of their address"},
        "profile_marks": {"token": "a keyed hash of their address"},
        "stopped_addresses": {"token": "a keyed hash of their address"},
    }
)

#: Columns that are encrypted in the database; whoever exports them opens them first.
SEALED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "event_payloads": ("sealed",),
        "outbox": ("sealed_attachment", "sealed_body", "sealed_composer", "sealed_words"),
        "pictures": ("sealed_picture",),
        "told_pages": ("sealed_post",),
    }
)


@dataclass(frozen=True)
class Trace:
    """By what one person can be found: random ids, numbers of rows, addresses, addresses' hashes.

    `person`: the contributors that they are. `pieces`: those they have a part in. `telling`:
    addresses long enough to be looked for in texts. `machines` and `skipped`: rows by others that
    name one of those. `external`: the platforms' ids of what they wrote. `paths`: of the site and
    of content/posts, with their words or their name in them.
    """

    person: tuple[str, ...]
    handles: tuple[int, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    addresses: frozenset[str] = frozenset()
    telling: tuple[str, ...] = ()
    threads: tuple[int, ...] = ()
    machines: tuple[int, ...] = ()
    skipped: tuple[int, ...] = ()
    replies: tuple[int, ...] = ()
    external: tuple[str, ...] = ()
    definitions: tuple[str, ...] = ()
    pieces: tuple[str, ...] = ()
    requests: tuple[str, ...] = ()
    messages: tuple[int, ...] = ()
    editions: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    shown_as: tuple[str, ...] = ()
    charged: tuple[str, ...] = ()
    tokens: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def trace(connection: Connection, keys: Keys, contributor_id: str) -> Trace:
    """Everything by which the rows of this contributor, and of the same person, are found."""
    found = _by_address(connection, keys, people_of(connection, contributor_id))
    wrote = connection.execute(
        select(t.replies.c.id, t.replies.c.external_id, t.replies.c.source_url)
        .where(_their_replies(found))
        .order_by(t.replies.c.id)
    ).all()
    external = {row.external_id for row in wrote} | {row.source_url for row in wrote} - {""}
    pieces = _ids(
        connection,
        t.definitions.c.piece_id,
        and_(t.definitions.c.id.in_(found.definitions), t.definitions.c.piece_id != ""),
    )
    # Whoever was joined with somebody and is no more may be quoted without a part of their own.
    quoting = t.piece_sources.c.reply_id.in_([row.id for row in wrote])
    pieces += _ids(connection, t.piece_sources.c.piece_id, quoting)
    asked = or_(
        t.requests.c.contributor_id.in_(found.person),
        t.requests.c.definition_id.in_(found.definitions),
    )
    requests = _ids(connection, t.requests.c.id, asked)
    told = or_(t.outbox.c.contributor_id.in_(found.person), t.outbox.c.request_id.in_(requests))
    shown_as = _shown_as(connection, found.definitions)
    return replace(
        found,
        pieces=tuple(dict.fromkeys(pieces)),
        replies=tuple(row.id for row in wrote),
        external=tuple(sorted(external)),
        requests=requests,
        messages=_ids(connection, t.outbox.c.id, told),
        editions=_editions(connection, found.definitions),
        paths=tuple(_paths(connection, [*found.definitions, *pieces], shown_as)),
        shown_as=shown_as,
        charged=_charged(connection, {*external, *found.addresses}),
    )


def with_shares(connection: Connection, of: Trace) -> Trace:
    """The same with what others were asked about the pieces that this person is in.

    Their words stand in the text of those. So all of it goes with them; none of it is handed out.
    """
    shares = _ids(connection, t.definitions.c.id, t.definitions.c.piece_id.in_(of.pieces))
    requests = _ids(connection, t.requests.c.id, t.requests.c.definition_id.in_(shares))
    messages = _ids(connection, t.outbox.c.id, t.outbox.c.request_id.in_(requests))
    return replace(
        of,
        definitions=tuple(dict.fromkeys([*of.definitions, *shares])),
        requests=tuple(dict.fromkeys([*of.requests, *requests])),
        messages=tuple(dict.fromkeys([*of.messages, *messages])),
    )


def _by_address(connection: Connection, keys: Keys, person: tuple[str, ...]) -> Trace:
    """What follows from who they are and how they are reached."""
    rows = connection.execute(
        select(t.handles).where(t.handles.c.contributor_id.in_(person)).order_by(t.handles.c.id)
    ).all()
    pairs = tuple((row.channel, row.address) for row in rows)
    addresses = frozenset(where for one in person for where in addresses_of(connection, one))
    telling = tuple(sorted(one for one in addresses if len(one) >= LEAST_TELLING_CHARACTERS))
    raw, skipped = ("raw", "text"), ("external_id", "reason")
    return Trace(
        person=person,
        handles=tuple(row.id for row in rows),
        pairs=pairs,
        addresses=addresses,
        telling=telling,
        threads=_ids(connection, t.threads.c.id, t.threads.c.contributor_id.in_(person)),
        machines=_naming(connection, t.replies, raw, telling, t.replies.c.automatic),
        skipped=_naming(connection, t.skipped_items, skipped, telling),
        definitions=_ids(
            connection, t.definitions.c.id, t.definitions.c.contributor_id.in_(person)
        ),
        tokens=_tokens(keys, pairs, addresses),
    )


#: Which rows of each table are about a person.
WHOSE: Mapping[str, Callable[[Trace], ColumnElement[bool]]] = MappingProxyType(
    {
        "contributors": lambda of: t.contributors.c.id.in_(of.person),
        "joins": lambda of: or_(t.joins.c.one.in_(of.person), t.joins.c.other.in_(of.person)),
        "handles": lambda of: t.handles.c.id.in_(of.handles),
        "newcomers": lambda of: or_(
            t.newcomers.c.contributor_id.in_(of.person),
            _at(t.newcomers, of),
            t.newcomers.c.contact.in_(of.addresses),
        ),
        "profile_marks": lambda of: t.profile_marks.c.token.in_(of.tokens["profile_marks"]),
        "profile_pictures": lambda of: _at(t.profile_pictures, of),
        "pictures": lambda of: t.pictures.c.contributor_id.in_(of.person),
        "passed_over": lambda of: t.passed_over.c.token.in_(of.tokens["passed_over"]),
        "stopped_addresses": lambda of: t.stopped_addresses.c.token.in_(
            of.tokens["stopped_addresses"]
        ),
        "threads": lambda of: t.threads.c.id.in_(of.threads),
        "replies": lambda of: t.replies.c.id.in_(of.replies),
        "skipped_items": lambda of: or_(
            t.skipped_items.c.id.in_(of.skipped), t.skipped_items.c.external_id.in_(of.external)
        ),
        "gone_sources": lambda of: t.gone_sources.c.external_id.in_(of.external),
        "charged_today": lambda of: t.charged_today.c.item.in_(of.charged),
        "mentions": lambda of: t.mentions.c.source.in_(of.external),
        "definitions": lambda of: t.definitions.c.id.in_(of.definitions),
        "definition_versions": lambda of: t.definition_versions.c.definition_id.in_(of.definitions),
        "piece_sources": lambda of: or_(
            t.piece_sources.c.reply_id.in_(of.replies), t.piece_sources.c.piece_id.in_(of.pieces)
        ),
        "requests": lambda of: t.requests.c.id.in_(of.requests),
        "answers": lambda of: or_(
            t.answers.c.reply_id.in_(of.replies),
            t.answers.c.request_id.in_(of.requests),
            t.answers.c.message_id.in_(of.messages),
        ),
        "rights_requests": lambda of: t.rights_requests.c.contributor_id.in_(of.person),
        "links": lambda of: t.links.c.contributor_id.in_(of.person),
        "stop_links": lambda of: t.stop_links.c.contributor_id.in_(of.person),
        "events": lambda of: t.events.c.subject.in_([*of.definitions, *of.person]),
        "event_payloads": lambda of: t.event_payloads.c.contributor_id.in_(of.person),
        "outbox": lambda of: t.outbox.c.id.in_(of.messages),
        "told_pages": lambda of: t.told_pages.c.subject.in_(of.definitions),
        "jobs": lambda of: t.jobs.c.subject.in_(of.definitions),
        "posts": lambda of: t.posts.c.subject.in_([*of.definitions, *of.pieces]),
        "editions": lambda of: t.editions.c.id.in_(of.editions),
        "outputs": lambda of: _below(t.outputs, of),
        "places": lambda of: t.places.c.definition_id.in_(of.definitions),
        "site_entries": lambda of: t.site_entries.c.definition_id.in_(of.definitions),
        "site_edges": lambda of: t.site_edges.c.definition_id.in_(of.definitions),
        "site_groups": lambda of: t.site_groups.c.owner.in_(of.shown_as),
        "site_dirty": lambda of: or_(
            t.site_dirty.c.owner.in_([*of.definitions, *of.shown_as]), _below(t.site_dirty, of)
        ),
    }
)


def _their_replies(of: Trace) -> ColumnElement[bool]:
    """What they wrote, and what mail servers and programs wrote about mail to them."""
    return or_(
        t.replies.c.handle_id.in_(of.handles),
        _at(t.replies, of),
        and_(t.replies.c.automatic, t.replies.c.thread_id.in_(of.threads)),
        t.replies.c.id.in_(of.machines),
    )


def _at(table: Table, of: Trace) -> ColumnElement[bool]:
    return or_(
        false(),
        *(
            and_(table.c.channel == where, table.c.address == address)
            for where, address in of.pairs
        ),
    )


def _naming(
    connection: Connection,
    table: Table,
    columns: tuple[str, ...],
    words: Sequence[str],
    *also: ColumnElement[bool],
) -> tuple[int, ...]:
    """Rows in whose texts one of these addresses stands by itself, not as a part of another."""
    likely = [
        table.c[column].icontains(word, autoescape=True) for column in columns for word in words
    ]
    if not likely:
        return ()
    alone = re.compile(
        r"(?<![\w.@+-])(?:" + "|".join(map(re.escape, words)) + r")(?![\w@+-]|\.\w)", re.IGNORECASE
    )
    texts = [table.c[column] for column in columns]
    rows = connection.execute(select(table.c.id, *texts).where(*also, or_(*likely)))
    return tuple(row[0] for row in rows if any(alone.search(text) for text in row[1:]))


def _below(table: Table, of: Trace) -> ColumnElement[bool]:
    return or_(false(), *(table.c.path.startswith(path, autoescape=True) for path in of.paths))


def _ids(
    connection: Connection, column: Column[Any], where: ColumnElement[bool]
) -> tuple[Any, ...]:
    return tuple(connection.execute(select(column).where(where).order_by(column)).scalars())


def _tokens(
    keys: Keys, pairs: Sequence[tuple[str, str]], addresses: frozenset[str]
) -> dict[str, tuple[str, ...]]:
    named = [(Channel(where), address) for where, address in pairs]
    return {
        "profile_marks": tuple(mark_token(keys, *one) for one in named),
        "passed_over": tuple(passed_over_token(keys, *one) for one in named),
        "stopped_addresses": tuple(sorted({stop_token(keys, one) for one in addresses})),
    }


def _editions(connection: Connection, definitions: Sequence[str]) -> tuple[str, ...]:
    wanted = set(definitions)
    rows = connection.execute(select(t.editions.c.id, t.editions.c.definition_ids))
    return tuple(row.id for row in rows if wanted.intersection(row.definition_ids))


def _shown_as(connection: Connection, definitions: Sequence[str]) -> tuple[str, ...]:
    """Under which names their pages on the blog stand."""
    rows = connection.execute(
        select(t.places.c.person).where(t.places.c.definition_id.in_(definitions)).distinct()
    )
    return tuple(sorted(person for person in rows.scalars() if person))


def _paths(connection: Connection, definitions: Sequence[str], shown: Sequence[str]) -> list[str]:
    """Paths with their words or their name in them."""
    rows = connection.execute(
        select(t.posts.c.address, t.posts.c.file).where(
            t.posts.c.subject.in_(definitions), t.posts.c.gone_at.is_(None)
        )
    ).all()
    found = [f"people/{person}/" for person in shown]
    for row in rows:
        found += [row.address.strip("/") + "/", f"content:{row.file}"]
    return found


def _charged(connection: Connection, known: set[str]) -> tuple[str, ...]:
    """Of what a platform charged for today, what names them or something they wrote."""
    items = connection.execute(select(t.charged_today.c.item).distinct()).scalars()
    return tuple(item for item in items if item.partition(":")[2] in known)
