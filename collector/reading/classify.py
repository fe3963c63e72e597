"""What each thing said is: an answer's sentence, a greeting, thanks, a question, a good-bye …"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from collector.reading.asked import Prompt
from collector.reading.lead import find_lead
from collector.reading.lexicon import Hit, Lexicon, lexicon
from collector.reading.tokens import Tokens, is_cjk
from collector.reading.units import EMOJI, Unit

#: Languages that say what a sentence does at its end.
VERB_LAST = frozenset(["ja", "zh", "ko", "hi", "tr"])
LONGEST_CLOSING = 9
LONGEST_THANKS = 30
LONGEST_PRAISE = 24
_LINK = re.compile(
    r"https?://\S|www\.\S|(?<![@\w.])[\w-]{2,60}(?:\.[\w-]{2,40}){1,4}/[\w?#]", re.IGNORECASE
)
_MENTION = re.compile(r"(?<![\w@])@[\w.@-]{1,100}")
_TAG = re.compile(r"[#＃][\w\u0300-\u036f\u0610-\u065f\u0900-\u0dff\u200c\u200d&·]+")
_MARK = re.compile(rf"[\s\W_{EMOJI}]*")
_DASHED_NAME = re.compile(r"\s*(?:[—–/~]|--?)\s?(?=[^\W\d_])")
_QUESTION_END = re.compile(rf"[?？؟;;][\s!?.\"'”’»)\]{EMOJI}]*$")


@dataclass(frozen=True)
class Scene:
    """A reply as the rules look at it."""

    tokens: Tokens
    prompt: Prompt
    words: Lexicon
    units: Sequence[Unit]
    is_mail: bool = False

    def text(self, unit: Unit) -> str:
        return self.tokens.text[unit.start : unit.end]

    def in_list(self, section: str, said: str) -> bool:
        return said in self.words.lists.get(section, ())

    def spoken(self, unit: Unit) -> list[str]:
        return self.tokens.words[unit.first : unit.last]

    def is_small(self, word: str) -> bool:
        return word in self.words.lists.get("small", ())


def opening(scene: Scene, unit: Unit, section: str, slack: int = 0) -> Hit | None:
    """The first phrase of a section at the start of what is said, or its like for verb-last."""
    loose = is_loose(scene, unit)
    for hit in unit.hits.get(section, ()):
        if hit.start - unit.first <= slack or (loose and hit.end - hit.start >= 2):
            return hit
    return None


def is_loose(scene: Scene, unit: Unit) -> bool:
    """Whether what is said is in a language that puts its verbs last."""
    if unit.first == unit.last:
        return False
    word = scene.tokens.words[unit.first]
    return is_cjk(word) or scene.words.langs[0] in VERB_LAST


def anywhere(unit: Unit, section: str, least: int = 1) -> Hit | None:
    for hit in unit.hits.get(section, ()):
        if hit.end - hit.start >= least:
            return hit
    return None


def is_question(scene: Scene, unit: Unit) -> bool:
    return _QUESTION_END.search(scene.text(unit)[-40:]) is not None and not _greek_stop(scene, unit)


def _greek_stop(scene: Scene, unit: Unit) -> bool:
    said = scene.text(unit)
    if not said.rstrip().endswith((";", ";")):
        return False
    return not any("\u0370" <= char <= "\u03ff" for char in said[-12:])


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
        return "tags" if _LINK.search(said) is None else "link"
    return _kind_of_words(scene, unit, said)


def _bare(said: str) -> str:
    """What is left without links, mentions and hashtags."""
    words = [
        word
        for word in said.split()
        if not (
            _TAG.match(word)
            or _MENTION.match(word.lstrip("(.,"))
            or _LINK.match(word.lstrip("(<["))
        )
        and word.strip(":.,").lower() not in ("cc", "via", "h/t")
    ]
    return " ".join(words)


def _kind_of_words(scene: Scene, unit: Unit, said: str) -> str:
    lead = find_lead(scene.tokens, unit, scene.prompt, scene.words)
    if lead is not None and lead.kind == "open":
        # "Thought leadership is" and on the next line the rest of the sentence.
        return "prompt" if unit is scene.units[-1] else "lead"
    if lead is not None and lead.kind == "copy":
        if lead.cut >= unit.end:
            return "prompt"
        unit.cut = lead.cut
        return "label"
    if lead is not None and lead.kind == "label":
        unit.cut = lead.cut
        return "label"
    label = _label(scene, unit)
    if label:
        unit.cut = label
        if not any(map(str.isalnum, said[label - unit.start :])):
            return "heading"
        return "label"
    if lead is not None and lead.kind == "sentence":
        asked = is_question(scene, unit) or is_loose(scene, unit)
        if asked and _lead_asks(scene, unit) and not anywhere(unit, "rhetorical"):
            return "question"
        unit.cut = _after_courtesy(scene, unit)
        return "lead"
    if lead is not None and is_question(scene, unit) and _lead_asks(scene, unit):
        return "question"
    noise = _noise(scene, unit, said)
    if noise:
        return noise
    if lead is not None:
        return "mention"
    return "content"


def _lead_asks(scene: Scene, unit: Unit) -> bool:
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


# ----------------------------------------------------------------------- noise
def _noise(scene: Scene, unit: Unit, said: str) -> str:
    if _is_closing(scene, unit, said):
        return "closing"
    if _is_greeting(scene, unit):
        return "greeting"
    plain = " ".join(scene.spoken(unit))
    if _is_reaction(scene, unit, plain):
        return "reaction"
    if anywhere(unit, "rhetorical") and is_question(scene, unit):
        return "content"
    declined = anywhere(unit, "no_answer")
    opinions = [hit for hit in unit.hits.get("opinion", ()) if hit.start == unit.first]
    if declined and unit.count <= 22 and not opinions and not _is_subject(scene, unit, declined):
        near_start = 6 if is_cjk(scene.tokens.words[unit.first]) else 2
        if declined.start - unit.first <= near_start or not _opines(scene, unit):
            return "no_answer"
    asked = _is_asked(scene, unit)
    if _is_thanks(scene, unit) and not (asked and not anywhere(unit, "thanks")):
        return "thanks"
    if asked:
        return "question"
    if _is_more(unit, said) or _is_promotion(unit, said):
        return "more"
    if _opines(scene, unit):
        return ""
    if opening(scene, unit, "polite", 1) or (unit.count <= 14 and anywhere(unit, "polite", 3)):
        return "polite"
    if opening(scene, unit, "chat"):
        return "chat"
    return ""


def _is_subject(scene: Scene, unit: Unit, said: Hit) -> bool:
    """Whether a verb follows right away: "No idea is sacred"."""
    if scene.words.langs[0] != "en":
        return False  # without accents, "e" is a verb and "and" in Italian and Portuguese
    return (
        any(hit.start == said.end for hit in unit.hits.get("is", ())) and said.end < unit.last - 1
    )


def _is_reaction(scene: Scene, unit: Unit, plain: str) -> bool:
    """A reaction, or a few in a row, with fillers: "haha yes", "same tbh"."""
    if scene.in_list("reaction", plain):
        return True
    if unit.count > 6 or is_cjk(plain[:1]):
        return False
    kept = [word for word in scene.spoken(unit) if not scene.in_list("filler", word)]
    if not kept:
        return False
    return all(scene.in_list("reaction", word) for word in kept) or (
        len(kept) < unit.count and scene.in_list("reaction", " ".join(kept))
    )


def _opines(scene: Scene, unit: Unit) -> bool:
    return bool(opening(scene, unit, "opinion", 1) or opening(scene, unit, "it"))


def _is_closing(scene: Scene, unit: Unit, said: str) -> bool:
    if not (unit.opens_line or unit.closes_line) or _is_first(scene, unit):
        return False
    for hit in unit.hits.get("closing", ()):
        if hit.start != unit.first:
            continue
        left = unit.last - hit.end
        if left == 0:
            return unit.closes_line or said.rstrip().endswith(",")
        rest = scene.tokens.text[scene.tokens.ends[hit.end - 1] : unit.end]
        if rest.lstrip()[:1] in ",!،、" and left <= 4:
            return True
        if hit.end - hit.start >= 2 and unit.count <= LONGEST_CLOSING and unit.opens_line:
            return True
        if left <= 3 and _are_names(scene, hit.end, unit.last):
            return True
        if hit.end - hit.start >= 2 and left <= 3 and unit.closes_line:
            return True
    return False


def _is_first(scene: Scene, unit: Unit) -> bool:
    """Whether nothing was said before it."""
    return next((one for one in scene.units if one.first < one.last), unit) is unit


def _are_names(scene: Scene, first: int, last: int) -> bool:
    text, tokens = scene.tokens.text, scene.tokens
    return all(text[tokens.starts[at]].isupper() for at in range(first, last))


def _is_greeting(scene: Scene, unit: Unit) -> bool:
    if unit.count > (14 if is_cjk(scene.tokens.words[unit.first]) else 7):
        return False
    if _is_salutation(scene, unit):
        return True
    for hit in unit.hits.get("greeting", ()):
        if hit.start != unit.first and not (is_cjk(scene.tokens.words[hit.start])):
            continue
        if hit.start != unit.first and not (unit is scene.units[0] and len(scene.units) > 1):
            continue
        left = unit.last - hit.end
        if left and hit.end - hit.start >= 2 and len(scene.units) <= 2:
            return True
        if left and left <= 5 and scene.is_small(scene.tokens.words[hit.end]):
            return True
        if left <= 1 or is_cjk(scene.tokens.words[hit.start]):
            return True
        names = sum(
            scene.tokens.text[scene.tokens.starts[at]].isupper()
            or not scene.tokens.text[scene.tokens.starts[at]].islower()
            for at in range(hit.end, unit.last)
        )
        if names >= left - 1:
            return True
    return False


def _is_salutation(scene: Scene, unit: Unit) -> bool:
    """ "Carissimo Craig," on the first line of a mail, whatever the first word."""
    if not scene.is_mail or unit is not scene.units[0] or len(scene.units) == 1 or unit.count > 4:
        return False
    apart = scene.units[1].paragraph != unit.paragraph
    return apart and unit.closes_line and scene.text(unit).endswith((",", "，", "、", "،", ":"))


def _is_thanks(scene: Scene, unit: Unit) -> bool:
    hit = opening(scene, unit, "thanks", 2)
    if hit is not None and unit.count <= LONGEST_THANKS and not _thanks_to(scene, hit, unit):
        return True
    if unit.count <= LONGEST_PRAISE and anywhere(unit, "thanks", 2):
        return True
    if unit.count <= 12 and any(
        _stands_off(scene, hit, unit) for hit in unit.hits.get("thanks", ())
    ):
        return True
    praised = opening(scene, unit, "praise", 2)
    if praised is not None and unit.count <= LONGEST_PRAISE:
        return praised.end - praised.start >= 2 or unit.count <= 8
    return unit.count <= 16 and anywhere(unit, "praise", 2) is not None


def _stands_off(scene: Scene, hit: Hit, unit: Unit) -> bool:
    """Whether a single word of thanks ends what is said or has a comma on either side."""
    ends = scene.tokens.ends
    if hit.start == unit.first:
        return False
    before = scene.tokens.text[ends[hit.start - 1] : scene.tokens.starts[hit.start]]
    return any(mark in before for mark in ",;،、，-–—")


def _thanks_to(scene: Scene, hit: Hit, unit: Unit) -> bool:
    return hit.end < unit.last and scene.tokens.words[hit.end] == "to"


def _is_asked(scene: Scene, unit: Unit) -> bool:
    hit = opening(scene, unit, "question", 1)
    if is_question(scene, unit):
        if hit is not None or anywhere(unit, "meta") or _clause_asks(scene, unit):
            return True
        return unit.count > 2 and not _states(scene, unit)
    if hit is None:
        return False
    loose = is_loose(scene, unit)
    if loose and hit.end - hit.start >= 2:
        return True
    concerned = anywhere(unit, "meta") is not None
    if hit.end - hit.start >= 3:
        return True
    if hit.end - hit.start < 2 and scene.text(unit).rstrip().endswith("."):
        return False
    return (hit.end - hit.start >= 2 and concerned) or (
        concerned and hit.start == unit.first and unit.count <= 16 and _meta_count(unit) >= 2
    )


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


def _states(scene: Scene, unit: Unit) -> bool:
    """Whether an English sentence that ends in "?" has nothing of a question but that."""
    spoken = set(scene.spoken(unit))
    english = lexicon("en").lists["small"]
    return scene.words.langs[0] == "en" and not _TO_YOU & spoken and bool(english & spoken)


_TO_YOU = frozenset(["you", "your", "u", "ur", "youre", "anyone", "anybody"])


def _meta_count(unit: Unit) -> int:
    return len({hit.start for hit in unit.hits.get("meta", ())})


def _is_more(unit: Unit, said: str) -> bool:
    linked = _LINK.search(said) is not None
    hit = anywhere(unit, "more")
    if hit is None:
        return False
    return linked or hit.start == unit.first or said.rstrip().endswith((":", "：", "👉", "👇"))


def _is_promotion(unit: Unit, said: str) -> bool:
    return _LINK.search(said) is not None and anywhere(unit, "remark") is not None
