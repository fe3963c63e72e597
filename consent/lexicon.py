"""The phrases of the language files, and where they stand in an answer.

A file of consent/languages holds sections of phrases (docs/how-to/add-a-language-for-answers.md).
They are laid into a net of words, which consent/phrase_finding.py walks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import product
from pathlib import Path

from consent.answer_lines import LineWords
from consent.answer_words import Word, folded, folded_text, is_ideograph, without_accents

FOLDER = Path(__file__).parent / "languages"

#: Every section, the most cautious first: of two phrases of one length the cautious one counts.
SECTIONS = (
    "stop", "remove", "refuse", "proxy", "automatic", "orders", "sarcasm", "unreal", "reported",
    "past", "change", "condition", "contrast", "defer", "no", "ack", "elsewhere", "question",
    "negation", "alarm", "mind", "allow", "yes", "assent", "soft", "warm", "sorry", "filler", "bye",
    "chat",
)  # fmt: skip
#: Phrases that say nothing against a yes.
HARMLESS = frozenset(
    {"allow", "yes", "assent", "soft", "warm", "sorry", "filler", "bye", "chat", "mind"}
)
RANK = {name: number for number, name in enumerate(SECTIONS)}
#: What mail programs write stands last in a file, from here on.
_LINES_BEGIN = "\n[wrote]\n"
#: What may bear on a permission does not tell languages apart.
_LISTS_BEGIN = "\n[tie]\n"
#: Sections about lines and words by themselves, not about phrases.
OTHER_SECTIONS = ("words", "topic", "common", "frame", "proviso", "tie", "bearing", "telling",
                  "weak", "wrote", "headers",
                  "device", "original", "legal")  # fmt: skip
_WEIGHTY = ("yes", "assent", "allow", "no", "soft")
#: So many words are remembered with what they may stand for.
MOST_MET = 20_000
#: `...` in a phrase stands for up to this many words of the same clause.
GAP = 4
#: Where words are single characters, it stands for more of them.
WIDE_GAP = 12
GAP_SIGN = "..."
_EDGES = frozenset(",،、，")


@dataclass(eq=False)
class Node:
    """A place in the net of phrases. `section` is set where a phrase may end."""

    after: dict[str, list[Node]] = field(default_factory=dict)
    section: str = ""
    edged: str = ""
    #: Several alternatives lead here, so no other phrase may go on from here.
    joint: bool = False

    def end_with(self, section: str, *, edge: bool) -> None:
        known = self.edged if edge else self.section
        if not known or RANK[section] < RANK[known]:
            if edge:
                self.edged = section
            else:
                self.section = section


@dataclass
class Language:
    """One language file, ready for matching."""

    code: str
    forms: dict[str, tuple[str, ...]]
    prefixes: dict[str, str]
    suffixes: dict[str, str]
    classes: dict[str, tuple[str, ...]]
    root: Node
    edge_root: Node
    topics: frozenset[str]
    #: Words of a yes or a no: only these are guessed behind a slip of the finger.
    weighty: frozenset[str] = frozenset()
    met: dict[str, tuple[str, ...]] = field(default_factory=dict)
    #: The words of the phrases, each as the net's names of its alternatives.
    spelled: dict[str, list[list[str]]] = field(default_factory=dict)
    #: Words that are a stop when they stand alone; beside a yes they are never passed over.
    alarms: frozenset[str] = frozenset()
    #: Words that may stand around a permission and only say what it is for: "as shown above".
    frame: frozenset[str] = frozenset()
    #: Words of the classes that phrases of permission name.
    fitting: frozenset[str] = frozenset({"<use>", "<it>", "<my>", "<you>", "<us>", "<and>"})
    #: Words that phrases of permission are made of, in whatever order they are said.
    permitting: frozenset[str] = frozenset()
    #: Words that tie what they open to what stands before: "for a fee", "in Welsh".
    ties: frozenset[str] = frozenset()
    #: Words that may bear on the permission: debts, duties, wishes, times, parts; and how such
    #: words begin.
    bearing: frozenset[str] = frozenset()
    bearing_starts: tuple[str, ...] = ()
    weighed: dict[str, bool] = field(default_factory=dict)
    #: Words of `bearing` that are also said of other things.
    weak: frozenset[str] = frozenset()
    #: Conditions that are an answer by themselves: "only if".
    provisos: frozenset[str] = frozenset()
    #: Words that tell of somebody or something: "I", "our", "is". Empty: not known.
    telling: frozenset[str] = frozenset()

    @property
    def gap(self) -> int:
        return WIDE_GAP if self.code in WRITTEN_WITHOUT_BLANKS else GAP

    def atoms(self, word: Word) -> tuple[str, ...]:
        """The phrase words that this word may stand for; none when the language lacks it."""
        known = self.met.get(word.exact)
        if known is None:
            known = self._atoms(word)
            if len(self.met) < MOST_MET:
                self.met[word.exact] = known
        return known

    def bears(self, word: Word) -> bool:
        """Whether this word may bear on a permission that it stands beside."""
        known = self.weighed.get(word.exact)
        if known is None:
            known = word.exact in self.bearing or word.exact.startswith(self.bearing_starts)
            if len(self.weighed) < MOST_MET:
                self.weighed[word.exact] = known
        return known

    def knows(self, word: Word) -> bool:
        """Whether the word stands anywhere in the file."""
        return bool(
            word.exact in vocabulary(self.code)
            or word.bare in bare_vocabulary(self.code)
            or self.atoms(word)
            or self.bears(word)
        )

    def _atoms(self, word: Word) -> tuple[str, ...]:
        found = self.forms.get(word.exact)
        if found is None and (word.exact == word.bare or len(word.bare) >= 4):
            found = self.forms.get(word.bare)
        atoms = list(found or ())
        for table, pieces in ((self.prefixes, _starts(word)), (self.suffixes, _ends(word))):
            atoms += [table[piece] for piece in pieces if piece in table] if table else []
        for atom in tuple(atoms):
            atoms += self.classes.get(atom, ())
        return tuple(dict.fromkeys(atoms))


def _starts(word: Word) -> Iterator[str]:
    for size in range(1, min(len(word.exact), 16) + 1):
        yield word.exact[:size]
    if word.bare != word.exact:
        for size in range(3, min(len(word.bare), 16) + 1):
            yield word.bare[:size]


def _ends(word: Word) -> Iterator[str]:
    for size in range(1, min(len(word.exact), 10) + 1):
        yield word.exact[-size:]


@cache
def sections_of(code: str) -> dict[str, list[str]]:
    """The phrases of a language file by section, as written there."""
    return _sections(_text_of(code))


def _sections(text: str) -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    for written in text.splitlines():
        line = written.partition("#")[0].strip()
        if line.startswith("[") and line.endswith("]"):
            current = sections.setdefault(line[1:-1], [])
        elif line:
            current += [phrase.strip() for phrase in line.split("|") if phrase.strip()]
    return sections


@cache
def codes() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in FOLDER.glob("*.txt")))


@cache
def _text_of(code: str) -> str:
    return (FOLDER / f"{code}.txt").read_text("utf-8")


@cache
def vocabulary(code: str) -> frozenset[str]:
    """The words of a language file as they are spelled there; for telling languages apart.

    Made from the whole text at once: it is needed before the language is compiled.
    """
    text = _text_of(code).partition(_LISTS_BEGIN)[0]
    if code in WRITTEN_WITHOUT_BLANKS:
        return frozenset(text)
    if code in _FOLDED:
        text = folded_text(text)
    return frozenset(_WORD.findall(text))


@cache
def bare_vocabulary(code: str) -> frozenset[str]:
    """The same words without accents, as many people type them."""
    return frozenset(without_accents(" ".join(vocabulary(code))).split())


_WORD = re.compile(r"[^|/()\[\]#,=<>*.\s'’-]+")
#: In these languages a word of a phrase is a single character.
WRITTEN_WITHOUT_BLANKS = ("ja", "zh")
#: Their letters have look-alikes that are folded.
_FOLDED = ("ar", "he", "hi", "ru")


def _spelled(phrases: Iterable[str]) -> set[str]:
    raws = " ".join(phrases).replace("/", " ").replace("(", " ").replace(")", " ").split()
    return {
        folded(piece)[0]
        for raw in set(raws)
        if raw[0] != "<" and "*" not in raw and raw != GAP_SIGN and raw not in _EDGES
        for piece in _split(raw)
    }


@cache
def line_words() -> LineWords:
    """What mail programs write, in all languages together."""
    every: dict[str, set[str]] = {name: set() for name in OTHER_SECTIONS[9:]}
    for code in codes():
        _, found, rest = _text_of(code).partition(_LINES_BEGIN)
        sections = _sections(found + rest)
        for name, phrases in every.items():
            phrases.update(phrase.lower() for phrase in sections.get(name, ()))
    return LineWords(
        tuple(every["wrote"]),
        frozenset(every["headers"]),
        tuple(every["device"]),
        tuple(every["original"]),
        tuple(every["legal"]),
    )


@cache
def language(code: str) -> Language:
    """A language, compiled; raises FileNotFoundError when it has no file."""
    sections = sections_of(code)
    made = Language(code, {}, {}, {}, {}, Node(), Node(), frozenset())
    forms: dict[str, list[str]] = {}
    members: dict[str, list[str]] = {}
    for line in sections.get("words", ()):
        name, _, listed = line.partition("=")
        for member in listed.split():
            members.setdefault(_atom(made, forms, member, code), []).append(f"<{name.strip()}>")
    made.classes = {atom: tuple(names) for atom, names in members.items()}
    for section in SECTIONS:
        for phrase in sections.get(section, ()):
            _plant(made, forms, phrase, section, code)
    for phrase in sections.get("proviso", ()):
        _plant(made, forms, phrase, "condition", code)
    spelled = {name: _spelled(sections.get(name, ())) for name in _WEIGHTY}
    weighty = set().union(*spelled.values())
    made.weighty = frozenset(form for word in weighty for form in folded(word))
    for phrase in sections.get("stop", ()):
        inner = phrase.strip("".join(_EDGES) + " ")
        if phrase[0] in _EDGES and " " in inner:
            _plant(made, forms, inner, "alarm", code)
    alone = (phrase.split() for phrase in sections.get("stop", ()) if phrase[0] in _EDGES)
    made.alarms = frozenset(words[1] for words in alone if len(words) == 3)
    made.topics, made.frame = (
        frozenset(_atom(made, forms, w, code) for t in sections.get(name, ()) for w in t.split())
        for name in ("topic", "frame")
    )
    made.ties = _listed(sections, "tie")
    made.bearing = _listed(sections, "bearing")
    made.provisos = frozenset(
        " ".join(folded(piece)[0] for raw in phrase.split() for piece in _split(raw))
        for phrase in sections.get("proviso", ())
    )
    made.weak = _listed(sections, "weak")
    made.telling = _listed(sections, "telling")
    made.bearing_starts = tuple(word[:-1] for word in made.bearing if word[-1] == "*")
    if code not in WRITTEN_WITHOUT_BLANKS:
        alone_risky = {
            phrase for name in SECTIONS if name not in HARMLESS
            for phrase in sections.get(name, ()) if " " not in phrase
        }  # fmt: skip
        told = spelled["yes"] | spelled["assent"] | spelled["allow"]
        made.permitting = frozenset(told - alone_risky)
    made.spelled = {}
    made.forms = {form: tuple(dict.fromkeys(atoms)) for form, atoms in forms.items()}
    return made


def _listed(sections: dict[str, list[str]], name: str) -> frozenset[str]:
    """A list of words by themselves, spelled exactly: "él" is no "el"."""
    words = (word for line in sections.get(name, ()) for word in line.split())
    return frozenset(folded(word)[0] for word in words)


def _atom(made: Language, forms: dict[str, list[str]], raw: str, code: str) -> str:
    """The net's name of a word, entered under every way it may be typed."""
    if raw in forms and raw in forms[raw]:
        return raw
    if raw.startswith("<") or raw == GAP_SIGN:
        return raw
    if raw.endswith("*"):
        for form in folded(raw[:-1]):
            made.prefixes[form] = raw
        return raw
    if raw.startswith("*"):
        made.suffixes[folded(raw[1:])[0]] = raw
        return raw
    exact, bare = folded(raw)
    typed = {exact, bare}
    if code in ("de", "sv", "da", "nb", "fi", "tr"):
        typed.add(exact.translate(_SPELLED_OUT))
    for form in typed:
        forms.setdefault(form, []).append(exact)
    return exact


_SPELLED_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "æ": "ae"})


def expanded(phrase: str) -> Iterator[str]:
    """A phrase without its alternatives: every way to say it."""
    slots: list[list[str]] = []
    for raw in phrase.split():
        optional = raw.startswith("(") and raw.endswith(")")
        ways = [way for way in (raw[1:-1] if optional else raw).split("/") if way]
        slots.append([*ways, ""] if optional else ways)
    for chosen in product(*slots):
        yield " ".join(filter(None, chosen))


@lru_cache(maxsize=32768)
def _split(raw: str) -> list[str]:
    """A word of a phrase cut as the text is cut: "c'est" is two words, ideographs one each."""
    if raw.isascii() and raw.isalpha():
        return [raw]
    if raw == GAP_SIGN or raw in _EDGES or raw.startswith("<") or "*" in raw:
        return [raw]
    pieces: list[str] = []
    for part in raw.replace("-", " ").replace(".", " ").split():
        if any(map(is_ideograph, part)):
            run = ""
            for char in part:
                if is_ideograph(char):
                    pieces += [run, char] if run else [char]
                    run = ""
                else:
                    run += char
            pieces += [run] if run else []
        else:
            pieces += _elided(part)
    return pieces


def _elided(part: str) -> list[str]:
    from consent.answer_words import ELIDED

    head, mark, rest = part.replace("’", "'").partition("'")
    return [head, *_elided(rest)] if mark and rest and head.lower() in ELIDED else [part]


def _plant(
    made: Language, forms: dict[str, list[str]], phrase: str, section: str, code: str
) -> None:
    """Lay a phrase into the net: one new place a word, whatever alternatives lead there."""
    slots = phrase.split()
    first, last = slots[0] in _EDGES, slots[-1] in _EDGES
    front = [made.edge_root if first else made.root]
    for raw in slots[first : len(slots) - last]:
        atoms = made.spelled.get(raw)
        if atoms is None:
            inner = raw[1:-1] if raw[0] == "(" and raw[-1] == ")" else raw
            atoms = made.spelled[raw] = [
                [_atom(made, forms, word, code) for word in _split(way)]
                for way in inner.split("/") if way
            ]  # fmt: skip
        reached = _reach(front, atoms)
        front = [*front, *reached] if raw[0] == "(" else reached
    for node in front:
        if node not in (made.root, made.edge_root):
            node.end_with(section, edge=last)


def _reach(front: list[Node], ways: list[list[str]]) -> list[Node]:
    if len(front) == 1 and len(ways) == 1:
        node = front[0]
        for word in ways[0]:
            known = node.after.setdefault(word, [])
            for shared in known:
                if not shared.joint:
                    node = shared
                    break
            else:
                node = Node()
                known.append(node)
        return [node]
    target = Node(joint=True)
    for way in ways:
        nodes = front
        for word in way[:-1]:
            step = Node(joint=True)
            for node in nodes:
                node.after.setdefault(word, []).append(step)
            nodes = [step]
        for node in nodes:
            node.after.setdefault(way[-1], []).append(target)
    return [target]
