"""P28: a contributor's text comes out as text, in every template, feed and Markdown file.

A case is one hostile string in one place of one output. Strings are put together from a table
of attacks and random characters; thousands share a page, since a page of a hundred quotations
is parsed as fast as a hundred pages of one. Every string that went in must come out of a real
parser exactly as it was, and the page may hold no element, attribute or address beyond those
that the same page has with harmless words.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import markdown
import pytest
import yaml
from lxml import etree
from lxml import html as parser
from markdown_it import MarkdownIt
from markupsafe import Markup

from ledger.consent_state import Grant
from ledger.database import Ledger
from ledger.editions import Edition
from ledger.model import Campaign, Channel, Credit, NameForm, Use, clean_name, normal
from publisher.compose import Source, compose, title_of
from publisher.escaping import showable, web_address
from publisher.pages import HandPage
from publisher.preview import preview
from publisher.prose import ProseRenderer
from publisher.render import site_templates
from publisher.shown import Quote, quote_of
from publisher.site.entries import Entry, Place, make_entry
from tests.golden.audit import (
    ATOM,
    in_feed,
    in_html,
    one_gap,
    quoted_text,
    without_marks,
)
from tests.golden.made_site import site_of

WHEN = datetime(2026, 1, 5, tzinfo=UTC)
ATTACKS = """<script>alert(1)</script>|<img src=x onerror=alert(1)>|"><svg onload=alert(1)>|
</blockquote>|</textarea>|</title>|<!--|-->|<![CDATA[|]]>|&lt;b&gt;|&#60;b&#62;|&amp;amp;|&notanentity|
javascript:alert(1)|data:text/html,x|' onmouseover='x|{{ 7*7 }}|{% raw %}|{{< x >}}|${7*7}|
[a](javascript:x)|![a](b)|[a]: /x|**bold**|__b__|_i_|*i*|`code`|~~~|```|# head|== head|> quote|>|
- item|1. item|1) item|iii. item|+ item|* item|---|***|===|| a | b ||a\\*b|\\|http://x.example|
www.x.example|x@x.example|<http://x.example>|:smile:|[^1]|[^1]: x|*[abbr]: x|$x$|==m==|^s^|~s~|
"quoted"|'quoted'|don't|a -- b|a...b|(c)|1/2|<div markdown="1">|{: .x }|{#id}|!!! note|??? x|
    four|	tab|two  spaces  |٣. x|مرحبا|日本語|e\u0301|\U0001f600|\u200b|\u202e|\u2028|\u00a0|
\u3000|&|<|\">""".replace("|\n", "|").split("|")
PIECES = [piece for piece in ATTACKS if piece]
LETTERS = "abc XYZ019<>&\"'`*_{}[]()#+-.!|~=:;,?/\\^$%@\n\t éß日\u00ad\u2029"
URLS = [
    "javascript:x",
    "data:x",
    "https://a.example/'\"><b>",
    "//x",
    "http://x y/",
    "HTTPS://A.EXAMPLE",
]


def hostile(chance: random.Random) -> str:
    parts = chance.choices(PIECES, k=chance.randint(1, 3))
    noise = "".join(chance.choices(LETTERS, k=chance.randint(0, 6)))
    parts.insert(chance.randint(0, len(parts)), noise)
    text = normal(chance.choice(["", " ", "\n", "\n\n"]).join(parts)).strip()
    return text if text and showable(text) else "x"


def credit(chance: random.Random) -> Credit:
    form = chance.choice(list(NameForm))
    one_line = [clean_name(hostile(chance)) or "x" for _ in range(4)]
    return Credit(form, one_line[0], one_line[1], chance.choice(URLS), one_line[2], one_line[3])


def quote_with(chance: random.Random, given: Credit) -> Quote:
    return quote_of(
        words=hostile(chance),
        credit=given,
        prompt="Home is ___.",
        prompt_lang="en",
        lang="en",
        channel=Channel.FORM,
        when=WHEN,
        source_url=chance.choice(URLS),
    )


PAGE = (
    '{% import "_quote.html" as post %}<!doctype html><html><head><title>t</title></head><body>'
    "{% for q in quotes %}{{ post.quote(q) }}{% endfor %}</body></html>"
)
#: Elements and attributes that the macro may write, and no others.
ELEMENTS = {"html", "head", "title", "body", "figure", "p", "span", "blockquote", "figcaption"}
ELEMENTS |= {"cite", "bdi", "a", "time"}
ATTRIBUTES = {"class", "lang", "dir", "href", "rel", "datetime", "data-open", "data-close"}
#: Words, name, rest of the credit, address of the credit, address of the source.
PLACES = 5


def check(page: etree._Element, given: list[Quote]) -> None:
    tags = {element.tag for element in page.iter()}
    attributes = {name for element in page.iter() for name in element.attrib}
    assert tags <= ELEMENTS, tags - ELEMENTS
    assert attributes <= ATTRIBUTES, attributes - ATTRIBUTES
    assert all(re.match(r"https?://[^\s<>\"']+\Z", a.get("href")) for a in page.iter("a"))
    assert ["".join(one.itertext()) for one in page.iter("blockquote")] == [q.words for q in given]
    assert ["".join(one.itertext()) for one in page.iter("cite")] == [q.credit.line for q in given]


@pytest.mark.parametrize("seed", range(4))
def test_p28_in_the_markup_that_pages_lists_and_previews_share(seed: int) -> None:
    """4 x 50,000 quotations x 5 places = 1,000,000 cases.

    The words are made anew for each; the credits are drawn from 2,000 per seed, so that they
    repeat beside other words.
    """
    chance = random.Random(seed)
    template = site_templates().from_string(PAGE)
    names = [credit(chance) for _ in range(2_000)]
    cases = 0
    for _ in range(250):
        given = [quote_with(chance, chance.choice(names)) for _ in range(200)]
        check(etree.fromstring(template.render(quotes=given), etree.HTMLParser()), given)
        cases += len(given) * PLACES
    assert cases == 250_000


@dataclass(frozen=True)
class Shown:
    quote: Quote
    entry: Entry


def shown(chance: random.Random, number: int, *, harmless: bool) -> Shown:
    url = "https://ada.example/" if number % 2 else ""
    given = Credit(NameForm.NAME, "Ada Sample", url=url, role="editor")
    if not harmless:
        given = credit(chance)
    quote = quote_with(chance, given)
    if harmless:
        quote = replace(quote, words="harmless", source_url="https://a.example/")
    return Shown(quote, entry(quote, number))


def entry(quote: Quote, number: int) -> Entry:
    """The lower the number, the newer."""
    return make_entry(
        quote,
        Place("2026-01", 999 - number, f"/people/x-{number:08x}/", 0),
        id=f"{number:032x}",
        campaign_id="c",
        grant_hash="0" * 64,
        granted_at=WHEN - timedelta(seconds=number),
        address=f"/home/x-{number:08x}/",
        title=title_of("Home", quote.credit),
        in_editions=True,
    )


def blog_of(ledger: Ledger, items: list[Shown], prose: ProseRenderer) -> dict[str, bytes]:
    campaign = Campaign("c", "home", "Home", "Home is ___.", "en", WHEN)
    ids = tuple(one.entry.id for one in items)
    edition = Edition("e", "c", "all", "All", "Hello.", ids, WHEN, WHEN)
    page = HandPage("about", "About", Markup("<p>Hello.</p>"))
    entries = [one.entry for one in items]
    return site_of(ledger, campaign, entries, edition, [page], prose)


def shape(page: etree._Element) -> set[tuple[str, str]]:
    """Which elements carry which attributes; an element without any is listed by itself."""
    return {
        (element.tag, name) for element in page.iter() for name in ["", *sorted(element.attrib)]
    }


def test_p28_in_every_page_and_feed_of_a_blog(ledger: Ledger) -> None:
    """150 definitions on a page each, and all of them in lists, an edition and the feeds."""
    chance = random.Random(5)
    with ProseRenderer() as prose:
        plain = [shown(chance, number, harmless=True) for number in range(150)]
        expected = {
            part
            for path, content in blog_of(ledger, plain, prose).items()
            if path.endswith(".html")
            for part in shape(parser.document_fromstring(content.decode()))
        }
        hostile_ones = [shown(chance, number, harmless=False) for number in range(150)]
        by_text = {(one.quote.words, one.quote.credit.line) for one in hostile_ones}
        found = 0
        for path, content in blog_of(ledger, hostile_ones, prose).items():
            if path.endswith(".html"):
                page = parser.document_fromstring(content.decode())
                assert shape(page) <= expected, path
                assert page.findtext(".//title").strip(), path
                items = in_html(path, content.decode())
            elif path.endswith("feed.xml"):
                items = in_feed(path, content)
                assert len(items) == 50
                titles = [one.text for one in etree.fromstring(content).iter(f"{ATOM}title")]
                assert titles[1:] == [one.entry.title for one in hostile_ones[:50]]
            else:
                continue
            assert {(item.words, item.credit) for item in items} <= by_text
            found += len(items)
    # A page, a campaign or archive page, an edition and a person's page for each, and more.
    assert found >= 150 * 4


def test_p28_in_composed_markdown_for_two_families_of_readers() -> None:
    """1,500 texts, each read as CommonMark with typography and links, and by python-markdown."""
    chance = random.Random(6)
    common = MarkdownIt("commonmark", {"typographer": True, "html": True}).enable(
        ["table", "strikethrough", "replacements", "smartquotes"]
    )
    other = markdown.Markdown(extensions=["extra", "smarty", "sane_lists", "nl2br"])
    source = Source("0" * 32, "home", "Home", "Home is ___.", "x", "en", Channel.FORM, WHEN)
    for _ in range(1_500):
        words, named = hostile(chance), credit(chance)
        grant = Grant("0" * 64, WHEN.isoformat(), "r", words, named, frozenset(Use))
        text = compose(grant, source).content.decode()
        _, front, body = text.split("---\n", 2)
        read = yaml.safe_load(front)
        assert read["credit"]["line"] == grant.credit.line
        assert read["author"] == grant.credit.display_name
        for rendered in (common.render(body), other.reset().convert(body)):
            quoted = without_marks(quoted_text(rendered), "en")
            assert one_gap(quoted) == one_gap(grant.text), (grant.text, body)
            whole = parser.fragment_fromstring(rendered, create_parent=True)
            assert {e.tag for e in whole.iter()} <= {"div", "blockquote", "p", "br", "a"}
            attribution = whole.findall("p")[-1].text_content().strip()
            assert attribution == f"— {grant.credit.line}"
            assert all(a.get("href").startswith(("http://", "https://")) for a in whole.iter("a"))


def test_p28_the_preview_is_the_page(ledger: Ledger) -> None:
    chance = random.Random(7)
    campaign = Campaign("c", "home", "Home", "Home is ___.", "en", WHEN)
    with ProseRenderer() as prose:
        for number in range(50):
            one = shown(chance, number, harmless=False)
            quote = replace(one.quote, source_url="")
            one = Shown(quote, entry(quote, number))
            seen = preview(
                campaign, one.quote.words, one.quote.credit, channel=Channel.FORM, when=WHEN
            )
            made = blog_of(ledger, [one], prose)
            assert str(seen) in made[f"{one.entry.address.strip('/')}/index.html"].decode()


@pytest.mark.parametrize(
    ("given", "shown_as"),
    [
        ("https://ada.example/a?b=c&d#e", "https://ada.example/a?b=c&d#e"),
        ("HTTPS://ADA.EXAMPLE/ü", "https://ADA.EXAMPLE/%C3%BC"),
        ("https://ada.example/%C3%BC", "https://ada.example/%C3%BC"),
        ("https://ü.example/", "https://xn--tda.example/"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("//ada.example/", ""),
        ("ada.example", ""),
        ("https://user@ada.example/", ""),
        ("https://", ""),
        ("https://[::1", ""),
    ],
)
def test_p28_only_addresses_of_the_web_become_links(given: str, shown_as: str) -> None:
    assert web_address(given) == shown_as
