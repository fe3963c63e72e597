"""What contributors read: every sentence in every language, with everything it has to name."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from string import Formatter

import pytest
from jinja2 import Environment, nodes

from consent.messages import TEMPLATES, USE_WORDS, message_languages
from consent.notice import SENTENCES, notice, notice_language, notice_version
from consent.rights.export_page import PARTS
from consent.wording import RIGHT_TO_LEFT, WORDS, best_of, day, languages, say, spoken
from ledger.model import Use
from ledger.settings import load_settings
from web.contributor import LOOK_AGAIN
from web.errors import NO_LINK

PAGES = Path(WORDS).parent / "contributor"
#: Sentences of forms and errors that reach people through a variable.
RIGHTS = Path(WORDS).parent.parent / "consent" / "rights"
OBJECTIONS = {
    said
    for name in ("age.py", "correcting.py")
    for both in re.findall(r'NotNowError\(\s*"([^"]*)",\s*"([^"]*)"', (RIGHTS / name).read_text())
    for said in both
}
FROM_CODE = {*OBJECTIONS, *SENTENCES, *USE_WORDS.values(), LOOK_AGAIN, *NO_LINK, *PARTS}
OTHERS = [lang for lang in languages() if lang != "en"]


def on_pages() -> set[str]:
    """Every sentence that a template of the contributors' pages says."""
    found: set[str] = set()
    for page in PAGES.glob("*.html"):
        found.update(re.findall(r'\bt\("([^"]*)"', page.read_text(encoding="utf-8")))
    return found


def words_of(lang: str) -> dict[str, str]:
    stored = tomllib.loads((WORDS / f"{lang}.toml").read_text(encoding="utf-8"))
    return dict(stored["words"])


def placeholders(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name is not None)


def test_the_languages_are_those_that_are_promised() -> None:
    assert set(languages()) == {"en", "de", "fr", "es", "pt", "it", "nl", "ja", "ar", "he"}
    assert next(iter(languages())) == "en"
    assert set(languages()) >= RIGHT_TO_LEFT


@pytest.mark.parametrize("lang", OTHERS)
def test_every_sentence_is_there_with_what_it_has_to_name(lang: str) -> None:
    words = words_of(lang)
    assert (on_pages() | FROM_CODE) - set(words) == set(), "sentences without a translation"
    for english, translated in words.items():
        assert translated.strip() == translated != ""
        assert placeholders(translated) == placeholders(english), english
        assert english != translated or len(english) < 10, "forgotten"
        assert not re.search(r"[<>&]", translated), "no markup stands in a translation"


def test_pages_say_nothing_past_the_catalogue() -> None:
    """Words that stand in a template as they are would be English for everybody."""
    allowed = {
        "Leave this empty",  # hidden from people
        "A demonstration: these people and their words are made up.",
    }
    for page in set(PAGES.glob("*.html")) - {PAGES / "unbuilt.html"}:  # for editors
        bare = re.sub(r"\{[{%#].*?[%}#]\}", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        said = re.findall(r">([^<>]*[A-Za-z]{3,}[^<>]*)<", bare)
        assert {one.strip() for one in said} <= allowed, page.name


@pytest.mark.parametrize("lang", languages())
def test_the_notice_is_told_whole_and_names_its_version(lang: str) -> None:
    settings = load_settings(
        {}, asker="Robin {Example}", title="The <Blank>", contact="r@b.example"
    )
    told = " ".join(notice(settings, lang))
    for wanted in ("Robin {Example}", "The <Blank>", "r@b.example"):
        assert wanted in told
    assert notice_language(notice_version(lang)) == lang


def test_a_language_is_found_by_its_base_and_never_guessed() -> None:
    assert spoken("pt-BR") == "pt"
    assert spoken("DE_at") == "de"
    assert spoken("xx", "nl") == "nl"
    assert spoken("../en") == "en"
    assert spoken() == "en"
    assert best_of(["xx", "fr-CA", "en"]) == "fr"
    assert best_of(["xx"]) == ""
    assert best_of(["en-GB"]) == "en"


def test_dates_and_uses_are_said_in_each_language() -> None:
    shown = {day(lang, "2026-03-09T23:30:00+00:00") for lang in languages()}
    assert {"9 March 2026", "9. März 2026", "9 de marzo de 2026", "2026年3月9日"} <= shown
    for lang in languages():
        assert len({say(lang, USE_WORDS[use]) for use in Use}) == len(Use)


def told(file: Path) -> set[str]:
    """Everything that a message tells by a variable."""
    tree = Environment(autoescape=True).parse(file.read_text(encoding="utf-8"))
    names = {node.name for node in tree.find_all(nodes.Name)}
    return names | {node.attr for node in tree.find_all(nodes.Getattr)}


@pytest.mark.parametrize("lang", message_languages())
def test_every_message_is_there_and_tells_what_the_english_one_tells(lang: str) -> None:
    for english in (TEMPLATES / "en").glob("*.txt"):
        assert told(TEMPLATES / lang / english.name) == told(english), english.name
