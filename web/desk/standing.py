"""How a definition stands, in the words the desk uses for it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from ledger import events
from ledger.consent_state import ConsentState, EventKind
from ledger.contributors import has_stopped_contact
from ledger.keys import Keys
from ledger.model import Definition, Handle, Reply, normal
from ledger.pieces import replies_quoted
from ledger.posts import find_post
from ledger.requests import ConsentRequest, live_request
from ledger.sources import HOLDING, HeldSource, held_source


@dataclass(frozen=True)
class Standing:
    """One definition with everything the desk shows of it. `address`: of its live post, or ""."""

    definition: Definition
    reply: Reply
    state: ConsentState
    request: ConsentRequest | None
    address: str
    stopped: bool
    held: HeldSource | None = None

    @property
    def author(self) -> Handle:
        return self.reply.handle

    @property
    def word(self) -> str:
        """One of: published, granted, asked, proposed, refused, withdrawn, stopped, not asked."""
        if self.state.request is not None:
            return "asked"
        if self.state.grant is not None:
            return "published" if self.address else "granted"
        if self.state.proposal:
            return "proposed"
        answers = {EventKind.REFUSED: "refused", EventKind.WITHDRAWN: "withdrawn"}
        if self.state.last in answers:
            return answers[self.state.last]
        return "stopped" if self.stopped else "not asked"

    @property
    def is_new_wording(self) -> bool:
        """The words were changed after they were granted: that change is not published."""
        grant = self.state.grant
        return grant is not None and normal(grant.text) != normal(self.definition.text)

    @property
    def may_ask(self) -> bool:
        granted = self.state.grant is not None and not self.is_new_wording
        return self.state.request is None and not self.stopped and not granted


def standing(connection: Connection, keys: Keys, definition: Definition) -> Standing:
    from ledger.definitions import reply_of

    post = find_post(connection, definition.post_id)
    request = live_request(connection, definition.contributor_id)
    return Standing(
        definition,
        reply_of(connection, definition),
        events.state_of(connection, keys, definition.id),
        request if request is not None and request.definition_id == definition.id else None,
        post.address if post is not None else "",
        has_stopped_contact(connection, definition.contributor_id),
        held_of(connection, definition),
    )


def held_of(connection: Connection, definition: Definition) -> HeldSource | None:
    """What an editor has to look at first; of a piece, in any of the replies that it quotes."""
    if not definition.is_piece:
        return held_source(connection, definition.reply_id)
    found = (
        held_source(connection, one.id) for one in replies_quoted(connection, definition.piece_id)
    )
    known = [one for one in found if one is not None]
    return next((one for one in known if one.state in HOLDING), next(iter(known), None))
