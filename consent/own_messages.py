"""Messages in an operator's own words: HOME/messages/LANGUAGE/NAME.txt, or NAME.CHANNEL.txt.

Such a file takes the place of the shipped template of that name. It may say what it likes; what it
may not leave out is what the shipped one tells, and the paragraph by which it promises: that stands
in it as {{ promises }} and is ours. It is read by a subset of Jinja that only fills in text: no
loops, no calls, no tests of anything but what it is given, and what it is given is plain text.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consent.messages import (
    TEMPLATES,
    message_languages,
    promises_of,
    render_message,
    template_version,
)
from consent.wording import ENGLISH
from ledger import durable
from ledger.archive import MESSAGES
from ledger.errors import DefinedbyError
from ledger.model import UNSHOWABLE, Channel
from ledger.settings import Settings

if TYPE_CHECKING:
    from jinja2 import nodes

FOLDER = MESSAGES
MOST_CHARACTERS = 8000
#: Stands in a file of one's own for the paragraph that can't be reworded.
PROMISES = "promises"
#: What a message may leave out: how its reader is called, what the question was, what day it was.
MAY_BE_LEFT_OUT = frozenset({"name", "kind", "campaign.prompt", "asked"})
MOST_INDENT = 20
_LIST = "more"
_BLOCK = re.compile(r"\{% block promises %\}.*?\{% endblock %\}", re.DOTALL)


class MessageFileError(DefinedbyError):
    """A message in own words that can't be used as it stands."""


@dataclass(frozen=True)
class Wording:
    """One wording of a message, read once, and its version: what is kept is what was used."""

    name: str
    lang: str
    version: str
    source: str = field(default="", repr=False)  # of own words; "" for ours

    def render(self, **values: Any) -> tuple[str, str]:
        """Subject and body. Raises MessageFileError where own words leave no subject."""
        if not self.source:
            return render_message(self.name, self.lang, **values)
        head, _, rest = self.source.partition("\n")
        plain = _plain(values, promises_of(self.name, self.lang, **values))
        return _filled(head, rest, plain, placeholders(self.name)[1], self.version)


def find_wording(settings: Settings, name: str, lang: str, channel: str = "") -> Wording:
    """The wording in force: own words for this channel, else own words, else the shipped ones.

    Raises MessageFileError for own words that can't be used: they are never passed over silently.
    """
    folder = settings.home / FOLDER / lang
    for stem in (*([f"{name}.{channel}"] if channel else []), name):
        file = folder / f"{stem}.txt"
        if file.is_file():
            return _read(file, name, lang)
    return shipped_wording(name, lang)


def shipped_wording(name: str, lang: str) -> Wording:
    """The wording that came with the program."""
    return Wording(name, lang, template_version(name, lang))


def start(settings: Settings, name: str, lang: str, channel: str = "") -> Path:
    """Make a file of one's own that says what the shipped one says.

    Raises MessageFileError where there is no such message, language or channel, or a file already.
    """
    text = starting_point(name, lang)
    _known_channel(channel)
    file = settings.home / FOLDER / lang / f"{name}{f'.{channel}' if channel else ''}.txt"
    if file.exists():
        raise MessageFileError(f"{file} is there already.", "Change it, or move it away.")
    file.parent.mkdir(parents=True, exist_ok=True)
    durable.write_file(file, text.encode())
    return file


def starting_point(name: str, lang: str) -> str:
    """The shipped template as a file of one's own, to be changed. Raises MessageFileError."""
    _known(name, lang)
    text = (TEMPLATES / lang / f"{name}.txt").read_text(encoding="utf-8")
    return _BLOCK.sub("{{ promises }}", text)


def own_files(settings: Settings) -> list[tuple[Path, MessageFileError | None]]:
    """Every file in the folder of own messages, and what is wrong with it."""
    folder = settings.home / FOLDER
    files = sorted(one for one in folder.rglob("*") if one.is_file() and one.name[0] != ".")
    return [(file, _objection(folder, file)) for file in files]


def placeholders(name: str) -> tuple[frozenset[str], frozenset[str]]:
    """What a message of this name may say, and which of it it has to."""
    subject, _, body = starting_point(name, ENGLISH).partition("\n")
    return _told(subject) | _told(body), _told(body) - MAY_BE_LEFT_OUT


def _objection(folder: Path, file: Path) -> MessageFileError | None:
    inside = file.relative_to(folder)
    name, _, channel = file.stem.partition(".")
    try:
        if len(inside.parts) != 2 or file.suffix != ".txt":
            raise MessageFileError(
                f"{file} is no message.", f"Call it {FOLDER}/LANGUAGE/NAME.txt, or take it away."
            )
        _known_channel(channel)
        _known(name, inside.parts[0])
        _read(file, name, inside.parts[0])
    except MessageFileError as error:
        return error
    return None


def _known(name: str, lang: str) -> None:
    if lang not in message_languages():
        raise MessageFileError(
            f"There are no messages in the language '{lang}'.",
            f"Take one of: {', '.join(message_languages())}.",
        )
    names = sorted(file.stem for file in (TEMPLATES / ENGLISH).glob("*.txt"))
    if name not in names:
        raise MessageFileError(
            f"There is no message '{name}'.", f"Take one of: {', '.join(names)}."
        )


def _known_channel(channel: str) -> None:
    if channel and channel not in set(map(str, Channel)):
        raise MessageFileError(
            f"There is no channel '{channel}'.", f"Take one of: {', '.join(Channel)}."
        )


def _read(file: Path, name: str, lang: str) -> Wording:
    try:
        content = file.read_bytes()
        source = content.decode("utf-8-sig").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise MessageFileError(
            f"{file} can't be read as text.", "Save it as UTF-8, readable to definedby."
        ) from error
    if len(source) > MOST_CHARACTERS or UNSHOWABLE.search(source):
        raise MessageFileError(
            f"{file} is longer than {MOST_CHARACTERS} characters or has control characters in it.",
            "Shorten it, and write it as plain text.",
        )
    _check(source, name, file)
    digest = hashlib.sha256(content).hexdigest()[:12]
    return Wording(name, lang, f"own {lang}/{file.stem}@{digest}", source)


def _check(source: str, name: str, file: Path) -> None:
    """Raise MessageFileError for what may not be in it, or is not in it and has to be."""
    from jinja2 import TemplateSyntaxError

    head, _, rest = source.partition("\n")
    known, required = placeholders(name)
    try:
        subject, body = (_environment().parse(part) for part in (head, rest))
        for tree in (subject, body):
            _refuse_foreign(tree, known, file)
    except TemplateSyntaxError as error:
        raise MessageFileError(
            f"{file} can't be understood: {error.message}.", "Correct that placeholder."
        ) from error
    except RecursionError as error:
        raise MessageFileError(f"{file} can't be understood.", "Write it simpler.") from error
    if not head.strip():
        raise MessageFileError(f"{file} has no subject.", "Write it on its first line.")
    lacking = sorted(required - _said(body.body))
    if lacking:
        raise MessageFileError(
            f"{file} leaves out what this message has to say: "
            f"{', '.join(f'{{{{ {one} }}}}' for one in lacking)}.",
            "Put it back below the first line, where no condition can leave it out.",
        )
    for filler in ("x", ""):
        _filled(head, rest, _tried(known, required, filler), required, str(file))


def _filled(
    head: str, rest: str, plain: Mapping[str, Any], required: frozenset[str], called: str
) -> tuple[str, str]:
    """Subject and body; nothing that is required has got lost, and the link can be followed."""
    subject = " ".join(_environment().from_string(head).render(plain).split())
    body = _environment().from_string(rest).render(plain).strip()
    if not subject:
        raise MessageFileError(f"{called} has no subject.", "Write it on its first line.")
    link = str(plain.get("link", ""))
    if "link" in required and not re.search(rf"(?<!\S){re.escape(link)}(?!\S)", body):
        raise MessageFileError(
            f"In {called}, the link runs into what stands beside it.",
            "Leave a space or a line break on both sides of {{ link }}.",
        )
    return subject, f"{body}\n"


def _tried(known: frozenset[str], required: frozenset[str], filler: str) -> dict[str, Any]:
    """A value for each placeholder: stand-ins for what is required, `filler` for the others."""
    tried: dict[str, Any] = {}
    for name in known:
        *outer, last = name.split(".")
        inside = tried
        for one in outer:
            inside = inside.setdefault(one, {})
        value = f"<{name}>" if name in required else filler
        inside[last] = [value] if name == _LIST else value
    return tried


def _refuse_foreign(tree: nodes.Template, known: frozenset[str], file: Path) -> None:
    from jinja2 import nodes

    allowed = (
        *(nodes.Output, nodes.TemplateData, nodes.If, nodes.Compare, nodes.Operand),
        *(nodes.Name, nodes.Getattr, nodes.Filter, nodes.Keyword, nodes.Const),
    )
    for node in tree.find_all(nodes.Node):
        wrong = ""
        if not isinstance(node, allowed):
            wrong = type(node).__name__.lower()
        elif isinstance(node, nodes.Filter):
            wrong = _wrong_filter(node)
        elif isinstance(node, nodes.Output):
            wrong = next((_shown(one) for one in node.nodes if not _is_text(one, known)), "")
        elif isinstance(node, nodes.If):
            wrong = "" if _is_condition(node.test, known) else "this condition"
        if wrong:
            raise MessageFileError(
                f"{file} has something in it that is no placeholder of this message: {wrong} "
                f"(line {node.lineno}).",
                f"It has these: {', '.join(sorted(known))}; and if, else, indent and join.",
            )


def _is_text(node: nodes.Node, known: frozenset[str]) -> bool:
    from jinja2 import nodes

    return isinstance(node, nodes.TemplateData) or _printed(node) in known


def _is_condition(test: nodes.Node, known: frozenset[str]) -> bool:
    """`if name`, or `if kind == "interview"`."""
    from jinja2 import nodes

    if isinstance(test, nodes.Compare):
        (operand, *others) = test.ops
        is_plain = not others and operand.op in ("eq", "ne")
        return is_plain and isinstance(operand.expr, nodes.Const) and _dotted(test.expr) in known
    return _dotted(test) in known


def _shown(node: nodes.Node) -> str:
    return _dotted(node) or type(node).__name__.lower()


def _dotted(node: nodes.Node) -> str:
    """`grant.credit.line` for what is written so, "" for anything else."""
    from jinja2 import nodes

    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr):
        before = _dotted(node.node)
        return f"{before}.{node.attr}" if before else ""
    return ""


def _printed(node: nodes.Node) -> str:
    """What this prints whole, "" where that is not told. A list prints whole only when joined."""
    from jinja2 import nodes

    if isinstance(node, nodes.Filter) and node.node is not None and not _wrong_filter(node):
        return _dotted(node.node)
    name = _dotted(node)
    return "" if name == _LIST else name


def _wrong_filter(node: nodes.Filter) -> str:
    """The name of a filter that could do more to a text than move it; "" for a good one."""
    from jinja2 import nodes

    plain = [*node.args, *(one.value for one in node.kwargs)]
    constants = [one.value for one in plain if isinstance(one, nodes.Const)]
    is_list = node.node is not None and _dotted(node.node) == _LIST
    if len(constants) == len(plain):
        if node.name == "join" and is_list and not node.kwargs and len(constants) == 1:
            return (
                "" if isinstance(constants[0], str) and len(constants[0]) <= MOST_INDENT else "join"
            )
        if (
            node.name == "indent"
            and not is_list
            and all(isinstance(one, int) and 0 <= one <= MOST_INDENT for one in constants)
        ):
            return ""
    return f"the filter {node.name}"


def _said(body: Iterable[nodes.Node]) -> frozenset[str]:
    """What is said however the conditions turn out; of what is empty there is nothing to say."""
    from jinja2 import nodes

    found: set[str] = set()
    for node in body:
        if isinstance(node, nodes.Output):
            found |= {_printed(one) for one in node.nodes}
        elif isinstance(node, nodes.If):
            branches = [node.body, *(one.body for one in node.elif_), node.else_]
            said = [_said(one) for one in branches]
            found |= frozenset.intersection(*said) | (said[0] & {_dotted(node.test)})
    return frozenset(found - {""})


@cache
def _told(source: str) -> frozenset[str]:
    """Every placeholder of a shipped message."""
    return frozenset(_outermost(_environment().parse(source)))


def _outermost(node: nodes.Node) -> Sequence[str]:
    name = _dotted(node)
    if name:
        return [name]
    return [one for child in node.iter_child_nodes() for one in _outermost(child)]


def _plain(values: Mapping[str, Any], promises: str) -> dict[str, Any]:
    """The values as text: a template holds no object of ours in its hands."""
    of = values.get
    given: dict[str, Any] = {
        "campaign": {"prompt": of("campaign") and values["campaign"].prompt},
        "settings": {
            one: getattr(values["settings"], one) for one in ("title", "asker", "contact")
        },
        PROMISES: promises,
    }
    if of("grant"):
        grant = values["grant"]
        credit = {"line": grant.credit.line}
        given["grant"] = {
            **{one: getattr(grant, one) for one in ("text", "at", "event_hash")},
            "credit": credit,
        }
    for name, value in values.items():
        if isinstance(value, str):
            given[name] = str(value)
        elif isinstance(value, list):
            given[name] = [str(one) for one in value]
    return given


@cache
def _environment() -> Any:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    made = ImmutableSandboxedEnvironment(
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.globals.clear()
    return made
