"""What a mail's sender wrote themselves; all people and words here are invented."""

from __future__ import annotations

import time

import pytest

from collector.mail.html import visible_text
from collector.mail.quotes import own_words

ANSWER = "Leadership is listening\nuntil it hurts."
QUOTE = "> Leadership is ___?\n> What do you say?"

ABOVE = {
    "en gmail": "On Mon, 23 Nov 2026 at 10:00, Desk <desk@sample.example> wrote:",
    "en wrapped": "On Mon, 23 Nov 2026 at 10:00, The Desk of Definitions <\n"
    "desk@sample.example> wrote:",
    "en thunderbird": "On 11/23/26 10:00, Desk wrote:",
    "es gmail": "El lun, 23 nov 2026 a las 10:00, Desk (<desk@sample.example>) escribió:",
    "es wrapped": "El lun, 23 nov 2026 a las 10:00, Mesa de Redacción (<desk@sample.example>)\n"
    "escribió:",
    "de gmail": "Am Mo., 23. Nov. 2026 um 10:00 Uhr schrieb Desk <\ndesk@sample.example>:",
    "de thunderbird": "Am 23.11.26 um 10:00 schrieb Desk:",
    "fr gmail": "Le lun. 23 nov. 2026 à 10:00, Desk <desk@sample.example> a écrit :",
    "fr nbsp": "Le 23/11/2026 à 10:00, Desk a écrit\xa0:",
    "it": "Il giorno lun 23 nov 2026 alle ore 10:00 Desk <desk@sample.example> ha scritto:",
    "pt": "Em seg., 23 de nov. de 2026 às 10:00, Desk <desk@sample.example> escreveu:",
    "nl": "Op ma 23 nov 2026 om 10:00 schreef Desk <desk@sample.example>:",
    "pl": "pon., 23 lis 2026 o 10:00 Desk <desk@sample.example> napisał(a):",
    "ja": "2026年11月23日(月) 10:00 Desk <desk@sample.example>:",
    "ko": "2026년 11월 23일 (월) 오전 10:00, Desk <desk@sample.example>님이 작성:",
    "zh": "Desk <desk@sample.example> 于2026年11月23日周一 10:00写道：",
}

UNMARKED = {
    "outlook": "-----Original Message-----\nFrom: Desk\nTo: Ada\n\nWhat do you say?",
    "outlook de": "-----Ursprüngliche Nachricht-----\nVon: Desk\n\nWas sagen Sie?",
    "outlook es": "-----Mensaje original-----\nDe: Desk\n\n¿Qué dices?",
    "outlook new": "_" * 32 + "\nFrom: Desk <desk@sample.example>\n"
    "Sent: Monday, 23 November 2026 10:00\nTo: Ada\nSubject: Leadership\n\nWhat do you say?",
    "outlook bold": "*From:* Desk\n*Sent:* Monday\n*To:* Ada\n*Subject:* Leadership\n\nWhat?",
    "outlook fr": "De : Desk\nEnvoyé : lundi 23 novembre 2026\nÀ : Ada\nObjet : Diriger\n\nQuoi ?",
    "forwarded": "---------- Forwarded message ---------\nFrom: Desk\n\nWhat do you say?",
    "gmail without marks": ABOVE["en gmail"] + "\n\nWhat do you say?\n\nDesk",
    "library only (Czech)": "Dne 23. 11. Desk napsal(a):\n\nCo vy na to?",
    "library only (Danish)": "Den 23. november 2026 skrev Desk:\n\nHvad siger du?",
}

SIGNATURES = {
    "rfc 3676": "-- \nAda Sample\nEditor",
    "no space": "--\nAda Sample",
    "phone": "Sent from my telephone",
    "phone de": "Von meinem iPhone gesendet",
    "phone es": "Enviado desde mi iPhone",
    "phone fr": "Envoyé de mon iPhone",
    "outlook app": "Get Outlook for Android<https://sample.example>",
    "sign-off": "Best regards,\nAda Sample\nEditor, Sample House",
    "sign-off de": "Viele Grüße\nAda",
    "sign-off es": "Un saludo,\nAda",
    "sign-off fr": "Bien cordialement,\n\nAda",
    "sign-off pl": "Z poważaniem\nAda",
    "sign-off ko": "감사합니다\nAda",
    "sign-off el": "Με εκτίμηση,\nAda",
    "one word": "Pozdrawiam\nAda",
    "phone ja": "iPhoneから送信",
}

KEPT = {
    "a dash list": "Leadership is\n- listening\n- leaving",
    "a praise": "All the best leaders listen first.",
    "a poem": "From: fear\nTo: trust",
    "an order": "Do: less.\nDon't: shout.",
    "a thought with a colon": "My grandmother wrote:\nlead by leaving.",
    "a time": "I learnt it at 10:30:\nlisten.",
    "an arrow": "A -> B is not leadership",
    "only a sign-off": "Cheers",
    "a word that signs off elsewhere": "Leadership is\n\nlove",
    "a word between others": "It is\n\nlove\n\nand bread",
    "a slash": "either /or\n/both",
    "a heart": "Leading is caring.\nSent with love, not by decree, and that is all there is to it, "
    "as far as I can tell from here.",
}


@pytest.mark.parametrize("name", ABOVE)
def test_answer_above_the_quote(name: str) -> None:
    assert own_words(f"{ANSWER}\n\n{ABOVE[name]}\n\n{QUOTE}\n") == ANSWER


@pytest.mark.parametrize("name", ABOVE)
def test_answer_below_the_quote(name: str) -> None:
    assert own_words(f"{ABOVE[name]}\r\n\r\n{QUOTE}\r\n\r\n{ANSWER}\r\n") == ANSWER


@pytest.mark.parametrize("name", ["en thunderbird", "pl", "de thunderbird"])
def test_a_line_that_begins_like_an_attribution_stays(name: str) -> None:
    assert own_words(f"On reflection, I agree\n{ABOVE[name]}\n{QUOTE}") == "On reflection, I agree"


def test_answers_between_quotes() -> None:
    mail = f"{ABOVE['en gmail']}\n> One?\n\nListening.\n\n> Two?\n\nLeaving."
    assert own_words(mail) == "Listening.\n\nLeaving."


@pytest.mark.parametrize("name", UNMARKED)
def test_unmarked_quotes_end_the_answer(name: str) -> None:
    assert own_words(f"{ANSWER}\n\n{UNMARKED[name]}\n") == ANSWER


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures_are_stripped(name: str) -> None:
    assert own_words(f"{ANSWER}\n\n{SIGNATURES[name]}\n") == ANSWER
    with_quote = f"{ANSWER}\n\n{SIGNATURES[name]}\n\n{ABOVE['en gmail']}\n{QUOTE}\n"
    assert own_words(with_quote) == ANSWER


@pytest.mark.parametrize("name", KEPT)
def test_words_that_only_look_like_a_quote_are_kept(name: str) -> None:
    assert own_words(KEPT[name]) == KEPT[name]


def test_words_of_others_are_never_ours() -> None:
    assert own_words(f"{ABOVE['en gmail']}\n{QUOTE}") == ""
    assert own_words(ABOVE["en gmail"] + "\n\nWhat do you say?") == ""


@pytest.mark.parametrize("name", ["en gmail", "de gmail", "es gmail", "fr gmail"])
def test_html_quotes_are_marked_and_stripped(name: str) -> None:
    announced = ABOVE[name].replace("<", "&lt;").replace(">", "&gt;").replace("\n", "<br>")
    quote = f"<div>{announced}<br></div><blockquote><p>Leadership is ___?</p></blockquote>"
    answer = '<div dir="ltr">Leadership is <b>listen</b>ing<br>until it&nbsp;hurts.</div>'
    assert own_words(visible_text(answer + quote)).replace("\xa0", " ") == ANSWER
    assert own_words(visible_text(quote + answer)).replace("\xa0", " ") == ANSWER


def test_html_shows_what_a_person_sees() -> None:
    html = (
        "<html><head><title>no</title><style>p{}</style></head><body><!-- no <p> -->"
        "<p>One &amp;\n  two</p><p>three<script>no()</script></p><ul><li>four</li></ul>"
        "<pre>a\n  b</pre>1 < 2<img alt=x></body>"
    )
    assert " ".join(visible_text(html).split()) == "One & two three four a b 1 < 2"
    assert "\n  b" in visible_text(html)
    assert visible_text("seen<script>never closed") == "seen"


HOSTILE = ("On 10:00\n", "a:\n", "> ", "From: x\n", "Il ", "\n", "_" * 40 + "\n", "<", "<!--", "&")


@pytest.mark.parametrize("unit", [*HOSTILE, "<div><blockquote>", "<a href='", "<p>x", "<pre>\n"])
def test_p32_time_grows_with_length_only(unit: str) -> None:
    def seconds(length: int) -> float:
        text = unit * (length // len(unit))
        start = time.process_time()
        own_words(text)
        visible_text(text)
        return time.process_time() - start

    seconds(1_000)
    # Quadratic time would be 16 times for 4 times the input, and minutes at this length.
    assert min(seconds(200_000) for _ in range(2)) < 10 * max(seconds(50_000), 0.02)


def test_p32_library_patterns_stay_quick() -> None:
    for unit in ("Il ", "On ", "Den 1 ", "Van: \n", "\n", "> ", "2026년 ", "Dne x\n"):
        start = time.process_time()
        own_words("x\n" + (unit * 4_000)[:3_900])
        assert time.process_time() - start < 1
