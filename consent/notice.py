"""What a person is told before they decide (GDPR articles 7 and 13), and which version of it."""

from __future__ import annotations

from ledger.settings import Settings

#: Changes with every change of the sentences below; each event records it.
NOTICE_VERSION = "2026-11-23.en"


def notice(settings: Settings) -> list[str]:
    """The paragraphs shown on the page where somebody decides."""
    where = f" You can reach them at {settings.contact}." if settings.contact else ""
    return [
        (
            f"{settings.asker} asks, publishes on “{settings.title}” and is responsible for what "
            f"is kept about you.{where}"
        ),
        (
            "Only these exact words with this exact credit are published, and only for the uses "
            "you tick. If a single character changes, you are asked again."
        ),
        (
            "You can take it back on this page at any time, without giving a reason. Then it "
            "disappears from the blog, its feeds and its lists. What you allowed until then was "
            "lawful; copies that others made are beyond our reach."
        ),
        (
            "We keep your answer, your decision and its date, so that we can show what you "
            "allowed. Saying no has no consequences for you."
        ),
    ]
