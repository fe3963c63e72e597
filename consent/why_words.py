"""The answer to "why may you publish this?" in words, line by line, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ledger.model import Use, clean_name

_CHANNELS = {"page": "on the personal page", "editor": "to an editor, who wrote it down"}
#: What the sentences say already; the rest of a payload is listed as it is.
_SAID = frozenset(
    {"at", "number", "hash", "request_id", "text", "credit", "credit_line", "uses", "asked_by"}
)


def in_words(answer: dict[str, Any]) -> list[str]:
    """Whole sentences; words of strangers come without anything that could steer a terminal."""
    if answer["status"] == "withdrawn":
        return ["Withdrawn."]
    if answer["status"] != "granted":
        return [f"There is no live grant. {answer['reason']}"]
    return [clean_name(line) for line in _granted(answer)]


def _granted(answer: dict[str, Any]) -> Iterator[str]:
    asked, answered, proof = answer.get("asked"), answer["answered"], answer["proof"]
    yield "Its author allows it. The grant is live."
    yield f"Words: {answer['text']}"
    yield f"Credit: {answer['credit_line']}"
    yield f"Allowed for: {_uses(answer)}"
    if asked:
        yield f"Asked: {asked['at']}, by {asked.get('asked_by') or 'nobody on record'}."
        yield f"Shown then: “{asked['text']}”, {asked['credit_line']}, for {_uses(asked)}."
        yield from _evidence("Evidence of the question", asked)
    way = answered.get("channel", "a way that was not noted")
    yield f"Answered: {answered['at']}, yes, {_CHANNELS.get(way, f'by {way}')}."
    yield from _evidence("Evidence of the answer", answered)
    yield (
        f"Proof: event {proof['event']} of {proof['events']} in a chain that holds; its hash is "
        f"{answered['hash']}, that of the last event {proof['head']}."
    )


def _uses(stated: dict[str, Any]) -> str:
    return ", ".join(use.words for use in Use if use in stated["uses"])


def _evidence(title: str, stated: dict[str, Any]) -> Iterator[str]:
    rest = {name: value for name, value in sorted(stated.items()) if name not in _SAID}
    if rest:
        yield f"{title}: " + ", ".join(f"{name} {value}" for name, value in rest.items())
