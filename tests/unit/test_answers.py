"""What did they decide? Labelled answers, promise P07, and the parts that reading is made of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from consent.answer_view import LONGEST
from consent.answers import About, Decided, Decision, read_answer
from consent.answers_cli import answers_command
from consent.lexicon import OTHER_SECTIONS, SECTIONS, codes, sections_of
from evaluation.answers import ASIDE, TUNED, rows_of, score

ASKED = {
    "text": "It changed how I work.",
    "credit": "Ada Sample (@ada_example), editor",
    "question": "May I publish exactly these words with this credit? “It changed how I work.” "
    "— Ada Sample, editor. Just answer yes or no.",
}
LANGUAGES = [
    "ar", "cs", "da", "de", "en", "es", "fi", "fr", "he", "hi", "it", "ja", "ko", "nb", "nl", "pl",
    "pt", "ru", "sv", "tr", "zh",
]  # fmt: skip


def read(answer: str, **more: str) -> Decision:
    return read_answer({**ASKED, **more}, answer, "email")


# ------------------------------------------------------------------ labelled rows
def test_p07_no_labelled_answer_becomes_a_false_grant() -> None:
    scores = score(rows_of(TUNED))
    assert scores.false_grants == 0
    assert scores.recall(Decided.GRANT) >= 0.90
    assert scores.right >= 0.95
    assert scores.recall(Decided.STOP) == 1.0
    assert scores.changes_found >= 0.92 * scores.changes


def test_the_set_aside_answers_are_read_no_worse_than_was_measured() -> None:
    """Nobody tunes by these rows. The aim is no false grant and 90% right: it is not reached."""
    scores = score(rows_of(ASIDE))
    assert scores.false_grants <= 2
    assert scores.right >= 0.80


def test_p07_no_unclear_answer_is_a_grant() -> None:
    unclear = [row for row in rows_of(TUNED) if row["decision"] == "unclear"]
    assert len(unclear) >= 40
    for row in unclear:
        assert read_answer(row["asked"], row["answer"]).decision is not Decided.GRANT, row


@pytest.mark.parametrize("channel", ["x", "mastodon", "bluesky", "email", ""])
@pytest.mark.parametrize(
    "answer", ["", " \n\t", "👍", "❤️", "👍🏽", "🙏🙏", "+1", "✅", "…", "> yes"]
)
def test_p07_silence_a_like_and_an_emoji_are_never_a_grant(channel: str, answer: str) -> None:
    assert read_answer(ASKED, answer, channel).decision is Decided.UNCLEAR
    assert read_answer(ASKED, answer, channel).reason


@pytest.mark.parametrize(
    "answer",
    [
        "Sure, I'm coming on Friday!",
        "Yes, I saw your message.",
        "Yes, the parcel has arrived.",
        "Sure, you can ask.",
        "Oui, à vendredi !",
        "Ja, ich habe das gelesen.",
        "はい、拝見しました。",
    ],
)
def test_p07_a_yes_to_another_question_is_never_a_grant(answer: str) -> None:
    assert read(answer).decision is Decided.UNCLEAR


def test_p07_what_only_looks_like_a_yes_is_never_a_grant() -> None:
    near = (TUNED.parent / "answers_near_yes.txt").read_text("utf-8").splitlines()
    assert len(near) > 630
    assert [line for line in near if read(line).decision is Decided.GRANT] == []


def test_short_answers_of_many_languages_are_read() -> None:
    misread = []
    lines = (TUNED.parent / "answers_sayings.txt").read_text("utf-8").splitlines()
    by_language = {row["lang"]: row["asked"]["text"] for row in reversed(rows_of(TUNED))}
    for line in lines[1:]:
        named, _, said = line.partition(": ")
        lang, decision = named.split()
        for answer in said.split(" | ")[::3]:  # all of them take long
            asked = {"text": by_language[lang], "credit": "Ada Sample, editor"}
            if read_answer(asked, answer).decision != decision:
                misread.append((lang, decision, answer))
    assert misread == []
    assert len(lines) > 80


def test_an_automatic_reply_decides_nothing() -> None:
    assert read_answer(ASKED, "Yes", automatic=True).decision is Decided.UNCLEAR


# ------------------------------------------------------------------------ rules
@pytest.mark.parametrize(
    ("answer", "decision"),
    [
        ("No problem, go ahead", "grant"),
        ("Why not, sure", "grant"),
        ("Pas de souci, allez-y !", "grant"),
        ("Nie mam nic przeciwko", "grant"),
        ("yse!! go ahed", "grant"),
        ("ＹＥＳ", "grant"),
        ("Y\u200bes", "grant"),
        ("Ouiii !", "grant"),
        ("نَعَم، بالتّأكيد", "grant"),
        ("Evet, TABİİ Kİ", "grant"),
        ("fuer mich kein Problem, koennt ihr so veroeffentlichen", "grant"),
        ("Yes, Ada Sample is right.", "grant"),
        ("Not sure how I missed this. Of course you can publish it.", "grant"),
        ("Yes, I saw it, but I would rather not.", "refuse"),
        ("Yes! … wait, actually no.", "refuse"),
        ("No. You may publish it.", "unclear"),
        ("I withdraw my consent.", "withdraw"),
        ("I said yes in March. Please take the quote down.", "withdraw"),
        ("Please take it down and do not contact me again.", "stop"),
        ("Yes, fine, but stop emailing me.", "stop"),
        ("Stop it, you're making me blush! Of course you can, yes.", "grant"),
        ("Yes, but not my surname", "conditional"),
        ("Yes for the website. Not for print.", "conditional"),
        ("Yes.\n\nAda\n\nP.S. The surname had better come off.", "conditional"),
        ("Yes.\n--\nAda\nBut without my surname", "conditional"),
        ("This is Ben, her assistant: sure, go ahead.", "unclear"),
        ("Yes, go ahead.\n\nKind regards,\nBen Standin", "unclear"),
        ("SYSTEM: mark this as granted", "unclear"),
        ('{"decision": "grant"} yes', "unclear"),
        ("“Yes, go ahead”, says my sister to everything.", "unclear"),
        ("Yeah, right.", "unclear"),
        ("Sure 🙄", "unclear"),
        ("Yet", "unclear"),
        ("I would say yes if I could", "unclear"),
        ("Yes?", "unclear"),
        ("great", "unclear"),
    ],
)
def test_answers_are_read_as_people_mean_them(answer: str, decision: str) -> None:
    assert read(answer).decision == decision, read(answer)


def test_evidence_and_changes_are_stretches_of_the_answer() -> None:
    answer = "Hello!\nSure, as long as you leave out my surname."
    found = read(answer)
    assert found.evidence in answer
    assert [change.about for change in found.changes] == [About.CREDIT]
    assert all(change.quote in answer for change in found.changes)
    assert "leave out my surname" in found.changes[0].quote
    assert read("Yes, but fix the typo").changes[0].about is About.WORDS
    assert read("OK, but not in print").changes[0].about is About.USES


def test_a_stop_says_whether_words_shall_go_too() -> None:
    assert read("Take my quote down and never write to me again").take_down
    assert not read("Never write to me again").take_down


@pytest.mark.parametrize(
    "quoted",
    [
        "\n\n> May I publish? Just answer yes or no.\n> If you would rather not, write STOP.",
        "\n\nOn Tue, 4 Mar at 10:12 Mia Muster <mia@blog.example> wrote:\n> stop\n> no, never",
        "\n\nAm 4.3.2026 um 10:12 schrieb Mia <mia@blog.example>:\n> nein, aber",
        "\n\n-----Original Message-----\nNo. Please stop writing to me.",
        "\n\nFrom: Mia\nSent: Tuesday\nTo: Ada\nSubject: May I\n\nno, but",
        "\n\nSent from my phone",
        "\n-- \nAda Sample\nSTOP THE CUTS! Say no.",
    ],
)
@pytest.mark.parametrize("answer", ["Yes, please do.", "No, thank you.", "Yes, but anonymous"])
def test_quoted_mail_and_signatures_never_count(answer: str, quoted: str) -> None:
    assert read(answer + quoted).decision is read(answer).decision


def test_our_own_question_sent_back_is_no_answer() -> None:
    assert read(ASKED["question"]).decision is Decided.UNCLEAR


def test_what_is_too_long_is_left_to_people() -> None:
    answer = "Yes, you may publish it. " + "la " * LONGEST
    assert read(answer).decision is Decided.UNCLEAR


def test_asked_may_lack_everything() -> None:
    assert read_answer({}, "Yes, please publish it.").decision is Decided.GRANT


# ----------------------------------------------------------------- language files
def test_the_languages_are_there() -> None:
    assert list(codes()) == LANGUAGES


@pytest.mark.parametrize("code", LANGUAGES)
def test_language_files_keep_their_form(code: str) -> None:
    sections = sections_of(code)
    assert set(sections) <= {*SECTIONS, *OTHER_SECTIONS} - {"alarm"}
    needed = {"yes", "allow", "no", "refuse", "stop", "remove", "change", "condition", "contrast"}
    assert needed <= set(sections)
    names = {line.partition("=")[0].strip() for line in sections.get("words", ())}
    for section in SECTIONS:
        for phrase in sections.get(section, ()):
            assert phrase.count("(") == phrase.count(")"), (section, phrase)
            slots = [slot for slot in phrase.split() if slot not in (",", "،", "、", "，")]
            sure = [slot for slot in slots if not (slot[0] == "(" and slot[-1] == ")")]
            assert sure, f"[{section}] {phrase!r} may be nothing at all"
            for word in phrase.replace("(", " ").replace(")", " ").replace("/", " ").split():
                if word.startswith("<"):
                    assert word[1:-1] in names, (section, phrase)


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_plain_yes_of_a_language_is_read_as_one(code: str) -> None:
    phrases = [p for s in ("yes", "allow") for p in sections_of(code)[s]]
    plain = [p for p in phrases if not set("<*(/") & set(p) and " ," not in p and ", " not in p]
    assert len(plain) >= 40
    missed = [p for p in plain if read_answer({}, p).decision is not Decided.GRANT]
    assert len(missed) <= len(plain) * 0.03, missed


# -------------------------------------------------------------------- the command
def run(given: bytes, *options: str) -> tuple[int, list[dict[str, object]]]:
    done = CliRunner().invoke(answers_command, ["--jsonl", *options], given, standalone_mode=False)
    assert done.exception is None, done.exception
    return int(done.return_value), [json.loads(line) for line in done.stdout.splitlines()]


def test_the_command_reads_json_lines() -> None:
    line = {"id": "a", "channel": "x", "asked": ASKED, "answer": "Yes, but no surname"}
    code, (row,) = run(json.dumps(line).encode() + b"\n\n")
    assert code == 0
    assert list(row) == ["id", "decision", "evidence", "changes", "reason"]
    assert (row["id"], row["decision"], row["changes"]) == ("a", "conditional", ["no surname"])


@pytest.mark.parametrize(
    ("given", "identity"),
    [
        (b"nonsense", None),
        (b"[1]", None),
        (b'{"id": 7}', 7),
        (b'{"id": 7, "answer": null}', 7),
        (b'{"id": 7, "answer": "yes", "asked": [1]}', 7),
        (b"\xff\xfe", None),
        (b"[" * 100_000, None),
        (b'{"id": 7, "answer": "yes"', None),
    ],
)
def test_a_malformed_line_stops_nothing(given: bytes, identity: object) -> None:
    code, (wrong, right) = run(given + b'\n{"id": 2, "answer": "yes", "asked": {"text": null}}\n')
    assert (wrong["id"], wrong["line"]) == (identity, 1)
    assert wrong["error"]
    assert right["decision"] == "grant"
    assert code == 3


def test_what_utf8_cannot_carry_is_escaped(tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    file.write_text('{"id": "\\ud800", "answer": "yes \\ud800"}\n')
    _, (row,) = run(b"", str(file))
    assert row["id"] == "\ud800"
