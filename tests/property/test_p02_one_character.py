"""P02: one changed character in text, credit or file voids the grant.

500 files, 250 texts and 250 credits with one character changed: 0 published.
"""

from __future__ import annotations

import random
from dataclasses import replace

from sqlalchemy import select

from ledger.consent_state import publishable
from ledger.database import Ledger
from ledger.events import history
from ledger.model import Campaign, Credit, Use, normal
from ledger.tables import definition_versions
from publisher.publish import publish
from tests.golden.audit import site_items, violations
from tests.golden.sample_blog import ADA, grant, take

FILES = 100
ROUNDS = 5
ALPHABET = "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789 .,;:!?-_*#<>&'\"äéß\u0301\u00a0"
WORDS = "Zoë says: “nobody” knows * what it *is*; everybody\nnods."


def mutated(chance: random.Random, text: str) -> str:
    """One character replaced, put in, or taken out, so that the text differs after NFC."""
    while True:
        place = chance.randrange(len(text))
        new = chance.choice(ALPHABET)
        changed = chance.choice(
            [
                text[:place] + new + text[place + 1 :],
                text[:place] + new + text[place:],
                text[:place] + text[place + 1 :],
            ]
        )
        if normal(changed) != normal(text):
            return changed


def test_p02_a_changed_file_is_never_published(ledger: Ledger, campaign: Campaign) -> None:
    chance = random.Random(2)
    for number in range(FILES):
        grant(ledger, take(ledger, campaign, f"{WORDS} {number}"))
    publish(ledger)
    files = sorted((ledger.settings.content / "posts").rglob("*.md"))
    composed = {path: path.read_text(encoding="utf-8") for path in files}
    for _ in range(ROUNDS):
        for path, text in composed.items():
            path.write_text(mutated(chance, text), encoding="utf-8")
        report = publish(ledger)
        assert (report.posts, len(report.refused)) == (0, FILES)
        assert site_items(ledger) == []
        for path, text in composed.items():
            path.write_text(text, encoding="utf-8")
    assert publish(ledger).posts == FILES
    assert violations(ledger) == []


def test_p02_changed_words_or_credit_have_no_grant(ledger: Ledger, campaign: Campaign) -> None:
    chance = random.Random(3)
    definition = take(ledger, campaign, WORDS)
    grant(ledger, definition)
    with ledger.read() as connection:
        past = history(connection, ledger.keys, definition.id)
    assert not isinstance(publishable(past, definition.text, ADA, Use.POST), str)
    published = 0
    for _ in range(250):
        words = mutated(chance, definition.text)
        published += not isinstance(publishable(past, words, ADA, Use.POST), str)
        part = chance.choice(["name", "handle", "url", "role", "organisation"])
        credit = changed_credit(chance, part)
        published += not isinstance(publishable(past, definition.text, credit, Use.POST), str)
    assert published == 0


def changed_credit(chance: random.Random, part: str) -> Credit:
    while True:
        credit = replace(ADA, **{part: mutated(chance, getattr(ADA, part))})
        if credit != ADA:  # a space at the end is no change: names are kept without
            return credit


def test_p02_words_changed_in_the_database_are_not_what_is_published(
    ledger: Ledger, campaign: Campaign
) -> None:
    chance = random.Random(4)
    definitions = [take(ledger, campaign, f"{WORDS} {number}") for number in range(50)]
    for definition in definitions:
        grant(ledger, definition)
    with ledger.write() as connection:
        for row in connection.execute(select(definition_versions)).all():
            connection.execute(
                definition_versions.update()
                .where(definition_versions.c.definition_id == row.definition_id)
                .values(text=mutated(chance, row.text))
            )
    assert publish(ledger).posts == len(definitions)
    assert violations(ledger) == []
