"""What people ask for about themselves in the words of a message, read for an editor to act upon.

Erasing can't be undone and an export goes to whoever asks, so neither is done by a program that
has read a sentence: a task on the desk says what was asked, in their words, with its date
(GDPR, article 12(3)). Taking back and stopping act at once, elsewhere (consent/answering.py).
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ledger.database import Ledger
from ledger.rights_requests import (
    Right,
    add_rights_request,
    looked_at,
    written_since,
)

PHRASES = Path(__file__).parent / "phrases.toml"
GAP_SIGN = ".."
#: How many words a gap spans, and how many characters where words are not written apart.
GAP, WIDE_GAP = 5, 12
#: Of one message; what is asked stands far before that.
MOST_CHARACTERS = 10_000
BATCH = 200
_SENTENCE = re.compile(r"[^.!?。！？؟\n]+[.!?。！？؟]*")
#: Kana and Han characters one by one, everything else by words.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+")

_APART = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
#: One place in a phrase: the sequences of words that may stand there; empty: a gap.
Step = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Asked:
    """One thing that a message asks for, with the sentence that says so."""

    kind: Right
    quoted: str


def rights_asked(text: str) -> list[Asked]:
    """What these words ask for, each kind once, in the order in which it is asked."""
    found: dict[Right, Asked] = {}
    for sentence in _SENTENCE.findall(text[:MOST_CHARACTERS]):
        words = _words(sentence)
        for kind in _kinds_in(words):
            found.setdefault(kind, Asked(kind, sentence.strip()))
    return list(found.values())


def read_rights(ledger: Ledger) -> int:
    """Make tasks of what was asked since the last time; returns how many are new."""
    made = 0
    while True:
        with ledger.read() as connection:
            waiting = written_since(connection, BATCH)
        # Reading is pure: no transaction is open.
        asked = [
            (one, each) for one in waiting if one.contributor_id for each in rights_asked(one.text)
        ]
        if waiting:
            with ledger.write() as connection:
                for one, each in asked:
                    made += add_rights_request(
                        connection,
                        one.contributor_id,
                        each.kind,
                        each.quoted,
                        one.received_at,
                        reply_id=one.reply_id,
                    )
                looked_at(connection, waiting[-1].reply_id)
        if len(waiting) < BATCH:
            return made


def _kinds_in(words: Sequence[str]) -> list[Right]:
    net = _phrases()
    found: dict[Right, None] = {}
    for at, word in enumerate(words):
        for kind, steps in net.get(word, ()):
            if kind not in found and _matches(steps, words, at):
                found[kind] = None
    return list(found)


def _matches(steps: Sequence[Step], words: Sequence[str], at: int) -> bool:
    """Whether the phrase stands at words[at:]; all the places that it may have reached at once."""
    places, gap = {at}, False
    for step in steps:
        if not step:
            gap = True
            continue
        reach = (WIDE_GAP if _APART.match(step[0][0]) else GAP) if gap else 0
        places = {
            start + len(one)
            for place in places
            for start in range(place, min(place + reach, len(words)) + 1)
            for one in step
            if tuple(words[start : start + len(one)]) == one
        }
        gap = False
        if not places:
            return False
    return True


@cache
def _phrases() -> dict[str, list[tuple[Right, tuple[Step, ...]]]]:
    """Every phrase of every language by each word that it may begin with."""
    net: dict[str, list[tuple[Right, tuple[Step, ...]]]] = defaultdict(list)
    stored = tomllib.loads(PHRASES.read_text(encoding="utf-8"))
    for kinds in stored.values():
        for kind, phrases in kinds.items():
            for phrase in phrases:
                steps = tuple(_step(one) for one in phrase.split())
                for first in {one[0] for one in steps[0]}:
                    net[first].append((Right(kind), steps))
    return dict(net)


def _step(written: str) -> Step:
    if written == GAP_SIGN:
        return ()
    return tuple(tuple(_words(one)) for one in written.split("/"))


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
