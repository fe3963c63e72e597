"""Values of front matter: the same to who reads YAML, and harmless to who does not."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from publisher.front_matter import yaml_scalar

NUMBERS = [
    "12",
    "1.5",
    "1e5",
    "0xab",
    "0b11",
    "1_000",
    "1,000",
    "1:30",
    "2026-01-01",
    "12e-12345678",
]
WORDS = ["yes", "No", "on", "OFF", "true", "False", "null", "y", "N", "~", "", "=", "<<", ".inf"]
SIGNS = [
    "a: b",
    "a:",
    "x #y",
    "- a",
    "? a",
    "a ",
    " a",
    "a\nb",
    "a\u200bb",
    "[a]",
    "{a}",
    "@a",
    "a\\",
]


@pytest.mark.parametrize("text", [*NUMBERS, *WORDS, *SIGNS])
def test_what_yaml_reads_as_something_else_has_quotes(text: str) -> None:
    assert yaml_scalar(text).startswith('"')
    assert yaml.safe_load(yaml_scalar(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        *(
            "Thought leadership, defined by Ada Sample",
            "Seán O’Neill-Park, PhD",
            "O'Neill (she/her)",
        ),
        *("Thought leadership is ___?", "24-hour care", "聞くこと-33333333", "नमस्ते", "J. R. Smith"),
        *("https://ada.example/notes/?a=b&c=%20#d", "en"),
    ],
)
def test_what_can_stand_by_itself_has_none(text: str) -> None:
    assert yaml_scalar(text) == text
    assert yaml.safe_load(text) == text


@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t"), max_size=40)
)
@example('x" onclick=alert(1)')
@example("https://a.example/x:")
def test_p28_any_text_comes_back_and_is_no_markup_to_others(text: str) -> None:
    written = yaml_scalar(text)
    assert yaml.safe_load(f"key: {written}\n") == {"key": text}
    assert "\n" not in written
    if not written.startswith(("http://", "https://")):
        assert set("<>&=[`").isdisjoint(written)
        assert '"' not in written.removeprefix('"').removesuffix('"')
