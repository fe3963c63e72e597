"""The readable half of an export: one page that needs nothing else, in the person's language."""

from __future__ import annotations

import json
import re
from functools import cache, partial
from typing import Any

from consent.wording import RIGHT_TO_LEFT, WORDS, day, sentence, spoken
from ledger.model import UNSHOWABLE

TEMPLATES = WORDS.parent / "contributor"

#: What is shown under which heading, in which order; every table of an export is in one of them.
PARTS: dict[str, tuple[str, ...]] = {
    "How we know you": (
        *("contributors", "handles", "joins", "newcomers"),
        *("profile_marks", "passed_over", "stopped_addresses"),
    ),
    "What you wrote": (
        *("replies", "answers", "rights_requests", "mentions"),
        *("skipped_items", "gone_sources", "charged_today"),
    ),
    "Your words, and what was decided": (
        *(
            "definitions",
            "definition_versions",
            "piece_sources",
            "requests",
            "events",
            "event_payloads",
        ),
        *("links", "stop_links"),
    ),
    "What we wrote to you": ("threads", "outbox"),
    "What is published of you": (
        *("posts", "editions", "told_pages", "jobs", "outputs", "places"),
        *("site_entries", "site_edges", "site_groups", "site_dirty"),
    ),
}


def export_page(lang: str, stated: dict[str, Any]) -> str:
    """Everything in `stated` (consent/rights/export.py), as HTML without a script or a link."""
    lang, held = spoken(lang), stated["held"]
    text: str = _template().render(
        t=partial(_say, lang),
        date=partial(day, lang),
        ui_lang=lang,
        ui_dir="rtl" if lang in RIGHT_TO_LEFT else "ltr",
        parts=[
            (heading, [(name, held[name]) for name in names if held[name]])
            for heading, names in PARTS.items()
        ],
        shown=_shown,
        style=(TEMPLATES / "export.css").read_text(encoding="utf-8"),
        **stated,
    )
    return text


def _say(lang: str, english: str, **values: Any) -> Any:
    from markupsafe import escape

    return escape(sentence(lang, english)).format(**values)


def _shown(value: Any) -> str:
    """A value as text. What is empty is left away by the template."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)
    return UNSHOWABLE.sub(_pictured, text)


def _pictured(found: re.Match[str]) -> str:
    """A control character as the one that Unicode has to show it (block Control Pictures)."""
    point = ord(found[0])
    return chr(0x2400 + point) if point < ord(" ") else "\ufffd"


@cache
def _template() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    ).get_template("export.html")
