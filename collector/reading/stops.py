"""Whether somebody asks to be left alone. It outranks everything else."""

from __future__ import annotations

import re

from collector.reading.scene import Scene, is_loose
from collector.reading.tokens import words_of
from collector.reading.units import Unit

#: What a wish to be left alone is built of, by section of the language files.
_BRICKS = ("neg", "contact", "me", "again", "cease", "remove", "list")
#: Nobody needs more words for it; CJK counts characters.
LONGEST_BUILT = 24
#: "Stop @ing me"
_AT_ME = re.compile(r"@\s?(?:me|us|ing|moi|mich|mij|mig|mi|我|私)(?![^\W\d_])", re.IGNORECASE)
LONGEST_BUILT_CJK = 40
#: So few words leave no room for a definition.
SHORT = 5


def asks_to_stop(scene: Scene, subject: str) -> bool:
    """Whether any of the things said, or all of the subject, tells us to stop."""
    for unit in scene.units:
        if unit.kind in ("lead", "prompt") or unit.first == unit.last:
            continue
        if _in_unit(scene, unit):
            return True
    if _is_alone(scene):
        return True
    return (
        bool(subject)
        and not any(u.kind in ("lead", "label") for u in scene.units)
        and (_alone(scene, words_of(subject[:200])))
    )


def _in_unit(scene: Scene, unit: Unit) -> bool:
    if unit.kind == "label" and not unit.hits.get("me"):
        return False  # "My answer: stop talking"
    if _is_rule(unit):
        return False
    for hit in unit.hits.get("stop", ()):
        if hit.anywhere and not (
            _describes(scene, unit) and _is_one_clause(scene, unit, hit.start)
        ):
            return True
        if not hit.anywhere and _opens_clause(scene, unit, hit.start):
            return True
    return _is_built_as_stop(scene, unit)


def _is_rule(unit: Unit) -> bool:
    """Whether it is a rule for everybody, as a definition may be: "Not writing after eight".

    It has no imperative, names an hour or other people, and neither speaks of its author nor to
    us. Without all of that it is a wish to be left alone: missing one is worse than a false one.
    """
    hits = unit.hits
    return bool(hits.get("rule") and hits.get("limit")) and not (
        hits.get("plea") or hits.get("thanks") or hits.get("ours")
    )


def _is_built_as_stop(scene: Scene, unit: Unit) -> bool:
    """Whether it says, in whatever order, not to contact the speaker, or to remove them.

    "People who never write to me" describes; only what starts with no subject asks.
    """
    if not 2 <= unit.count <= (LONGEST_BUILT_CJK if is_loose(scene, unit) else LONGEST_BUILT):
        return False
    if _describes(scene, unit) or unit.hits.get("automatic"):
        return False
    said = {name for name in _BRICKS if unit.hits.get(name)}
    if said & {"neg", "cease"} and _AT_ME.search(scene.text(unit)):
        return True
    asks_for = "contact" in said and bool(said & {"neg", "cease"})
    if asks_for and ("me" in said or ("again" in said and unit.count <= SHORT)):
        return True
    if asks_for and unit.hits.get("please") and (said | unit.hits.keys()) & {"again", "limit"}:
        return "list" not in said  # "please don't mention my name" is about the credit
    if not {"remove", "list"} <= said:
        return False
    # "my data" and the like say whose.
    return "me" in said or any(hit.end - hit.start > 1 for hit in unit.hits["list"])


def _describes(scene: Scene, unit: Unit) -> bool:
    """Whether it begins as a description does ("someone who"), or talks of its own doing."""
    if scene.in_list("courtesy", scene.tokens.words[unit.first]):
        return False
    negative = {
        hit.start for name in ("neg", "cease", "me", "list") for hit in unit.hits.get(name, ())
    }
    openings = (*unit.hits.get("it", ()), *unit.hits.get("opinion", ()))
    return any(hit.start == unit.first and hit.start not in negative for hit in openings)


def _is_one_clause(scene: Scene, unit: Unit, at: int) -> bool:
    """Whether nothing parts the word at `at` from the beginning."""
    tokens = scene.tokens
    before = tokens.text[unit.start : tokens.starts[at]]
    return at > unit.first and not any(mark in before for mark in ",;:.،、—–(")


def _opens_clause(scene: Scene, unit: Unit, at: int) -> bool:
    """Whether nothing but courtesies stands before, back to a comma."""
    tokens = scene.tokens
    while at > unit.first:
        gap = tokens.text[tokens.ends[at - 1] : tokens.starts[at]]
        if any(mark in gap for mark in ",;:،、—–("):
            return True
        at -= 1
        if not scene.in_list("courtesy", tokens.words[at]):
            return False
    return True


def _is_alone(scene: Scene) -> bool:
    """Whether it says "stop, please" and no more but what is polite."""
    found = False
    for unit in scene.units:
        if unit.kind in ("closing", "signature"):
            break
        if unit.first == unit.last or unit.kind in ("greeting", "prompt", "tags"):
            continue
        if _alone(scene, scene.spoken(unit)):
            found = True
        elif unit.kind not in ("thanks", "polite"):
            return False
    return found


def _alone(scene: Scene, spoken: list[str]) -> bool:
    if not spoken or len(spoken) > 12:
        return False
    phrases = _phrases(scene)
    if " ".join(spoken) in phrases:
        return True
    kept = [word for word in spoken if not scene.in_list("courtesy", word)]
    said = " ".join(dict.fromkeys(kept))
    return bool(kept) and (said in phrases or " ".join(kept) in phrases)


def _phrases(scene: Scene) -> frozenset[str]:
    return scene.words.lists.get("stop_alone", frozenset())
