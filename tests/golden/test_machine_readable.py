"""What programs find on the golden site: microformats, JSON-LD, OpenGraph, sitemaps, robots."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import unquote

import mf2py
from lxml import etree, html

from publisher.site.linked import WHY

SITE = Path(__file__).parent / "site"
BASE = "https://blog.example"
CAMPAIGN = SITE / "thought-leadership"
ADAS = CAMPAIGN / "saying-the-obvious-thing-first-11111111"
ANONYMOUS = CAMPAIGN / "聞くこと-33333333"
MAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def text_of(folder: Path) -> str:
    return (folder / "index.html").read_text("utf-8")


def items_of(folder: Path, kind: str) -> list[dict]:
    found = mf2py.parse(doc=text_of(folder), url=f"{BASE}/x/")["items"]
    return [one for one in found if kind in one["type"]]


def linked_of(folder: Path) -> dict:
    (script,) = html.document_fromstring(text_of(folder)).iter("script")
    assert script.get("type") == "application/ld+json"
    return json.loads(script.text)


def locations(name: str) -> list[str]:
    tree = etree.fromstring((SITE / name).read_bytes())
    return [unquote(one.text or "") for one in tree.iter(f"{MAP}loc")]


def test_a_post_is_an_entry_that_cites_its_author() -> None:
    (entry,) = items_of(ADAS, "h-entry")
    assert entry["properties"]["published"] == ["2026-01-06T12:00:00+0000"]
    assert entry["properties"]["url"][0].startswith(f"{BASE}/thought-leadership/saying")
    (cite,) = (one for one in entry["children"] if "h-cite" in one["type"])
    (content,) = cite["properties"]["content"]
    assert content["value"] == "Saying the obvious thing first."
    (author,) = cite["properties"]["author"]
    assert author["type"] == ["h-card"]
    assert author["properties"]["name"] == ["Ada Sample"]
    assert author["properties"]["url"] == ["https://ada.example/"]


def test_lists_are_feeds_of_entries() -> None:
    for folder in (SITE, CAMPAIGN, CAMPAIGN / "2026-01"):
        (feed,) = items_of(folder, "h-feed")
        entries = [one for one in feed["children"] if "h-entry" in one["type"]]
        assert len(entries) == 5, folder


def test_json_ld_says_term_set_words_creator_and_licence() -> None:
    term = linked_of(CAMPAIGN)
    assert (term["@type"], term["name"]) == ("DefinedTerm", "Thought leadership")
    assert term["inDefinedTermSet"]["@type"] == "DefinedTermSet"
    whole = linked_of(SITE)
    assert (whole["@type"], whole["@id"]) == ("DefinedTermSet", term["inDefinedTermSet"]["@id"])
    assert [one["@id"] for one in whole["hasDefinedTerm"]] == [term["@id"]]
    said = linked_of(ADAS)
    assert said["@type"] == "Quotation"
    assert said["text"] == "Saying the obvious thing first."
    assert said["about"]["@id"] == term["@id"]
    assert said["creator"] == {
        "@type": "Person",
        "name": "Ada Sample",
        "url": "https://ada.example/",
    }
    page, _, place = said["license"].partition("#")
    assert page == said["url"]
    (why,) = html.document_fromstring(text_of(ADAS)).xpath(f"//*[@id='{place}']")
    assert place == WHY
    assert "agreed" in why.text_content()


def test_nobody_is_named_who_is_anonymous() -> None:
    said = linked_of(ANONYMOUS)
    assert "creator" not in said
    assert said["inLanguage"] == "ja"


def test_open_graph_says_what_stands_there() -> None:
    page = html.document_fromstring(text_of(ADAS))
    found = {one.get("property"): one.get("content") for one in page.xpath("//meta[@property]")}
    assert found["og:type"] == "article"
    assert found["og:url"].startswith(BASE)
    assert found["og:description"] == "Saying the obvious thing first."
    assert found["og:title"].startswith("Thought leadership, defined by Ada Sample")


def test_the_sitemap_index_leads_to_every_page_and_robots_to_it() -> None:
    shards = locations("sitemap.xml")
    listed = {one for shard in shards for one in locations(shard.removeprefix(f"{BASE}/"))}
    pages = {
        f"{BASE}/{path.parent.relative_to(SITE).as_posix()}/".replace("/./", "/")
        for path in SITE.rglob("index.html")
    }
    months = {one for one in pages if "/2026-01/" in one}
    assert listed == pages - months, "lists of a month lead to nothing that is not here"
    assert f"Sitemap: {BASE}/sitemap.xml" in (SITE / "robots.txt").read_text()


def test_a_quotation_bears_its_language_direction_and_marks() -> None:
    found = {}
    for path in SITE.rglob("index.html"):
        for quote in html.document_fromstring(path.read_text("utf-8")).iter("blockquote"):
            lang, marks = quote.get("lang"), quote.get("data-open") + quote.get("data-close")
            found.setdefault(lang, set()).add((marks, quote.get("dir")))
    # Without marks: the answers of an interview, which stand under their questions.
    assert found == {"en": {("“”", "ltr"), ("", "ltr")}, "ja": {("「」", "ltr")}}
