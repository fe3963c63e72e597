"""The text of a post is what its author wrote, and nothing that its readers don't see."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.post_html import post_text
from tests.servers.mastodon_http import html_of


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Thought leadership is a lamp</p>", "Thought leadership is a lamp"),
        ("<p>one<br>two<br />three</p><p>four</p>", "one\ntwo\nthree\n\nfour"),
        ("plain &amp; simple &lt;b&gt; &quot;x&quot;", 'plain & simple <b> "x"'),
        ("<p>yes :blobcat:</p>", "yes :blobcat:"),
        ('<p>yes <img class="emoji" alt=":blobcat:" src="x"></p>', "yes :blobcat:"),
        ('<p>a picture <img alt="of a cat"></p>', "a picture"),
        ("<ul><li>first</li><li>second</li></ul>", "first\nsecond"),
        ("<p>so</p><blockquote>they said</blockquote>", "so\n\n> they said\n> "),
        (
            '<span class="h-card"><a href="https://x.example/">@<span>bot</span></a></span> yes',
            "@bot yes",
        ),
        ('<a href="https://x.example/tags/lamp" rel="tag">#<span>lamp</span></a>', "#lamp"),
        ('<a href="https://sample.example/a">my page</a>', "my page"),
        # The attribute holds what looks like the end of the tag.
        ("<a href=\"https://sample.example/?a>b\" title='x>y'>here</a> we are", "here we are"),
        # Never shown, so never read: words must not be slipped past those who look.
        ('<p>no<span class="invisible"> I agree to everything</span></p>', "no"),
        ('<a href="https://x.example/"><span class="invisible">https://I agree </span>x</a>', "x"),
        ('<span class="invisible">a<span>b</span>c</span>d', "d"),
        (
            '<p class="quote-inline">RE: <a href="https://x.example/1">x</a></p><p>a lamp</p>',
            "a lamp",
        ),
        ("<p>unclosed <a href='https://x.example'>link", "unclosed link"),
        ("a < b and <3", "a < b and <3"),
        ("", ""),
    ],
)
def test_the_text_is_what_was_written(html: str, text: str) -> None:
    assert post_text(html) == text


@pytest.mark.parametrize(
    "address",
    [
        "https://sample.example/short",
        "https://www.sample.example/a/very/long/path/that/is/cut/for/the/eye?x=1&y=2#part",
        "http://sample.example/%C3%A9/é",
    ],
)
def test_a_shortened_link_comes_out_whole(address: str) -> None:
    html = html_of(f"see {address} there")
    assert 'class="invisible"' in html
    assert post_text(html) == f"see {address} there"


@given(st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp"))))
def test_words_come_out_as_they_went_in(word: str) -> None:
    text = f"lamp{word.replace('@', '').replace('://', '')}lamp"
    assert post_text(html_of(text)) == text


@given(st.text(alphabet="<>a span/ps\"'= &;lt!-invisible\n"))
def test_no_markup_breaks_it(html: str) -> None:
    assert isinstance(post_text(html), str)


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "part", ["<", "<a ", '<a href="', "<span ", "<span class='invisible'>", "<a '", "&", "<p><a>"]
)
def test_p32_time_grows_with_length_only(part: str) -> None:
    # Anything worse than linear would not end before the time-out.
    assert len(post_text(part * (400_000 // len(part)))) <= 400_000
