"""The value types that all stages share; standard library only.

The words are those of docs/reference/glossary.md, one word for one meaning.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

#: Explicit direction marks, embeddings, overrides and isolates (UAX #9), and the
#: zero-width and line controls that can make a name look like another one.
_NAME_CONTROLS = dict.fromkeys(
    [
        *(0x00AD, 0x061C, 0x180E, 0x200B, 0x200E, 0x200F, 0x2028, 0x2029, 0xFEFF),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2070),
    ]
)

#: What can't stand in HTML and XML as itself (XML 1.0, production 2): controls but tab and line
#: feed, surrogates, and what is no character at all.
UNSHOWABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")

#: Marks the blank in a prompt: "Thought leadership is ___?"
BLANK = "___"


class Channel(StrEnum):
    FORM = "form"
    EMAIL = "email"
    IMPORT = "import"
    X = "x"
    MASTODON = "mastodon"
    BLUESKY = "bluesky"
    WEBMENTION = "webmention"
    PASTE = "paste"
    COMMENTS = "comments"


class Use(StrEnum):
    """A purpose a contributor can allow, each by itself."""

    POST = "post"
    EDITION = "edition"
    SHARE_CARD = "share_card"
    INTERVIEW = "interview"
    TRANSLATION = "translation"

    @property
    def words(self) -> str:
        """How the glossary calls it."""
        return self.value.replace("_", " ")


class PostKind(StrEnum):
    """What is asked about and published as one: one person's words, or an exchange of words."""

    DEFINITION = "definition"
    INTERVIEW = "interview"
    ENDORSEMENT = "endorsement"

    @property
    def use(self) -> Use:
        """The use without which it may not appear (docs/adr/0030)."""
        return Use.INTERVIEW if self is PostKind.INTERVIEW else Use.POST


def thing_itself(uses: frozenset[Use]) -> frozenset[Use]:
    """Of the uses that are asked for, the one that the question is about; the others are extras."""
    return frozenset({Use.POST} & uses or {Use.INTERVIEW} & uses)


class NameForm(StrEnum):
    """How a contributor wants to be named."""

    NAME = "name"
    FIRST_NAME = "first_name"
    HANDLE = "handle"
    PSEUDONYM = "pseudonym"
    ANONYMOUS = "anonymous"


class ReplyState(StrEnum):
    """Where a reply stands on the desk."""

    NEW = "new"
    SHORTLISTED = "shortlisted"
    SET_ASIDE = "set_aside"


class ReplyKind(StrEnum):
    """What a reply seems to be; a suggestion, the editor decides."""

    DEFINITION = "definition"
    QUESTION = "question"
    THANKS = "thanks"
    STOP = "stop"
    SPAM = "spam"
    OTHER = "other"


def normal(text: str) -> str:
    """The form in which words are compared, bound and published: Unicode NFC."""
    return unicodedata.normalize("NFC", text)


def clean_name(text: str) -> str:
    """A name or handle on one line: NFC, no direction or zero-width controls, single spaces.

    Unicode UAX #9 controls can make one name display as another (promise P31).
    """
    if text.isascii() and text.isprintable():  # most names, and nothing to take out of them
        return " ".join(text.split())
    visible = "".join(
        " " if c.isspace() else c
        for c in normal(text).translate(_NAME_CONTROLS)
        if c.isspace() or unicodedata.category(c) != "Cc"
    )
    return " ".join(visible.split())


@dataclass(frozen=True)
class Credit:
    """The exact attribution a contributor chose. Empty string: not shown."""

    form: NameForm
    name: str = ""
    handle: str = ""
    url: str = ""
    role: str = ""
    organisation: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "form", NameForm(self.form))
        for part in ("name", "handle", "url", "role", "organisation"):
            object.__setattr__(self, part, clean_name(getattr(self, part)))

    @property
    def display_name(self) -> str:
        """The name by itself, as it stands on pages and in feeds."""
        if self.form is NameForm.ANONYMOUS:
            return "Anonymous"
        return self.handle if self.form is NameForm.HANDLE else self.name

    @property
    def line(self) -> str:
        """The exact credit line, in plain text.

        >>> Credit(NameForm.NAME, name="Ada Sample", handle="@ada_example", role="editor").line
        'Ada Sample (@ada_example), editor'
        """
        line = self.display_name
        if self.form is NameForm.NAME and self.handle:
            line += f" ({self.handle})"
        return ", ".join(part for part in (line, self.role, self.organisation) if part)

    def as_dict(self) -> dict[str, str]:
        return {key: str(value) for key, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, parts: dict[str, Any]) -> Credit:
        return cls(**{**parts, "form": NameForm(parts["form"])})


@dataclass(frozen=True)
class ProfileMarks:
    """What a profile asks of programs; None: what we saw of it does not tell."""

    is_bot: bool | None = None
    wants_no_bots: bool | None = None
    is_protected: bool | None = None


class IncomingReply(NamedTuple):
    """One reply as a connector delivers it, before it is stored.

    `external_id` is the channel's own id, unique within the account. `address` is the
    author's identity on the channel (an e-mail address, a handle). `raw` is what the channel
    sent, kept unchanged. `automatic` marks bounces, auto-replies and list mail (RFC 3834),
    `private` direct messages. `contact` is where a message reaches the author on this channel.
    `marks`: what the author's profile asks of programs, where the channel sends it along.
    A NamedTuple, because thousands come in one import: a frozen dataclass of as many fields
    takes twenty times as long to make.
    """

    external_id: str
    address: str
    text: str
    author_name: str = ""
    author_url: str = ""
    subject: str = ""
    html: str = ""
    written_at: datetime | None = None
    source_url: str = ""
    in_reply_to: tuple[str, ...] = ()
    raw: str = ""
    automatic: bool = False
    private: bool = False
    contact: str = ""
    marks: ProfileMarks | None = None


class SkipKind(StrEnum):
    """Why something was not collected, for programs; a person reads the reason beside it.

    Filtered: it is nothing to collect (our own message, a repost, no words). Malformed: it can't
    be read. Protected: its author or the platform keeps it from us. Too large: beyond a limit.
    """

    FILTERED = "filtered"
    MALFORMED = "malformed"
    PROTECTED = "protected"
    TOO_LARGE = "too_large"


@dataclass(frozen=True)
class Skipped:
    """Something a connector saw and could not take in, with the reason a person understands."""

    external_id: str
    reason: str
    kind: SkipKind = SkipKind.MALFORMED


@dataclass(frozen=True)
class Page:
    """What one fetch returned: the replies, what was skipped, and where to go on reading.

    `more` is true when another fetch right away would bring more. `gone` are the ids of sources
    that were deleted; `edited` are known replies whose source reads differently now.
    """

    replies: tuple[IncomingReply, ...]
    next_cursor: str
    more: bool = False
    skipped: tuple[Skipped, ...] = ()
    gone: tuple[str, ...] = ()
    edited: tuple[IncomingReply, ...] = ()


@dataclass(frozen=True)
class Reading:
    """What a reply seems to say. `spans` are (start, end) offsets into the reply's text."""

    kind: ReplyKind
    reason: str
    confidence: float
    spans: tuple[tuple[int, int], ...] = ()
    lang: str = ""

    def words(self, text: str) -> str:
        """The definition: the spans of `text`, joined by one space; empty unless a definition."""
        if self.kind is not ReplyKind.DEFINITION:
            return ""
        return " ".join(text[start:end] for start, end in self.spans)


@dataclass(frozen=True)
class Campaign:
    id: str
    slug: str
    term: str
    prompt: str
    lang: str
    created_at: datetime
    is_open: bool = True
    #: How often an edition is drafted, as ledger.periods says.
    edition_every: str = ""

    @property
    def prompt_parts(self) -> tuple[str, str]:
        """The prompt before and after its blank."""
        before, _, after = self.prompt.partition(BLANK)
        return before, after


class ReadingState(StrEnum):
    """Whether an account is read. A removed one has no login any more; its replies stay."""

    ON = "on"
    PAUSED = "paused"
    REMOVED = "removed"


@dataclass(frozen=True)
class Account:
    """One configured mailbox, login or import source. `secret` is decrypted in memory only.

    `needs_person`: the last error is one that no waiting mends.
    """

    id: int
    channel: Channel
    name: str
    campaign_id: str
    options: dict[str, Any] = field(default_factory=dict)
    secret: str = field(default="", repr=False)
    cursor: str = ""
    next_poll_at: datetime | None = None
    last_read_at: datetime | None = None
    last_error: str = ""
    failures: int = 0
    stored: int = 0
    skipped: int = 0
    reading: ReadingState = ReadingState.ON
    needs_person: bool = False
    last_reply_at: datetime | None = None


@dataclass(frozen=True)
class Handle:
    """A contributor's identity on one channel. `contact` is where a message would reach them."""

    contributor_id: str
    channel: Channel
    address: str
    name: str = ""
    url: str = ""
    contact: str = ""


@dataclass(frozen=True)
class Reply:
    """A stored reply: immutable but for `state` and the reading, which an editor may correct."""

    id: int
    channel: Channel
    account_id: int
    external_id: str
    campaign_id: str
    handle: Handle
    text: str
    subject: str
    source_url: str
    written_at: datetime | None
    received_at: datetime
    state: ReplyState
    reading: Reading
    definition_id: str | None = None
    automatic: bool = False
    private: bool = False


@dataclass(frozen=True)
class Definition:
    """The words taken from a reply, at their newest version.

    Of a piece (an interview, an endorsement) each person whose words it shows has one, with the
    whole piece as its text: `piece_id` is the id of the first person's, `part` the number of the
    person in it, and `reply_id` the first of their replies that it quotes.
    """

    id: str
    contributor_id: str
    campaign_id: str
    reply_id: int
    version: int
    text: str
    lang: str
    slug: str
    created_at: datetime
    kind: PostKind = PostKind.DEFINITION
    piece_id: str = ""
    part: int = 0

    @property
    def is_piece(self) -> bool:
        return self.kind is not PostKind.DEFINITION

    @property
    def post_id(self) -> str:
        """Under which subject its post stands."""
        return self.piece_id or self.id
