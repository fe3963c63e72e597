"""Whether something said asks the asker, with or without a question mark."""

from __future__ import annotations

from collector.reading.lexicon import Hit, lexicon
from collector.reading.scene import Scene, anywhere, is_loose, is_question, opening
from collector.reading.tokens import is_cjk
from collector.reading.units import Unit

_TO_YOU = frozenset(["you", "your", "u", "ur", "youre", "anyone", "anybody"])


#: So far behind "I was wondering" stands what they wonder; CJK counts characters.
FAR = 8
FAR_CJK = 16
#: With verbs last, so many words may still follow "I'd like to know".
TAIL = 2
TAIL_CJK = 4
MOST_DENIALS = 8
#: So many words like "ok but" may stand before a question.
MOST_FILLERS = 4


def enquires(scene: Scene, unit: Unit) -> bool:
    """Whether it asks in a statement: "I was wondering whether", "me gustaría saber si"."""
    if opening(scene, unit, "it") or opening(scene, unit, "opinion", 1):
        return False
    loose = is_loose(scene, unit)
    cjk = is_cjk(scene.tokens.words[unit.first])
    tail = TAIL_CJK if cjk else TAIL
    far = FAR_CJK if cjk else FAR
    for hit in unit.hits.get("wonder", ()):
        if not unit.hits.get("meta") and _is_denial(unit, hit):
            continue
        if loose and hit.end >= unit.last - tail:
            return True
        if _has_whether(scene, hit.end, min(unit.last, hit.end + far)):
            return True
    return False


def _is_denial(unit: Unit, wonder: Hit) -> bool:
    """Whether the words of wondering are words of "I don't know" as well."""
    return any(
        hit.start <= wonder.end and wonder.start <= hit.end
        for hit in unit.hits.get("no_answer", ())[:MOST_DENIALS]
    )


def _has_whether(scene: Scene, first: int, last: int) -> bool:
    """Whether "if", "who" or the like stands among these words."""
    words = scene.tokens.words[first:last]
    if words and is_cjk(words[0]):
        said = "".join(words[:FAR_CJK])
        return any(phrase.replace(" ", "") in said for phrase in scene.words.lists["whether"])
    return any(scene.in_list("whether", word) for word in words)


def asks(scene: Scene, unit: Unit) -> bool:
    hit = opening(scene, unit, "question", 1) or _behind_fillers(scene, unit)
    if is_question(scene, unit):
        if hit is not None or anywhere(unit, "meta") or _clause_asks(scene, unit):
            return True
        return unit.count > 2 and not _states(scene, unit)
    if hit is None:
        return False
    concerned = anywhere(unit, "meta") is not None
    if is_loose(scene, unit) and hit.end - hit.start >= 2:
        # In the middle it may be what somebody knows or does: "knowing when to be silent".
        return concerned or hit.start == unit.first or hit.end >= unit.last - 1
    if hit.end - hit.start >= 3:
        return True
    if hit.end - hit.start < 2 and scene.text(unit).rstrip().endswith("."):
        return False
    return (hit.end - hit.start >= 2 and concerned) or (
        concerned and hit.start == unit.first and unit.count <= 16 and _meta_count(unit) >= 2
    )


def _behind_fillers(scene: Scene, unit: Unit) -> Hit | None:
    """The beginning of a question behind "ok but", "haha and"."""
    words = scene.tokens.words
    for at in range(unit.first, min(unit.last - 1, unit.first + MOST_FILLERS)):
        if not any(scene.in_list(name, words[at]) for name in ("filler", "courtesy", "reaction")):
            return None
        for hit in scene.words.hits_at(words, at + 1, unit.last):
            if hit.section == "question":
                return hit
    return None


def _states(scene: Scene, unit: Unit) -> bool:
    """Whether an English sentence that ends in "?" has nothing of a question but that."""
    spoken = set(scene.spoken(unit))
    english = lexicon("en").lists["small"]
    return scene.words.langs[0] == "en" and not _TO_YOU & spoken and bool(english & spoken)


def _clause_asks(scene: Scene, unit: Unit) -> bool:
    """Whether a later part of the sentence asks: "Before I start: who reads this?"."""
    tokens = scene.tokens
    for at in range(unit.first + 1, min(unit.last, unit.first + 60)):
        gap = tokens.text[tokens.ends[at - 1] : tokens.starts[at]]
        if any(mark in gap for mark in ",:;–—(،、，："):
            hits = scene.words.hits_at(tokens.words, at, unit.last)
            if any(hit.section == "question" for hit in hits):
                return True
    return False


def _meta_count(unit: Unit) -> int:
    return len({hit.start for hit in unit.hits.get("meta", ())})


def lead_asks(scene: Scene, unit: Unit) -> bool:
    """Whether a sentence with the term asks: "What is it?", "Thought leadership is what?"."""
    if opening(scene, unit, "question"):
        return True
    if is_question(scene, unit) and any(
        hit.start == unit.first and hit.end == unit.first + 1 for hit in unit.hits.get("is", ())
    ):
        return True
    after = unit.first + max(len(scene.prompt.before), len(scene.prompt.term) + 1)
    if not is_question(scene, unit) or not after < unit.last <= after + 3:
        return False
    return any(
        hit.section == "question" and hit.start == after
        for hit in scene.words.hits(scene.tokens.words, after, unit.last)
    )
