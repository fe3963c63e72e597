"""The words of an interview or an endorsement as one text, which a grant binds.

Title, introduction, questions and answers stand in it in order, each below a heading of its own
and indented, so that no two pieces have the same text and whoever reads a receipt can read it.
Standard library only, as ledger.model is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ledger.model import UNSHOWABLE, PostKind, normal

#: The kinds that are made of an exchange.
PIECES = (PostKind.INTERVIEW, PostKind.ENDORSEMENT)
#: Between two passages of one message: what stood between them is left out.
LEFT_OUT = "[…]"
_INDENT = "    "
_QUESTION, _INTRODUCTION = "Question:", "Introduction:"
_PERSON = re.compile(r"Person ([1-9][0-9]?):")
_HEAD = re.compile(rf"({'|'.join(kind.value.capitalize() for kind in PIECES)}): (.+)")


@dataclass(frozen=True)
class Turn:
    """One question of the editor's (`person` 0), or one answer by the person with this number."""

    person: int
    words: str


@dataclass(frozen=True)
class PieceText:
    """What a piece says. `title` is one line; every text is in NFC and has no space around it."""

    kind: PostKind
    title: str
    introduction: str
    turns: tuple[Turn, ...]

    @property
    def people(self) -> tuple[int, ...]:
        """The numbers of those whose words are shown, in order."""
        return tuple(sorted({turn.person for turn in self.turns if turn.person}))


def clean_words(text: str) -> str:
    """A text as it may stand in a piece."""
    return UNSHOWABLE.sub("", normal(text).replace("\r\n", "\n").replace("\r", "\n")).strip()


def text_of(piece: PieceText) -> str:
    """The one text of a piece; another piece has another one."""
    parts = [f"{piece.kind.value.capitalize()}: {piece.title}"]
    if piece.introduction:
        parts += ["", _INTRODUCTION, _indented(piece.introduction)]
    for turn in piece.turns:
        heading = f"Person {turn.person}:" if turn.person else _QUESTION
        parts += ["", heading, _indented(turn.words)]
    return "\n".join(parts)


def piece_of(text: str) -> PieceText:
    """What a piece's text says. Raises ValueError for a text that is none."""
    first, *lines = text.split("\n")
    head = _HEAD.fullmatch(first)
    if head is None:
        raise ValueError("not the text of a piece")
    introduction, turns = "", []
    for number, (heading, said) in enumerate(_headed(lines)):
        person = _PERSON.fullmatch(heading)
        if heading == _INTRODUCTION and number == 0:
            introduction = said
        elif heading == _QUESTION:
            turns.append(Turn(0, said))
        elif person:
            turns.append(Turn(int(person[1]), said))
        else:
            raise ValueError("an unknown heading")
    return PieceText(PostKind(head[1].lower()), head[2], introduction, tuple(turns))


def _headed(lines: list[str]) -> list[tuple[str, str]]:
    """Each heading with the words below it."""
    found: list[tuple[str, list[str]]] = []
    for line in lines:
        if line and not line.startswith(_INDENT):
            found.append((line, []))
        elif found:
            found[-1][1].append(line[len(_INDENT) :])
        elif line:
            raise ValueError("words without a heading")
    return [(heading, "\n".join(words).rstrip("\n")) for heading, words in found]


def _indented(text: str) -> str:
    return "\n".join(_INDENT + line if line else "" for line in text.split("\n"))
