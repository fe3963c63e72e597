"""Quotation marks and direction: of the words' own language, and never part of the words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from lxml import html

from ledger.consent_state import Grant
from ledger.model import Campaign, Channel, Credit, NameForm, Use
from publisher.compose import Source, compose, several_messages
from publisher.escaping import markdown_quote
from publisher.marks import direction_of, marks_of
from publisher.preview import preview
from publisher.theme import THEME
from tests.golden.audit import in_markdown, without_marks, words_of_markdown

WHEN = datetime(2026, 1, 5, 12, tzinfo=UTC)
CAMPAIGN = Campaign("c" * 32, "lamp", "A lamp", "A lamp is ___?", "en", WHEN)
ADA = Credit(NameForm.NAME, "Ada Sample")
SAID = {
    "en": "“{}”",
    "de": "„{}“",
    "de-AT": "„{}“",
    "fr": "«\u202f{}\u202f»",
    "fr_CH": "«\u202f{}\u202f»",
    "it": "«{}»",
    "es": "“{}”",
    "pt": "“{}”",
    "pt-PT": "«{}»",
    "nl": "‘{}’",
    "sv": "”{}”",
    "pl": "„{}”",
    "ja": "「{}」",
    "zh": "“{}”",
    "zh-TW": "「{}」",
    "ar": "”{}“",
    "he": "”{}”",
    "": "“{}”",
    "xx": "“{}”",
}


@pytest.mark.parametrize("lang", SAID)
def test_marks_are_those_of_unicode_s_table(lang: str) -> None:
    assert "".join(marks_of("x", lang)) == SAID[lang].replace("{}", "")


@pytest.mark.parametrize("words", ["“Listening.”", "'so'", "«Écouter»", "„Zuhören“", "「聞く」"])
def test_words_that_bring_their_own_get_no_others(words: str) -> None:
    assert marks_of(words, "en") == ("", "")


@pytest.mark.parametrize("words", ["“a” and “b”", "“", "say “so”", "‘tis", "", 'a "b"'])
def test_marks_inside_are_no_marks_around(words: str) -> None:
    assert marks_of(words, "en") == ("“", "”")


@pytest.mark.parametrize(
    ("words", "lang", "wanted"),
    [
        ("Listening.", "en", "ltr"),
        ("聞くこと", "ja", "ltr"),
        ("الاستماع", "ar", "rtl"),
        ("IBM הקשבה", "he", "rtl"),
        ("هو listening", "fa-IR", "rtl"),
        ("الاستماع", "en", "auto"),
        ("Listening.", "ar", "auto"),
    ],
)
def test_direction_is_said_where_language_and_letters_agree(
    words: str, lang: str, wanted: str
) -> None:
    assert direction_of(words, lang) == wanted


@pytest.mark.parametrize("lang", SAID)
def test_p02_marks_stand_around_the_words_and_change_none(lang: str, tmp_path) -> None:
    words = "one *thing*\n\nand “another”."
    quote = markdown_quote(words, marks_of(words, lang))
    assert words_of_markdown(quote) == SAID[lang].format(words)
    assert without_marks(words_of_markdown(quote), lang) == words
    page = html.fromstring(
        preview(CAMPAIGN, words, ADA, channel=Channel.FORM, when=WHEN, lang=lang)
    )
    (block,) = page.iter("blockquote")
    assert block.text_content() == words
    assert block.get("lang") == (lang or "en")
    shown = SAID[lang] if lang else SAID["en"]
    assert block.get("data-open") + "{}" + block.get("data-close") == shown


def test_the_markdown_says_language_and_direction_and_how_many_messages(tmp_path) -> None:
    grant = Grant("0" * 64, WHEN.isoformat(), "r", "הקשבה", ADA, frozenset(Use))
    source = Source(
        "1" * 32,
        "lamp",
        "A lamp",
        "A lamp is ___?",
        "x",
        "he",
        Channel.FORM,
        WHEN,
        messages=3,
    )
    made = compose(grant, source).content
    (tmp_path / "x.md").write_bytes(made)
    (read,) = in_markdown("x.md", tmp_path / "x.md")
    assert read.words == "הקשבה"
    assert b"lang: he\ndir: rtl\n" in made
    assert "> ”הקשבה”\n".encode() in made
    assert b"(from three messages)" in made


@pytest.mark.parametrize("sheet", ["site.css", "app.css"])
def test_style_sheets_put_the_marks_out(sheet: str) -> None:
    folders = {"site.css": THEME / "assets", "app.css": THEME.parents[2] / "web" / "static"}
    text = (folders[sheet] / sheet).read_text("utf-8")
    assert "blockquote::before { content: attr(data-open); }" in text.replace("\n", " ")
    assert "blockquote::after { content: attr(data-close); }" in text.replace("\n", " ")


def test_how_many_messages() -> None:
    said = [several_messages(count) for count in (1, 2, 3, 10, 11)]
    assert said == [
        "",
        "from two messages",
        "from three messages",
        "from ten messages",
        "from 11 messages",
    ]
