"""What must never happen when an answer is read: crashes, invented quotes, and a false grant."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from consent.answers import Decided, read_answer
from consent.lexicon import codes, expanded, sections_of
from evaluation.answers import TUNED, rows_of

#: Random inputs in every run; ANSWERS_INPUTS=1000000 once, before a release.
INPUTS = int(os.environ.get("ANSWERS_INPUTS", "1500"))
#: Every pair of phrases with ANSWERS_ALL_PAIRS=1, else a fair part of them.
ALL_PAIRS = bool(os.environ.get("ANSWERS_ALL_PAIRS"))
AGAINST = ("stop", "remove", "refuse", "no", "change", "condition", "contrast")
JOINED = ("{yes}. {other}.", "{yes}, {other}", "{other}. {yes}.", "{yes} {other}",
          "{other}, {yes}", "{yes}!\n\n{other}")  # fmt: skip
ROWS = rows_of(TUNED)
CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

some_phrases = st.sampled_from(
    [p for code in ("en", "de", "ja", "ar", "hi", "tr") for s in AGAINST for p in
     sections_of(code)[s][:40]]
)  # fmt: skip
answers = st.one_of(
    st.text(),
    st.text(st.characters(categories=["Mn", "Mc", "Cf", "So", "Lo", "Po", "Zs", "Cs"])),
    st.lists(st.one_of(some_phrases, st.text(max_size=5)), max_size=12).map(" ".join),
    st.lists(st.sampled_from(["yes", "no", ">", "\n", "--", "“", '"', "@a", "☺", "if"])).map(
        "".join
    ),
)


@settings(CALM, max_examples=300)
@given(answers, answers)
@example("\ud800", "")
@example("İ" * 50, "ß")
@example("Yes\u0301", "\u202e")
def test_nothing_crashes_and_every_quote_is_a_stretch(answer: str, question: str) -> None:
    found = read_answer({"question": question, "credit": question, "text": question}, answer)
    assert found.evidence in answer
    assert all(change.quote in answer for change in found.changes)
    assert found.reason


@pytest.mark.timeout(0)
def test_random_characters_crash_nothing() -> None:
    chance = random.Random(INPUTS)
    every = sorted({char for row in ROWS for char in row["answer"]})
    for _ in range(INPUTS):
        length = int(chance.expovariate(1 / 12))
        known = chance.random() < 0.6
        answer = "".join(
            chance.choice(every) if known else chr(chance.randrange(0x110000))
            for _ in range(length)
        )
        found = read_answer(ROWS[0]["asked"], answer)
        assert found.evidence in answer
        assert all(change.quote in answer for change in found.changes)


@settings(CALM, max_examples=100)
@given(st.sampled_from(ROWS), st.text(st.characters(whitelist_categories=["Zs"]), max_size=4))
def test_capitals_and_space_never_make_a_grant(row: dict[str, object], space: str) -> None:
    answer = str(row["answer"])
    asked = {str(k): str(v) for k, v in dict(row["asked"]).items()}  # type: ignore[call-overload]
    if read_answer(asked, answer).decision is Decided.GRANT:
        return
    for changed in (answer.upper(), f"{space}\n{answer}\n{space}", f"\t{answer.upper()}  "):
        assert read_answer(asked, changed).decision is not Decided.GRANT, changed


@settings(CALM, max_examples=100)
@given(
    st.sampled_from(ROWS),
    st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"])), min_size=1, max_size=5),
    st.sampled_from(["", "On Tue, 4 Mar 2026 at 10:12, Mia <mia@blog.example> wrote:\n"]),
)
def test_quoted_mail_never_changes_the_decision(
    row: dict[str, object], quoted: list[str], announced: str
) -> None:
    answer = str(row["answer"])
    asked = {str(k): str(v) for k, v in dict(row["asked"]).items()}  # type: ignore[call-overload]
    quote = "".join(f"> {line}\n" for said in quoted for line in (said, *said.splitlines()[1:]))
    # A line break within a quoted line would begin a line that is not quoted.
    quote = "\n".join(line if line.startswith(">") else f"> {line}" for line in quote.splitlines())
    before = read_answer(asked, answer)
    after = read_answer(asked, f"{answer}\n\n{announced}{quote}\n")
    assert after.decision is before.decision, quote


def phrases(code: str, *sections: str) -> list[str]:
    """One way to say each phrase of these sections."""
    ways = [
        next(iter(expanded(phrase)))
        for section in sections
        for phrase in sections_of(code).get(section, ())
    ]
    plain = [" ".join(w for w in way.replace("*", "").split() if w not in "،,、，") for way in ways]
    return [way.replace("...", "so").strip() for way in plain if way and "<" not in way]


def pairs(code: str) -> Iterator[tuple[str, str]]:
    chance = random.Random(code)
    yeses = [
        yes
        for yes in phrases(code, "yes", "assent", "allow")
        if read_answer({}, yes).decision is Decided.GRANT
    ]
    for number, other in enumerate(phrases(code, *AGAINST)):
        if ALL_PAIRS:
            yield from ((yes, other) for yes in yeses)
        elif number % 4 == 0:
            yield chance.choice(yeses), other


@pytest.mark.timeout(0)
@pytest.mark.parametrize("code", codes())
def test_p07_a_yes_beside_a_no_a_condition_or_a_stop_is_never_a_grant(code: str) -> None:
    chance = random.Random(code)
    tried = 0
    for yes, other in pairs(code):
        for joined in JOINED if ALL_PAIRS else chance.sample(JOINED, 2):
            answer = joined.format(yes=yes, other=other)
            tried += 1
            assert read_answer({}, answer).decision is not Decided.GRANT, (code, answer)
    assert tried > 100


@pytest.mark.parametrize("piece", ["but not if you use it, ", "no ", "a.b", '"', "はい", "> ", "("])
def test_p32_reading_takes_linear_time(piece: str) -> None:
    def seconds(length: int) -> float:
        answer = (piece * length)[:length]
        began = time.process_time()
        read_answer({}, answer)
        return time.process_time() - began

    seconds(500)
    best = {length: min(seconds(length) for _ in range(2)) for length in (1_000, 4_000)}
    # Four times the length; twice of that for a machine with other things to do.
    assert best[4_000] < 8 * best[1_000] + 0.05, best
