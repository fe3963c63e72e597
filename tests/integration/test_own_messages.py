"""Messages in the operator's own words: what may be changed, what may not, and what is kept of it.

Given a file of one's own; when a message is drafted, then it is in these words, or is refused with
the placeholder that is missing; and nothing but the placeholders of that message can be read.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app import definedby
from consent.messages import TEMPLATES, USE_WORDS, message_languages, render_message
from consent.own_messages import (
    FOLDER,
    MessageFileError,
    find_wording,
    own_files,
    placeholders,
    shipped_wording,
    start,
    starting_point,
)
from consent.requests import STAND_IN, Wish, ask, draft, expire_overdue
from ledger import events
from ledger.backup import backup
from ledger.database import Ledger
from ledger.model import Campaign, Channel, Use
from ledger.restore import restore
from ledger.settings import Settings, load_settings
from publisher.publish import publish_pending
from tests.conftest import SteppingClock
from tests.people import ADA, agree, answer, asked, define
from tests.visiting import application, choices, owner

WORDS = "hearing people out"
NAMES = sorted(file.stem for file in (TEMPLATES / "en").glob("*.txt"))
BODY = """{{ words }}
{{ credit }}
{{ note }}
{{ link }}
{{ more | join("; ") }}
{{ promises }}
{{ settings.title }}: {{ settings.asker }}, {{ settings.contact }}
"""


def own(settings: Settings, text: str, name: str = "ask", lang: str = "en") -> Path:
    file = settings.home / FOLDER / lang / f"{name}.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({}, home=tmp_path)


def values(settings: Settings) -> dict[str, object]:
    """Everything that a message of any name may be given."""

    class Of:
        prompt = "A talk is ___?"
        text, at, event_hash = "hearing people", "2026-01-05", "ab" * 32
        credit = ADA

    link = "https://blog.example/p/abc"
    return {
        "campaign": Of,
        "settings": settings,
        "grant": Of,
        "name": "Ada",
        "words": "hearing",
        "credit": ADA.line,
        "note": "I liked it.",
        "link": link,
        "more": ["one", "two"],
        "kind": "interview",
        "title": "On talks",
        "uses": "a page",
        "asked": "Monday",
        "until": "Friday",
    }


# ------------------------------------------------------------------ what may be changed
@pytest.mark.parametrize("lang", message_languages())
def test_every_shipped_message_can_be_begun_with_and_says_the_same(
    settings: Settings, lang: str
) -> None:
    """So own words lose nothing that ours say, and no shipped one breaks the rules for own ones."""
    for name in NAMES:
        start(settings, name, lang)
        mine = find_wording(settings, name, lang)
        assert mine.version.startswith(f"own {lang}/{name}@")
        assert mine.render(**values(settings)) == render_message(name, lang, **values(settings)), (
            name,
            lang,
        )
        shipped = (TEMPLATES / lang / f"{name}.txt").read_text(encoding="utf-8")
        assert "{{ promises }}" in starting_point(name, lang)
        assert "stop" in shipped.partition("{% block promises %}")[2].partition("{% endblock")[0]
    assert [error for _, error in own_files(settings)] == [None] * len(NAMES)


def test_a_question_is_asked_in_own_words_and_their_version_is_kept(
    ledger: Ledger, campaign: Campaign
) -> None:
    text = "Dear{% if name %} {{ name }}{% endif %}, a word?\n" + BODY
    file = own(ledger.settings, text)
    definition = define(ledger, answer(ledger, campaign))
    wish = Wish(uses=frozenset({Use.POST, Use.EDITION}), note="I liked it.")
    seen = draft(ledger, definition.id, wish)
    assert seen.subject == "Dear Ada Sample, a word?", "previewed with the real recipient"
    for wanted in (definition.text, "Ada Sample", "I liked it.", STAND_IN, "“stop”"):
        assert wanted in seen.body
    assert USE_WORDS[Use.EDITION] in seen.body
    assert "take back a yes there at any" in seen.body

    question = ask(ledger, definition.id, asked_by="Robin", **vars(wish))
    assert question.subject == seen.subject
    with ledger.read() as connection:
        history = events.full_history(connection, ledger.keys, definition.id)
    kept = next(payload for event, payload in history if event.kind == "requested")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:12]
    assert kept["template"] == seen.wording == f"own en/ask@{digest}"
    assert kept["shown_in_message"] == ["post"]


def test_a_channel_may_have_words_of_its_own(settings: Settings) -> None:
    own(settings, "For all\n" + BODY)
    own(settings, "By mail\n" + BODY, "ask.email")
    found = {one: find_wording(settings, "ask", "en", one) for one in ("", "email", "mastodon")}
    assert {one: wording.source.split("\n")[0] for one, wording in found.items()} == {
        "": "For all",
        "email": "By mail",
        "mastodon": "For all",
    }
    assert find_wording(settings, "ask", "de", "email") == shipped_wording("ask", "de")


def test_an_edit_is_a_new_version(settings: Settings) -> None:
    file = own(settings, "One\n" + BODY)
    before = find_wording(settings, "ask", "en")
    file.write_text("Two\n" + BODY, encoding="utf-8")
    after = find_wording(settings, "ask", "en")
    assert before.version != after.version
    assert before.render(**values(settings))[0] == "One", "what was read once stays as it was"


# ------------------------------------------------------------------ what may not be left out
@pytest.mark.parametrize("name", NAMES)
def test_what_a_message_has_to_say_can_not_be_left_out(settings: Settings, name: str) -> None:
    shipped = starting_point(name, "en")
    known, required = placeholders(name)
    assert required >= {"promises"}
    assert required <= known
    subject, _, body = shipped.partition("\n")
    for one in required:
        printed = re.compile(rf"\{{\{{ {re.escape(one)}( \|[^}}]*)? \}}\}}")
        assert printed.search(body), one
        lost = {
            "left out": printed.sub("", body),
            "only in the subject": printed.sub("", body),
            "only in a comment": printed.sub(lambda found: f"{{# {found[0]} #}}", body),
            "only as text": printed.sub(lambda found: f"{{% raw %}}{found[0]}{{% endraw %}}", body),
        }
        if "kind" in known or "name" in known:
            under = "kind" if "kind" in known else "name"
            lost["only under a condition"] = printed.sub(
                lambda found, under=under: (  # type: ignore[misc]
                    f'{{% if {under} == "x" %}}{found[0]}{{% endif %}}'
                ),
                body,
            )
        for how, changed in lost.items():
            first = f"{subject} {{{{ {one} }}}}" if how == "only in the subject" else subject
            if one == "more":
                first = subject
            own(settings, f"{first}\n{changed}", name)
            with pytest.raises(MessageFileError, match=re.escape(f"{{{{ {one} }}}}")):
                find_wording(settings, name, "en")


def test_what_an_ask_by_mail_has_to_say_is_this(settings: Settings) -> None:
    """Named one by one, so that a change of a shipped file can't quietly ask for less."""
    assert placeholders("ask")[1] == {
        *("words", "credit", "more", "note", "link", "promises"),
        *("settings.title", "settings.asker", "settings.contact"),
    }
    assert placeholders("ask_in_words")[1] == {
        *("words", "credit", "note", "promises", "settings.title"),
    }
    assert placeholders("ask_private")[1] >= {"words", "link", "settings.asker", "promises"}
    assert placeholders("receipt")[1] >= {
        *("grant.text", "grant.credit.line", "uses", "grant.event_hash", "promises"),
    }


@pytest.mark.parametrize(
    "change",
    ["{{ link }}.", "x{{ link }}", "{{ link -}}", "{{ link }}{% if name %}x{% endif %}"],
)
def test_a_link_that_could_not_be_followed_is_refused(settings: Settings, change: str) -> None:
    own(settings, "Hello\n" + BODY.replace("{{ link }}", change))
    with pytest.raises(MessageFileError, match="the link runs into"):
        find_wording(settings, "ask", "en")


@pytest.mark.parametrize("subject", ["", "  ", "{% if name %}{{ name }}{% endif %}"])
def test_a_message_has_a_subject(settings: Settings, subject: str) -> None:
    own(settings, f"{subject}\n{BODY}")
    with pytest.raises(MessageFileError, match="has no subject"):
        find_wording(settings, "ask", "en")


# ------------------------------------------------------------------ what it can't do
HOSTILE = (
    "{{ settings.home }}",
    "{{ settings }}",
    "{{ settings.database_url }}",
    "{{ settings.__class__.__mro__ }}",
    "{{ words.__class__ }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ campaign.id }}",
    "{{ request }}",
    "{{ self }}",
    "{{ self.promises() }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ words | attr('__class__') }}",
    "{{ words | replace('e', 'a') }}",
    "{{ words | upper }}",
    "{{ words | indent(999999999) }}",
    "{{ words | join('') }}",
    "{{ more | join(words) }}",
    "{{ more }}",
    "{{ words * 1000000000 }}",
    "{{ words ~ credit }}",
    "{{ words[:3] }}",
    "{{ 'x' }}",
    "{% for one in more %}{{ one }}{% endfor %}",
    "{% set words = 'other' %}",
    "{% set link %}https://evil.example{% endset %}",
    "{% with link = 'x' %}{{ link }}{% endwith %}",
    "{% filter upper %}x{% endfilter %}",
    "{% macro x() %}{% endmacro %}",
    "{% include 'en/ask.txt' %}",
    "{% extends 'en/ask.txt' %}",
    "{% import 'en/ask.txt' as x %}",
    "{% block promises %}x{% endblock %}",
    "{% if words.startswith('x') %}{% endif %}",
    "{% if settings.home %}{% endif %}",
    "{% if name == settings.home %}{% endif %}",
    "{{ words",
    "{% if name %}",
    "{% nothing %}",
    "{% if name %}" * 700 + "{% endif %}" * 700,
)


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("where", ["subject", "body"])
def test_a_file_reads_nothing_and_does_nothing_but_fill_in(
    settings: Settings, hostile: str, where: str
) -> None:
    own(settings, f"Hi {hostile}\n{BODY}" if where == "subject" else f"Hi\n{BODY}{hostile}")
    with pytest.raises(MessageFileError) as caught:
        find_wording(settings, "ask", "en")
    assert caught.value.next_step


def test_what_people_wrote_is_no_template(settings: Settings) -> None:
    own(settings, "Hi {{ name }}\n" + BODY)
    told = {**values(settings), "name": "{{ link }}", "words": "{{ settings.home }} {% if %}"}
    subject, body = find_wording(settings, "ask", "en").render(**told)
    assert subject == "Hi {{ link }}"
    assert "{{ settings.home }} {% if %}" in body


@pytest.mark.parametrize("content", [b"\xff\xfe", b"Hi\n\x00", b"x" * 8001, b""])
def test_a_file_that_is_no_message_gets_a_sentence(settings: Settings, content: bytes) -> None:
    own(settings, "").write_bytes(content)
    with pytest.raises(MessageFileError):
        find_wording(settings, "ask", "en")


@pytest.mark.parametrize(
    "place", ["en/aks.txt", "xx/ask.txt", "ask.txt", "en/ask.fax.txt", "en/ask.md", "en/a/ask.txt"]
)
def test_a_file_that_would_never_be_used_is_named(settings: Settings, place: str) -> None:
    file = settings.home / FOLDER / place
    file.parent.mkdir(parents=True)
    file.write_text("Hi\n" + BODY)
    ((path, error),) = own_files(settings)
    assert path == file
    assert error is not None


# ------------------------------------------------------------------ faulty words lose nothing
def test_faulty_words_stop_the_question_and_nothing_else(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    editor = owner(application(ledger), ledger)
    question = asked(ledger, campaign, WORDS)
    for name in ("ask", "receipt", "thanks"):
        own(ledger.settings, "Hello\nNo promises here.\n", name)
    assert agree(ledger, question, WORDS).text == WORDS, "a yes is kept, whatever its receipt says"
    publish_pending(ledger)
    page = editor.go(f"/desk/definitions/{question.request.definition_id}")
    assert editor.status == 200
    assert "leaves out what this message has to say" in page

    other = define(ledger, answer(ledger, campaign, "asking first", address="bo@sample.example"))
    with pytest.raises(MessageFileError, match=re.escape("{{ words }}")):
        ask(ledger, other.id, asked_by="Robin")
    editor.go(f"/desk/definitions/{other.id}")
    editor.press(f"/desk/definitions/{other.id}/ask", **choices())
    assert editor.status == 400
    assert "leaves out what this message has to say" in editor.page
    assert expire_overdue(ledger) == 0


def test_the_commands_begin_a_file_list_it_and_the_doctor_names_what_is_wrong(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEFINEDBY_HOME", str(ledger.settings.home))
    call = CliRunner().invoke
    assert "You have none" in call(definedby, ["messages", "list"]).output
    told = call(definedby, ["messages", "start", "ask", "--lang", "de", "--channel", "email"])
    file = ledger.settings.home / FOLDER / "de" / "ask.email.txt"
    assert (told.exit_code, "promises" in told.output, file.is_file()) == (0, True, True)
    assert call(definedby, ["messages", "list", "--json"]).exit_code == 0
    for wrong in (
        ["ask", "--lang", "../de"],
        ["../ask"],
        ["ask", "--channel", "../x"],
        ["nothing"],
    ):
        assert isinstance(
            call(definedby, ["messages", "start", *wrong]).exception, MessageFileError
        )
    again = call(definedby, ["messages", "start", "ask", "--lang", "de", "--channel", "email"])
    assert isinstance(again.exception, MessageFileError)
    file.write_text(file.read_text().replace("{{ credit | indent(4, first=True) }}", ""))
    assert call(definedby, ["messages", "list"]).exit_code == 1
    told = call(definedby, ["doctor"])
    assert told.exit_code == 1
    assert "[ FAIL ] messages" in told.output
    assert "{{ credit }}" in told.output


def test_a_backup_holds_own_words(ledger: Ledger, tmp_path: Path) -> None:
    text = own(ledger.settings, "Hello\n" + BODY).read_text()
    file = backup(ledger, tmp_path / "kept.zip").file
    home = tmp_path / "again"
    restore(file, load_settings({}, home=home, content=tmp_path / "content-again"))
    assert (home / FOLDER / "en" / "ask.txt").read_text() == text


def test_the_promises_are_those_of_the_shipped_file(settings: Settings) -> None:
    """The mark around them changes nothing of what the shipped messages say."""
    marked = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for lang in message_languages():
        for name in NAMES:
            source = (TEMPLATES / lang / f"{name}.txt").read_text(encoding="utf-8")
            bare = re.sub(r"\{% block promises %\}\n?|\{% endblock %\}\n?", "", source)
            whole = marked.from_string(bare).render(**values(settings)).partition("\n")[2].strip()
            assert render_message(name, lang, **values(settings))[1] == whole + "\n"
    assert Channel.EMAIL in set(Channel)
