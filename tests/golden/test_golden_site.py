"""A small blog, byte for byte: whoever changes a template sees what readers will see.

`pytest tests/golden --update-golden` writes the tree anew; read the difference before keeping it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ledger.consent_state import Grant
from ledger.database import Ledger
from ledger.editions import Edition
from ledger.keys import Keys
from ledger.model import Campaign, Channel, Credit, NameForm, PostKind, Use
from ledger.piece_text import PieceText, Turn, text_of
from publisher.compose import Source, compose
from publisher.intake import entry_of
from publisher.pages import read_pages
from publisher.prose import ProseRenderer
from publisher.report import Refusal
from publisher.shown import person_address
from publisher.site.entries import Place
from publisher.standing import Share, Standing
from tests.golden.made_site import site_of
from tests.golden.sample_blog import ADA, tree

TREE = Path(__file__).parent / "site"
STARTERS = Path(__file__).parent.parent.parent / "content"
WHEN = datetime(2026, 1, 5, 12, tzinfo=UTC)
TERM = "Thought leadership"
CAMPAIGN = Campaign("c" * 32, "thought-leadership", TERM, f"{TERM} is ___?", "en", WHEN)
#: Never of an instance: these only make the names of people's pages the same everywhere.
KEYS = Keys(fernet=("",), signing="", web="", tokens="golden")
PEOPLE = [
    ("Saying the obvious thing first.", ADA, Channel.EMAIL, "saying-the-obvious-thing-first"),
    (
        "Two things:\nasking <b>better</b>,\n\n1. and leaving *early*.",
        Credit(NameForm.PSEUDONYM, name="A tired manager"),
        Channel.FORM,
        "two-things",
    ),
    ("聞くこと", Credit(NameForm.ANONYMOUS), Channel.IMPORT, "聞くこと"),
]


def standing() -> list[Standing]:
    found = []
    for number, (words, credit, channel, slug) in enumerate(PEOPLE, 1):
        at = WHEN + timedelta(days=number)
        uses = frozenset(Use) if number != 2 else frozenset({Use.POST})
        grant = Grant(f"{number:064x}", at.isoformat(), "r", words, credit, uses)
        source = Source(
            f"{number:x}" * 32,
            CAMPAIGN.slug,
            CAMPAIGN.term,
            CAMPAIGN.prompt,
            slug,
            "ja" if number == 3 else "en",
            channel,
            WHEN,
            "https://ada.example/notes/1" if number == 1 else "",
            messages=2 if number == 2 else 1,
        )
        found.append(Standing(grant, source, "p" * 32, CAMPAIGN.id, False))
    return [*found, *pieces()]


def pieces() -> list[Standing]:
    """An interview with one person, and an endorsement in which two people speak."""
    talk = PieceText(
        PostKind.INTERVIEW,
        "Listening at *ten*",
        "We wrote to each other.\n\nAll of one winter.",
        (Turn(0, "When did you begin?"), Turn(1, "At ten. […] I liked it."), Turn(0, "And now?")),
    )
    praise = PieceText(
        PostKind.ENDORSEMENT,
        "A word about <b>Ada</b>",
        "",
        (Turn(1, "She taught me\nto wait."), Turn(2, "He is kind."), Turn(1, "I am not.")),
    )
    tired = Credit(NameForm.PSEUDONYM, name="A tired manager")
    found = []
    for number, (text, credits_) in enumerate(
        [(talk, (ADA,)), (praise, (tired, Credit(NameForm.ANONYMOUS, role="a reader")))], 4
    ):
        at = (WHEN + timedelta(days=number)).isoformat()
        use = frozenset({text.kind.use})
        first, *others = (
            Grant(f"{number}{part}".rjust(64, "0"), at, "r", text_of(text), credit, use)
            for part, credit in enumerate(credits_)
        )
        source = Source(
            f"{number:x}" * 32,
            CAMPAIGN.slug,
            CAMPAIGN.term,
            CAMPAIGN.prompt,
            f"piece-{number}",
            "en",
            Channel.EMAIL,
            WHEN,
            kind=text.kind,
        )
        shares = tuple(Share("s" * 32, "q" * 32, one, False) for one in others)
        found.append(Standing(first, source, "p" * 32, CAMPAIGN.id, False, shares=shares))
    return found


def made(ledger: Ledger) -> dict[str, bytes]:
    ledger = replace(
        ledger,
        keys=KEYS,
        settings=ledger.settings.model_copy(
            update={"base_url": "https://blog.example", "contact": "robin@sample.example"}
        ),
    )
    ones = standing()
    ids = tuple(one.id for one in ones)
    edition = Edition(
        "e", CAMPAIGN.id, "first", "A first edition", "Some *words*.", ids, WHEN, WHEN
    )
    with ProseRenderer() as prose:
        pages = [
            page
            for page in read_pages(STARTERS, frozenset(), prose)
            if not isinstance(page, Refusal)
        ]
        entries = []
        for number, one in enumerate(ones):
            person = person_address(KEYS, one.contributor_id, one.grant.credit)
            entries.append(entry_of(one, CAMPAIGN, Place("2026-01", number, person, number)))
        made = site_of(ledger, CAMPAIGN, entries, edition, pages, prose)
        files = {f"site/{path}": content for path, content in made.items()}
    composed = [compose(one.grant, one.source, one.grants[1:]) for one in ones]
    return files | {f"site/_content/{post.file}": post.content for post in composed}


def test_the_blog_is_what_it_was(ledger: Ledger, request: pytest.FixtureRequest) -> None:
    files = made(ledger)
    if request.config.getoption("--update-golden", default=False):
        for path in sorted(TREE.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        for name, content in files.items():
            place = TREE.parent / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
    golden = tree(TREE)
    assert sorted(files) == sorted(golden)
    for name, content in sorted(files.items()):
        assert content.decode() == golden[name].decode(), name


def test_a_post_says_which_uses_its_author_agreed_to_and_no_others(ledger: Ledger) -> None:
    pages = [
        text.decode()
        for path, text in made(ledger).items()
        if "11111111/" in path or "22222222/" in path
    ]
    whole, alone = (page.partition('<details class="why" id="why">')[2] for page in pages)
    assert "stand here and in editions." in whole
    assert "stand here. They can" in alone
    assert "6 January 2026" in whole


def test_words_that_came_in_parts_say_so_wherever_they_stand(ledger: Ledger) -> None:
    showing = {
        path.removeprefix("site/")
        for path, text in made(ledger).items()
        if b"from two messages" in text
    }
    post = "thought-leadership/two-things-22222222"
    assert showing >= {f"{post}/index.html", f"_content/posts/{post}.md", "index.html"}
    assert "thought-leadership/saying-the-obvious-thing-first-11111111/index.html" not in showing
