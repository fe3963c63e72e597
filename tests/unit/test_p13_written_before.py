"""P13: a sentence that was nearly written to somebody else is refused; a personal one is not."""

from __future__ import annotations

import time
from itertools import combinations, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.greetings import default_template, draft, lint
from collector.written_before import lint_written
from ledger.etiquette import Action
from ledger.written import Written
from tests.unit.test_p13_greetings import INNOCENT, LANGUAGES, TRUE, campaign

#: What Bo was written, and what nobody else may be: the same but for what is named.
NEARLY = {
    "letter case": "Your Talk on Gardens in Winter STAYED with me",
    "marks": "your talk, on gardens in winter: stayed with me!!",
    "an accent": "your talk on gárdens in winter stayed with me.",
    "her name": "Liz, your talk on gardens in winter stayed with me.",
    "her whole name": "dear Liz Sample, your talk on gardens in winter stayed with me.",
    "a word": "your talk on gardens in summer stayed with me.",
    "another word": "your talk on lamps in winter stayed with me.",
    "two words": "your essay on gardens in summer stayed with me.",
    "a word more": "your talk on gardens in winter really stayed with me.",
    "a word less": "your talk on gardens in winter stayed.",
    "two words less": "your talk on gardens stayed with me.",
    "their order": "in winter, your talk on gardens stayed with me.",
    "a typing slip": "your tlak on gardens in winter styed with me.",
    "a number": "your talk on 12 gardens in winter stayed with me.",
    "an invisible mark": "your t\u200balk on gardens in win\u200bter stayed with me.",
}
#: The same in other languages, one word exchanged.
EXCHANGED = {
    "de": "Ihr Vortrag über Lampen im Winter geht mir nicht aus dem Kopf.",
    "fr": "votre exposé sur les lampes en hiver me trotte dans la tête.",
    "es": "tu charla sobre las lámparas en invierno se me quedó grabada.",
    "it": "la sua conferenza sui gatti d'inverno mi è rimasta in mente.",
    "pt": "a sua palestra sobre gatos no inverno ficou comigo.",
    "nl": "uw lezing over lampen in de winter is me bijgebleven.",
    "sv": "ditt föredrag om lampor på vintern har stannat kvar hos mig.",
    "pl": "Pani wykład o lampach zimą został mi w pamięci.",
    "ja": "夏の庭についてのお話が心に残っています。",
}


def said(personal: str, *before: str, lang: str = "en", template: str = "") -> list[str]:
    """What is said against it, after Bo was written these in the same template."""
    texts = [draft(campaign(lang), "Bo", one, template=template) for one in before]
    written = [Written(("Bo Sample",), text) for text in texts]
    found = lint_written(personal, "Liz Sample", campaign(lang), written, (template,))
    assert {one.check for one in found} <= {"again"}
    return [one.reason for one in found]


@pytest.mark.parametrize("apart", NEARLY)
def test_p13_a_sentence_apart_by_a_name_a_mark_or_a_word_is_refused(apart: str) -> None:
    reasons = said(NEARLY[apart], TRUE["en"])
    assert len(reasons) == 1
    assert reasons[0].startswith("You wrote nearly the same to Bo Sample")


def test_p13_the_other_persons_name_sets_nothing_apart() -> None:
    bo = "Bo, your bread at the fair was wonderful."
    assert said("Liz, your bread at the fair was wonderful.", bo)
    assert said("your bread at the fair was wonderful, Liz!", "you bake, and Bo Sample " + bo)


@pytest.mark.parametrize("lang", EXCHANGED)
def test_p13_an_exchanged_word_is_noticed_in_each_language(lang: str) -> None:
    assert said(EXCHANGED[lang], TRUE[lang], lang=lang)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_p13_two_personal_sentences_below_one_template_pass(lang: str) -> None:
    sentences = [TRUE[lang], *INNOCENT.get(lang, ())]
    for new, old in permutations(sentences, 2):
        assert said(new, old, lang=lang) == [], (new, old)


def test_p13_what_a_template_says_is_no_likeness() -> None:
    """Its words stand in every greeting, also in those that an editor repeats in the sentence."""
    template = (
        "{name}, I hope this finds you in your garden. {personal} Would you fill in the blank for "
        "our little book of answers: {prompt}"
    )
    new = "would you believe that our little book club reads your bees each May?"
    old = "I hope this garden of yours was spared by the hail we had in Sampleton."
    assert said(new, old, template=template) == []
    assert said(old, new, template=template) == []
    text = draft(campaign(), "Liz", new, template=template)
    assert lint(text, campaign(), "Liz", new, is_new=True) == []


def test_p13_sentences_that_begin_alike_and_go_on_otherwise_pass() -> None:
    begun = "your talk about "
    ends = (
        "tides made me take my children to the harbour at five.",
        "debt is why I sold the car and walk to work now.",
        "choirs came back to me when ours lost its last tenor.",
    )
    for one, other in combinations(ends, 2):
        assert said(begun + one, begun + other) == []


def test_p13_one_of_many_written_before_is_found() -> None:
    others = [*INNOCENT["en"], TRUE["en"]]
    assert said(NEARLY["a word"], *others)
    assert said("the bells of your village woke us on the ferry.", *others) == []


@pytest.mark.parametrize("action", [Action.GREET, Action.FOLLOW_UP])
def test_p13_the_template_itself_is_like_nothing(action: Action) -> None:
    assert said("", default_template("en", action)) == []


@given(st.text(max_size=120), st.text(max_size=300))
def test_any_two_texts_get_an_answer(personal: str, text: str) -> None:
    assert isinstance(lint_written(personal, "Liz", campaign("ja"), [Written(("Bo",), text)]), list)


def test_two_hundred_are_compared_in_a_moment() -> None:
    written = [
        Written(
            (f"P{one}",), draft(campaign(), f"P{one}", f"{sentence} {one} " + "and so on " * 20)
        )
        for one in range(25)
        for sentence in INNOCENT["en"]
    ]
    start = time.process_time()
    lint_written("the bells of your village woke us on the ferry.", "Liz", campaign(), written)
    assert time.process_time() - start < 0.5
