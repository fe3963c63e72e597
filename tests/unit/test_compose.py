"""What compose makes of a grant, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ledger.consent_state import Grant
from ledger.errors import DefinedbyError
from ledger.model import Channel, Credit, NameForm, Use, normal
from publisher.compose import Source, compose
from publisher.escaping import markdown_line, showable, yaml_string
from tests.golden.audit import one_gap, without_marks, words_of_markdown
from tests.golden.sample_blog import ADA

WHEN = datetime(2026, 1, 5, 12, tzinfo=UTC)
SOURCE = Source(
    definition_id="0123456789abcdef" * 2,
    campaign_slug="thought-leadership",
    term="Thought leadership",
    prompt="Thought leadership is ___?",
    slug="listening",
    lang="en",
    channel=Channel.EMAIL,
    when=WHEN,
    source_url="https://ada.example/notes/1",
)
GRANT = Grant("f" * 64, "2026-01-07T01:30:00+02:00", "r", "Listening.", ADA, frozenset(Use))


def parts(grant: Grant, source: Source = SOURCE) -> tuple[dict[str, object], str]:
    _, front, body = compose(grant, source).content.decode().split("---\n", 2)
    return yaml.safe_load(front), body


def test_the_file_tells_all_that_other_generators_need() -> None:
    front, body = parts(GRANT)
    assert compose(GRANT, SOURCE).file == "posts/thought-leadership/listening-01234567.md"
    assert front.pop("date") == datetime(2026, 1, 6, 23, 30, tzinfo=UTC)
    assert front == {
        "title": "Thought leadership, defined by Ada Sample",
        "slug": "listening-01234567",
        "lang": "en",
        "dir": "ltr",
        "term": "Thought leadership",
        "prompt": "Thought leadership is ___?",
        "definition": SOURCE.definition_id,
        "consent": "f" * 64,
        "channel": "email",
        "source": "https://ada.example/notes/1",
        "tag": "Thought leadership",
        "tags": "Thought leadership",
        "author": "Ada Sample",
        "summary": "Thought leadership is ___?",
        "credit": {
            "form": "name",
            "line": "Ada Sample (@ada@social.example), editor, Sample Press",
            "name": "Ada Sample",
            "handle": "@ada@social.example",
            "url": "https://ada.example/",
            "role": "editor",
            "organisation": "Sample Press",
        },
    }
    assert body.startswith("\n> Listening.\n\n— [Ada Sample") or "&#46;" in body


def test_the_same_grant_gives_the_same_bytes() -> None:
    assert compose(GRANT, SOURCE) == compose(replace(GRANT), replace(SOURCE))


def test_without_the_use_there_is_no_post() -> None:
    with pytest.raises(DefinedbyError, match="not granted this use"):
        compose(replace(GRANT, uses=frozenset({Use.EDITION})), SOURCE)


@pytest.mark.parametrize("words", ["a\x00b", "a\x1bb", "a\x85b", "a\ufffeb", "a\rb"])
def test_what_no_page_can_show_is_refused(words: str) -> None:
    with pytest.raises(DefinedbyError, match="control characters"):
        compose(replace(GRANT, text=words), SOURCE)


def test_parts_that_the_form_of_name_hides_are_not_written() -> None:
    hidden = replace(ADA, form=NameForm.ANONYMOUS)
    text = compose(replace(GRANT, credit=hidden), replace(SOURCE, source_url="")).content.decode()
    assert "Ada" not in text
    assert "ada" not in text
    assert "Anonymous, editor, Sample Press" in text
    pseudonym = replace(ADA, form=NameForm.PSEUDONYM, name="Nobody")
    front, _ = parts(replace(GRANT, credit=pseudonym))
    assert "social.example" not in repr(front["credit"])


@pytest.mark.parametrize(
    ("line", "written"),
    [
        ("Knowing when to stop talking.", "Knowing when to stop talking."),
        ("well-known, and liked!", "well&#45;known, and liked!"),
        ("a well-known thing", "a well-known thing"),
        ("1. first", "1&#46; first"),
        ("iii. third", "iii&#46; third"),
        ("# no heading", "&#35; no heading"),
        ("it's *so* <b>", "it&#39;s &#42;so&#42; &#60;b&#62;"),
        ("wait... what,, really", "wait&#46;&#46;&#46; what&#44;&#44; really"),
        ("  two  spaces ", "&#32;&#32;two&#32;&#32;spaces&#32;"),
        ("\u3000wide", "&#12288;wide"),
        ("日本語、です。", "日本語、です。"),
    ],
)
def test_markdown_stays_readable_where_it_can(line: str, written: str) -> None:
    assert markdown_line(line) == written


@given(st.text(max_size=80))
def test_any_words_come_back_from_markdown_and_yaml(text: str) -> None:
    words = normal(text).strip()
    if not words or not showable(words):
        return
    front, body = parts(replace(GRANT, text=words, credit=Credit(NameForm.NAME, name="Ada")))
    assert without_marks(words_of_markdown(body), "en") == one_gap(words)
    assert front["author"] == "Ada"
    assert yaml.safe_load(yaml_string(words)) == words
