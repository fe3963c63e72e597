"""Made-up people who answer, are asked and agree: the steps that many tests begin with."""

from __future__ import annotations

from consent.decisions import grant
from consent.requests import Asked, ask
from ledger.accounts import ensure_account
from ledger.consent_state import Grant
from ledger.database import Ledger
from ledger.definitions import take_definition
from ledger.model import (
    Campaign,
    Channel,
    Credit,
    Definition,
    IncomingReply,
    NameForm,
    Reply,
    ReplyState,
    Use,
)
from ledger.replies import desk_replies, store_replies

ADA = Credit(NameForm.NAME, name="Ada Sample", handle="@ada_example", role="gardener")
EVIDENCE = {"channel": "page", "page": "test", "notice": "test"}


def answer(
    ledger: Ledger,
    campaign: Campaign,
    words: str = "listening before you speak",
    *,
    name: str = "Ada Sample",
    address: str = "ada@sample.example",
    external_id: str = "",
) -> Reply:
    """An imported reply, unread."""
    with ledger.write() as connection:
        account = ensure_account(
            connection, ledger.keys, Channel.IMPORT, campaign.slug, campaign.id
        )
        incoming = IncomingReply(external_id or f"{address} {words}"[:900], address, words, name)
        store_replies(connection, account, [incoming], ledger.clock())
        newest = desk_replies(connection, campaign.id, ReplyState.NEW, limit=1)
    return newest[0]


def define(ledger: Ledger, reply: Reply, lang: str = "en") -> Definition:
    with ledger.write() as connection:
        return take_definition(connection, ledger.keys, ledger.clock(), reply, lang)


def asked(ledger: Ledger, campaign: Campaign, words: str, **who: str) -> Asked:
    definition = define(ledger, answer(ledger, campaign, words, **who))
    return ask(ledger, definition.id, asked_by="editor@blog.example")


def agree(
    ledger: Ledger,
    question: Asked,
    words: str,
    credit: Credit = ADA,
    uses: frozenset[Use] = frozenset(Use),
) -> Grant:
    return grant(
        ledger, question.request.id, text=words, credit=credit, uses=uses, evidence=EVIDENCE
    )
