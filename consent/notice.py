"""What a person is told before they decide (GDPR articles 7 and 13), and which version of it."""

from __future__ import annotations

from consent.wording import ENGLISH, RIGHT_TO_LEFT, say
from ledger.settings import Settings

#: Changes with every change of the sentences below, in any language; each event records it.
NOTICE_VERSION = "2026-11-27"

SENTENCES = (
    "{asker} asks, publishes on “{title}” and is responsible for what is kept about you.",
    "You can reach them at {contact}.",
    (
        "Only these exact words with this exact credit are published, and only for the uses you "
        "tick. If a single character changes, you are asked again."
    ),
    (
        "It stays until you take it back. You can take it back on this page at any time, without "
        "giving a reason. Then it disappears from the blog, its feeds and its lists. What you "
        "allowed until then was lawful; copies that others made are beyond our reach."
    ),
    (
        "We keep your answer, your decision and its date, so that we can show what you allowed. "
        "Saying no has no consequences for you."
    ),
)


def notice_version(lang: str = ENGLISH) -> str:
    """The version as it was shown: which one, and in which language."""
    return f"{NOTICE_VERSION}.{lang}"


def notice_language(version: str) -> str:
    """The language in which a version of the notice was shown."""
    return version.partition(".")[2] or ENGLISH


def notice(settings: Settings, lang: str = ENGLISH) -> list[str]:
    """The paragraphs shown on the page where somebody decides."""
    named = {"asker": settings.asker, "title": settings.title, "contact": settings.contact}
    if lang in RIGHT_TO_LEFT:  # isolated, so that a name's direction steers nothing (UAX #9)
        named = {name: f"\u2068{value}\u2069" for name, value in named.items()}
    who, where, *rest = (say(lang, one, **named) for one in SENTENCES)
    return [f"{who} {where}" if settings.contact else who, *rest]
