"""What each thing said is: an answer's sentence, a label, a question, thanks, a good-bye …"""

from __future__ import annotations

import re

from collector.reading.courtesies import is_closing, is_first, is_greeting, is_thanks
from collector.reading.lead import find_lead
from collector.reading.lexicon import Hit
from collector.reading.questions import asks, enquires, lead_asks
from collector.reading.scene import (
    LINK,
    MENTION,
    TAG,
    Scene,
    anywhere,
    is_loose,
    is_question,
    opening,
)
from collector.reading.tokens import is_cjk
from collector.reading.units import Unit

#: Whoever says more than this, in words, says something.
LONGEST_REFUSAL = 22
LONGEST_POSSESSION = 10
LONGEST_REACTION = 16
LONGEST_WISH = 6
#: Without any of these there is no link, mention or hashtag.
_MARKS = re.compile(r"[#＃@/]|ww\.|cc|via|h/t", re.IGNORECASE)
_BLANK_INSIDE = re.compile(r"\w[\s\"'“”]{0,3}_{2,}[\s\"'“”]{0,3}\w")
#: What makes a noun of a clause in writing without gaps: "not knowing", "the one who knows".
_NOUN = re.compile(" ?[것거]|こと|もの|とき|まま|ところ|[人時者的]")
#: A quotation begins with one of these.
QUOTES = frozenset('"“„«‘‚「『')


def classify(scene: Scene) -> None:
    """Fill in the kind of each unit."""
    for unit in scene.units:
        unit.cut = unit.start
        unit.kind = _kind(scene, unit)


def _kind(scene: Scene, unit: Unit) -> str:
    said = scene.text(unit)
    if unit.first == unit.last:
        return "mark"
    bare = _bare(said)
    if not bare:
        return "tags"
    if not any(map(str.isalnum, bare)):
        return "tags" if LINK.search(said) is None else "link"
    return _kind_of_words(scene, unit, said)


def _bare(said: str) -> str:
    """What is left without links, mentions and hashtags."""
    if not _MARKS.search(said):
        return said
    words = [
        word
        for word in said.split()
        if not (
            TAG.match(word) or MENTION.match(word.lstrip("(.,")) or LINK.match(word.lstrip("(<["))
        )
        and word.strip(":.,").lower() not in ("cc", "via", "h/t")
    ]
    return " ".join(words)


def _kind_of_words(scene: Scene, unit: Unit, said: str) -> str:
    lead = find_lead(scene.tokens, unit, scene.prompt, scene.words)
    taken = lead.kind if lead is not None else ""
    if taken == "open":
        # "Thought leadership is" and on the next line the rest of the sentence.
        return "prompt" if unit is scene.units[-1] else "lead"
    if lead is not None and taken in ("copy", "label"):
        if lead.cut >= unit.end:
            return "prompt"
        unit.cut = lead.cut
        return "label"
    label = _label(scene, unit)
    if label:
        unit.cut = label
        return "label" if any(map(str.isalnum, said[label - unit.start :])) else "heading"
    if taken and _asks_about_it(scene, unit, taken):
        return "question"
    if taken == "sentence":
        unit.cut = _after_courtesy(scene, unit)
        return "lead"
    return _noise(scene, unit, said) or ("mention" if taken else "content")


def _asks_about_it(scene: Scene, unit: Unit, taken: str) -> bool:
    """Whether a sentence with the term in it is a question about it."""
    marked = is_question(scene, unit)
    if taken == "sentence" and anywhere(unit, "rhetorical"):
        return False
    return (marked or (taken == "sentence" and is_loose(scene, unit))) and lead_asks(scene, unit)


def _label(scene: Scene, unit: Unit) -> int:
    """Where the answer starts after "My answer:"; 0 without a label."""
    text = scene.tokens.text
    best = 0
    for hit in (*unit.hits.get("label", ()), *unit.hits.get("opinion", ())):
        if hit.start - unit.first > (1 if hit.section == "label" else 2):
            continue
        stop = scene.tokens.ends[hit.end - 1]
        rest = text[stop : min(unit.end, stop + 12)].lstrip(' *_\xa0")')
        if rest[:1] in (":", "：", "→", "➡") or rest[:2] in ("->", "=>", "=:"):
            skipped = text.index(rest[0], stop) + 1
            while skipped < unit.end and text[skipped] in " >\xa0*_\ufe0f\t":
                skipped += 1
            best = max(best, skipped)
    return best


def _after_courtesy(scene: Scene, unit: Unit) -> int:
    """Past "Thanks for asking," and the like before the sentence with the term."""
    text = scene.tokens.text
    for section in ("greeting", "thanks", "praise", "polite", "reaction"):
        hit = opening(scene, unit, section)
        if hit is None or hit.start != unit.first or is_cjk(scene.tokens.words[unit.first]):
            continue
        for number in range(hit.end - 1, min(unit.last - 1, hit.end + 6)):
            gap = text[scene.tokens.ends[number] : scene.tokens.starts[number + 1]]
            if "," in gap or ":" in gap or " - " in gap or "–" in gap or "—" in gap:
                return scene.tokens.starts[number + 1]
    return unit.start


def _noise(scene: Scene, unit: Unit, said: str) -> str:
    """What is no answer, by name; "" for what may be one."""
    for kind, is_so in (
        ("closing", is_closing),
        ("greeting", is_greeting),
        ("reaction", _is_reaction),
    ):
        if is_so(scene, unit):
            return kind
    if anywhere(unit, "rhetorical") and is_question(scene, unit):
        return "content"
    if enquires(scene, unit):
        return "question"
    if _declines(scene, unit):
        return "no_answer"
    asked = asks(scene, unit)
    if is_thanks(scene, unit) and not (asked and not anywhere(unit, "thanks")):
        return "thanks"
    if asked:
        return "question"
    if _is_more(unit, said) or _is_promotion(unit, said):
        return "more"
    if _opines(scene, unit) and not _is_wish(scene, unit):
        return ""
    return _chatter(scene, unit)


def _is_wish(scene: Scene, unit: Unit) -> bool:
    """Whether few words begin with more of a polite phrase than "it's not": "Ikke le!"."""
    polite, it = opening(scene, unit, "polite"), opening(scene, unit, "it")
    return (
        unit.count <= LONGEST_WISH
        and polite is not None
        and it is not None
        and (polite.start == unit.first and polite.end > it.end)
    )


def _chatter(scene: Scene, unit: Unit) -> str:
    if opening(scene, unit, "polite", 1) or (unit.count <= 14 and anywhere(unit, "polite", 3)):
        return "polite"
    if _BLANK_INSIDE.search(scene.text(unit)):
        return "chat"  # they play with the prompt
    if opening(scene, unit, "chat") is None or _is_possession(scene, unit):
        return ""
    return "chat"


def _is_possession(scene: Scene, unit: Unit) -> bool:
    """Whether it is a thing of theirs and no sentence, said first: "our kitchen table"."""
    if not is_first(scene, unit):
        return False
    opens = any(hit.start == unit.first for hit in unit.hits.get("ours", ()))
    return opens and unit.count <= LONGEST_POSSESSION and not unit.hits.get("is")


def _declines(scene: Scene, unit: Unit) -> bool:
    """Whether they don't answer, or not yet."""
    said = (hit for hit in unit.hits.get("no_answer", ()) if not _is_in_quotes(scene, unit, hit))
    declined = next(said, None)
    if declined is None or unit.count > LONGEST_REFUSAL or _is_subject(scene, unit, declined):
        return False
    if any(hit.start == unit.first for hit in unit.hits.get("opinion", ())):
        return False
    if declined.start > unit.first and scene.in_list("whether", scene.tokens.words[unit.first]):
        return False  # "If you don't know, say so"
    if _NOUN.match(scene.tokens.text, scene.tokens.ends[declined.end - 1]):
        return False
    near_start = 6 if is_cjk(scene.tokens.words[unit.first]) else 2
    return declined.start - unit.first <= near_start or not _opines(scene, unit)


def _is_in_quotes(scene: Scene, unit: Unit, hit: Hit) -> bool:
    """Whether it stands in quotation marks inside something longer."""
    before = scene.tokens.text[unit.start : scene.tokens.starts[hit.start]]
    opened = before.count('"') % 2 or sum(map(before.count, "“„«「『")) > sum(
        map(before.count, "”»」』")
    )
    return bool(opened) and hit.end < unit.last


def _is_subject(scene: Scene, unit: Unit, said: Hit) -> bool:
    """Whether a verb follows right away: "No idea is sacred"."""
    if scene.words.langs[0] != "en":
        return False  # without accents, "e" is a verb and "and" in Italian and Portuguese
    return (
        any(hit.start == said.end for hit in unit.hits.get("is", ())) and said.end < unit.last - 1
    )


def _is_reaction(scene: Scene, unit: Unit) -> bool:
    """A reaction, or a few in a row, with fillers: "haha yes", "same tbh"."""
    if unit.count > LONGEST_REACTION:
        return False
    plain = " ".join(scene.spoken(unit))
    if scene.in_list("reaction", plain):
        return True
    if unit.count > 6 or is_cjk(plain[:1]):
        return False
    if all(_is_laughter(word) for word in scene.spoken(unit)):
        return True
    kept = [word for word in scene.spoken(unit) if not scene.in_list("filler", word)]
    if not kept:  # "Good morning, everyone!"
        return unit is not scene.units[0] and scene.units[0].kind == "greeting"
    return all(scene.in_list("reaction", word) for word in kept) or (
        len(kept) < unit.count and scene.in_list("reaction", " ".join(kept))
    )


def _is_laughter(word: str) -> bool:
    """Whether a word is a noise: "mmm", "hahaha", "kkkk"."""
    letters = set(word)
    return (len(letters) == 1 and len(word) >= 3) or (len(letters) == 2 and len(word) >= 5)


def _opines(scene: Scene, unit: Unit) -> bool:
    return bool(opening(scene, unit, "opinion", 1) or opening(scene, unit, "it"))


def _is_more(unit: Unit, said: str) -> bool:
    linked = LINK.search(said) is not None
    hit = anywhere(unit, "more")
    if hit is None:
        return False
    return linked or hit.start == unit.first or said.rstrip().endswith((":", "：", "👉", "👇"))


def _is_promotion(unit: Unit, said: str) -> bool:
    return LINK.search(said) is not None and anywhere(unit, "remark") is not None
