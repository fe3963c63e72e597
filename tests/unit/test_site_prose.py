"""P29: editors' Markdown is rendered within two seconds, or refused with a sentence."""

from __future__ import annotations

import contextlib
import time

import pytest

from ledger.errors import DefinedbyError
from publisher.prose import MOST_CHARACTERS, ProseRenderer, _rendered


def test_markdown_becomes_clean_html() -> None:
    with ProseRenderer() as prose:
        html = prose.render(
            "## Hello\n\n*You* <script>alert(1)</script> [a](javascript:x) [b](https://b.example)"
            ' <p onclick="x">c</p>'
        )
    assert "<h2>Hello</h2>" in html
    assert "<em>You</em>" in html
    for bad in ("script", "javascript", "onclick"):
        assert bad not in html
    assert 'href="https://b.example" rel="noopener"' in html


def test_p29_what_takes_too_long_is_refused_and_the_next_text_works() -> None:
    hostile = "[" * 60_000
    with ProseRenderer() as prose:
        prose.render("warm")
        begun = time.monotonic()
        with pytest.raises(DefinedbyError, match="within 2 seconds"):
            prose.render(hostile)
        assert time.monotonic() - begun < 10
        assert prose.render("and *on*") == "<p>and <em>on</em></p>"


@pytest.mark.parametrize(
    "hostile",
    ["> " * 20_000 + "x", "*a " * 30_000, "\n".join("    " * n + "- a" for n in range(200))],
)
def test_p29_hostile_prose_is_rendered_in_time_or_refused(hostile: str) -> None:
    with ProseRenderer() as prose:
        prose.render("warm")
        begun = time.monotonic()
        with contextlib.suppress(DefinedbyError):
            prose.render(hostile)
        assert time.monotonic() - begun < 10
        assert prose.render("and on") == "<p>and on</p>"


def test_a_text_that_is_too_long_is_refused_unread() -> None:
    with ProseRenderer() as prose, pytest.raises(DefinedbyError, match="at most 100,000"):
        prose.render("a" * (MOST_CHARACTERS + 1))


def test_what_was_rendered_needs_no_child_again() -> None:
    with ProseRenderer() as prose:
        first = prose.render("Rendered **once**")
    with ProseRenderer() as again:
        assert again.render("Rendered **once**") is first
        assert again._child is None
    assert "Rendered **once**" in _rendered
