"""Interviews and endorsements as they are shown, and composed: the whole of each as it was granted.

Nothing in one is parsed as Markdown or HTML, an editor's questions and introduction included: they
are part of the text that everybody in it has allowed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from markupsafe import Markup

from ledger.model import Campaign, Credit, NameForm, PostKind, normal
from ledger.piece_text import PieceText, piece_of
from publisher.compose import marks_in_piece, shown_url
from publisher.marks import NONE, Marks, direction_of
from publisher.render import piece_macros, quote_macros


@dataclass(frozen=True)
class ShownTurn:
    """A question, or an answer with the credit of whoever gives it as HTML."""

    words: str
    dir: str
    cite: Markup | None = None
    marks: Marks = NONE


@dataclass(frozen=True)
class ShownPiece:
    """A piece as the theme shows it; `credits` in the order of the people's numbers."""

    text: PieceText
    lang: str
    credits: tuple[Credit, ...]

    @property
    def kind(self) -> PostKind:
        return self.text.kind

    @property
    def title(self) -> str:
        return self.text.title

    @property
    def introduction(self) -> list[str]:
        return paragraphs(self.text.introduction)

    @property
    def cites(self) -> list[Markup]:
        return [_cite(one) for one in self.credits]

    @property
    def is_talk(self) -> bool:
        """Whether several people speak in it: then each answer says whose it is."""
        return len(self.credits) > 1

    @property
    def turns(self) -> list[ShownTurn]:
        cites = self.cites
        return [
            ShownTurn(
                turn.words,
                direction_of(turn.words, self.lang),
                cites[turn.person - 1] if turn.person else None,
                marks_in_piece(self.kind, turn.words, self.lang),
            )
            for turn in self.text.turns
        ]

    @cached_property
    def body(self) -> Markup:
        """The HTML of all but the title."""
        made: Markup = piece_macros().body(self)
        return made

    @property
    def listed(self) -> Markup:
        """The HTML of what lists show of it, but for the link."""
        made: Markup = piece_macros().listed(self)
        return made

    @property
    def people(self) -> str:
        """Name and link of everybody in it, as JSON; an empty name for somebody anonymous."""
        named = [
            ["" if one.form is NameForm.ANONYMOUS else one.display_name, shown_url(one)]
            for one in self.credits
        ]
        return json.dumps(named, ensure_ascii=False)


def shown_piece(text: str, lang: str, credits_: Sequence[Credit]) -> ShownPiece:
    """Raises ValueError for a text that is no piece's, or with more people than credits."""
    piece = piece_of(normal(text))
    if piece.people != tuple(range(1, len(credits_) + 1)):
        raise ValueError("not as many people as credits")
    return ShownPiece(piece, lang, tuple(credits_))


def preview_piece(
    campaign: Campaign, text: str, lang: str, credits_: Mapping[int, Credit]
) -> Markup:
    """The very markup of the published page, with its title."""
    shown = shown_piece(text, lang or campaign.lang, [credits_[one] for one in sorted(credits_)])
    made: Markup = piece_macros().whole(shown)
    return made


def paragraphs(text: str) -> list[str]:
    return [one for one in text.split("\n\n") if one.strip()]


def _cite(credit: Credit) -> Markup:
    rest = credit.line.removeprefix(credit.display_name)
    made: Markup = quote_macros().credit(credit.display_name, rest, shown_url(credit))
    return made
