"""Conversations out of which interviews and endorsements are made, and people who allow them."""

from __future__ import annotations

from collections.abc import Sequence

from consent.decisions import grant
from consent.piecing import make_piece
from consent.requests import ask
from ledger.database import Ledger
from ledger.definitions import need_definition
from ledger.model import Campaign, Credit, Definition, NameForm, PostKind, Reply
from ledger.pieces import Wanted, Wish
from ledger.replies import author_of, find_reply
from tests.people import EVIDENCE, answer

ADA = Credit(NameForm.NAME, "Ada Sample", url="https://ada.example/")
BEN = Credit(NameForm.NAME, "Ben <b>Example</b>")
WORDS = {
    "ada": ("Listening, mostly.", "Long before anybody asks. Then once more."),
    "ben": ("She has taught me that.", "I would ask her again."),
}
QUESTIONS = ("What is it, then?", "And when does one begin?")


def said(ledger: Ledger, campaign: Campaign, who: str, words: str) -> Reply:
    """Something that a person wrote in their conversation with us."""
    reply = answer(
        ledger,
        campaign,
        words,
        name={"ada": "Ada Sample", "ben": "Ben Example"}.get(who, who.title()),
        address=f"{who}@sample.example",
    )
    with ledger.write() as connection:
        author_of(connection, ledger.keys, reply, ledger.clock())
        found = find_reply(connection, reply.id)
    assert found is not None
    return found


def wish(
    replies: Sequence[Reply],
    *,
    kind: PostKind = PostKind.INTERVIEW,
    title: str = "Two questions about listening",
    introduction: str = "We wrote to each other all winter.",
    questions: Sequence[str] = QUESTIONS,
) -> Wish:
    """Each of these replies below a question."""
    turns = []
    for number, reply in enumerate(replies):
        turns += [Wanted(questions[number % len(questions)]), Wanted(reply.text, reply)]
    return Wish(kind, title, introduction, tuple(turns))


def interview(
    ledger: Ledger,
    campaign: Campaign,
    who: Sequence[str] = ("ada", "ada"),
    kind: PostKind = PostKind.INTERVIEW,
    title: str = "Two questions about listening",
) -> list[Definition]:
    """A piece in which these people speak one after the other; nobody is asked yet."""
    spoken: dict[str, int] = {}
    replies = []
    for one in who:
        number = spoken.get(one, 0)
        spoken[one] = number + 1
        replies.append(said(ledger, campaign, one, WORDS[one][number % 2] + " " * (number // 2)))
    return make_piece(ledger, campaign.id, "en", wish(replies, kind=kind, title=title))


def allow(ledger: Ledger, share: Definition, credit: Credit) -> str:
    """Ask this person, and have them say yes on their page; the grant's hash."""
    asked = ask(ledger, share.id, asked_by="the editor")
    with ledger.read() as connection:
        newest = need_definition(connection, share.id)
    granted = grant(
        ledger,
        asked.request.id,
        text=newest.text,
        credit=credit,
        uses=asked.request.uses,
        evidence=EVIDENCE,
    )
    return granted.event_hash
