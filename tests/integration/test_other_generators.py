"""The folder of posts as Hugo, Jekyll and Pelican build it, set up as the how-to says.

Given posts that our publisher made of harmless and of hostile words; when each of the three builds
them, then every one is a page at its own address, with its title, date, words and credit, nothing
is warned of, and what was withdrawn has no page after the next build.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import frontmatter
import pytest
from lxml import html
from sqlalchemy import update

from ledger.database import Ledger
from ledger.model import Campaign, Credit, NameForm
from ledger.tables import definitions as definition_rows
from publisher.publish import publish
from tests.commands import ROOT
from tests.conftest import SteppingClock
from tests.golden.audit import one_gap, quoted_text, without_marks
from tests.golden.sample_blog import ADA, grant, named, take, withdraw
from tests.servers.fixtures import need

GOLDEN = ROOT / "tests" / "golden" / "site"
HOW_TO = ROOT / "docs" / "how-to" / "use-the-posts-elsewhere.md"
PEOPLE = [
    ("Saying the obvious thing first.", ADA),
    ("Two things:\nasking <b>better</b>,\n\n1. and leaving *early*.", named("A tired manager")),
    ("聞くこと", Credit(NameForm.ANONYMOUS)),
    ('"Well..." -- it\'s {{ .Site }} {% raw %} {{< x >}} {static}/a', named("Seán O'Neill, PhD")),
    (
        '24 "><script>alert(1)</script> [x](javascript:alert(1))',
        named("Élodie 1. & <i>Co</i>: [#](javascript:x) onclick=alert(1) `x`"),
    ),
]
HOSTILE = PEOPLE[-1][1].name
Build = Callable[[Path, Path], Path]


def blocks(folder: Path, section: str, content: Path) -> None:
    """The files of this section of the how-to, with the folder of posts where it is here."""
    text = (
        HOW_TO.read_text(encoding="utf-8").partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    )
    files = re.findall(r"`([\w./]+)`:\n\n```\w+\n(.*?)```", text, re.DOTALL)
    assert files
    for name, inside in files:
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(inside.replace("/srv/blog/content", str(content)), encoding="utf-8")


def run(folder: Path, *command: str) -> str:
    environment = {**os.environ, "HOME": str(folder), "LANG": "C.UTF-8", "TZ": "UTC"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert not re.search(r"warn|error|deprecat", said, re.IGNORECASE), said
    return said


def hugo(folder: Path, content: Path) -> Path:
    (folder / "content").mkdir(exist_ok=True)
    shutil.rmtree(folder / "public", ignore_errors=True)
    run(folder, "hugo")
    authors = [one.name for one in (folder / "public" / "author").iterdir() if one.is_dir()]
    assert len(authors) >= len(PEOPLE) - 1, authors
    return folder / "public"


def jekyll(folder: Path, content: Path) -> Path:
    if not (folder / "_definitions").exists():
        (folder / "_definitions").symlink_to(content / "posts")
    run(folder, "jekyll", "build", "--disable-disk-cache")
    return folder / "_site"


def pelican(folder: Path, content: Path) -> Path:
    command = (sys.executable, "-m", "pelican", "-s", "pelicanconf.py", "-o", "output")
    run(folder, *command, "--fatal", "warnings")
    return folder / "output"


BUILDERS: dict[str, Build] = {"Hugo": hugo, "Jekyll": jekyll, "Pelican": pelican}


def text_of(page: html.HtmlElement) -> str:
    return " ".join(page.text_content().split())


@pytest.mark.parametrize("name", BUILDERS)
def test_each_post_is_a_page_and_a_withdrawn_one_is_not(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock, tmp_path: Path, name: str
) -> None:
    if name != "Pelican":
        need("" if shutil.which(name.lower()) else f"there is no {name.lower()}")
    clock.now = datetime(2021, 3, 4, 12, tzinfo=UTC)  # none of them builds what is yet to come
    definitions = [take(ledger, campaign, words) for words, _ in PEOPLE]
    with ledger.write() as connection:
        japanese = definition_rows.c.id == definitions[2].id
        connection.execute(update(definition_rows).where(japanese).values(lang="ja"))
    for definition, (_, credit) in zip(definitions, PEOPLE, strict=True):
        grant(ledger, definition, credit)
    publish(ledger)
    content, folder = ledger.settings.content, tmp_path / "other"
    posts = {
        read["definition"]: read
        for read in map(frontmatter.load, map(str, (content / "posts").rglob("*.md")))
    }
    assert len(posts) == len(PEOPLE)
    blocks(folder, name, content)
    built = BUILDERS[name](folder, content)
    for definition, (words, credit) in zip(definitions, PEOPLE, strict=True):
        post = posts[definition.id]
        file = built / campaign.slug / post["slug"] / "index.html"
        page = html.document_fromstring(file.read_text(encoding="utf-8"))
        quotes = page.findall(".//blockquote")
        said = [quoted_text(html.tostring(quote, encoding="unicode")) for quote in quotes]
        assert [one_gap(without_marks(one, post["lang"])) for one in said] == [one_gap(words)]
        shown = text_of(page)
        assert " ".join(f"— {credit.line}".split()) in shown
        if name != "Pelican" or credit.name != HOSTILE:  # it is not quite itself there
            assert post["title"] in shown
            assert page.findtext(".//title").startswith(post["title"])
        (date,) = {str(at)[:10] for at in page.xpath("//time/@datetime | //abbr/@title")}
        assert date == "2021-03-04"
        assert (
            page.xpath("//script | //@onclick | //i | //@href[starts-with(., 'javascript')]") == []
        )
    gone = built / campaign.slug / posts[definitions[0].id]["slug"] / "index.html"
    assert gone.exists()
    withdraw(ledger, definitions[0])
    publish(ledger)
    BUILDERS[name](folder, content)
    assert not gone.exists()
    assert "Saying the obvious" not in "".join(
        file.read_text(encoding="utf-8") for file in built.rglob("*.html")
    )


@pytest.mark.parametrize("name", BUILDERS)
def test_interviews_and_endorsements_are_pages_too(tmp_path: Path, name: str) -> None:
    if name != "Pelican":
        need("" if shutil.which(name.lower()) else f"there is no {name.lower()}")
    content, folder = tmp_path / "content", tmp_path / "other"
    shutil.copytree(GOLDEN / "_content", content)
    posts = list(map(frontmatter.load, map(str, (content / "posts").rglob("*.md"))))
    pieces = [one for one in posts if "piece" in one.metadata]
    assert {one["piece"] for one in pieces} == {"interview", "endorsement"}
    blocks(folder, name, content)
    built = BUILDERS[name](folder, content)
    for post in pieces:
        file = built / "thought-leadership" / post["slug"] / "index.html"
        shown = text_of(html.document_fromstring(file.read_text(encoding="utf-8")))
        if name != "Pelican" or "<" not in post["title"]:  # what it makes of quotes is documented
            assert post["title"] in shown
        assert all(f"— {one['line']}" in shown for one in post["credits"])


def test_pelican_knows_the_author_and_the_tag_without_reading_yaml(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock, tmp_path: Path
) -> None:
    from pelican.readers import MarkdownReader
    from pelican.settings import DEFAULT_CONFIG

    for words, credit in PEOPLE[:4]:
        grant(ledger, take(ledger, campaign, words), credit)
    publish(ledger)
    reader = MarkdownReader({**DEFAULT_CONFIG, "MARKDOWN": {}})
    read = [reader.read(str(file))[1] for file in (ledger.settings.content / "posts").rglob("*.md")]
    names = {str(found["author"]) for found in read}
    assert names == {credit.display_name for _, credit in PEOPLE[:4]}
    assert {str(tag) for found in read for tag in found["tags"]} == {campaign.term}
    assert {found["lang"] for found in read} == {"en"}
