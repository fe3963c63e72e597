"""Read everything that was published the way a stranger would, and compare it with consent."""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import frontmatter
from lxml import etree
from lxml import html as parser
from markdown_it import MarkdownIt
from sqlalchemy import select

from ledger.consent_state import EventKind, Grant
from ledger.database import Ledger
from ledger.events import history, state_of
from ledger.model import NameForm, Use
from ledger.piece_text import piece_of
from ledger.tables import definitions, events
from publisher.marks import marks_of
from publisher.report import Refusal

#: What is said of a term, and of nobody.
TERM = {"@type", "@id", "url", "name", "inDefinedTermSet"}
_HEAD = re.compile(r"(Interview|Endorsement): ")
ATOM = "{http://www.w3.org/2005/Atom}"


@dataclass(frozen=True)
class Rendered:
    """Words and a credit line that a reader sees together in one file."""

    file: str
    words: str
    credit: str


def rendered_items(ledger: Ledger) -> list[Rendered]:
    """Every quotation in every file of the site and of content/posts."""
    folder = ledger.settings.content / "posts"
    composed = sorted(folder.rglob("*.md"))
    return site_items(ledger) + [
        item for path in composed for item in in_markdown(path.relative_to(folder).as_posix(), path)
    ]


def site_items(ledger: Ledger) -> list[Rendered]:
    folder = ledger.settings.site_folder
    found = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".html":
            found += in_html(name, path.read_text(encoding="utf-8"))
        elif path.suffix == ".xml":
            found += in_feed(name, path.read_bytes())
    return found


def in_html(name: str, text: str) -> list[Rendered]:
    page = parser.document_fromstring(text)
    found = []
    for quote in page.iter("blockquote"):
        (credit,) = quote.getparent().iter("cite")
        found.append(Rendered(name, quote.text_content(), credit.text_content()))
    for script in page.iter("script"):
        assert script.get("type") == "application/ld+json"
        _check_linked(json.loads(script.text), found)
    return found


def _check_linked(said: dict[str, Any], shown: list[Rendered]) -> None:
    """What programs are told is what readers see, and no more."""
    if said["@type"] == "DefinedTermSet":
        terms = said["hasDefinedTerm"]
        assert said.keys() == {"@context", "@type", "@id", "url", "name", "hasDefinedTerm"}
        assert all(one.keys() == {"@type", "@id", "url", "name"} for one in terms)
        return
    if said["@type"] == "DefinedTerm":
        assert said.keys() == {"@context", *TERM}
        return
    assert said["about"].keys() == TERM
    if said["@type"] == "Article":
        assert [part["text"] for part in said["hasPart"]] == [quote.words for quote in shown]
        for part, quote in zip(said["hasPart"], shown, strict=True):
            assert quote.credit.startswith(part.get("creator", {"name": "Anonymous"})["name"])
        return
    assert said["@type"] == "Quotation"
    (quote,) = shown
    assert said["text"] == quote.words
    creator = said.get("creator")
    assert creator is None or quote.credit.startswith(creator["name"])


def in_feed(name: str, content: bytes) -> list[Rendered]:
    found = []
    for entry in etree.fromstring(content).iter(f"{ATOM}entry"):
        body = parser.fragment_fromstring(entry.findtext(f"{ATOM}content"), create_parent=True)
        for quote in body.iter("blockquote"):
            # A definition stands between marks; what a piece quotes does not.
            words = next(quote.iter("span"), quote)
            for broken in words.iter("br"):
                broken.tail = "\n" + (broken.tail or "")
            (credit,) = quote.getparent().iter("cite")
            found.append(Rendered(name, words.text_content(), credit.text_content()))
    return found


def in_markdown(name: str, path: Path) -> list[Rendered]:
    post = frontmatter.loads(path.read_text(encoding="utf-8"))
    if "piece" not in post.metadata:
        words = without_marks(words_of_markdown(post.content), post["lang"])
        return [Rendered(name, words, post["credit"]["line"])]
    lines = [one["line"] for one in post["credits"]]
    names = [one["shown"] for one in post["credits"]]
    body = parser.fragment_fromstring(
        MarkdownIt("commonmark").render(post.content), create_parent=True
    )
    found = []
    for quote in body.iter("blockquote"):
        words = _paragraphs(quote)
        line = lines[0]
        if len(lines) > 1:  # the last paragraph says whose it is
            line = lines[names.index(words.pop().removeprefix("— "))]
        said = "\n\n".join(words)
        if post["piece"] == "endorsement":
            said = without_marks(said, post["lang"])
        found.append(Rendered(name, said, line))
    return found


def without_marks(said: str, lang: str) -> str:
    """What stands between the marks of its language, which have to be there in both places."""
    before, after = marks_of("", lang)
    if said.startswith(before) and said.endswith(after):
        inside = said[len(before) : len(said) - len(after)]
        if marks_of(inside, lang) == (before, after):
            return inside
    assert marks_of(said, lang) == ("", ""), "words without marks"
    return said


def words_of_markdown(text: str) -> str:
    """The words of the blockquote as a CommonMark reader sees them."""
    return quoted_text(MarkdownIt("commonmark").render(text))


def quoted_text(rendered: str) -> str:
    body = parser.fragment_fromstring(rendered, create_parent=True)
    (quote,) = body.iter("blockquote")
    return "\n\n".join(_paragraphs(quote))


def _paragraphs(quote: Any) -> list[str]:
    paragraphs = []
    for paragraph in quote.iter("p"):
        for broken in paragraph.iter("br"):
            # The renderer ends the line after its <br>; that newline is not of the words.
            broken.tail = "\n" + (broken.tail or "").removeprefix("\n")
        paragraphs.append(paragraph.text_content())
    return paragraphs


def one_gap(words: str) -> str:
    """Markdown has no way to write two empty lines in a row: both count as one gap."""
    return re.sub(r"\n(?:[^\S\n]*\n)+", "\n\n", words)


def live(ledger: Ledger) -> dict[str, set[tuple[str, str]]]:
    """Per use, what is granted now: (words, credit line)."""
    allowed: dict[str, set[tuple[str, str]]] = {use: set() for use in Use}
    with ledger.read() as connection:
        subjects = connection.execute(
            events.select().with_only_columns(events.c.subject).distinct()
        )
        for subject in list(subjects.scalars()):
            granted = state_of(connection, ledger.keys, subject).grant
            if granted and _HEAD.match(granted.text):
                continue
            for use in granted.uses if granted else ():
                allowed[use].add((granted.text, granted.credit.line))
    return allowed


def said_in_pieces(ledger: Ledger) -> set[tuple[str, str]]:
    """What is granted in interviews and endorsements that everybody in them allows as they are."""
    found = set()
    with ledger.read() as connection:
        rows = connection.execute(
            definitions.select()
            .where(definitions.c.piece_id != "")
            .order_by(definitions.c.piece_id, definitions.c.part)
        ).all()
        for _, group in groupby(rows, lambda row: row.piece_id):
            shares = list(group)
            states = [state_of(connection, ledger.keys, one.id) for one in shares]
            use = Use.INTERVIEW if shares[0].kind == "interview" else Use.POST
            grants = [state.grant for state in states]
            if any(one is None or use not in one.uses for one in grants):
                continue
            (text,) = {one.text for one in grants} if len({o.text for o in grants}) == 1 else ("",)
            for turn in piece_of(text).turns if text else ():
                if turn.person:
                    found.add((turn.words, grants[turn.person - 1].credit.line))
    return found


def violations(ledger: Ledger, refused: Iterable[Refusal] = ()) -> list[Rendered]:
    """What stands somewhere without a live grant for exactly these words, credit and use.

    Files in content/posts that the publisher refused are an editor's, and stand nowhere else.
    """
    left_alone = {refusal.what.removeprefix("posts/") for refusal in refused}
    allowed = live(ledger)
    allowed[Use.POST] |= said_in_pieces(ledger)
    found = []
    for item in rendered_items(ledger):
        if item.file in left_alone:
            continue
        use = Use.EDITION if "/editions/" in item.file else Use.POST
        granted = allowed[use]
        if item.file.endswith(".md"):
            granted = {(one_gap(words), credit) for words, credit in granted}
        if (item.words, item.credit) not in granted:
            found.append(item)
    return found


def pictures_astray(ledger: Ledger) -> list[str]:
    """Pictures without a live grant for exactly those bytes beside those words, those that nobody
    shows, and those that a page shows and nobody could load.
    """
    folder = ledger.settings.site_folder
    granted = {_bound(one) for one in live_grants(ledger)}
    lying = {f"/pictures/{path.name}": path for path in folder.glob("pictures/*")}
    found, shown = [], set()
    for path in sorted(folder.rglob("*.html")):
        page = parser.document_fromstring(path.read_text(encoding="utf-8"))
        for quote in page.iter("blockquote"):
            (cite,) = quote.getparent().iter("cite")
            images = [image.get("src") for image in cite.iter("img")]
            if (quote.text_content(), cite.text_content(), *(images or [""])) not in granted:
                found.append(f"{path}: {images}")
        for image in page.iter("img"):
            shown.add(image.get("src"))
            if image.get("src") not in lying or not image.get("alt"):
                found.append(f"{path}: {image.get('src')}")
    found += [name for name in lying if name not in shown]
    found += [
        name
        for name, path in lying.items()
        if hashlib.sha256(path.read_bytes()).hexdigest() != path.stem
    ]
    return found


def _bound(grant: Grant) -> tuple[str, str, str]:
    credit = grant.credit
    is_shown = credit.picture and credit.form is not NameForm.ANONYMOUS
    return grant.text, credit.line, f"/pictures/{credit.picture}.jpg" if is_shown else ""


def live_grants(ledger: Ledger) -> list[Grant]:
    with ledger.read() as connection:
        subjects = connection.execute(select(events.c.subject).distinct()).scalars().all()
        states = [state_of(connection, ledger.keys, subject) for subject in subjects]
    return [state.grant for state in states if state.grant is not None]


def never_or_no_longer_granted(ledger: Ledger) -> set[str]:
    """Words that some event holds, and that no live grant covers."""
    with ledger.read() as connection:
        subjects = connection.execute(
            events.select().with_only_columns(events.c.subject).distinct()
        )
        said = {
            event.text
            for subject in list(subjects.scalars())
            for event in history(connection, ledger.keys, subject)
            if event.kind in {EventKind.REQUESTED, EventKind.GRANTED, EventKind.PROPOSED}
        }
    return said - {words for words, _ in live(ledger)[Use.POST]} - {""}


def leaks(ledger: Ledger, words: set[str]) -> list[tuple[str, str]]:
    """Files, of any kind, that hold any of these words in any spelling that we write."""
    found = []
    for folder in (ledger.settings.site_folder, ledger.settings.content / "posts"):
        for path in sorted(one for one in folder.rglob("*") if one.is_file()):
            text = html.unescape(html.unescape(path.read_text("utf-8", errors="replace")))
            found += [(str(path), one) for one in words if one in text]
    return found
