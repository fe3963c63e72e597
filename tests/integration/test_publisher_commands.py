"""The commands `publish` and `edition`, as programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ledger.database import Ledger
from ledger.errors import Exit
from ledger.model import Campaign
from tests.commands import Instance
from tests.golden.sample_blog import grant, take


@pytest.fixture
def definedby(ledger: Ledger):
    settings = ledger.settings
    environment = {
        "DEFINEDBY_CONTENT": str(settings.content),
        "DEFINEDBY_SITE": str(settings.site_folder),
    }
    instance = Instance(settings.home, environment)

    def call(*arguments: str, code: Exit = Exit.DONE) -> str:
        done = instance.run(*arguments, code=code)
        return done.stdout + done.stderr

    return call


def test_publish_says_what_it_did(ledger: Ledger, campaign: Campaign, definedby) -> None:
    grant(ledger, take(ledger, campaign, "Listening."))
    report = json.loads(definedby("publish", "--json"))
    assert (report["posts"], report["refused"]) == (1, [])
    assert report["written"] > 10
    (post,) = (ledger.settings.content / "posts").rglob("*.md")
    post.write_text(post.read_text().replace("Listening", "Whispering"))
    assert (
        json.loads(definedby("publish", "--json"))["written"] == 0
    )  # nothing says that it changed
    told = definedby("publish", "--full", code=Exit.PARTLY)
    assert f"Left out: posts/{campaign.slug}/{post.name}: It was changed by hand" in told
    assert json.loads(definedby("publish", "--recompose", "--json"))["posts"] == 1


def test_an_edition_is_made_published_listed_and_retracted(
    ledger: Ledger, campaign: Campaign, tmp_path: Path, definedby
) -> None:
    grant(ledger, take(ledger, campaign, "Listening."))
    introduction = tmp_path / "introduction.md"
    introduction.write_text("Hello.")
    made = json.loads(
        definedby(
            "edition",
            "new",
            campaign.slug,
            "One answer",
            "--introduction",
            str(introduction),
            "--all",
            "--json",
        )
    )
    assert made["definitions"] == 1
    address = definedby("edition", "publish", made["id"][:6]).strip()
    assert address.endswith("/thought-leadership/editions/one-answer/")
    page = ledger.settings.site_folder / campaign.slug / "editions" / "one-answer" / "index.html"
    assert "Listening." in page.read_text()
    (listed,) = json.loads(definedby("edition", "list", "--json"))
    assert listed["public_since"]
    definedby("edition", "retract", made["id"])
    assert not page.exists()
    assert "not public" in definedby("edition", "retract", made["id"], code=Exit.FAILED)
    assert "no edition" in definedby("edition", "publish", "zzz", code=Exit.FAILED)
