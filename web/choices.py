"""What somebody chose on the page of one definition: their credit and the uses they tick."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from flask import request

from consent.credit import chosen_credit
from ledger.model import Credit, NameForm, Use, thing_itself
from ledger.requests import ConsentRequest
from web.pictures import chosen_picture

PARTS = ("name", "handle", "url", "role", "organisation")


@dataclass(frozen=True)
class Choice:
    """`typed` keeps the fields as they were filled in, for the form; it binds nothing."""

    credit: Credit
    uses: frozenset[Use]
    typed: tuple[tuple[str, str], ...] = field(default=(), compare=False)

    @property
    def fields(self) -> dict[str, str]:
        """The form's fields. `picture` holds something where its box is ticked."""
        return {**self.credit.as_dict(), **dict(self.typed)}

    @property
    def shown_credit(self) -> str:
        """The credit on the screen, to come back with the answer."""
        return json.dumps(self.credit.as_dict(), ensure_ascii=False, sort_keys=True)


def choice_asked(asked: ConsentRequest) -> Choice:
    """What the page begins with: the suggested credit, no use but the thing itself, no picture."""
    return Choice(asked.credit, thing_itself(asked.uses))


def choice_made(offered: frozenset[Use]) -> Choice:
    """What the form says now, of the uses that are offered. Raises CreditError."""
    typed, form = _typed(), request.form.get("form", "")
    picture = ""
    if typed["picture"] and form != NameForm.ANONYMOUS:
        picture = chosen_picture(_shown_credit(request.form).picture)
    credit = chosen_credit(form, **{**typed, "picture": picture})
    return Choice(credit, _ticked(offered), tuple(typed.items()))


def choice_shown(offered: frozenset[Use], form: Mapping[str, str]) -> Choice:
    """What was on the screen when the button was pressed; nobody at all when that is lost."""
    typed = {**_typed(), "form": form.get("form", "")}
    return Choice(_shown_credit(form), _ticked(offered), tuple(typed.items()))


def _shown_credit(form: Mapping[str, str]) -> Credit:
    try:
        return Credit.from_dict(json.loads(form.get("shown_credit", "")))
    except (ValueError, TypeError, KeyError, AttributeError):
        return Credit(NameForm.ANONYMOUS)


def _ticked(offered: frozenset[Use]) -> frozenset[Use]:
    """The uses that are ticked, of those that are offered; one of them is what it is about."""
    ticked = {use for use in Use if use in request.form.getlist("uses")}
    return thing_itself(offered) | (ticked & offered)


def _typed() -> dict[str, str]:
    typed = {part: request.form.get(part, "") for part in PARTS}
    return {**typed, "picture": "yes" if request.form.get("picture") else ""}
