"""A served instance: the real `definedby serve`, started and ended."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.commands import Instance, Process


@dataclass(frozen=True)
class Served:
    """Where a running instance answers, and the line that it printed."""

    base: str
    line: str
    process: Process

    @property
    def welcome(self) -> str:
        """The owner's one-time link."""
        return re.findall(r"http\S+/welcome/\S+", self.line)[0]


def new_instance(folder: Path, **settings: str) -> Instance:
    """An instance folder that is not there yet, on a free port."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    named = {f"DEFINEDBY_{name.upper()}": value for name, value in settings.items()}
    return Instance(folder / "home", {"DEFINEDBY_PORT": str(port), **named})


@contextlib.contextmanager
def serving(instance: Instance, *command: str) -> Iterator[Served]:
    """The command, "serve" unless another is given, once its web server answers.

    Ends it as Ctrl-C would, and fails when that is not a clean end.
    """
    log = instance.home.parent / "serve.log"
    log.write_text("")
    process = instance.start(*(command or ("serve",)), log=log)
    try:
        line = wait_for(lambda: first_line(log, "Definedby is at"), process=process, log=log)
        yield Served(f"http://127.0.0.1:{instance.environment['DEFINEDBY_PORT']}/", line, process)
    finally:
        process.send_signal(signal.SIGINT)
        code = process.wait(timeout=60)
    assert code == 0, log.read_text()
    assert children_of(process.pid) == []


def first_line(log: Path, start: str) -> str:
    return next((line for line in log.read_text().splitlines() if line.startswith(start)), "")


def wait_for(
    look: Callable[[], str],
    seconds: float = 60,
    process: Process | None = None,
    log: Path | None = None,
) -> str:
    """What `look` finds at last; fails after `seconds`, or when the process has ended."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = look()
        if found:
            return found
        if process is not None and process.poll() is not None:
            break
        time.sleep(0.1)
    raise AssertionError(f"it did not come to pass; {log.read_text() if log else ''}")


def children_of(parent: int, word: str = "") -> list[int]:
    """The processes that `parent` started, or those with this word in their command."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        with contextlib.suppress(OSError):
            status = (entry / "status").read_text()
            command = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if f"\nPPid:\t{parent}\n" in status and (not word or word in command):
                found.append(int(entry.name))
    return found
