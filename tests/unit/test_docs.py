"""The documents are an interface: what they name exists, and what exists is documented."""

from __future__ import annotations

import re
import shlex
import sqlite3
import subprocess
import sys
import unicodedata
import zipfile
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from app import definedby
from consent.decisions import grant
from consent.requests import ask
from docs.generate import all_commands, generated
from ledger import chain
from ledger.accounts import ensure_account
from ledger.backup import backup
from ledger.campaigns import add_campaign
from ledger.consent_state import EventKind
from ledger.definitions import take_definition
from ledger.errors import Exit
from ledger.model import Channel, IncomingReply, ReplyState, Use
from ledger.replies import desk_replies, store_replies
from ledger.settings import PREFIX, Settings, load_settings
from tests.molds import open_new
from tests.people import ADA, EVIDENCE
from tests.schemas import valid_receipt

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
DOCUMENTS = sorted(
    [*DOCS.rglob("*.md"), *(ROOT / n for n in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"))]
)
IMAGES = sorted((DOCS / "images").glob("*"))
MOST_IMAGE_BYTES = 250 * 1024
WORDS = "knowing when to listen"

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[(?:[^\[\]]|!\[[^\]]*\]\([^)]*\))*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_ASSIGNMENT = re.compile(r"[A-Z_]+=")
#: What the shell takes for itself: where a command reads from and writes to.
_REDIRECTION = re.compile(r"\s[<>]\s*\S+")


def by_name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def blocks(path: Path, language: str) -> list[str]:
    return [body for _, lang, body in _FENCE.findall(path.read_text()) if lang == language]


def prose(path: Path) -> str:
    """The document without its fenced blocks."""
    return _FENCE.sub("", path.read_text())


def anchors(path: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    found = set()
    for heading in _HEADING.findall(prose(path)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
        kept = (c for c in plain if c in " -_" or unicodedata.category(c)[0] in "LN")
        found.add("".join(kept).replace(" ", "-"))
    return found


# ------------------------------------------------------------------ the generated reference
@pytest.mark.parametrize("path", list(generated()), ids=by_name)
def test_the_generated_reference_is_up_to_date(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == generated()[path], "run: python -m docs.generate"


@pytest.mark.parametrize(("name", "command"), list(all_commands()), ids=str)
def test_every_command_and_option_is_documented(name: str, command: click.Command) -> None:
    text = (DOCS / "reference" / "commands.md").read_text()
    (section,) = re.findall(
        rf"^##+ definedby {name}$(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL
    )
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            assert parameter.opts[-1] in section
            assert parameter.help, f"{name} {parameter.opts[-1]} says what it means"


@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_every_setting_is_documented(name: str) -> None:
    assert Settings.model_fields[name].description
    assert f"`{PREFIX}{name.upper()}`" in (DOCS / "reference" / "settings.md").read_text()


def test_every_exit_code_is_documented() -> None:
    text = (DOCS / "reference" / "exit-codes.md").read_text()
    rows = dict(re.findall(r"^\| (\d+) \| `(\w+)` \|", text, re.MULTILINE))
    assert rows == {str(int(code)): code.name for code in Exit}


def test_every_event_is_documented() -> None:
    text = (DOCS / "reference" / "consent-record.md").read_text()
    assert set(re.findall(r"^\| `(\w+)` \| [^|]* \| [^|]* \|$", text, re.MULTILINE)) >= set(
        EventKind
    )


def test_every_decision_is_listed() -> None:
    listed = (DOCS / "adr" / "README.md").read_text()
    records = sorted((DOCS / "adr").glob("0*.md"))
    assert records
    assert [path.name for path in records if f"({path.name})" not in listed] == []


def test_every_document_is_listed() -> None:
    index = (DOCS / "README.md").read_text()
    parts = [path for path in DOCS.glob("*/*.md") if path.parent.name != "adr"]
    missing = [path for path in parts if f"({path.relative_to(DOCS).as_posix()})" not in index]
    assert missing == []


# ------------------------------------------------------------------ command lines
def command_lines() -> Iterator[tuple[str, str]]:
    for path in DOCUMENTS:
        for body in blocks(path, "sh"):
            for line in body.replace("\\\n", " ").splitlines():
                if re.match(r"\s*(?:[A-Z_]+=\S+ )*definedby ", line):
                    yield by_name(path), line.strip()


def test_there_are_command_lines() -> None:
    assert len(list(command_lines())) > 40, "or the next test would try nothing"


@pytest.mark.parametrize(("document", "line"), list(command_lines()))
def test_a_documented_command_line_parses(document: str, line: str) -> None:
    words = shlex.split(_REDIRECTION.sub("", line))
    while _ASSIGNMENT.match(words[0]):
        setting, _, value = words.pop(0).partition("=")
        load_settings({setting: value})
    assert words.pop(0) == "definedby"
    parse(definedby, "definedby", words)


def parse(
    command: click.Command, name: str, words: list[str], parent: click.Context | None = None
) -> None:
    """As click does, but without asking a person, looking for files or running anything."""
    with command.context_class(command, info_name=name, parent=parent) as context:
        values, rest, _ = command.make_parser(context).parse_args(args=list(words))
        if isinstance(command, click.Group):
            assert rest, f"{name} needs a command"
            found = command.get_command(context, rest[0])
            assert found is not None, f"there is no command '{name} {rest[0]}'"
            parse(found, rest[0], rest[1:], context)
            return
        assert rest == [], f"too much: {rest}"
        for parameter in command.params:
            check_value(parameter, values.get(parameter.name or ""), context)


def check_value(parameter: click.Parameter, given: object, context: click.Context) -> None:
    if isinstance(parameter, click.Argument) and parameter.required:
        assert isinstance(given, str), f"{parameter.human_readable_name} is missing"
    if isinstance(given, str) and not isinstance(parameter.type, click.Path):
        parameter.type.convert(given, parameter, context)


@pytest.mark.parametrize(
    "line",
    [
        *("definedby", "definedby frobnicate", "definedby poll --nope", "definedby restore"),
        *("definedby account add pigeon", "definedby publish now", "definedby campaign"),
    ],
)
def test_a_wrong_command_line_would_be_found(line: str) -> None:
    with pytest.raises((AssertionError, click.UsageError)):
        parse(definedby, "definedby", shlex.split(line)[1:])


@pytest.mark.parametrize("path", DOCUMENTS, ids=by_name)
def test_a_make_target_that_is_named_exists(path: Path) -> None:
    targets = set(re.findall(r"^([\w.$()/]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    targets = {target.replace("$(VENV)", ".venv") for target in targets}
    named = {
        name for body in blocks(path, "sh") for name in re.findall(r"(?:^|\s)make ([\w./]+)", body)
    } | set(re.findall(r"`make ([\w./]+)`", prose(path)))
    assert named <= targets


# ------------------------------------------------------------------ links and images
def links() -> Iterator[tuple[str, str]]:
    for path in DOCUMENTS:
        for target in _LINK.findall(prose(path)) + re.findall(
            r"!\[[^\]]*\]\(([^)]+)\)", prose(path)
        ):
            if "://" not in target:
                yield by_name(path), target


@pytest.mark.parametrize(("document", "target"), sorted(set(links())))
def test_a_link_leads_somewhere(document: str, target: str) -> None:
    name, _, anchor = target.partition("#")
    path = (ROOT / document).parent / name if name else ROOT / document
    assert path.exists(), f"{document} names {target}"
    if anchor:
        assert anchor in anchors(path), sorted(anchors(path))


def test_every_image_is_used_and_small() -> None:
    used = {Path(target).name for _, target in links()}
    assert IMAGES
    assert [path.name for path in IMAGES if path.name not in used] == []
    assert [path.name for path in IMAGES if path.stat().st_size > MOST_IMAGE_BYTES] == []


# ------------------------------------------------------------------ words
@pytest.mark.parametrize("path", [*DOCUMENTS, DOCS / "generate.py"], ids=by_name)
def test_no_document_names_a_place_of_one_machine(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"(?<![\w.])/(?:work|root)(?:/|\b)", text)
    assert not re.search(r"/tmp/(?!definedby-poll)", text)


@pytest.mark.parametrize("path", DOCUMENTS, ids=by_name)
def test_sample_mail_addresses_belong_to_nobody(path: Path) -> None:
    found = re.findall(r"[\w.+-]+@([\w-]+(?:\.[\w-]+)+)", path.read_text())
    assert [host for host in found if not host.endswith(".example") and host != "127.0.0.1"] == []


# ------------------------------------------------------------------ examples in Python
def examples() -> list[tuple[str, int, str]]:
    return [
        (by_name(path), number, code)
        for path in sorted((DOCS / "reference").glob("*.md"))
        for number, code in enumerate(blocks(path, "python"))
    ]


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the examples read: a receipt, and the database from a backup."""
    folder = tmp_path_factory.mktemp("examples")
    ledger = open_new(load_settings({}, home=folder / "home"))
    now = ledger.clock()
    with ledger.write() as connection:
        campaign = add_campaign(connection, now, prompt="Thought leadership is ___?")
        account = ensure_account(connection, ledger.keys, Channel.IMPORT, "a", campaign.id)
        reply = IncomingReply("1", "ada@sample.example", WORDS, "Ada Sample")
        store_replies(connection, account, [reply], now)
        (stored,) = desk_replies(connection, campaign.id, ReplyState.NEW)
        definition = take_definition(connection, ledger.keys, now, stored, "en")
    question = ask(ledger, definition.id, asked_by="robin@blog.example")
    uses = frozenset(Use)
    grant(ledger, question.request.id, text=WORDS, credit=ADA, uses=uses, evidence=EVIDENCE)
    (folder / "receipt.json").write_bytes(chain.canonical(valid_receipt(ledger, definition.id)))
    with zipfile.ZipFile(backup(ledger, folder / "b.zip").file) as archive:
        archive.extract("ledger.sqlite", folder)
    ledger.close()
    return folder


def run_example(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """As a reader would: in a program of its own, in the folder with the files."""
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )


def test_there_are_examples() -> None:
    assert len(examples()) >= 2


@pytest.mark.parametrize(("document", "number", "code"), examples())
def test_an_example_runs(document: str, number: int, code: str, evidence: Path) -> None:
    done = run_example(code, evidence)
    assert done.returncode == 0, done.stderr


def test_the_examples_notice_a_change(evidence: Path, tmp_path: Path) -> None:
    written = (evidence / "receipt.json").read_text()
    (tmp_path / "receipt.json").write_text(written.replace("listen", "shout"))
    (tmp_path / "ledger.sqlite").write_bytes((evidence / "ledger.sqlite").read_bytes())
    changed = sqlite3.connect(tmp_path / "ledger.sqlite")
    changed.execute("UPDATE events SET kind = 'refused' WHERE seq = 2")
    changed.commit()
    changed.close()
    for document, _, code in examples():
        if document.endswith("consent-record.md"):
            assert run_example(code, tmp_path).returncode != 0


def test_every_field_of_a_receipt_is_documented(evidence: Path) -> None:
    import json

    text = (DOCS / "reference" / "consent-record.md").read_text()
    record = json.loads((evidence / "receipt.json").read_text())
    named = set(re.findall(r"`(@?\w+)`", text))
    assert set(record) <= named
    assert {name for event in record["events"] for name in event} <= named
