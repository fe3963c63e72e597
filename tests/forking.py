"""`definedby` commands as processes that are forked from one which has imported everything.

Python and the libraries take longer to start than most commands take, and tests start hundreds.
The command begins where `python -m app` would, as the main module of a process of its own with
its own arguments, environment and files, and ends as any interpreter does. What a command imports,
and how fast it starts, is for tests which run it in the ordinary way.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import cache
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

ROOT = Path(__file__).parent.parent
#: An environment has to fit.
MOST_BYTES = 150_000


class Forked:
    """A forked process, to be used like a `subprocess.Popen` without pipes."""

    def __init__(self, pid: int, told: socket.socket) -> None:
        self.pid, self.returncode, self._told = pid, None, told

    returncode: int | None

    def poll(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            if not select.select([self._told], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("definedby", timeout or 0)
            self.returncode = int(self._told.recv(20))
            self._told.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def __del__(self) -> None:
        self._told.close()


def fork(
    arguments: Sequence[str], environment: dict[str, str], files: Sequence[int], *, apart: bool
) -> Forked:
    """Start the command with these as its input, output and errors; `apart` in a new session."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    order = [list(arguments), environment, str(Path.cwd()), apart]
    with theirs:
        socket.send_fds(_forking(), [json.dumps(order).encode()], [*files, theirs.fileno()])
    said = ours.recv(20)
    if not said:
        ours.close()
        raise ChildProcessError("the process that forks commands has ended; its words are above")
    return Forked(int(said), ours)


@cache
def _forking() -> socket.socket:
    """Where the process that forks takes orders; it ends with us."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.forking", str(theirs.fileno())],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        pass_fds=[theirs.fileno()],
    )
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait(20)

    atexit.register(end)
    return ours


def _take_orders(orders: socket.socket) -> bool:
    """Fork a process for each order. False when there are no more; True in what was forked."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that wait
    while True:
        message, files, *_ = socket.recv_fds(orders, MOST_BYTES, 4)
        if not message:
            return False
        if os.fork() == 0:
            orders.close()
            return _forked(message, files)
        for file in files:
            os.close(file)


def _forked(message: bytes, files: list[int]) -> bool:
    """Fork once more and wait for that, to tell how it ended; True in what was forked."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    told = socket.socket(fileno=files.pop())
    child = os.fork()
    if child == 0:
        told.close()
        _become(files, *json.loads(message))
        return True
    for file in files:
        os.close(file)
    with contextlib.suppress(OSError):  # whoever started it may have gone
        told.send(str(child).encode())
        _, status = os.waitpid(child, 0)
        told.send(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _become(
    files: list[int], arguments: list[str], environment: dict[str, str], folder: str, apart: bool
) -> None:
    if apart:
        os.setsid()
    for number, file in enumerate(files):
        os.dup2(file, number)
    for file in files:
        os.close(file)
    sys.stdin = _text(sys.stdin, 0, "r")
    sys.stdout = _text(sys.stdout, 1, "w")
    sys.stderr = _text(sys.stderr, 2, "w")
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.argv = [str(ROOT / "app.py"), *arguments]


def _text(before: TextIO, number: int, mode: str) -> TextIO:
    """What stands for another file from now on; what was known of the old one is forgotten."""
    now = open(number, mode, encoding=before.encoding, errors=before.errors, closefd=False)  # noqa: SIM115
    assert isinstance(now, TextIOWrapper)
    if mode == "w":
        now.reconfigure(line_buffering=True)
    return now


def _import_everything() -> None:
    from importlib import import_module

    from app import COMMANDS

    own = {where.partition(":")[0] for where, _ in COMMANDS.values()}
    more = (
        *("web.application", "web.server", "web.start", "web.supervise", "web.work", "web.demo"),
        *("ledger.migrate", "ledger.restore", "ledger.doctor", "sqlalchemy.dialects.sqlite"),
        *("collector.channels.email", "collector.channels.x", "collector.channels.mastodon"),
        *("collector.bluesky.wire", "collector.x.session", "collector.mastodon.session"),
        *("mastodon", "tweepy", "collector.channels.bluesky", "ledger.migrations", "fasttext"),
    )
    for name in (*own, *more):
        with contextlib.suppress(ImportError):
            import_module(name)
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    _import_everything()
    if _take_orders(socket.socket(fileno=int(sys.argv[1]))):
        runpy.run_module("app", run_name="__main__", alter_sys=True)
