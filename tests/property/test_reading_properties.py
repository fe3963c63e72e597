"""What must hold for every reply that anyone could write."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from collector.reading import read_reply
from ledger.model import Campaign, Reading, ReplyKind

CAMPAIGNS = [
    Campaign("c", slug, term, prompt, lang, datetime(2026, 1, 1, tzinfo=UTC))
    for slug, term, prompt, lang in (
        ("thought-leadership", "Thought leadership", "Thought leadership is ___?", "en"),
        ("editor", "A good editor", "A good editor ___ every day", "en"),
        ("heart", "heart", "___ is the heart of a team.", "en"),
        ("führung", "Gute Führung", "Gute Führung ist ___?", "de"),
        ("odd", "", "___", "en"),
        ("友情", "友情", "友情とは___である。", "ja"),
        ("صداقة", "الصداقة", "الصداقة هي ___.", "ar"),
    )
]
PIECES = [
    *(
        "1/2 ",
        "2/2",
        "(1/3)",
        "🧵",
        "Sent from my phone",
        "-- ",
        "From: a@b.example",
        "Sent: 1/1/2026",
    ),
    *(
        "友情とは",
        "やめてください",
        "です。",
        "الصداقة هي",
        "لا ترسلوا",
        "धन्यवाद",
        "\u200f",
        "\u202e",
        "RT @a: ",
    ),
    *("Thought leadership", "#ThoughtLeadership", "A good editor", "every day", "is", "=", "it's"),
    *("Gute Fu\u0308hrung ist", "is the heart of a team", "___", "?", "!", ".", "…", ",", ":"),
    *("stop", "unsubscribe", "leave me alone", "thanks", "Hi Ada,", "Best,", "https://a.example"),
    *("@sam_example", "“", "”", '"', "'", "*", "\n", "\n\n", "\n> ", "wrote:\n> ", " ", "(", ")"),
    *(
        "a lamp",
        "left on",
        "who are you?",
        "\u200d",
        "\u0301",
        "ß",
        "ﬁ",
        "İ",
        "🔦",
        "\x00",
        "\ud800",
    ),
]
TEXTS = st.one_of(
    st.text(),
    st.text(st.characters(), max_size=80),
    st.lists(st.sampled_from(PIECES), max_size=14).map(" ".join),
    st.lists(st.sampled_from(PIECES), max_size=14).map("".join),
)
#: Words of a definition; "stop" and its kin stand among them.
WORDS = st.sampled_from(
    [
        *("lamp", "road", "bread", "knowing", "when", "to", "stop", "and", "start"),
        *("unsubscribe", "listening", "remove", "noise"),
    ]
)


#: DEFINEDBY_READING_INPUTS=1000000 tries so many texts; give pytest --timeout=0 with it.
MANY = settings(
    max_examples=int(os.environ.get("DEFINEDBY_READING_INPUTS", "300")),
    suppress_health_check=list(HealthCheck),
    deadline=None,
)


@MANY
@given(TEXTS, st.sampled_from(CAMPAIGNS), TEXTS)
@example("Thought leadership is İ\u0301", CAMPAIGNS[0], "")
def test_spans_lie_in_the_text_in_order_and_apart(
    text: str, campaign: Campaign, subject: str
) -> None:
    _is_whole(text, read_reply(text, campaign, subject=subject))


def _is_whole(text: str, reading: Reading) -> None:
    assert 0 <= reading.confidence <= 1
    assert reading.reason.endswith(".")
    assert bool(reading.spans) == (reading.kind is ReplyKind.DEFINITION)
    at = 0
    for start, end in reading.spans:
        assert at <= start < end <= len(text)
        assert text[start:end] == text[start:end].strip()
        assert any(map(str.isalnum, text[start:end]))
        at = end


#: Where the random texts take their characters from; now and then from all of Unicode.
BLOCKS = [
    *((0x20, 0x7E), (0x20, 0x7E), (0xA0, 0x24F), (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x4FF)),
    *((0x590, 0x6FF), (0x900, 0xDFF), (0x2000, 0x206F), (0x2600, 0x27BF), (0x3000, 0x30FF)),
    *((0x4E00, 0x9FFF), (0xAC00, 0xD7AF), (0xD800, 0xDFFF), (0xFE00, 0xFEFF), (0x1F300, 0x1FAFF)),
]


def _random_texts(chance: random.Random, count: int) -> Iterator[str]:
    for _ in range(count):
        length = chance.choice((3, 8, 20, 40, 120))
        if chance.random() < 0.5:
            pieces = chance.choices(PIECES, k=length // 3)
            yield chance.choice(("", " ")).join(pieces)
            continue
        blocks = [*chance.choices(BLOCKS, k=3), (0, 0x10FFFF)]
        yield "".join(
            chr(chance.randint(*chance.choices(blocks, (8, 4, 2, 1))[0])) for _ in range(length)
        )


def test_random_unicode_is_read_whole() -> None:
    """Cheaper than the test above, for the times when a million texts are tried."""
    seed = os.environ.get("DEFINEDBY_READING_SEED", "1")
    chance = random.Random(seed)
    count = int(os.environ.get("DEFINEDBY_READING_INPUTS", "1000"))
    for text in _random_texts(chance, count):
        campaign = chance.choice(CAMPAIGNS)
        reading = read_reply(text, campaign, is_mail=chance.random() < 0.3)
        try:
            _is_whole(text, reading)
        except AssertionError:
            raise AssertionError(repr(text), campaign.prompt, reading) from None


@given(TEXTS, st.sampled_from(CAMPAIGNS))
def test_reading_twice_says_the_same(text: str, campaign: Campaign) -> None:
    assert read_reply(text, campaign) == read_reply(text, campaign)


@given(
    st.sampled_from(["stop", "unsubscribe", "please stop", "remove me", "leave me alone"]),
    st.lists(st.booleans(), min_size=15, max_size=15),
    st.text(" \t\n", max_size=6),
    st.text(" !.\n", max_size=6),
    st.sampled_from(["", "@asker_example ", "Hello, ", "> Thought leadership is ___?\n"]),
    st.sampled_from(CAMPAIGNS),
)
def test_a_stop_alone_is_always_a_stop(
    said: str, capitals: list[bool], before: str, after: str, lead: str, campaign: Campaign
) -> None:
    cased = "".join(char.upper() if up else char for char, up in zip(said, capitals, strict=False))
    assert len(cased) == len(said)
    assert read_reply(lead + before + cased + after, campaign).kind is ReplyKind.STOP


@given(st.lists(WORDS, min_size=1, max_size=12))
def test_a_definition_that_has_stop_in_it_is_no_stop(listed: list[str]) -> None:
    said = " ".join(listed)
    text = f"Thought leadership is {said}."
    reading = read_reply(text, CAMPAIGNS[0])
    assert reading.kind is ReplyKind.DEFINITION
    assert reading.words(text) == text
