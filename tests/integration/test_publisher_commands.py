"""The commands `publish` and `edition`, as programs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.database import Ledger
from ledger.errors import Exit
from ledger.model import Campaign
from tests.golden.sample_blog import grant, take

ROOT = Path(__file__).parent.parent.parent
RUN = (
    "import click; from publisher.cli import edition, publish; from ledger.command_line import run;"
    "run(click.Group(commands={'publish': publish, 'edition': edition}))"
)


@pytest.fixture
def definedby(ledger: Ledger):
    settings = ledger.settings
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "DEFINEDBY_HOME": str(settings.home),
        "DEFINEDBY_CONTENT": str(settings.content),
        "DEFINEDBY_SITE": str(settings.site_folder),
    }

    def call(*arguments: str, code: Exit = Exit.DONE) -> str:
        done = subprocess.run(
            [sys.executable, "-c", RUN, *arguments], env=environment, capture_output=True, text=True
        )
        assert done.returncode == code, done.stderr
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
