"""The words of our messages: templates/message/LANGUAGE/NAME.txt, plain text."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from consent.wording import ENGLISH, say
from ledger.model import Definition, Use
from ledger.piece_text import piece_of

TEMPLATES = Path(__file__).parent.parent / "templates" / "message"


#: What each use is, to somebody who has never heard of it.
USE_WORDS = {
    Use.POST: "a page of its own on the blog",
    Use.EDITION: "round-ups of answers on the blog",
    Use.SHARE_CARD: "a picture of your words with your credit, for sharing",
    Use.INTERVIEW: "being quoted in an interview on the blog",
    Use.TRANSLATION: "translations, beside your own words",
}


def use_words(use: Use | str, lang: str = ENGLISH) -> str:
    """A use as its author is asked for it, in their language."""
    return say(lang, USE_WORDS[Use(use)])


def piece_values(definition: Definition) -> dict[str, str]:
    """What the messages about an interview or an endorsement say of it; nothing for others."""
    if not definition.is_piece:
        return {}
    return {"kind": str(definition.kind), "title": piece_of(definition.text).title}


@cache
def message_languages() -> tuple[str, ...]:
    """The languages that our messages are worded in, English first."""
    found = sorted(folder.name for folder in TEMPLATES.iterdir() if folder.is_dir())
    return (ENGLISH, *(one for one in found if one != ENGLISH))


def message_language(wanted: str) -> str:
    """This language where our messages are worded in it, else English."""
    return wanted if wanted in message_languages() else ENGLISH


@cache
def template_version(template: str, lang: str) -> str:
    """Which wording this is: language, name, and a fingerprint of the file as it stands."""
    file = TEMPLATES / lang / f"{template}.txt"
    return f"{lang}/{template}@{hashlib.sha256(file.read_bytes()).hexdigest()[:12]}"


def render_message(template: str, lang: str = ENGLISH, **values: Any) -> tuple[str, str]:
    """Subject and body of a message; a template's first line is its subject."""
    text: str = _templates().get_template(f"{lang}/{template}.txt").render(**values)
    subject, _, body = text.partition("\n")
    return " ".join(subject.split()), body.strip() + "\n"


def promises_of(template: str, lang: str, **values: Any) -> str:
    """The paragraph of a message that nobody rewords: what becomes of a yes, a no, a silence."""
    found = _templates().get_template(f"{lang}/{template}.txt")
    return "".join(found.blocks["promises"](found.new_context(values))).strip()


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
