"""Every message that a program of ours writes says how to end them, and the reader knows the word.

A goodbye is the answer to that word, and the only one without it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

import consent.messages
from collector.greetings import _words, draft
from collector.reading import read_reply
from ledger.etiquette import Action
from ledger.model import Campaign, ReplyKind

TEMPLATES = sorted(
    (Path(consent.messages.__file__).parents[1] / "templates" / "message").glob("*/*.txt")
)
_QUOTED = re.compile(r"[“„”«「]\s?(stop)\s?[”“»」]", re.IGNORECASE)


def campaign(lang: str) -> Campaign:
    at = datetime(2026, 1, 5, tzinfo=UTC)
    return Campaign("1", "t", "Thought leadership", "Thought leadership is ___?", lang, at)


def assert_stops(text: str, lang: str) -> None:
    found = _QUOTED.search(" ".join(text.split()))
    assert found is not None, text
    assert read_reply(found[1], campaign(lang)).kind is ReplyKind.STOP, lang


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_p13_each_message_of_ours_names_a_way_to_stop(template: Path) -> None:
    assert_stops(template.read_text(encoding="utf-8"), template.parent.name)


def test_every_template_is_tried() -> None:
    assert {template.parent.name for template in TEMPLATES} >= {"en", "de", "fr", "ja"}
    assert len(TEMPLATES) >= 8 * 3


@pytest.mark.parametrize("lang", [*_words(), "xx"])
@pytest.mark.parametrize("action", [Action.GREET, Action.FOLLOW_UP])
def test_p13_each_greeting_names_a_way_to_stop(lang: str, action: Action) -> None:
    text = draft(campaign(lang), "Liz", "your talk stayed with me.", action=action)
    assert_stops(text, lang)
    own = "{name}, {personal} {prompt}"
    assert_stops(draft(campaign(lang), "Liz", "x", action=action, template=own), lang)
