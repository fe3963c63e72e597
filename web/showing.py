"""What the templates may call: dates in words, marked passages, our own settings."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, url_for
from markupsafe import Markup, escape

from ledger.editors import OWNER
from ledger.model import Channel, Handle, Use
from web.here import ledger
from web.language import set_up_languages

CHANNELS = {
    Channel.FORM: "form",
    Channel.EMAIL: "e-mail",
    Channel.IMPORT: "import",
    Channel.X: "X",
    Channel.MASTODON: "Mastodon",
    Channel.BLUESKY: "Bluesky",
    Channel.WEBMENTION: "Webmention",
    Channel.PASTE: "pasted",
    Channel.COMMENTS: "comments",
}
#: Not strftime: month names must not follow the machine's locale.
MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
STATIC = Path(__file__).parent / "static"


def teach_templates(app: Flask) -> None:
    """Give every template the filters and values below."""
    from web.desk.common import desk_values

    app.jinja_env.filters.update(
        day=day,
        moment=moment,
        marked=marked,
        channel=channel_name,
        author=author_name,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.context_processor(_values)
    set_up_languages(app)
    app.context_processor(desk_values)


def day(when: datetime | str) -> str:
    """A date in words.

    >>> day("2026-03-09T23:30:00+00:00")
    '9 March 2026'
    """
    when = _aware(when)
    return f"{when.day} {MONTHS[when.month - 1]} {when.year}"


def moment(when: datetime | str) -> str:
    """Date and time in UTC, to the minute.

    >>> moment("2026-03-09T23:30:00+00:00")
    '9 March 2026, 23:30 UTC'
    """
    return f"{day(when)}, {_aware(when):%H:%M} UTC"


def channel_name(channel: Channel) -> str:
    """What the desk calls a channel."""
    return CHANNELS[Channel(channel)]


def author_name(handle: Handle) -> str:
    """The name somebody gave, else the handle they are known by, if a person can read that."""
    return handle.name or (handle.address if "@" in handle.address else "Somebody")


def marked(text: str, spans: Sequence[tuple[int, int]]) -> Markup:
    """The text, escaped, its spans in <mark>. Spans that overlap or lie outside are joined."""
    shown, done = Markup(""), 0
    for span in sorted(spans):
        start, end = max(span[0], done), min(span[1], len(text))
        if start < end:
            shown += escape(text[done:start]) + Markup("<mark>{}</mark>").format(text[start:end])
            done = end
    return shown + escape(text[done:])


def _aware(when: datetime | str) -> datetime:
    found = datetime.fromisoformat(when) if isinstance(when, str) else when
    return found.astimezone(UTC)


def _values() -> dict[str, Any]:
    settings = ledger().settings
    return {
        "blog_title": settings.title,
        "settings": settings,
        "demo": settings.demo,
        "asset": _asset,
        "owner_role": OWNER,
        "uses": tuple(Use),
    }


def _asset(name: str) -> str:
    """The address of a static file; it changes with the file, so that browsers may keep it."""
    return url_for("static", filename=name, v=_version(name))


@cache
def _version(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]
