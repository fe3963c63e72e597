"""The age statement, where the law asks for one (GDPR, article 8; promise P37).

Nobody's age is asked and none is kept: only that somebody says to be as old as the setting
`least_age` wants. Without that nothing can be granted, so nothing is published.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from consent.errors import NotNowError
from ledger.settings import Settings

#: Where a grant's evidence says what its author stated about their age.
AGE = "age_statement"


def stated_age(settings: Settings) -> dict[str, str]:
    """What goes into the evidence of somebody who says that they are old enough."""
    return {AGE: f"{settings.least_age}+"} if settings.least_age else {}


def need_age(settings: Settings, evidence: Mapping[str, Any]) -> None:
    """Raises NotNowError unless the evidence says what the setting wants, or it wants nothing."""
    stated = str(evidence.get(AGE, "")).removesuffix("+")
    if settings.least_age and not (stated.isdecimal() and int(stated) >= settings.least_age):
        raise NotNowError(
            "Your age is not stated.",
            "Tick the line about your age if it is true; otherwise please say no.",
        )
