"""The words of our messages, from templates/message: plain text, one template each."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

TEMPLATES = Path(__file__).parent.parent / "templates" / "message"


def render_message(template: str, **values: Any) -> tuple[str, str]:
    """Subject and body of a message; a template's first line is its subject."""
    text: str = _templates().get_template(f"{template}.txt").render(**values)
    subject, _, body = text.partition("\n")
    return " ".join(subject.split()), body.strip() + "\n"


@cache
def _templates() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=False,  # noqa: S701  plain text, never shown as HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
