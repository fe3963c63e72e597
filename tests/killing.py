"""A small process that forks workers and has them killed, so that each costs no start of Python.

Told on its standard input, one JSON object a line: `home` and `database_url` (an instance), `now`
(its clock, ISO 8601) and either `step` (kill yourself there) or `seconds` (I kill you then). A step
is a statement or commit of the database, or a send or receive of a socket, before and after, from
where the sending begins. Answers with `steps`, how many there were, or `killed`. What is forked
does what `definedby worker --once` does, of all its tasks the one that sends.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from tests.commands import ROOT

if TYPE_CHECKING:
    from ledger.database import Ledger
    from ledger.leases import Lease
    from ledger.settings import Settings


class Killer:
    """The process, for a test; use as a context manager."""

    def __enter__(self) -> Killer:
        command = [sys.executable, "-m", "tests.killing"]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._process.communicate(timeout=60)
        assert self._process.returncode == 0

    def dispatch(self, settings: Settings, now: datetime, **when: float) -> dict[str, Any]:
        """One worker, killed at this `step` or after so many `seconds`, if it is not done then."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        where = {"home": str(settings.home), "database_url": settings.database_url}
        order = {**where, "now": now.isoformat(), **when}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


class _Steps:
    def __init__(self, last: float) -> None:
        self.passed, self.last = 0, last

    def step(self, *_: Any, **__: Any) -> None:
        if self.passed == self.last:
            os.kill(os.getpid(), signal.SIGKILL)
        self.passed += 1

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(call)
        def stepping(*given: Any, **named: Any) -> Any:
            self.step()
            done = call(*given, **named)
            self.step()
            return done

        return stepping

    def listen(self) -> None:
        from sqlalchemy import Engine, event

        for moment in ("before_cursor_execute", "after_cursor_execute", "commit"):
            event.listen(Engine, moment, self.step)
        for name in ("send", "sendall", "recv", "recv_into"):
            setattr(socket.socket, name, self.around(getattr(socket.socket, name)))


def _work(order: dict[str, Any]) -> int:
    from collector.schedule import run_once
    from ledger.database import open_ledger
    from ledger.settings import load_settings
    from web.work import TASKS

    begin, now = time.monotonic(), datetime.fromisoformat(order["now"])
    home = Path(order["home"])
    settings = load_settings(
        {}, home=home, content=home / "content", database_url=order["database_url"]
    )
    steps = _Steps(order.get("step", -1))
    (sending,) = [task for task in TASKS if task.name == "dispatch"]

    def counted(ledger: Ledger, lease: Lease) -> object:
        steps.listen()
        return sending.run(ledger, lease)

    ledger = open_ledger(settings, lambda: now + timedelta(seconds=time.monotonic() - begin))
    run_once(ledger, [replace(sending, run=counted)])
    ledger.close()
    return steps.passed


def _perform(order: dict[str, Any]) -> dict[str, Any]:
    begin = time.monotonic()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os.write(writing, str(_work(order)).encode())
        os._exit(0)
    os.close(writing)
    if "seconds" in order:
        time.sleep(order["seconds"])
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reading) as pipe:
        steps = pipe.read()
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) != 0:
        raise SystemExit("the worker failed by itself")
    is_killed = os.WIFSIGNALED(status)
    return {
        "killed": is_killed,
        "steps": int(steps) if steps else 0,
        "seconds": time.monotonic() - begin,
    }


def main() -> None:
    # Loaded once, before anything is forked.
    import mastodon  # noqa: F401
    import tweepy  # type: ignore[import-untyped]  # noqa: F401

    import collector.bluesky.wire
    import collector.channels.bluesky
    import collector.channels.email
    import collector.channels.mastodon
    import collector.channels.x
    import collector.mastodon.session
    import collector.x.session
    import web.work  # noqa: F401

    collector.bluesky.wire._trusted()

    for line in sys.stdin:
        print(json.dumps(_perform(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
