"""`definedby serve`: the web server and the worker as two processes, ended together.

Two processes, so that a poll which eats memory or hangs can't take the blog down with it. A
worker that dies is started again; when the web server ends, so does everything.
"""

from __future__ import annotations

import ctypes
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from types import FrameType
from typing import NoReturn

from ledger.errors import DefinedbyError
from ledger.settings import Settings

TICK_SECONDS = 0.1
START_SECONDS = 60
STOP_SECONDS = 20
MOST_WAIT_SECONDS = 5.0
#: A worker that ran this long was healthy: the next restart is quick again.
HEALTHY_SECONDS = 60
#: linux/prctl.h
PR_SET_PDEATHSIG = 1


class StopSignal(Exception):  # noqa: N818  not an error: the wish to end
    """Ctrl-C, or the service manager's request to end."""


def supervise(settings: Settings, announce: Callable[[], str]) -> int:
    """Run web server and worker until a signal comes; returns the exit code.

    What `announce` says is printed once the web server answers; it may take its time, as the
    children start meanwhile.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _raise_stop)
    # The successor of a worker that we have seen die need not wait for its lease to run out.
    worker = ["worker", "--holder", f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"]
    children: list[subprocess.Popen[bytes]] = []
    try:
        children.append(_start(["serve", "--no-worker"]))
        children.append(_start(worker))
        line = announce()
        _wait_until_ready(settings, children[0])
        print(line, flush=True)  # noqa: T201  the one line a newcomer waits for
        return _watch(children, worker)
    except StopSignal:
        return 0
    finally:
        # From here on a second Ctrl-C must not leave a child behind.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        _stop(children)


def _watch(children: list[subprocess.Popen[bytes]], worker: Sequence[str]) -> int:
    """Start the worker again whenever it dies; return when the web server ends."""
    started, wait = time.monotonic(), 1.0
    while True:
        time.sleep(TICK_SECONDS)
        if children[0].poll() is not None:
            return children[0].returncode or 1
        if children[1].poll() is None:
            continue
        if time.monotonic() - started > HEALTHY_SECONDS:
            wait = 1.0
        time.sleep(wait)
        wait = min(wait * 2, MOST_WAIT_SECONDS)
        children[1], started = _start(worker), time.monotonic()


def _start(arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    # A group of its own: Ctrl-C reaches us alone, and we end the children in order.
    return subprocess.Popen(
        [sys.executable, "-m", "app", *arguments],
        start_new_session=True,
        # Safe here: this process runs no threads.
        preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
    )


def _end_with_parent() -> None:
    """Even a supervisor that was killed outright leaves nobody behind (Linux, prctl(2))."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _wait_until_ready(settings: Settings, web: subprocess.Popen[bytes]) -> None:
    address = f"http://{_reachable(settings.host)}:{settings.port}/healthz"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if web.poll() is not None:
            raise DefinedbyError("The web server did not start.", "The lines above say why.")
        try:
            with opener.open(address, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(TICK_SECONDS)
    raise DefinedbyError(
        f"The web server did not answer within {START_SECONDS} s.", "The lines above say why."
    )


def _reachable(host: str) -> str:
    if host in ("0.0.0.0", "::", ""):  # noqa: S104  only compared
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _stop(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        if child.poll() is None:
            child.terminate()
    until = time.monotonic() + STOP_SECONDS
    for child in children:
        try:
            child.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _raise_stop(_number: int, _frame: FrameType | None) -> NoReturn:
    raise StopSignal
