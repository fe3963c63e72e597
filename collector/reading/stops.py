"""Whether somebody asks to be left alone. It outranks everything else."""

from __future__ import annotations

from collector.reading.scene import Scene
from collector.reading.tokens import words_of
from collector.reading.units import Unit


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
    for hit in unit.hits.get("stop", ()):
        if hit.anywhere or _opens_clause(scene, unit, hit.start):
            return True
    return False


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
