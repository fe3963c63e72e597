"""Who says that another address is theirs, in 22 languages; and who only names somebody."""

from __future__ import annotations

import time
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.also_me import FILE, MOST_NAMED, named_as_own, says_it_is_them
from collector.reading.lexicon import languages
from ledger.model import Channel

NAMED = {
    "en": "I am also @ada@social.example on Mastodon.",
    "de": "Ich bin auch @ada@social.example auf Mastodon.",
    "fr": "Je suis aussi @ada@social.example sur Mastodon.",
    "es": "También soy @ada@social.example en Mastodon.",
    "it": "Sono anche @ada@social.example su Mastodon.",
    "pt": "Também sou a @ada@social.example no Mastodon.",
    "nl": "Ik ben ook @ada@social.example op Mastodon.",
    "sv": "Jag är också @ada@social.example på Mastodon.",
    "da": "Jeg er også @ada@social.example på Mastodon.",
    "nb": "Jeg er også @ada@social.example på Mastodon.",
    "fi": "Olen myös @ada@social.example Mastodonissa.",
    "pl": "Jestem też @ada@social.example na Mastodonie.",
    "cs": "Jsem také @ada@social.example na Mastodonu.",
    "ru": "Я также @ada@social.example в Мастодоне.",
    "el": "Είμαι και η @ada@social.example στο Mastodon.",
    "tr": "Mastodon'daki @ada@social.example de benim.",
    "ar": "أنا أيضا @ada@social.example على ماستودون.",
    "he": "אני גם @ada@social.example במסטודון.",
    "hi": "मैं @ada@social.example भी हूँ।",
    "ja": "マストドンの@ada@social.example も私です。",
    "ko": "마스토돈의 @ada@social.example 도 저예요.",
    "zh": "我也是 @ada@social.example。",
}
HERE = {
    "en": "This is my other address, by the way.",
    "de": "Das ist meine andere Adresse.",
    "fr": "C'est mon autre adresse.",
    "es": "Esta es mi otra dirección.",
    "it": "Questo è il mio altro indirizzo.",
    "pt": "Este é o meu outro endereço.",
    "nl": "Dit is mijn andere adres.",
    "sv": "Det här är min andra adress.",
    "da": "Det er min anden adresse.",
    "nb": "Dette er den andre adressen min.",
    "fi": "Tämä on toinen osoitteeni.",
    "pl": "To mój drugi adres.",
    "cs": "To je moje druhá adresa.",
    "ru": "Это мой другой адрес.",
    "el": "Αυτή είναι η άλλη μου διεύθυνση.",
    "tr": "Bu benim diğer adresim.",
    "ar": "هذا عنواني الآخر.",
    "he": "זו הכתובת השנייה שלי.",
    "hi": "यह मेरा दूसरा पता है।",
    "ja": "これは私の別のアドレスです。",
    "ko": "이건 제 다른 주소예요.",
    "zh": "这是我的另一个邮箱。",
}
OTHERS = [
    "I am not @ada@social.example.",
    "My friend @ada@social.example wrote that.",
    "@ada@social.example said it better.",
    "I am a great fan of @ada@social.example.",
    "Ich bin nicht @ada@social.example.",
    "Je ne suis pas @ada@social.example.",
    "> I am also @ada@social.example.",
    "Ask @ada@social.example too. I am also a gardener.",
    "@ada@social.example は私の友人です。",
    "我不是 @ada@social.example",
    "Thought leadership is listening",
    "I am also " + "very " * 120 + "@ada@social.example",
]


def test_the_languages_are_those_of_the_reading() -> None:
    known = set(tomllib.loads(FILE.read_text(encoding="utf-8")))
    assert known == set(languages()) == set(NAMED) == set(HERE)


@pytest.mark.parametrize("lang", NAMED)
def test_who_names_their_other_handle_is_understood(lang: str) -> None:
    (named,) = named_as_own(f"Hm. {NAMED[lang]}\nA word more")
    assert (named.address, named.channel) == ("@ada@social.example", Channel.MASTODON)
    assert named.words == NAMED[lang]


@pytest.mark.parametrize("lang", HERE)
def test_who_writes_from_another_address_is_understood(lang: str) -> None:
    assert says_it_is_them(f"Hm. {HERE[lang]}") == HERE[lang]


@pytest.mark.parametrize("text", OTHERS)
def test_who_only_names_somebody_claims_nothing(text: str) -> None:
    assert named_as_own(text) == []


@pytest.mark.parametrize("text", ["I have another question.", "This is not my other address.", ""])
def test_other_words_are_no_other_address(text: str) -> None:
    assert says_it_is_them(text) == ""


@pytest.mark.parametrize(
    ("text", "address", "channel"),
    [
        ("I'm @Ada_x on X too.", "@ada_x", Channel.X),
        ("I’m also @ada_x, on Twitter!", "@ada_x", Channel.X),
        ("I am also @ada.bsky.example.", "@ada.bsky.example", None),
        ("I am also @ada on Bluesky", "@ada", Channel.BLUESKY),
        ("My other address is Ada@Home.example.", "ada@home.example", None),
        ("That's me: https://social.example/@Ada", "@ada@social.example", Channel.MASTODON),
        ("That's me: https://www.x.com/ada_x", "@ada_x", Channel.X),
        ("That's me: https://bsky.app/profile/ada.example", "@ada.example", Channel.BLUESKY),
        ("My other place is https://ada.example/", "https://ada.example", None),
    ],
)
def test_what_is_named_is_taken_as_it_is_known_here(
    text: str, address: str, channel: Channel | None
) -> None:
    (named,) = named_as_own(text)
    assert (named.address, named.channel) == (address, channel)


def test_nobody_names_a_whole_list() -> None:
    text = "My other handles: " + " ".join(f"@a{number}" for number in range(50))
    assert len(named_as_own(text)) == MOST_NAMED


@given(st.text(max_size=400))
def test_any_text_is_looked_through(text: str) -> None:
    named_as_own(text)
    says_it_is_them(text)


def test_twice_the_text_takes_no_more_than_twice_the_time() -> None:
    def seconds(times: int) -> float:
        hostile = (
            "I am @a.b@c-" * times + "\n" + "my @a " * times + "https://" * times + "@" * times
        )
        start = time.process_time()
        named_as_own(hostile)
        return time.process_time() - start

    seconds(10)
    assert seconds(4000) < 2.5 * max(seconds(2000), 0.02)
