"""The form and the paste-in under the contract: people bring the words themselves."""

from __future__ import annotations

from collector.channels.form import form_reply
from collector.channels.paste import paste_reply
from ledger.model import IncomingReply
from tests.contract.kinds import BY_BRINGING, CHANGES, Hooks, Kind

NOTHING_FETCHED = "Nothing is fetched: it comes when somebody sends the form."
NO_SOURCE = "The words stand nowhere else; their author takes them back on their own page."
CANNOT = {
    **dict.fromkeys(frozenset(Kind) - BY_BRINGING - CHANGES, NOTHING_FETCHED),
    **dict.fromkeys(CHANGES, NO_SOURCE),
}


def _form(words: str, token: str) -> IncomingReply:
    return form_reply(words, "Ada Sample", "", token=token).reply


def _paste(words: str, token: str) -> IncomingReply:
    return paste_reply(words, token=token, source="a letter")


FORM_HOOKS = Hooks(cannot=CANNOT, bring=_form)
PASTE_HOOKS = Hooks(cannot=CANNOT, bring=_paste)
