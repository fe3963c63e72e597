"""The text of a piece: read back as it was, and another one for every other piece (promise P02)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.model import PostKind
from ledger.piece_text import PieceText, Turn, clean_words, piece_of, text_of

#: What could be taken for the frame around it.
TRICKY = ["Question:", "Person 1:", "Introduction:", "    Person 2:", "Interview: x", "", "  ", "…"]
lines = st.one_of(st.sampled_from(TRICKY), st.text(max_size=12))
words = st.lists(lines, min_size=1, max_size=4).map("\n".join).map(clean_words).filter(bool)
titles = st.text(min_size=1, max_size=20).map(lambda one: " ".join(clean_words(one).split()))
pieces = st.builds(
    PieceText,
    st.sampled_from([PostKind.INTERVIEW, PostKind.ENDORSEMENT]),
    titles.filter(bool),
    st.one_of(st.just(""), words),
    st.lists(st.builds(Turn, st.integers(0, 3), words), max_size=4).map(tuple),
)


@given(pieces)
def test_p02_what_a_piece_says_is_read_back_exactly(piece: PieceText) -> None:
    text = text_of(piece)
    assert piece_of(text) == piece
    assert clean_words(text) == text, "nothing is left to clean once it is bound"


@given(pieces, pieces)
def test_p02_two_pieces_never_have_the_same_text(one: PieceText, other: PieceText) -> None:
    assert (text_of(one) == text_of(other)) == (one == other)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Thought leadership is listening.",
        "Interview: ",
        "Edition: Title",
        "Interview: T\n    words without a heading",
        "Interview: T\n\nPerson 0:\n    no such person",
        "Interview: T\n\nQuestion:\n    So?\n\nIntroduction:\n    late",
        "Interview: T\n\nHeading:\n    words",
    ],
)
def test_what_is_no_piece_is_not_taken_for_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        piece_of(text)
