"""From the click to the last file: `python -m bench.withdrawing HOME --clicks 5`.

Starts the real `definedby serve` on an instance that bench.seed has made, opens an author's
personal page, presses "Take it back" by HTTP, and watches every file of the site and of content/
that held the definition until none of them does, and its address until it answers 410.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import requests
from lxml import html
from sqlalchemy import select

from bench.machine import QUIET, million_turns
from bench.publisher import _address, _environment, _ledger
from consent.requests import fresh_link
from ledger.database import Ledger
from ledger.tables import definitions, outputs, site_entries
from publisher.claims import CONTENT


@dataclass(frozen=True)
class Watched:
    """A definition that stands, and the files with `mark` in them, which all are about it."""

    id: str
    address: str
    mark: bytes
    files: list[Path]


WATCH_SECONDS = 0.01
MOST_SECONDS = 60.0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("home", type=Path)
    parser.add_argument("--clicks", type=int, default=5)
    given = parser.parse_args()
    ledger = _ledger(given.home)
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    with ledger.read() as connection:
        ids = list(connection.execute(select(site_entries.c.definition_id)).scalars())
    print(f"{len(ids):,} definitions stand")
    taken = []
    chosen = _watched(ledger, given.home, random.Random().sample(ids, given.clicks))
    # Another address would be on every page, and the worker begin by making all of them again.
    address = ledger.settings.public_url
    with _serving(given.home, port, address) as base:
        for watched in chosen:
            taken.append(_click(ledger, base, watched))
            answered, gone, told = taken[-1]
            print(
                f"answered after {answered:.3f} s, gone from every file after {gone:.3f} s, "
                f"410 after {told:.3f} s"
            )
    last = [max(found) for found in taken]
    print(f"a million empty turns took {million_turns():.0f} ms ({QUIET} on a quiet machine)")
    print(
        f"from the click to gone: {statistics.median(last):.3f} s "
        f"({min(last):.3f} to {max(last):.3f})"
    )
    ledger.close()


@contextlib.contextmanager
def _serving(home: Path, port: int, address: str) -> Iterator[str]:
    named = {"DEFINEDBY_PORT": str(port), "DEFINEDBY_BASE_URL": address}
    environment = {**os.environ, **_environment(home), **named}
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "serve"], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("Definedby is at"):
            break
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)


def _click(ledger: Ledger, base: str, watched: Watched) -> tuple[float, ...]:
    """Seconds until the answer, until no file holds it, and until its address answers 410."""
    definition_id, address = watched.id, watched.address
    assert len(watched.files) >= 5, watched
    with ledger.read() as connection:
        contributor = connection.execute(
            select(definitions.c.contributor_id).where(definitions.c.id == definition_id)
        ).scalar_one()
    path = fresh_link(ledger, contributor).partition("/p/")[2]
    with requests.Session() as session:
        session.trust_env = False
        session.get(f"{base}/p/{path}", timeout=60)
        page = session.get(f"{base}/me/{definition_id}", timeout=60)
        form = next(
            one
            for one in html.fromstring(page.text, base_url=page.url).forms
            if definition_id in (one.action or "") and ("decision", "withdraw") in _buttons(one)
        )
        values = [*form.form_values(), ("decision", "withdraw")]
        began = time.monotonic()
        answer = session.post(
            f"{base}/me/{definition_id}",
            data=values,
            headers={"Origin": base, "Sec-Fetch-Site": "same-origin"},
            timeout=60,
            allow_redirects=False,
        )
        answered = time.monotonic() - began
        assert answer.status_code in (302, 303), answer.status_code
        gone, told = 0.0, 0.0
        while not (gone and told):
            if time.monotonic() - began > MOST_SECONDS:
                raise RuntimeError("it is still there")
            if not gone and not any(_holds(file, watched.mark) for file in watched.files):
                gone = time.monotonic() - began
            if not told and session.get(f"{base}{address}", timeout=60).status_code == 410:
                told = time.monotonic() - began
            time.sleep(WATCH_SECONDS)
    return answered, gone, told


def _buttons(form: html.FormElement) -> list[tuple[str, str]]:
    return [(one.get("name", ""), one.get("value", "")) for one in form.iter("button")]


def _watched(ledger: Ledger, home: Path, ids: list[str]) -> list[Watched]:
    """With every file that holds the end of a definition's address, by reading them all once."""
    with ledger.read() as connection:
        paths = list(connection.execute(select(outputs.c.path)).scalars())
    found = []
    for one in ids:
        address = _address(ledger, one)
        found.append(Watched(one, address, address.strip("/").rpartition("/")[2].encode(), []))
    for path in paths:
        inside = path.removeprefix(CONTENT)
        file = home / ("content" if path.startswith(CONTENT) else "site") / inside
        text = file.read_bytes()
        for watched in found:
            if watched.mark in text:
                watched.files.append(file)
    return found


def _holds(file: Path, mark: bytes) -> bool:
    try:
        return mark in file.read_bytes()
    except FileNotFoundError:
        return False


if __name__ == "__main__":
    main()
