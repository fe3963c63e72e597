"""Replies as JSON Lines in, readings as JSON Lines out: the stable interface for programs.

Needs no instance and loads nothing but what reading needs. docs/reference/reading.md describes
the lines.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from collector.mail.html import visible_text
from collector.post_html import post_text
from collector.reading import prompt_of, read_text

#: A longer line is answered with an error, in bytes.
LONGEST_LINE = 4_000_000
_POSTS = frozenset(["mastodon", "bluesky", "x"])


def readings_of(source: BinaryIO) -> Iterator[dict[str, Any]]:
    """A reading, or an error, for each line of `source` that isn't empty. Never raises for what
    the lines say.
    """
    for number, line in enumerate(_lines(source), start=1):
        if line is not None and not line.strip(b"\xef\xbb\xbf \t\r\n"):
            continue
        given: Any = None
        try:
            given = _object(line)
            yield _reading(given)
        except _BadLineError as error:
            known = given.get("id") if isinstance(given, dict) else None
            yield {"id": known, "line": number, "error": str(error)}


def written(answer: dict[str, Any]) -> bytes:
    """An answer as a line of JSON in UTF-8."""
    try:
        return json.dumps(answer, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:  # half a surrogate pair, which UTF-8 can't hold
        return json.dumps(answer).encode() + b"\n"


class _BadLineError(Exception):
    """A line that can't be read, in words."""


def _lines(source: BinaryIO) -> Iterator[bytes | None]:
    """The lines of a file; None for one that is too long."""
    while line := source.readline(LONGEST_LINE + 1):
        if len(line) <= LONGEST_LINE:
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = source.readline(LONGEST_LINE)
        yield None


def _object(line: bytes | None) -> dict[str, Any]:
    if line is None:
        raise _BadLineError(f"The line is longer than {LONGEST_LINE} bytes.")
    try:
        given = json.loads(line.decode("utf-8-sig"), parse_constant=_no_number)
    except UnicodeDecodeError:
        raise _BadLineError("The line is not UTF-8.") from None
    except (ValueError, RecursionError):
        raise _BadLineError("The line is not JSON.") from None
    if not isinstance(given, dict):
        raise _BadLineError("The line is not a JSON object.")
    return given


def _no_number(name: str) -> None:
    raise ValueError(name)


def _reading(given: dict[str, Any]) -> dict[str, Any]:
    channel, prompt = _text(given, "channel"), _text(given, "prompt")
    text, html = _text(given, "text"), _text(given, "html")
    is_from_html = not text.strip() and bool(html.strip())
    if is_from_html:
        text = post_text(html) if channel in _POSTS else visible_text(html)
    reading = read_text(text, prompt_of(prompt), is_mail=channel == "email")
    definition = reading.words(text) or None
    answer: dict[str, Any] = {
        "id": given.get("id"),
        "kind": reading.kind.value,
        "definition": definition,
        "spans": [list(span) for span in reading.spans],
        "lang": reading.lang,
        "confidence": reading.confidence,
        "reason": reading.reason,
    }
    return answer | {"text": text} if is_from_html else answer


def _text(given: dict[str, Any], name: str) -> str:
    value = given.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _BadLineError(f'"{name}" is not a string.')
    return value
