"""Our publisher beside Hugo, Pelican and Eleventy: `python -m bench publisher --count 1000`.

Every tool builds the same definitions in the same run, in turns. What counts is the CPU time of
the whole process (user and system): a busy machine makes the clock on the wall worthless.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import delete, select

from bench import rivals
from bench.machine import QUIET, described, million_turns
from bench.rivals import Post, Rival
from bench.seed import seed
from consent.decisions import withdraw
from ledger.database import Ledger, open_ledger
from ledger.settings import load_settings
from ledger.tables import metadata, outputs, site_entries

STEPS = ("cold", "no change", "one edit", "one withdrawal")
EVIDENCE = {"channel": "page"}
ONE_RUN = str(Path(__file__).with_name("one_run.py"))
#: Changes that are made inside one running process, as the worker makes them.
CHANGES = 25


@dataclass
class Run:
    cpu: float
    peak: float
    written: int


@dataclass
class Tool:
    """One of those that are compared; `runs` collects what each step took."""

    name: str
    output: Path
    build: Callable[[], Run]
    prepare: dict[str, Callable[[], None]]
    runs: dict[str, list[Run]] = field(default_factory=dict)
    #: For each withdrawal, a look whether its page is gone.
    gone: list[Callable[[], bool]] = field(default_factory=list)

    def told(self) -> dict[str, object]:
        """Every run, and what was left at the end."""
        return {
            "steps": {step: [vars(run) for run in runs] for step, runs in self.runs.items()},
            "withdrawn": len(self.gone),
            "still_there": sum(not gone() for gone in self.gone),
            "files": sum(len(names) for _, _, names in os.walk(self.output)),
        }


def compare(arguments: Sequence[str] = ()) -> Iterator[str]:
    parser = argparse.ArgumentParser(prog="python -m bench publisher")
    parser.add_argument("--count", type=int, default=1_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--tools", type=Path, default=rivals.FOLDER)
    parser.add_argument("--only", default="hugo,pelican,eleventy")
    parser.add_argument("--home", type=Path, help="An instance that bench.seed has made.")
    parser.add_argument("--steps", default=",".join(STEPS))
    parser.add_argument("--json", type=Path, help="Keep every run in this file, for bench.plots.")
    given = parser.parse_args(list(arguments))
    with tempfile.TemporaryDirectory(prefix="bench-") as work:
        yield from _compare(given, Path(work))


def _compare(given: argparse.Namespace, work: Path) -> Iterator[str]:
    home = given.home or work / "ours"
    ledger = _ledger(home)
    with ledger.read() as connection:
        empty = connection.execute(select(metadata.tables["events"].c.seq)).first() is None
    if empty:
        seed(ledger, given.count, random.Random(42))
    first = _run(_publish(), {**os.environ, **_environment(home)}, ledger.settings.site_folder)
    yield (
        f"publisher: {given.count:,} first publications (compose, build, record): "
        f"{first.cpu:.2f} s of CPU, {first.peak:.0f} MB"
    )
    tools = [_ours(ledger, home)]
    posts = rivals.posts_in(ledger.settings.content)
    page = next((ledger.settings.site_folder / "thought-leadership").glob("*-????????/index.html"))
    frame = rivals.frame_of(page.read_text(encoding="utf-8"))
    for name in filter(None, given.only.split(",")):
        rival = rivals.BUILDERS[name](given.tools.resolve(), work / name, posts, frame)
        if rival is None:
            yield f"publisher: {name} is not installed; run python -m bench.rivals {given.tools}"
        else:
            tools.append(_tool(rival, posts))
    turns = []
    for step in given.steps.split(","):
        for _ in range(given.runs):
            turns.append(million_turns())
            for tool in tools:
                tool.prepare[step]()
                tool.runs.setdefault(step, []).append(tool.build())
        yield from _lines(step, tools)
    told = {tool.name: tool.told() for tool in tools}
    for name, found in told.items():
        kept = found["still_there"]
        word = f"{kept} still stand" if kept else "none still stands"
        gone = f"of {found['withdrawn']} withdrawn pages {word}"
        yield f"publisher: {name}: {gone}; {found['files']:,} files"
    speed = f"{min(turns):.0f} to {max(turns):.0f} ms"
    yield f"publisher: a million empty turns took {speed} meanwhile ({QUIET} on a quiet machine)"
    yield from _in_the_worker(home)
    if given.json:
        whole = {"count": given.count, "machine": described(), "turns": turns, "tools": told}
        given.json.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    ledger.close()


def _lines(step: str, tools: list[Tool]) -> Iterator[str]:
    ours = tools[0].runs[step]
    for tool in tools:
        runs = tool.runs[step]
        line = (
            f"publisher: {step}: {tool.name}: {statistics.median(r.cpu for r in runs):.2f} s of CPU"
            f", {max(r.peak for r in runs):.0f} MB, {runs[-1].written:,} files written"
        )
        if tool is not tools[0]:
            ratios = [mine.cpu / theirs.cpu for mine, theirs in zip(ours, runs, strict=True)]
            memory = max(r.peak for r in ours) / max(r.peak for r in runs)
            line += (
                f"; ours takes {statistics.median(ratios):.3f} of its CPU "
                f"({min(ratios):.3f} to {max(ratios):.3f}) and {memory:.2f} of its memory"
            )
        yield line


def _ledger(home: Path) -> Ledger:
    settings = load_settings({}, home=home, content=home / "content", site=home / "site")
    return open_ledger(settings, create=True)


def _environment(home: Path) -> dict[str, str]:
    return {
        "DEFINEDBY_HOME": str(home),
        "DEFINEDBY_CONTENT": str(home / "content"),
        "DEFINEDBY_SITE": str(home / "site"),
    }


def _publish() -> list[str]:
    return [sys.executable, "-m", "app", "publish"]


def _ours(ledger: Ledger, home: Path) -> Tool:
    environment = {**os.environ, **_environment(home)}
    chance = random.Random(7)
    with ledger.read() as connection:
        ids = list(connection.execute(select(site_entries.c.definition_id)).scalars())
    chance.shuffle(ids)
    tool = Tool("definedby", ledger.settings.site_folder, lambda: Run(0, 0, 0), {})

    def cold() -> None:
        shutil.rmtree(ledger.settings.site_folder)
        forget_graph(ledger)

    def edit() -> None:
        regrant(ledger, ids.pop(), f"Other words {chance.random()}.")

    def take_away() -> None:
        definition_id = ids.pop()
        page = tool.output / _address(ledger, definition_id).strip("/") / "index.html"
        assert page.exists()
        withdraw(ledger, definition_id, EVIDENCE)
        tool.gone.append(lambda: not page.exists())

    tool.build = lambda: _run(_publish(), environment, tool.output)
    tool.prepare = {
        "cold": cold,
        "no change": lambda: None,
        "one edit": edit,
        "one withdrawal": take_away,
    }
    return tool


def _tool(rival: Rival, posts: list[Post]) -> Tool:
    chance = random.Random(7)
    slugs = [post.slug for post in posts]
    chance.shuffle(slugs)
    tool = Tool(rival.name, rival.output, lambda: Run(0, 0, 0), {})

    def edit() -> None:
        file = rival.source(slugs.pop())
        text = file.read_text(encoding="utf-8")
        head, mark, words = text.rpartition("\n> ")
        file.write_text(f"{head}{mark}Other {words}", encoding="utf-8")

    def take_away() -> None:
        slug = slugs.pop()
        assert rival.page(slug).exists(), rival.page(slug)
        rival.source(slug).unlink()
        tool.gone.append(lambda: not rival.page(slug).exists())

    tool.build = lambda: _run(rival.command, dict(os.environ), rival.output, rival.folder)
    tool.prepare = {
        "cold": lambda: shutil.rmtree(rival.output, ignore_errors=True),
        "no change": lambda: None,
        "one edit": edit,
        "one withdrawal": take_away,
    }
    return tool


def _run(
    command: Sequence[str], environment: dict[str, str], output: Path, folder: Path | None = None
) -> Run:
    """One whole process: CPU seconds, peak memory in MB, and how many files it wrote."""
    began = time.time() - 0.05
    done = subprocess.run(
        [sys.executable, "-I", "-S", ONE_RUN, *command],
        env=environment,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    )
    *said, last = done.stderr.splitlines()
    cpu, peak, code = last.split()
    if code != "0":
        raise RuntimeError(f"{command[:3]} ended with {code}: {said[-20:]}")
    return Run(float(cpu), float(peak), _written(output, began))


def _written(output: Path, since: float) -> int:
    found = 0
    for place, _, names in os.walk(output):
        found += sum(Path(place, name).lstat().st_mtime >= since for name in names)
    return found


def forget_graph(ledger: Ledger) -> None:
    """Leave only what the ledger itself knows: the site has to be built from nothing."""
    with ledger.write() as connection:
        for name in ("entries", "groups", "edges", "dirty", "sources"):
            connection.execute(delete(metadata.tables[f"site_{name}"]))
        connection.execute(
            delete(outputs).where(~outputs.c.path.startswith("content:", autoescape=True))
        )


def _address(ledger: Ledger, definition_id: str) -> str:
    with ledger.read() as connection:
        return connection.execute(
            select(site_entries.c.address).where(site_entries.c.definition_id == definition_id)
        ).scalar_one()


def regrant(ledger: Ledger, definition_id: str, words: str) -> None:
    """Ask for other words and have them granted, by the ways of the consent stage."""
    from datetime import timedelta

    from consent.decisions import grant
    from ledger.definitions import add_version
    from ledger.events import state_of
    from ledger.requests import open_request

    now = ledger.clock()
    with ledger.write() as connection:
        before = state_of(connection, ledger.keys, definition_id).grant
        assert before is not None
        definition = add_version(connection, definition_id, words, now)
        request = open_request(
            connection,
            ledger.keys,
            now,
            definition,
            credit=before.credit,
            uses=before.uses,
            asked_by="bench",
            notice="1",
            expires_at=now + timedelta(days=14),
        )
    grant(
        ledger,
        request.id,
        text=words,
        credit=before.credit,
        uses=before.uses,
        evidence=EVIDENCE,
    )


def _in_the_worker(home: Path) -> Iterator[str]:
    """What one change takes in a process that goes on running, and what none takes."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.changes", str(home), str(CHANGES)],
        check=True,
        capture_output=True,
        text=True,
    )
    yield from (f"publisher: {line}" for line in done.stdout.splitlines())
