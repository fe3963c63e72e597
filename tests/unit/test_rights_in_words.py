"""P34 to P36 in words: what people ask about themselves is found, and small talk is not."""

from __future__ import annotations

import json
import time
import tomllib
from pathlib import Path

import pytest

from consent.rights.in_words import PHRASES, rights_asked
from consent.wording import languages
from ledger.rights_requests import Right

LABELLED = Path(__file__).parent.parent / "labelled"
E, X, C = Right.EXPORT, Right.ERASE, Right.CORRECT


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("Hi Robin. Could you send me a copy of all my personal data, please?", [E]),
        ("What data do you store about me?", [E]),
        ("This is a subject access request.", [E]),
        ("Please delete all my data.", [X]),
        ("I want everything about me gone: erase everything you have on me.", [E, X]),
        ("I invoke my right to be forgotten", [X]),
        ("You misspelled my name, it is Ada with one d.", [C]),
        ("Please change my handle to @ada_example", [C]),
        ("Send me all you know about me. After that delete my personal data.", [E, X]),
        ("Welche Daten haben Sie über mich gespeichert?", [E]),
        ("Ich bitte um Auskunft über meine gespeicherten Daten.", [E]),
        ("Bitte löschen Sie alle meine Daten!", [X]),
        ("Mein Name ist leider falsch geschrieben.", [C]),
        ("Quelles données avez-vous sur moi ?", [E]),
        ("Merci d'effacer toutes mes données.", [X]),
        ("Pouvez-vous corriger mon nom ?", [C]),
        ("¿Qué datos tienen sobre mí?", [E]),
        ("Por favor, borren todos mis datos.", [X]),
        ("Corrijan mi apellido, por favor", [C]),
        ("Que dados têm sobre mim?", [E]),
        ("Apaguem todos os meus dados, por favor.", [X]),
        ("Podem corrigir o meu nome?", [C]),
        ("Quali dati avete su di me?", [E]),
        ("Cancellate tutti i miei dati personali.", [X]),
        ("Correggete il mio cognome, grazie", [C]),
        ("Welke gegevens hebben jullie over mij?", [E]),
        ("Verwijder alstublieft al mijn gegevens.", [X]),
        ("Mijn naam is verkeerd geschreven.", [C]),
        ("私の個人情報を開示してください。", [E]),
        ("私のデータをすべて削除してください。", [X]),
        ("私の名前が間違っています。", [C]),
        ("أريد نسخة من كل بياناتي", [E]),
        ("من فضلكم احذفوا كل بياناتي", [X]),
        ("اسمي مكتوب خطأ", [C]),
        ("אילו נתונים יש לכם עליי?", [E]),
        ("בבקשה מחקו את כל המידע שלי", [X]),
        ("נא לתקן את השם שלי", [C]),
        ("Thought leadership is deleting your own data.", []),
        ("Leadership is access to what people know.", []),
        ("A correct answer is one that changes my mind.", []),
        ("Yes, please publish it with my name.", []),
        ("", []),
    ],
)
def test_what_is_asked_is_found(text: str, asked: list[Right]) -> None:
    assert [one.kind for one in rights_asked(text)] == asked


def test_the_sentence_that_says_it_is_quoted() -> None:
    (one,) = rights_asked("Good morning. Please delete all my data. Thank you!")
    assert one.quoted == "Please delete all my data."


def test_each_language_of_the_pages_has_phrases_for_each_kind() -> None:
    stored = tomllib.loads(PHRASES.read_text(encoding="utf-8"))
    assert stored.keys() == languages().keys()
    for kinds in stored.values():
        assert {Right(kind) for kind in kinds} == set(Right)


def test_answers_and_small_talk_ask_for_nothing() -> None:
    """Of 2,198 labelled replies and answers only those that do ask for it are found."""
    found, rows = [], 0
    for file in sorted(LABELLED.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            row, rows = json.loads(line), rows + 1
            text = row.get("text") or row.get("answer") or ""
            if rights_asked(text):
                found.append(row.get("kind") or row.get("decision"))
    assert rows > 2000
    assert set(found) <= {"stop"}
    assert len(found) < 10


@pytest.mark.parametrize("text", ["delete my ", "send me ", "my data ", "x" * 20, "\n. ", "私の"])
def test_hostile_text_takes_no_time(text: str) -> None:
    before = time.process_time()
    rights_asked(text * 100_000)
    assert time.process_time() - before < 2
