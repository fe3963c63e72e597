"""Where a mail answers between the lines it quotes, and which lines ask something else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from collector.reading.asked import BLANK, Prompt
from collector.reading.own_text import Line
from collector.reading.tokens import words_of
from collector.reading.units import Unit

#: No prompt takes a longer line; so much of a line is looked at.
FAR = 600


class Below(NamedTuple):
    """Regions (as in `Unit.region`) right below the quoted prompt, and below other questions."""

    prompt: frozenset[int] = frozenset()
    others: frozenset[int] = frozenset()


NOTHING = Below()


def regions_below(text: str, lines: Sequence[Line], prompt: Prompt) -> Below:
    """What a mail that quotes the prompt answers below which line; nothing for all others."""
    strange = 0
    asked, others = set(), set()
    for line in lines:
        if line.is_own:
            continue
        strange += 1
        if not line.is_quoted:
            continue
        said = text[line.start : min(line.end, line.start + FAR)].rstrip()
        if _is_prompt(said, prompt):
            asked.add(strange)
        elif said.endswith(("?", "？", "؟")):
            others.add(strange)
    return Below(frozenset(asked), frozenset(others)) if asked else NOTHING


def _is_prompt(said: str, prompt: Prompt) -> bool:
    if BLANK.search(said) is None or not (prompt.before or prompt.after):
        return False
    spoken = tuple(words_of(said))
    return _has(spoken, prompt.before) and _has(spoken, prompt.after)


def _has(spoken: tuple[str, ...], words: tuple[str, ...]) -> bool:
    size = len(words)
    return any(spoken[at : at + size] == words for at in range(len(spoken) - size + 1))


def units_here(units: Sequence[Unit], below: Below) -> list[Unit]:
    """Those that may answer the prompt: all, where nothing else is left."""
    here = [unit for unit in units if unit.region not in below.others or unit.kind == "lead"]
    return here if any(unit.first < unit.last for unit in here) else list(units)
