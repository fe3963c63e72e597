"""One server for all processes of a test run: the first that needs it starts it, the others use it.

Under xdist every worker has fixtures of its own; what takes long to start is shared instead. The
one that started it ends it, once nobody uses it any more.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

#: Starts a server and yields what others need to reach it, as JSON can hold it.
Start = Callable[[], AbstractContextManager[dict[str, Any]]]


@contextlib.contextmanager
def shared(folder: Path, name: str, start: Start) -> Iterator[dict[str, Any]]:
    """Where the server answers; `folder` is the same for all processes of the run."""
    place, using = folder / f"{name}.json", folder / f"{name}.using"
    with contextlib.ExitStack() as cleanup:
        in_use = cleanup.enter_context(using.open("a"))
        with _locked(folder / f"{name}.lock"):
            if place.exists():
                fcntl.flock(in_use, fcntl.LOCK_SH)
                reached: dict[str, Any] = json.loads(place.read_text())
                cleanup.callback(fcntl.flock, in_use, fcntl.LOCK_UN)
            else:
                reached = cleanup.enter_context(start())
                place.write_text(json.dumps(reached))
                cleanup.callback(_wait_for_others, folder, name, in_use)
        yield reached


def _wait_for_others(folder: Path, name: str, in_use: Any) -> None:
    """Nobody new finds it from here on; who uses it is waited for."""
    with _locked(folder / f"{name}.lock"):
        (folder / f"{name}.json").unlink()
    fcntl.flock(in_use, fcntl.LOCK_EX)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
