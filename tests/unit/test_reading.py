"""Readings: what does not depend on the words alone, and the time a reading takes."""

from __future__ import annotations

import gc
import time
from datetime import UTC, datetime

import pytest

from collector.reading import read_reply
from ledger.model import Campaign, ReplyKind

CAMPAIGN = Campaign(
    "c1",
    "thought-leadership",
    "Thought leadership",
    "Thought leadership is ___?",
    "en",
    datetime(2026, 1, 1, tzinfo=UTC),
)


def test_an_automatic_reply_is_never_read_as_an_answer_or_a_stop() -> None:
    for text in ("Thought leadership is a verb.", "stop", "I am away until Monday."):
        reading = read_reply(text, CAMPAIGN, automatic=True)
        assert reading.kind is ReplyKind.OTHER
        assert reading.reason == "This is an automatic reply."
        assert reading.spans == ()


@pytest.mark.parametrize("subject", ["unsubscribe", "STOP", "Remove me", " Unsubscribe! "])
@pytest.mark.parametrize("body", ["", "\n", "This message was sent by a mail program of ours."])
def test_a_subject_alone_can_ask_us_to_stop(subject: str, body: str) -> None:
    assert read_reply(body, CAMPAIGN, subject=subject).kind is ReplyKind.STOP


def test_a_subject_is_no_stop_when_the_message_answers_or_the_subject_says_more() -> None:
    answer = "Thought leadership is knowing when."
    assert read_reply(answer, CAMPAIGN, subject="Stop").kind is ReplyKind.DEFINITION
    for subject in ("Re: when to stop", "Thought leadership", ""):
        assert read_reply("Teaching.", CAMPAIGN, subject=subject).kind is ReplyKind.DEFINITION


def test_the_words_of_the_prompt_make_a_reading_more_confident() -> None:
    texts = ("Thought leadership is a verb", "It's a verb", "A verb", "A verb? Or a hope for us?")
    confidences = [read_reply(text, CAMPAIGN).confidence for text in texts]
    assert confidences == sorted(confidences, reverse=True)
    assert len(set(confidences)) == len(texts)


def test_a_long_letter_that_ignores_the_prompt_is_not_taken_for_an_answer() -> None:
    letter = "Our village hall needs a roof and this is how we will pay for it. " * 20
    assert read_reply(letter, CAMPAIGN).kind is ReplyKind.OTHER


def test_only_the_first_paragraph_of_a_bare_answer_is_taken() -> None:
    text = "A lamp left on.\n\nMy grandmother kept an inn."
    reading = read_reply(text, CAMPAIGN)
    assert reading.words(text) == "A lamp left on."
    assert reading.confidence < 0.5


def test_spans_leave_out_quoted_lines() -> None:
    text = "Thought leadership is a lamp\n> what kind?\nleft on at night"
    reading = read_reply(text, CAMPAIGN)
    assert [text[start:end] for start, end in reading.spans] == [
        "Thought leadership is a lamp",
        "left on at night",
    ]


HOSTILE = [
    *("@", "#", "(", ")", " ", "\n", '"', "'", "“", "*", "_", ">", "=", "…", ".", "?", "-", "é"),
    *("e\u0301", "\u0301", "ß", "\x00", "\ud800", "a", "a ", "a.", ". ", "a\n", "a\n\n", "> a\n"),
    *("@a ", "#a ", "#ThoughtLeadership ", "thoughtleadership,", "thought leadership "),
    *("thought leadership is ", "thought leadership isn't ", "stop ", "stop,", "thanks. "),
    *("please don't write to me, ", "Hi Ada, ", "https://a.example ", "I think ", "it's "),
    *(
        "I wonder what ",
        "> a?\n",
        "Answer:\n",
        "no emails after eight to me ",
        "知りたい",
        "project ",
    ),
]


@pytest.mark.parametrize("lead", ["", "Thought leadership is x "])
@pytest.mark.parametrize("unit", HOSTILE)
def test_p32_time_grows_no_faster_than_the_reply(lead: str, unit: str) -> None:
    short = min(_seconds(lead + unit * (2_500 // len(unit))) for _ in range(3))
    long = min(_seconds(lead + unit * (20_000 // len(unit))) for _ in range(2))
    # Eight times the length; 2.5 for each doubling would be 15.6, a square 64.
    assert long <= max(16 * short, 0.02)


def _seconds(text: str, times: int = 1) -> float:
    gc.disable()
    try:
        began = time.process_time()
        for _ in range(times):
            read_reply(text, CAMPAIGN)
        return (time.process_time() - began) / times
    finally:
        gc.enable()


BETWEEN = """> Hi Ada, how is the mill?

Turning, as ever!

> Thought leadership is ___?

leaving the door open for whoever comes next

> May we print your name?

The first one only.

> We close on Friday.

Plenty of time, then.
"""


def test_a_mail_between_quoted_lines_answers_below_the_prompt() -> None:
    reading = read_reply(BETWEEN, CAMPAIGN, is_mail=True)
    assert reading.words(BETWEEN) == "leaving the door open for whoever comes next"


def test_what_goes_on_below_another_quoted_line_belongs_to_the_answer() -> None:
    text = BETWEEN.replace("Plenty of time, then.", "and leaving it open again")
    reading = read_reply(text, CAMPAIGN, is_mail=True)
    assert reading.words(text) == (
        "leaving the door open for whoever comes next and leaving it open again"
    )


def test_what_stands_below_another_question_is_no_part_of_the_answer() -> None:
    text = BETWEEN.replace("The first one only.", "the first one only")
    reading = read_reply(text, CAMPAIGN, is_mail=True)
    assert reading.words(text) == "leaving the door open for whoever comes next"
