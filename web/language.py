"""In which language a contributor's page speaks, and how its templates say things in it.

What somebody has chosen comes first, then the language in which they were asked, then their
browser's, then that of the question.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Flask, g, request, session
from markupsafe import Markup, escape

from consent.messages import use_words
from consent.wording import RIGHT_TO_LEFT, best_of, day, languages, sentence, spoken
from ledger.model import Use

#: Blueprints whose pages contributors see; the desk speaks English.
SPEAKING = frozenset(
    {"answers", "correcting", "offers", "personal", "receipts", "rights", "unsubscribing"}
)
#: Where the session keeps the language that was chosen by hand.
CHOSEN = "language"
#: Named in an address by whoever chooses another language; it changes no row.
PARAMETER = "lang"


def set_up_languages(app: Flask) -> None:
    """Teach every template of `app` to speak, and let people choose the language."""
    app.before_request(_remember_choice)
    app.context_processor(_values)
    app.jinja_env.globals.update(t=say)
    app.jinja_env.filters.update(
        date=_date, date_time=_date_time, use=_use, said=said, isolated=isolated
    )
    app.jinja_env.globals.update(link_to=_link_to, link_end=Markup("</a>"))


def speak(*, asked: str = "", question: str = "") -> None:
    """Say what a page is about: the language of its request, and that of its question."""
    g.asked_in, g.question_in = asked, question


def language() -> str:
    """The language of the page that answers this request."""
    if not _speaks():
        return "en"
    wanted = (
        session.get(CHOSEN, ""),
        getattr(g, "asked_in", ""),
        best_of(request.accept_languages.values()),
        getattr(g, "question_in", ""),
    )
    return spoken(*filter(None, wanted))


def say(english: str, **values: Any) -> Markup:
    """A sentence of ours in the page's language; every value is escaped."""
    text = escape(sentence(language(), english))
    return text.format(**values)


def said(english: str) -> str:
    """A whole sentence of ours that comes from elsewhere, such as what is wrong with a form."""
    return sentence(language(), english)


def isolated(text: str, lang: str = "") -> Markup:
    """Somebody's own text within a sentence of ours: its direction steers nothing around it."""
    named = Markup(' lang="{}"').format(lang) if lang else ""
    return Markup("<bdi{}>{}</bdi>").format(named, text)


def _link_to(address: str) -> Markup:
    return Markup('<a href="{}">').format(address)


def _speaks() -> bool:
    return request.blueprint in SPEAKING


def _date(when: datetime | str) -> str:
    return day(language(), when)


def _date_time(when: datetime | str) -> str:
    found = datetime.fromisoformat(when) if isinstance(when, str) else when
    return f"{_date(found)}, {found.astimezone(UTC):%H:%M} UTC"


def _use(use: Use | str) -> str:
    return use_words(use, language())


def _remember_choice() -> None:
    chosen = request.args.get(PARAMETER, "")
    if chosen in languages() and _speaks():
        session[CHOSEN] = chosen


def _values() -> dict[str, Any]:
    lang = language()
    return {
        "speaks": _speaks(),
        "ui_lang": lang,
        "ui_dir": "rtl" if lang in RIGHT_TO_LEFT else "ltr",
        "ui_languages": languages(),
    }
