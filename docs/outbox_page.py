"""docs/explanation/outbox.md, from the states and moves of the program (ledger/outbox_moves.py)."""

from __future__ import annotations

from ledger.outbox import MessageState
from ledger.outbox_moves import MEANINGS, MOVES

NOTE = "<!-- Made by `python -m docs.generate` from ledger/outbox_moves.py; change that. -->"
_INTRODUCTION = """\
Every message to a person is one row of the outbox, and leaves once or not at all. A worker that is
killed, a connection that breaks and an editor who presses twice must not make two of it, and
nothing that has left may be forgotten. So a message is claimed, and that is committed, before the
network is touched; and where nobody knows whether it left, a person looks, and the program does
not try again by itself.

The exceptions are two kinds of post whose platform knows a repeat by a key of ours: one below a
post on Bluesky is tried again by itself, and one on Mastodon once more at once.

Whether its reader wants no more messages is read in the transaction that claims it, and so is
every other [rule](etiquette.md).
"""


def outbox_markdown() -> str:
    """Each state, and what moves a message from one to the next."""
    lines = ["# The outbox", "", NOTE, "", _INTRODUCTION, "## States", ""]
    lines += ["| State | Meaning |", "|---|---|"]
    lines += [f"| `{state}` | {MEANINGS[state]} |" for state in MessageState]
    lines += ["", "## Moves", "", "| From | To | Who | Why |", "|---|---|---|---|"]
    for move in MOVES:
        before = f"`{move.before}`" if move.before else "–"
        lines.append(f"| {before} | `{move.after}` | {move.by} | {move.why} |")
    lines += [
        "",
        "There are no other moves, and `sent` is left by nothing but a mail that came back.",
    ]
    return "\n".join(lines) + "\n"
