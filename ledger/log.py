"""Logs to standard output, as text or JSON, without anybody's secrets (promises P26, P39).

Fields named like secrets or like words of people are dropped; in all others, tracebacks
included, personal links, logins and addresses are shortened. The standard library's loggers
take the same way.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable, MutableMapping
from typing import Any, TextIO

import structlog

from ledger.settings import Settings

#: A field is dropped when one word of its name is among these.
DROPPED = frozenset(
    {"password", "secret", "token", "body", "text", "html", "raw", "words", "cookie"}
    | {"authorization"}
)
_NAME_WORD = re.compile(r"[a-z0-9]+")
_LINK = re.compile(r"((?:/|%2F)(?:p|welcome|unsubscribe)(?:/|%2F))[^/\s?#&\"'<>%]+", re.IGNORECASE)
_QUERY = re.compile(r"\b((?:token|password|secret|key|code)=)[^&\s\"'<>;]+", re.IGNORECASE)
_LOGIN = re.compile(r"(://)[^\s/@\"']+@")
_BEARER = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]+", re.IGNORECASE)
#: SQLAlchemy and PostgreSQL quote the row that failed: words of people.
_ROW = re.compile(r"(\[parameters:|DETAIL:).*")
#: A word is tried once, at its start, so that long lines take no longer per letter.
_LOCAL = r"[^\s@\"'<>()\[\]{},:;\\…]"
_ADDRESS = re.compile(
    rf"(?:(?<!{_LOCAL})({_LOCAL})({_LOCAL}*)|\"[^\"\n]{{1,64}}\")"
    r"(?:@|%40)(\w[\w.-]*|\[[^\]\s]{1,64}\])"
)

Fields = MutableMapping[str, Any]


def clean(line: str) -> str:
    """The line with personal links, logins and addresses shortened.

    >>> clean("GET /p/Zk3x from ada@sample.example")
    'GET /p/… from a…@sample.example'
    """
    for pattern in (_LINK, _QUERY):
        line = pattern.sub(r"\1…", line)
    line = _ROW.sub(r"\1 …", line)
    line = _BEARER.sub(r"\1 …", line)
    line = _LOGIN.sub(r"\1…@", line)
    return _ADDRESS.sub(_masked, line)


def _masked(found: re.Match[str]) -> str:
    # The first letter of a one-letter name would be the whole name.
    first = found[1] if found[2] else ""
    return f"{first}…@{found[3]}"


def without_secrets(_logger: Any, _method: str, fields: Fields) -> Fields:
    """A structlog processor: drop what is named like a secret, shorten what looks like one."""
    return {name: _cleaned(value) for name, value in fields.items() if not _is_secret(name)}


def _is_secret(name: Any) -> bool:
    return not DROPPED.isdisjoint(_NAME_WORD.findall(str(name).lower()))


def _cleaned(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        return {
            clean(str(name)): _cleaned(part) for name, part in value.items() if not _is_secret(name)
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_cleaned(part) for part in value]
    return clean(str(value))


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """Send every log line of this process to `stream` (standard output) in the chosen shape."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    common: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=common,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                without_secrets,
                _renderer(settings),
            ],
        )
    )
    # It tells of every migration, which is news to nobody.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *common,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def _renderer(settings: Settings) -> Callable[..., Any]:
    if settings.log_format == "json":
        return structlog.processors.JSONRenderer(
            serializer=lambda fields, **_: json.dumps(fields, ensure_ascii=False, sort_keys=True)
        )
    return structlog.dev.ConsoleRenderer(
        colors=False, exception_formatter=structlog.dev.plain_traceback
    )
