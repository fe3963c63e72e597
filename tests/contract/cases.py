"""The connectors that the contract is held against. A new channel adds its case to CASES.

A case prepares real replies at a real source on this machine (a file, a server on loopback)
and gives the connector that reads them. `texts` are unique and arrive in this order.
"""

from __future__ import annotations

import contextlib
import csv
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from collector.channels.importing import ImportSource, open_source
from collector.connector import Connector
from tests.contract.kinds import CHANGES, TROUBLES, Hooks, Kind, Troubled

#: Prepares replies with these texts in a folder of its own; "" stands for a malformed one.
Prepare = Callable[[Path, Sequence[str]], AbstractContextManager[Connector]]
#: What a source is given in place of a reply where the contract wants a malformed one.
MALFORMED = ""


@dataclass(frozen=True)
class ConnectorCase:
    """One channel under the contract.

    `prepare` puts the replies where the connector finds them. `broken` gives a connector whose
    source can't be reached; `is_permanent` says how its error must be classified. `can_send`:
    whether a message can leave by this channel. `hooks`: the rest of tests/contract/kinds.py.
    `writers`: how many people write, where that is not one for each reply. `elsewhere`: where a
    real server is not asked for what it never does. `recipient`: who is there to be written to.
    """

    name: str
    prepare: Prepare
    broken: Callable[[Path], AbstractContextManager[Connector]]
    is_permanent: bool
    can_send: bool
    hooks: Hooks = field(default_factory=Hooks)
    writers: int = 0
    elsewhere: str = ""
    recipient: str = "contract@sample.example"


@contextlib.contextmanager
def _csv(folder: Path, texts: Sequence[str]) -> Iterator[Connector]:
    path = folder / "replies.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "name", "email", "date"])
        for number, text in enumerate(texts):
            person = f"person{number}"
            rows.writerow([text, person, f"{person}@sample.example", "2026-01-31"])
    yield open_source(path, mapping={})


@contextlib.contextmanager
def _jsonl(folder: Path, texts: Sequence[str]) -> Iterator[Connector]:
    path = folder / "replies.jsonl"
    lines = [
        json.dumps({"text": text, "id": f"r{number}"}) if text != MALFORMED else '{"text": '
        for number, text in enumerate(texts)
    ]
    path.write_text("\n".join(lines) + "\n")
    yield open_source(path, mapping={})


@contextlib.contextmanager
def _mbox(folder: Path, texts: Sequence[str]) -> Iterator[Connector]:
    path = folder / "replies.mbox"
    with path.open("wb") as file:
        for number, text in enumerate(texts):
            file.write(f"From p{number}@sample.example Sat Jan 31 18:30:00 2026\n".encode())
            file.write(
                f"From: p{number}@sample.example\nMessage-ID: <m{number}@x.example>\n".encode()
            )
            if text == MALFORMED:  # headers beyond what any mail has
                file.write(b"X-Long: " + b"x" * 300_000 + b"\n")
            file.write(f"\n{text}\n\n".encode())
    yield open_source(path, mapping={})


@contextlib.contextmanager
def _gone(folder: Path) -> Iterator[Connector]:
    with _csv(folder, ["A lamp"]) as source:
        assert isinstance(source, ImportSource)
        source.path.unlink()
        yield source


@contextlib.contextmanager
def _huge_row(folder: Path, texts: Sequence[str]) -> Iterator[Troubled]:
    with _jsonl(folder, [texts[0], "x" * 20_001, *texts[1:]]) as source:
        yield Troubled(lambda: source.fetch("", 50), left_out=True)


NO_SERVER = "A file has no server between it and us."
A_COPY = "A file is a copy of one time; it does not follow what its authors do later."
IMPORT_HOOKS = Hooks(
    troubles={Kind.HUGE_BODY: _huge_row},
    cannot={
        **dict.fromkeys(TROUBLES - {Kind.HUGE_BODY, Kind.MALFORMED_BODY}, NO_SERVER),
        Kind.MALFORMED_BODY: "A file that is none is refused before it is a source: "
        "test_importing_shape.py.",
        **dict.fromkeys(CHANGES, A_COPY),
    },
)
CASES = [
    ConnectorCase(
        f"import-{name}", prepare, _gone, is_permanent=True, can_send=False, hooks=IMPORT_HOOKS
    )
    for name, prepare in (("csv", _csv), ("jsonl", _jsonl), ("mbox", _mbox))
]
