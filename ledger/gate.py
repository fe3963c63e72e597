"""The publish gate: the one place that says whether words may leave, with which credit, for what.

Whatever is about to be shown is put to it as it would be shown. It answers with the Grant that
covers exactly that, or with the reason in words: `may_publish` for one definition, `passes` and
`standing` for whoever reads many, `together` for pieces, `clears` at the moment of rendering.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from ledger import events
from ledger.consent_state import ConsentState, Grant, fold, judge
from ledger.errors import DefinedbyError
from ledger.keys import Keys
from ledger.model import Credit, NameForm, PostKind, Use
from ledger.offers import OFFERED
from ledger.sources import HOLDING, piece_state
from ledger.tables import definitions, replies

HELD = "Its source is gone, and an editor has to look first."
UNCHOSEN = "Its author allows it, and no editor has chosen it yet."
UNREADABLE = "Its record can't be relied upon."
NOT_ALL = "Not everybody whose words it shows allows exactly this."
NOT_ITS_USE = "This is asked about, and allowed, for another use."
UNKNOWN = "There is no such definition."


def may_publish(
    connection: Connection, keys: Keys, definition_id: str, text: str, credit: Credit, use: Use
) -> Grant | str:
    """Read a definition's record: the live Grant that covers exactly this, or why there is none.

    Never raises for a record that was tampered with: nothing of it may be shown, and that is
    the reason given.
    """
    row = connection.execute(
        select(replies.c.source_state, definitions.c.kind, definitions.c.piece_id)
        .join(definitions, definitions.c.reply_id == replies.c.id)
        .where(definitions.c.id == definition_id)
    ).first()
    if row is None:
        return UNKNOWN
    try:
        state = fold(events.history(connection, keys, definition_id))
        if row.kind == PostKind.DEFINITION:
            return passes(state, row.source_state, text, credit, use)
        others = [
            fold(events.history(connection, keys, one))
            for one in _shares(connection, row.piece_id)
            if one != definition_id
        ]
    except DefinedbyError:
        return UNREADABLE
    source = piece_state(connection, row.piece_id)
    return together(state, others, source, PostKind(row.kind), text, credit, use)


def together(
    state: ConsentState,
    others: Sequence[ConsentState],
    source_state: str,
    kind: PostKind,
    text: str,
    credit: Credit,
    use: Use,
) -> Grant | str:
    """The same for a piece: its own use, and everybody whose words it shows (`others` besides).

    Each of them has to allow exactly this text for this use, with the credit of their own.
    """
    if use is not kind.use:
        return NOT_ITS_USE
    found = passes(state, source_state, text, credit, use)
    if isinstance(found, Grant):
        for other in others:
            theirs = other.grant
            if theirs is None or isinstance(judge(other, text, theirs.credit, use), str):
                return NOT_ALL
    return found


def standing_together(
    states: Sequence[ConsentState], source_state: str, kind: PostKind
) -> Grant | str:
    """What of a piece may be composed: its first person's Grant, or why there is none."""
    first, *others = states
    text, credit = "", Credit(NameForm.ANONYMOUS)
    if first.grant is not None:
        text, credit = first.grant.text, first.grant.credit
    return together(first, others, source_state, kind, text, credit, kind.use)


def _shares(connection: Connection, piece_id: str) -> list[str]:
    rows = connection.execute(
        select(definitions.c.id)
        .where(definitions.c.piece_id == piece_id)
        .order_by(definitions.c.part)
    )
    return list(rows.scalars())


def passes(
    state: ConsentState, source_state: str, text: str, credit: Credit, use: Use
) -> Grant | str:
    """The same for a record that was read and folded already, with the state of its source.

    A source that was deleted or made private holds its words back until an editor has looked
    (promises P06 and P38). So does an offer that no editor has chosen.
    """
    found = judge(state, text, credit, use)
    if isinstance(found, Grant) and source_state in HOLDING:
        return UNCHOSEN if source_state == OFFERED else HELD
    return found


def standing(state: ConsentState, source_state: str, use: Use) -> Grant | str:
    """What may be composed from a record for `use`: its live Grant, or why there is none.

    For whoever has nothing to show yet and takes words and credit from the Grant itself.
    """
    text, credit = "", Credit(NameForm.ANONYMOUS)
    if state.grant is not None:
        text, credit = state.grant.text, state.grant.credit
    return passes(state, source_state, text, credit, use)


def clears(grant: Grant, text: str, credit: Credit, use: Use) -> str:
    """Why this Grant does not cover what is about to be rendered; empty when it does."""
    found = judge(ConsentState(grant=grant), text, credit, use)
    return found if isinstance(found, str) else ""
