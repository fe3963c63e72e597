"""Why may we publish this? The whole answer for one address of the blog, or one file of it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from sqlalchemy import Connection, select

from ledger import chain, events, gate, walk
from ledger.consent_state import ConsentEvent, ConsentState, EventKind, Grant, fold
from ledger.database import Ledger
from ledger.definitions import find_definition, need_definition
from ledger.editions import find_edition
from ledger.errors import DefinedbyError, SettingError
from ledger.model import Use
from ledger.pieces import all_shares
from ledger.posts import find_post, find_post_at, is_gone
from ledger.tables import outputs, replies

#: A composed file names its definition and the event of its grant in its front matter, without
#: quotes where YAML needs none.
_NAMED = re.compile(r'^(definition|consent): ("?)([0-9a-f]{32,64})\2$', re.MULTILINE)
#: Larger files are none of ours.
MOST_BYTES = 1 << 20

CHANGED = "The file is not what was composed for the blog: it was changed, or never published."
REPLACED = "The file was composed from another grant than the one that is live."

Answer = dict[str, Any]
WITHDRAWN: Answer = {"status": "withdrawn"}


@dataclass(frozen=True)
class Asked:
    """What an answer is wanted for. `objection`: why a file can't stand, whatever is granted."""

    definition_id: str
    use: Use
    grant_hash: str = ""
    objection: str = ""


def why(ledger: Ledger, place: str) -> list[Answer]:
    """The reason for each definition that stands at `place`: an address, or a file of ours.

    Of what was withdrawn nothing is told but that. Raises DefinedbyError where nothing of ours
    stands.
    """
    with ledger.read() as connection:
        wanted = _of_file(ledger, connection, Path(place)) if _is_file(place) else None
        if wanted is None:
            address = _address(ledger, place)
            if is_gone(connection, ledger.keys, address):
                return [WITHDRAWN]
            wanted = _at_address(connection, address)
        proofs = _Proofs(connection)
        return [_answer(ledger, connection, one, proofs) for one in wanted]


def definitions_at(ledger: Ledger, connection: Connection, place: str) -> list[str]:
    """The definitions that stand at an address of the blog. Raises DefinedbyError for none."""
    return [one.definition_id for one in _at_address(connection, _address(ledger, place))]


def _is_file(place: str) -> bool:
    return "://" not in place and Path(place).is_file()


def _of_file(ledger: Ledger, connection: Connection, path: Path) -> list[Asked] | None:
    """What a composed Markdown file states of itself; None for a page of the built site."""
    site = ledger.settings.site_folder.resolve()
    if path.resolve().is_relative_to(site):
        return None
    with path.open("rb") as file:
        content = file.read(MOST_BYTES)
    front = content.decode("utf-8", "replace").split("\n---", 1)[0]
    named = {name: value for name, _, value in _NAMED.findall(front)}
    definition_id = named.get("definition", "")
    if find_definition(connection, definition_id) is None:
        raise SettingError(
            f"{path} is no post that was composed here.",
            "Name a file below posts/ of the content folder, a page of the site, or an address.",
        )
    post = find_post(connection, definition_id)
    composed = connection.execute(
        select(outputs.c.hash).where(outputs.c.path == f"content:{post.file if post else ''}")
    ).scalar()
    here = ledger.keys.token_hash(hashlib.sha256(content).hexdigest())
    objection = "" if composed == here else CHANGED
    return _of_post(connection, definition_id, named.get("consent", ""), objection)


def _of_post(
    connection: Connection, subject: str, grant_hash: str = "", objection: str = ""
) -> list[Asked]:
    """Of a piece, everybody whose words it shows: each has a grant of their own."""
    shares = all_shares(connection, need_definition(connection, subject))
    return [
        Asked(one.id, one.kind.use, grant_hash if one.id == subject else "", objection)
        for one in shares
    ]


def _address(ledger: Ledger, place: str) -> str:
    """The path on the blog that a URL, a path or a file of the built site stands for."""
    if _is_file(place):
        within = Path(place).resolve().relative_to(ledger.settings.site_folder.resolve())
        path = within.as_posix()
    else:
        parts = urlsplit(place)
        ours = urlsplit(ledger.settings.public_url)
        if parts.netloc and parts.netloc != ours.netloc:
            raise SettingError(
                f"{place} is not an address of this blog.",
                f"Its addresses begin with {ledger.settings.public_url}/.",
            )
        path = unquote(parts.path)
    path = path.removesuffix("index.html").strip("/")
    return f"/{path}/"


def _at_address(connection: Connection, address: str) -> list[Asked]:
    post = find_post_at(connection, address)
    if post is None:
        raise DefinedbyError(
            f"No post and no edition stands at {address}.",
            "Name the address of one, or a file below posts/ of the content folder.",
        )
    if post.kind != "edition":
        return _of_post(connection, post.subject)
    edition = find_edition(connection, post.subject)
    found = dict.fromkeys(edition.definition_ids if edition else ())
    return [Asked(one, Use.EDITION) for one in found]


def _answer(ledger: Ledger, connection: Connection, asked: Asked, proofs: _Proofs) -> Answer:
    history = events.full_history(connection, ledger.keys, asked.definition_id)
    state = fold(event for event, _ in history)
    if state.withdrawn:
        return WITHDRAWN
    found = _standing(ledger, connection, asked, state)
    if isinstance(found, Grant) and asked.grant_hash not in ("", found.event_hash):
        found = REPLACED
    if isinstance(found, Grant) and asked.objection:
        found = asked.objection
    if not isinstance(found, Grant):
        return {"status": "not granted", "definition": asked.definition_id, "reason": found}
    told = dict(_told(found, history))
    return {
        "status": "granted",
        "definition": asked.definition_id,
        "text": found.text,
        "credit_line": found.credit.line,
        "uses": sorted(found.uses),
        **told,
        "proof": proofs.of(told["answered"]["number"]),
    }


def _standing(
    ledger: Ledger, connection: Connection, asked: Asked, state: ConsentState
) -> Grant | str:
    definition = need_definition(connection, asked.definition_id)
    if definition.is_piece and state.grant is not None:
        text, credit = state.grant.text, state.grant.credit
        return gate.may_publish(connection, ledger.keys, definition.id, text, credit, asked.use)
    source = connection.execute(
        select(replies.c.source_state).where(replies.c.id == definition.reply_id)
    ).scalar_one()
    return gate.standing(state, source, asked.use)


def _told(grant: Grant, history: list[tuple[ConsentEvent, Answer]]) -> list[tuple[str, Answer]]:
    """The question as it was put and the answer as it was given, evidence included."""
    found = []
    for event, payload in history:
        stated = {"at": event.at, "number": event.seq, "hash": event.hash, **payload}
        if event.kind is EventKind.REQUESTED and event.request_id == grant.request_id:
            found.append(("asked", stated))
        elif event.hash == grant.event_hash:
            found.append(("answered", stated))
    return found


class _Proofs:
    """Where an event stands in the chain, and whether the chain holds from there to its end."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: Answer | None = None

    def of(self, seq: int) -> Answer:
        if self._known is None:
            found = chain.verify(walk.bare_links(self._connection))
            if isinstance(found, chain.Break):
                raise DefinedbyError(
                    f"The chain of events is broken at event {found.seq}: {found.reason}.",
                    "Run 'definedby ledger verify', then restore a backup.",
                )
            self._known = {"events": found.seq, "head": found.hash}
        return {"event": seq, **self._known}
