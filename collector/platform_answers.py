"""What came of a request to a platform when it was not what we asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(eq=False)
class Refused(Exception):  # noqa: N818 - it names what the platform did
    """It answered, and not with 2xx. `headers` in lower case, `detail` in its own words."""

    status: int
    headers: Mapping[str, str]
    detail: str


@dataclass(eq=False)
class NoAnswer(Exception):  # noqa: N818 - it names what the platform did
    """No answer that can be used came back.

    `may_have_arrived`: the platform may have done it all the same. `is_cut`: the connection ended
    before the answer, which says nothing against asking again at once.
    """

    why: str
    may_have_arrived: bool
    is_cut: bool = False
