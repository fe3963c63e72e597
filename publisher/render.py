"""Templates and what they may call. Words always pass through autoescaping."""

from __future__ import annotations

from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ledger.periods import MONTHS
from publisher.theme import ROOT, THEME


@cache
def site_templates() -> Environment:
    """The theme's templates, read once per process."""
    environment = _environment(THEME, autoescape=True)
    environment.filters["day"] = day
    environment.filters["path"] = encoded_path
    return environment


@cache
def quote_macros() -> Any:
    """The macros of _quote.html, to be called from Python."""
    return site_templates().get_template("_quote.html").module


@cache
def piece_macros() -> Any:
    """The macros of _piece.html, to be called from Python."""
    return site_templates().get_template("_piece.html").module


@cache
def chrome_macros() -> Any:
    """The macros of _chrome.html, to be called from Python."""
    return site_templates().get_template("_chrome.html").module


@cache
def part_macros() -> Any:
    """The macros of _parts.html, to be called from Python."""
    return site_templates().get_template("_parts.html").module


@cache
def list_macros() -> Any:
    """The macros of _list.html, to be called from Python."""
    return site_templates().get_template("_list.html").module


@cache
def _post_templates() -> Environment:
    # Markdown is not HTML: publisher.escaping has escaped everything that reaches it.
    return _environment(ROOT / "templates" / "post", autoescape=False)


def _environment(folder: Path, *, autoescape: bool) -> Environment:
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=autoescape,  # noqa: S701 - True for every HTML template
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
        cache_size=-1,
    )


def render_page(template: str, values: dict[str, Any]) -> bytes:
    return site_templates().get_template(template).render(values).encode()


def render_post(**values: Any) -> str:
    return _post_templates().get_template("definition.md").render(values)


def render_piece(**values: Any) -> str:
    return _post_templates().get_template("piece.md").render(values)


def day(when: date) -> str:
    """A date in words.

    >>> day(date(2026, 3, 9))
    '9 March 2026'
    """
    return f"{when.day} {MONTHS[when.month - 1]} {when.year}"


@lru_cache(maxsize=4096)
def encoded_path(path: str) -> str:
    """A site path as it stands in a link (RFC 3986): slugs may hold any letters."""
    return quote(path, safe="/#-._~")
