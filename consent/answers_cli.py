"""The command `definedby answers`: read decisions from JSON Lines, without an instance."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO, Any

import click

from ledger.command_line import example
from ledger.errors import DefinedbyError, Exit


class _NoAnswerError(Exception):
    """A line that holds no answer; the message says why."""

    def __init__(self, why: str, identity: Any = None) -> None:
        super().__init__(why)
        self.identity = identity


@click.command(
    "answers",
    epilog=example("definedby answers --jsonl answers.jsonl"),
)
@click.argument("file", type=click.Path(allow_dash=True), default="-")
@click.option("--jsonl", is_flag=True, help="JSON Lines in and out; the only form there is.")
def answers_command(file: str, *, jsonl: bool) -> int:
    """Say what people decided: one answer a line, from FILE or standard input.

    A line is {"id", "channel", "asked": {"text", "credit", "question"}, "answer"}; it becomes
    {"id", "decision", "evidence", "changes", "reason"}. A line that can't be read becomes
    {"id", "line", "error"}, and the rest is read all the same (exit code 3).
    """
    if not jsonl:
        raise DefinedbyError(
            "This command reads and writes JSON Lines only.", "Say so: definedby answers --jsonl"
        )
    failed = False
    with click.open_file(file, "rb") as lines:
        for result in _results(lines):
            failed = failed or "error" in result
            click.echo(_line(result))
    return Exit.PARTLY if failed else Exit.DONE


def _results(file: IO[bytes]) -> Iterator[dict[str, Any]]:
    from consent.answers import read_answer

    for number, raw in enumerate(file, start=1):
        if not raw.strip():
            continue
        try:
            identity, asked, answer, channel = _fields(raw)
        except _NoAnswerError as error:
            yield {"id": error.identity, "line": number, "error": str(error)}
            continue
        decision = read_answer(asked, answer, channel)
        yield {
            "id": identity,
            "decision": str(decision.decision),
            "evidence": decision.evidence,
            "changes": [change.quote for change in decision.changes],
            "reason": decision.reason,
        }


def _fields(raw: bytes) -> tuple[Any, dict[str, str], str, str]:
    """Id, what was asked, answer and channel of a line; raises _NoAnswerError."""
    try:
        row = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise _NoAnswerError("It is not UTF-8.") from None
    except (ValueError, RecursionError):
        raise _NoAnswerError("It is not JSON.") from None
    if not isinstance(row, dict):
        raise _NoAnswerError("It is no JSON object.")
    identity = row.get("id")
    answer = row.get("answer")
    if not isinstance(answer, str):
        raise _NoAnswerError('"answer" is missing or no text.', identity)
    asked = row.get("asked") or {}
    if not isinstance(asked, dict):
        raise _NoAnswerError('"asked" is no JSON object.', identity)
    texts = {name: known for name, known in asked.items() if isinstance(known, str)}
    channel = row.get("channel")
    return identity, texts, answer, channel if isinstance(channel, str) else ""


def _line(result: dict[str, Any]) -> str:
    """One line of JSON; characters that UTF-8 can't carry (lone surrogates) are escaped."""
    try:
        text = json.dumps(result, ensure_ascii=False)
        text.encode()
    except (UnicodeEncodeError, RecursionError):
        return json.dumps(result)
    return text
