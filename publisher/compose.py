"""The only maker of posts: a live Grant and where it came from, composed into Markdown.

The file is a projection for Hugo, Jekyll, Pelican and the like. Our own blog is built from the
same grant, and refuses a file whose bytes are not the ones composed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from ledger import gate
from ledger.consent_state import Grant
from ledger.errors import DefinedbyError
from ledger.model import Channel, Credit, NameForm, PostKind, normal
from ledger.piece_text import PieceText, piece_of
from publisher.escaping import (
    markdown_line,
    markdown_paragraphs,
    markdown_quote,
    showable,
    web_address,
    yaml_string,
)
from publisher.render import render_piece, render_post

ID_CHARACTERS = 8


@dataclass(frozen=True)
class Source:
    """Where a grant's words came from and where they stand.

    `slug` is the readable half of the address; `when` is when the reply was written, or
    received where that is unknown.
    """

    definition_id: str
    campaign_slug: str
    term: str
    prompt: str
    slug: str
    lang: str
    channel: Channel
    when: datetime
    source_url: str = ""
    kind: PostKind = PostKind.DEFINITION

    @property
    def name(self) -> str:
        return f"{self.slug}-{self.definition_id[:ID_CHARACTERS]}"

    @property
    def file(self) -> str:
        """The Markdown file, relative to the content folder."""
        return f"posts/{self.campaign_slug}/{self.name}.md"

    @property
    def address(self) -> str:
        """The path on the blog; it never changes once published."""
        return f"/{self.campaign_slug}/{self.name}/"


@dataclass(frozen=True)
class Composed:
    """A post's file, relative to the content folder, and its bytes."""

    file: str
    content: bytes


def compose(grant: Grant, source: Source, others: tuple[Grant, ...] = ()) -> Composed:
    """Make the post; the same grants and source always give the same bytes.

    `others` are the grants of everybody else in a piece, in the order of their numbers. Raises
    DefinedbyError when a grant does not allow the post, or when its words hold characters that no
    page can show.
    """
    words, credit = normal(grant.text), grant.credit
    for one in (grant, *others):
        barred = gate.clears(one, words, one.credit, source.kind.use)
        if barred:
            raise DefinedbyError(barred, "Ask for that use in a new request on the desk.")
    if not grant.text.strip() or not grant.credit.display_name:
        raise DefinedbyError(
            "The grant has no words or no credit.", "Ask its author again on the desk."
        )
    if not showable(grant.text + grant.credit.line):
        raise DefinedbyError(
            "Its words or its credit hold control characters, which no page can show.",
            "Take them out on the desk and ask the author to agree to the new words.",
        )
    if source.kind is not PostKind.DEFINITION:
        return _compose_piece((grant, *others), source)
    text = render_post(
        front=_front_matter(grant, source),
        quote=markdown_quote(words),
        credit=_attribution(credit),
    )
    return Composed(source.file, text.encode())


def _compose_piece(grants: tuple[Grant, ...], source: Source) -> Composed:
    text = piece_of(normal(grants[0].text))
    if text.people != tuple(range(1, len(grants) + 1)):
        raise DefinedbyError(
            "Not everybody whose words it shows is known.", "Make the piece again on the desk."
        )
    names = [one.credit.display_name for one in grants]
    blocks = [markdown_paragraphs(text.introduction)] if text.introduction else []
    for turn in text.turns:
        if not turn.person:
            blocks.append(markdown_paragraphs(turn.words))
            continue
        said = markdown_quote(turn.words)
        whose = f"\n>\n> — {markdown_line(names[turn.person - 1])}" if len(names) > 1 else ""
        blocks.append(said + whose)
    rendered = render_piece(
        front=_piece_front_matter(text, grants, source),
        blocks=blocks,
        credits=[_attribution(one.credit) for one in grants],
    )
    return Composed(source.file, rendered.encode())


def _piece_front_matter(text: PieceText, grants: tuple[Grant, ...], source: Source) -> list[str]:
    granted = max(datetime.fromisoformat(one.at) for one in grants).astimezone(UTC)
    plain = {
        "title": text.title,
        "kind": str(text.kind),
        "date": None,
        "slug": source.name,
        "lang": source.lang,
        "term": source.term,
        "prompt": source.prompt,
        "definition": source.definition_id,
        "consent": grants[0].event_hash,
    }
    lines = [
        f"{key}: {yaml_string(value)}"
        if value is not None
        else f"{key}: {granted:%Y-%m-%dT%H:%M:%SZ}"
        for key, value in plain.items()
    ]
    lines.append(f"tags: [{yaml_string(source.term)}]")
    named = ", ".join(yaml_string(one.credit.display_name) for one in grants)
    lines.append(f"authors: [{named}]")
    lines.append("credits:")
    for one in grants:
        parts = {**_shown_parts(one.credit), "consent": one.event_hash}
        lines += [
            f"  {'-' if key == 'form' else ' '} {key}: {yaml_string(value)}"
            for key, value in parts.items()
        ]
    return lines


def title_of(term: str, credit: Credit) -> str:
    """A post's title: never the words themselves, which are quoted whole or not at all."""
    return f"{term}, defined by {credit.display_name}"


def shown_url(credit: Credit) -> str:
    """The credit's link where it may be shown: of the web, and not to somebody anonymous."""
    return "" if credit.form is NameForm.ANONYMOUS else web_address(credit.url)


def _front_matter(grant: Grant, source: Source) -> list[str]:
    granted = datetime.fromisoformat(grant.at).astimezone(UTC)
    name = grant.credit.display_name
    plain = {
        "title": title_of(source.term, grant.credit),
        # A timestamp is the one value without quotes: all three generators want it so.
        "date": None,
        "slug": source.name,
        "lang": source.lang,
        "term": source.term,
        "prompt": source.prompt,
        "definition": source.definition_id,
        "consent": grant.event_hash,
        "channel": str(source.channel),
        "source": web_address(source.source_url),
    }
    lines = [
        f"{key}: {yaml_string(value)}"
        if value is not None
        else f"{key}: {granted:%Y-%m-%dT%H:%M:%SZ}"
        for key, value in plain.items()
    ]
    lines.append(f"tags: [{yaml_string(source.term)}]")
    lines.append(f"authors: [{yaml_string(name)}]")
    lines.append("credit:")
    lines += [f"  {key}: {yaml_string(value)}" for key, value in _shown_parts(grant.credit).items()]
    return lines


def _shown_parts(credit: Credit) -> dict[str, str]:
    """The credit as it is shown; parts that its form hides are not written anywhere."""
    named = credit.form in {NameForm.NAME, NameForm.FIRST_NAME, NameForm.PSEUDONYM}
    with_handle = credit.form in {NameForm.NAME, NameForm.HANDLE}
    return {
        "form": str(credit.form),
        "line": credit.line,
        "name": credit.name if named else "",
        "handle": credit.handle if with_handle else "",
        "url": shown_url(credit),
        "role": credit.role,
        "organisation": credit.organisation,
    }


def _attribution(credit: Credit) -> str:
    line, url = markdown_line(credit.line), shown_url(credit)
    if not url:
        return line
    for c in "&'*_~$":
        url = url.replace(c, f"&#{ord(c)};" if c == "&" else f"%{ord(c):02X}")
    return f"[{line}]({url})"
