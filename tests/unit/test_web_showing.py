"""What templates call: marked passages and dates."""

from __future__ import annotations

from html import unescape
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from web.showing import day, marked, moment


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text, self.tags = "", set[str]()

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)


@given(
    st.text(
        st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("<>&\"'/"), max_size=60
    ),
    st.lists(st.tuples(st.integers(-5, 70), st.integers(-5, 70)), max_size=5),
)
def test_marked_text_is_the_text_and_has_no_other_tags(
    text: str, spans: list[tuple[int, int]]
) -> None:
    shown = str(marked(text, spans))
    bare = shown.replace("<mark>", "").replace("</mark>", "")
    assert unescape(bare) == unescape(bare.replace("<", ""))
    assert "<" not in bare
    assert shown.count("<mark>") == shown.count("</mark>")
    reader = _Reader()
    reader.feed(shown)
    reader.close()
    assert reader.text == text
    assert reader.tags <= {"mark"}


def test_marks_stand_where_the_spans_are() -> None:
    assert marked("one two three", [(8, 13), (0, 3)]) == "<mark>one</mark> two <mark>three</mark>"
    assert marked("one two", [(0, 5), (3, 7)]) == "<mark>one t</mark><mark>wo</mark>"


def test_dates_follow_no_locale_and_are_utc() -> None:
    assert day("2026-03-09T23:30:00+02:00") == "9 March 2026"
    assert moment("2026-03-09T23:30:00-02:00") == "10 March 2026, 01:30 UTC"
