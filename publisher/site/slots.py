"""Markup that is made once by the theme with gaps in it, and then filled for each definition.

A template that is to be filled may put a slot anywhere a text may stand, and do nothing else with
it: to ask a slot for its length, or whether it is empty, is an error at once, not a wrong page.
"""

from __future__ import annotations

from typing import NoReturn

#: Stands around the name of a slot; no text of ours and no text that may be shown holds it.
EDGE = "\x00"


class Slot:
    """A gap with a name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __html__(self) -> str:
        return f"{EDGE}{self._name}{EDGE}"

    __str__ = __html__

    def _refuse(self, *_given: object) -> NoReturn:
        raise TypeError(
            f"'{self._name}' is filled in later: a template may put it out, and nothing else."
        )

    __bool__ = __len__ = __iter__ = __contains__ = __getitem__ = __add__ = __radd__ = _refuse
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __hash__ = __call__ = _refuse


class Pieces:
    """The markup between the slots."""

    def __init__(self, text: str) -> None:
        self._parts = text.split(EDGE)
        self._gaps = [(place, self._parts[place]) for place in range(1, len(self._parts), 2)]

    def fill(self, values: dict[str, str]) -> str:
        """The whole, with HTML in every gap. Raises KeyError for a slot without a value."""
        parts = self._parts.copy()
        for place, name in self._gaps:
            parts[place] = values[name]
        return "".join(parts)
