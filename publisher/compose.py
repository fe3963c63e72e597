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
from publisher.front_matter import yaml_scalar
from publisher.marks import NONE, Marks, direction_of, marks_of
from publisher.render import render_piece, render_post

ID_CHARACTERS = 8
#: English, as everything is that the blog itself says.
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


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
    #: How many messages the words were sent in.
    messages: int = 1
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
        quote=markdown_quote(words, marks_of(words, source.lang)),
        credit=_attribution(credit),
        several=several_messages(source.messages),
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
        said = markdown_quote(turn.words, marks_in_piece(text.kind, turn.words, source.lang))
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
    lines = _plain_lines(
        {
            "title": text.title,
            "piece": str(text.kind),  # Hugo has its own "kind"
            "slug": source.name,
            "lang": source.lang,
            "dir": direction_of(normal(text.title), source.lang),
            "term": source.term,
            "prompt": source.prompt,
            "definition": source.definition_id,
            "consent": grants[0].event_hash,
        },
        granted,
        source,
        " and ".join(one.credit.display_name for one in grants),
    )
    lines.append("credits:")
    for one in grants:
        parts = {"shown": one.credit.display_name, **_shown_parts(one.credit)}
        lines += [
            f"    {'-' if key == 'shown' else ' '} {key}: {yaml_string(value)}"
            for key, value in {**parts, "consent": one.event_hash}.items()
        ]
    return lines


def marks_in_piece(kind: PostKind, words: str, lang: str) -> Marks:
    """An endorsement quotes; an interview is a talk, whose answers stand under their questions."""
    return marks_of(words, lang) if kind is PostKind.ENDORSEMENT else NONE


def title_of(term: str, credit: Credit) -> str:
    """A post's title: never the words themselves, which are quoted whole or not at all."""
    return f"{term}, defined by {credit.display_name}"


def several_messages(count: int) -> str:
    """What a post says of words that came in parts; nothing for one message.

    >>> several_messages(2)
    'from two messages'
    """
    if count < len(NUMBERS):
        return f"from {NUMBERS[count]} messages" if count > 1 else ""
    return f"from {count} messages"


def shown_url(credit: Credit) -> str:
    """The credit's link where it may be shown: of the web, and not to somebody anonymous."""
    return "" if credit.form is NameForm.ANONYMOUS else web_address(credit.url)


def _front_matter(grant: Grant, source: Source) -> list[str]:
    granted = datetime.fromisoformat(grant.at).astimezone(UTC)
    lines = _plain_lines(
        {
            "title": title_of(source.term, grant.credit),
            "slug": source.name,
            "lang": source.lang,
            "dir": direction_of(normal(grant.text), source.lang),
            "term": source.term,
            "prompt": source.prompt,
            "definition": source.definition_id,
            "consent": grant.event_hash,
            "channel": str(source.channel),
            "source": web_address(source.source_url),
        },
        granted,
        source,
        grant.credit.display_name,
    )
    lines.append("credit:")
    # Four spaces: with less, each part would be a field of the post itself to Pelican.
    lines += [
        f"    {key}: {yaml_string(value)}" for key, value in _shown_parts(grant.credit).items()
    ]
    return lines


def _plain_lines(
    plain: dict[str, str], granted: datetime, source: Source, author: str
) -> list[str]:
    """What Hugo, Jekyll and Pelican all read, each in its way."""
    title, *others = [f"{key}: {yaml_scalar(value)}" for key, value in plain.items()]
    # A timestamp is the one value without quotes: all three generators want it so.
    lines = [title, f"date: {granted:%Y-%m-%dT%H:%M:%SZ}", *others]
    # No lists: Pelican would take the brackets as text. Jekyll parts "tags" at spaces, and "tag"
    # not; Pelican parts "authors" at commas, and "author" not.
    lines += [f"{key}: {yaml_scalar(source.term)}" for key in ("tag", "tags")]
    lines.append(f"author: {yaml_scalar(author)}")
    # Else they would cut one out of the words, which Pelican's theme does not escape. All of them
    # read Markdown in it, so it holds nothing that a contributor wrote.
    lines.append(f"summary: {yaml_scalar(source.prompt)}")
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
