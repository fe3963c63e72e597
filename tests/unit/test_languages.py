"""The files of words: whole, readable, and known to the reading."""

from __future__ import annotations

import pytest

from collector.reading.languages import language_of, language_of_prompt
from collector.reading.lexicon import languages, lexicon, lexicon_of

SECTIONS = [
    *("greeting", "thanks", "praise", "polite", "closing", "device", "label", "is", "it"),
    *("opinion", "rhetorical", "courtesy", "stop", "stop_alone", "spam", "question", "meta"),
    *("no_answer", "reaction", "chat", "remark", "more", "quoting", "automatic", "wrote"),
    *("from", "original", "small", "neg", "cease", "contact", "me", "again", "remove", "list"),
    *("ours", "wonder", "whether", "rule", "limit", "plea", "please", "work"),
]


@pytest.mark.parametrize("lang", languages())
def test_a_language_has_every_section_and_words_in_it(lang: str) -> None:
    words = lexicon(lang)
    found = {phrase.section for phrases in words.by_word.values() for phrase in phrases}
    found |= {phrase.section for row in words.by_beginning.values() for _, phrase in row}
    found |= {name for name, phrases in words.lists.items() if phrases}
    assert set(SECTIONS) <= found
    assert found - set(SECTIONS) <= {"said", "filler"}


def test_there_are_the_languages_that_are_promised() -> None:
    assert {*["en", "de", "fr", "es", "pt", "it", "nl", "sv", "pl", "ja", "ar", "hi"]} <= set(
        languages()
    )


def test_a_language_without_a_file_has_no_words() -> None:
    assert lexicon("xx").by_word == {}
    assert lexicon("../secrets").by_word == {}


@pytest.mark.parametrize(
    ("pattern_lang", "said", "section"),
    [
        ("en", "please never ever again write to me", "stop"),  # a gap
        ("de", "keine Werbung mehr", "stop"),
        ("ja", "配信の停止をお願いします", "stop"),
    ],
)
def test_phrases_are_found(pattern_lang: str, said: str, section: str) -> None:
    from collector.reading.tokens import words_of

    words = words_of(said)
    hits = lexicon_of(pattern_lang).hits(words, 0, len(words))
    assert section in {hit.section for hit in hits}


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("Das ist ein Versprechen mit langem Atem.", "de"),
        ("C'est une promesse qui prend son temps.", "fr"),
        ("約束を守ること", "ja"),
        ("把话说清楚", "zh"),
        ("먼저 듣는 것", "ko"),
        ("أن تسمع قبل أن تتكلم", "ar"),
        ("पहले सुनना", "hi"),
        ("сначала слушать", "ru"),
        ("👍", "sv"),
        ("", "sv"),
        ("https://a.example", "sv"),
        ("\ud800", "sv"),
    ],
)
def test_the_language_of_a_reply(text: str, lang: str) -> None:
    assert language_of(text, "sv") == lang
    assert language_of(text, "sv") == language_of(text, "sv")


def test_a_word_or_two_are_in_the_language_of_the_prompt() -> None:
    assert language_of("Snack.", "de", "Ein gutes Gespräch ist ___.") == "de"


@pytest.mark.parametrize(
    ("before", "lang"),
    [
        ("Thought leadership is", "en"),
        ("Odwaga to", "pl"),
        ("Vänskap är", "sv"),
        ("Il coraggio è", "it"),
        ("友情とは", "ja"),
        ("", "en"),
    ],
)
def test_the_language_of_a_prompt(before: str, lang: str) -> None:
    assert language_of_prompt(before, "") == lang
