"""Greetings: drafted from the campaign's template, finished by a person, and looked through.

Pure. The linter refuses links, offers and sales talk, a missing or empty personal sentence and
one that was written to somebody else before, and says why (promise P13). The words it knows are
in greeting_words.toml; it looks for those of the campaign's language and of English, or of every
language where it does not know the campaign's.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ledger.errors import SettingError
from ledger.etiquette import Action
from ledger.model import Campaign

FILE = Path(__file__).with_name("greeting_words.toml")
FALLBACK = "en"
#: A greeting is short; no channel takes less than this but X, where a message is longer.
MOST_CHARACTERS = 500
#: What a true sentence about somebody takes at least.
LEAST_WORDS, LEAST_CHARACTERS = 4, 15
LEAST_CHARACTERS_UNSPACED = 8
_PLACES = ("{name}", "{personal}", "{prompt}")
_FIELD = re.compile(r"\{(name|personal|prompt)\}")
#: No address, no bare domain, no mail address; X makes a link of every bare domain.
_LINK = re.compile(r"https?:|www\.|://|\bt\.me\b|[^\W_]\.[^\W\d_]{2}|\[[^\]]*\]\(", re.IGNORECASE)
_MAIL = re.compile(r"\S@\S+\.\w|\bmailto:", re.IGNORECASE)
_PHONE = re.compile(r"\+?\d(?:[\s()./-]{0,2}\d){7,}")
_MONEY = re.compile(
    r"[$€£¥₹₽]\s?\d|(?<![\d.,])\d[\d.,]*\s?"
    r"(?:[$€£¥₹₽%％]|(?:usd|eur|gbp|euros?|dollars?|percent|prozent)\b)"
)
_PLACEHOLDER = re.compile(r"[{}<>]|\[[^\]]*\]|\bxxx\b", re.IGNORECASE)
_SHOUT = re.compile(r"!\s*!|\b[A-Z]{4,}\b(?:\W+\b[A-Z]{4,}\b)+")
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_WHY = {
    "offers": "A greeting offers nothing. Ask your question, and leave it at that.",
    "sales": "That is how sellers talk. Say it as you would to a neighbour.",
    "links": "A greeting leads nowhere else. The question is answered right here.",
}


@dataclass(frozen=True)
class Objection:
    """Why a greeting may not go: which check, the words in question, and what to do."""

    check: str
    words: str
    reason: str


def draft(
    campaign: Campaign,
    name: str,
    personal: str,
    *,
    action: Action = Action.GREET,
    template: str = "",
) -> str:
    """The greeting's text; `personal` stands where the editor's own sentence goes.

    Whatever the template, its last sentence says how to stop this (promise P13).
    """
    template = template or default_template(campaign.lang, action)
    values = {"name": first_name(name), "personal": personal.strip(), "prompt": campaign.prompt}
    text = _FIELD.sub(lambda found: values[found[1]], template)
    return " ".join([*text.split(), stop_words(campaign.lang)])


def stop_words(lang: str) -> str:
    """The sentence that says how to end this, with a word that the reader knows as a stop."""
    words = _words()
    return str(words.get(lang.lower().partition("-")[0], words[FALLBACK])["stop"])


def lint_stop(text: str, lang: str) -> list[Objection]:
    """What to say when a message names no way to stop; empty: it does."""
    wanted = stop_words(lang)
    if _folded(wanted) in _folded(text):
        return []
    return [Objection("stop", wanted, "It has to say how to stop this. Put the sentence back.")]


def default_template(lang: str, action: Action = Action.GREET) -> str:
    words = _words()
    known = words.get(lang.lower().partition("-")[0], words[FALLBACK])
    return str(known["follow_up" if action is Action.FOLLOW_UP else "greeting"])


def knows_language(lang: str) -> bool:
    """Whether the linter knows words of this language."""
    return lang.lower().partition("-")[0] in _words()


def goodbye_words(lang: str) -> str:
    """What is said, once, to somebody who said stop where a platform wants that."""
    words = _words()
    return str(words.get(lang.lower().partition("-")[0], words[FALLBACK])["goodbye"])


def checked_template(text: str, campaign: Campaign) -> str:
    """A campaign's own template; empty: ours. Raises SettingError when it could never pass."""
    text = " ".join(text.split())
    if not text:
        return ""
    for place in _PLACES:
        if text.count(place) != 1:
            raise SettingError(
                f"The template needs {place} exactly once.",
                "{name} is filled in, {personal} is the editor's own sentence, {prompt} the "
                "question.",
            )
    sample = "Liz", "your talk on gardens in winter stayed with me."
    objections = lint(
        draft(campaign, sample[0], sample[1], template=text), campaign, *sample, is_new=True
    )
    if objections:
        raise SettingError(f"{objections[0].reason} ({objections[0].words})", "Reword it.")
    return text


def first_name(name: str) -> str:
    """How to address somebody: by the first of their names, if it looks like one.

    What stands around it, such as emoji and what follows a bar or a bracket, is left out.
    """
    plain = re.split(r"[|/(\[,•·–—]", name)[0]
    plain = "".join(c for c in plain if unicodedata.category(c) not in ("So", "Sk", "Cs", "Co"))
    words = plain.split()
    if len(words) > 1 and len(words[0]) > 1 and words[0].isalpha():
        return words[0]
    return " ".join(words) or " ".join(name.split())


def lint(
    text: str, campaign: Campaign, name: str, personal: str, *, is_new: bool
) -> list[Objection]:
    """Everything that keeps this greeting from being sent; empty: it may go.

    `is_new`: the personal sentence was not written to anybody before.
    """
    shown = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    about_us = _without(shown, campaign.prompt)
    return [
        *_link_objections(about_us, name),
        *_word_objections(about_us, campaign.lang),
        *_form_objections(shown, about_us, campaign, name),
        *_personal_objections(personal, name, campaign),
        *([] if is_new else [_again(personal)]),
    ]


def likeness(personal: str, name: str) -> str:
    """What stays the same of a personal sentence when only names, marks and numbers differ."""
    plain = _folded(personal)
    for part in _folded(name).split():
        plain = re.sub(rf"(?<!\w){re.escape(part)}(?!\w)", " ", plain)
    return " ".join(re.findall(r"[^\W\d_]+", plain))


def is_unspaced(plain: str) -> bool:
    """Whether it is of a language that puts no spaces between words."""
    return _UNSPACED.search(plain) is not None


def _link_objections(text: str, name: str) -> Iterator[Objection]:
    if _MAIL.search(_without(text, name)):
        yield Objection("link", "an address", "A greeting has no addresses: the answer comes here.")
        return
    found = _LINK.search(_without(text, name))
    if found:
        word = next((w for w in text.split() if found[0] in w), found[0])
        yield Objection(
            "link",
            word,
            "A greeting has no links, and this is or looks like one. (A full stop wants a space "
            "after it.)",
        )
    phone = _PHONE.search(text)
    if phone:
        yield Objection("link", phone[0], "A greeting has no telephone numbers.")


def _word_objections(text: str, lang: str) -> Iterator[Objection]:
    folded = _folded(text)
    money = _MONEY.search(folded)
    if money:
        yield Objection("offers", money[0], "A greeting speaks of no prices or percentages.")
    for check in ("offers", "sales", "links"):
        found = next(_matches(folded, check, lang), "")
        if found:
            yield Objection(check, found, _WHY[check])


def _form_objections(
    shown: str, about_us: str, campaign: Campaign, name: str
) -> Iterator[Objection]:
    if len(shown) > MOST_CHARACTERS:
        reason = f"It has {len(shown)} characters; a greeting has at most {MOST_CHARACTERS}."
        yield Objection("length", "", reason)
    called = {_folded(first_name(name)), *(w for w in _folded(name).split() if len(w) > 1)}
    if not any(one and one in _folded(shown) for one in called):
        yield Objection("name", first_name(name), "A greeting calls its reader by name.")
    if _folded(campaign.prompt) not in _folded(shown):
        yield Objection("prompt", campaign.prompt, "The question itself is missing.")
    left = _PLACEHOLDER.search(about_us)
    if left:
        yield Objection("placeholder", left[0], "A placeholder was left in it.")
    loud = _SHOUT.search(about_us)
    if loud:
        yield Objection("sales", loud[0], "It shouts. One exclamation mark is plenty.")


def _personal_objections(personal: str, name: str, campaign: Campaign) -> Iterator[Objection]:
    own = likeness(personal, name)
    if is_unspaced(own):
        is_short = len(own.replace(" ", "")) < LEAST_CHARACTERS_UNSPACED
    else:
        is_short = len(own.split()) < LEAST_WORDS or len(own) < LEAST_CHARACTERS
    if is_short:
        yield Objection(
            "personal",
            personal.strip(),
            "Add one true sentence about this person: what you read, heard or remember of them.",
        )
        return
    empty = next(_matches(_folded(personal), "empty", campaign.lang), "")
    if empty and _says_nothing_else(own, empty):
        yield Objection(
            "personal", empty, "That would fit anybody. Say what it was that you noticed."
        )
    if own in likeness(default_template(campaign.lang), "") or own == likeness(campaign.prompt, ""):
        yield Objection("personal", personal.strip(), "That only repeats the rest of the greeting.")


def _says_nothing_else(own: str, empty: str) -> bool:
    rest = [word for word in own.replace(likeness(empty, ""), " ").split() if len(word) > 2]
    return len(rest) < LEAST_WORDS + 1


def _again(personal: str) -> Objection:
    return Objection(
        "again",
        personal.strip(),
        "You have written this sentence to somebody else already. What is true of this person?",
    )


def _matches(folded: str, check: str, lang: str) -> Iterator[str]:
    if check == "offers":
        for known in _languages(lang):
            folded = _theirs(known).sub(" ", folded)
    for known in _languages(lang):
        for pattern in _patterns(known, check):
            found = pattern.search(folded)
            if found:
                yield found[0]


def _languages(lang: str) -> tuple[str, ...]:
    own = lang.lower().partition("-")[0]
    return tuple(dict.fromkeys((own, FALLBACK))) if knows_language(lang) else tuple(_words())


@cache
def _patterns(lang: str, check: str) -> tuple[re.Pattern[str], ...]:
    """One search per kind of writing; the longest entries first, so that they are named."""
    spaced, unspaced = _alternatives(_words()[lang].get(check, ()))
    found = []
    if spaced:
        found.append(re.compile(rf"(?<!\w)(?:{spaced})(?!\w)"))
    if unspaced:
        found.append(re.compile(unspaced))
    return tuple(found)


@cache
def _theirs(lang: str) -> re.Pattern[str]:
    """A thing of the reader's own, as in "your newsletter"; matches nothing where none is known."""
    words = _words()[lang]
    yours, things = _alternatives(words.get("yours", ())), _alternatives(words.get("theirs", ()))
    if yours[0] and things[0]:
        return re.compile(rf"(?<!\w)(?:{yours[0]}) (?:{things[0]})(?!\w)")
    return re.compile(rf"(?:{yours[1]})(?:{things[1]})" if yours[1] and things[1] else r"(?!)")


def _alternatives(entries: Iterable[str]) -> tuple[str, str]:
    """Those of languages with spaces between words, and those of the others, as alternatives."""
    spaced, unspaced = set(), set()
    for entry in entries:
        folded = _folded(entry.rstrip("*"))
        if _UNSPACED.search(folded):
            unspaced.add(re.escape(folded))
        else:
            spaced.add(re.escape(folded) + (r"\w*" if entry.endswith("*") else ""))
    both = (sorted(some, key=lambda one: (-len(one), one)) for some in (spaced, unspaced))
    first, second = ("|".join(some) for some in both)
    return first, second


def _folded(text: str) -> str:
    """Lower case, without accents, invisible characters and curly marks; spaces single."""
    plain = unicodedata.normalize("NFKD", _INVISIBLE.sub("", text)).casefold()
    plain = "".join(
        c for c in plain if unicodedata.category(c) != "Mn" or "\u3099" <= c <= "\u309a"
    )
    plain = unicodedata.normalize("NFC", plain)
    for curly, straight in (("’", "'"), ("‘", "'"), ("–", "-"), ("—", "-"), ("‐", "-"), ("ł", "l")):
        plain = plain.replace(curly, straight)
    return " ".join(plain.split())


def _without(text: str, part: str) -> str:
    """The text without a part that is not ours to judge: the question, the person's own name."""
    part = unicodedata.normalize("NFKC", part)
    return text.replace(part, " ") if part.strip() else text


@cache
def _words() -> dict[str, dict[str, Any]]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))
