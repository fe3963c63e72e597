"""`ledger verify` shows how far it is: on a terminal, and only where that takes a while.

Given a long chain; when it is verified by somebody at a terminal, then a bar is drawn there and
goes away again. Nothing of it comes into a file or a pipe.
"""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
import sys
from pathlib import Path

from bench.chain import write_chain
from ledger.cli import MANY_EVENTS
from ledger.consent_state import EventKind
from ledger.contributors import add_contributor, new_id
from ledger.database import Ledger
from ledger.events import append
from tests.commands import ROOT

#: Takes the place of the thousands that the next test holds, which would take long to write.
FEW = 8
COMMAND = f"import app, ledger.cli; ledger.cli.MANY_EVENTS = {FEW}; app.main()"


def test_five_thousand_events_are_many() -> None:
    assert MANY_EVENTS == 5000


def test_progress_is_shown_at_a_terminal_from_many_events_on(ledger: Ledger) -> None:
    write_chain(ledger, FEW)
    home = ledger.settings.home
    assert verify(home, terminal=True) == "", "so few are there at once"
    with ledger.write() as connection:
        someone = add_contributor(connection, ledger.keys, ledger.clock())
        kind, subject = EventKind.WITHDRAWN, new_id()
        append(connection, ledger.keys, ledger.clock(), kind, subject, someone, {"by": "Robin"})
    shown = verify(home, terminal=True)
    assert "Checking" in shown
    assert "100%" in shown
    assert shown.endswith("\x1b[2K"), "the line is wiped: it leaves nothing behind"
    assert verify(home, terminal=False) == ""
    assert verify(home, "--json", terminal=True) == "", "a program reads no bars"


def verify(home: Path, *options: str, terminal: bool) -> str:
    """What the command writes to standard error, a terminal or a pipe. Its answer is right."""
    ours, theirs = pty.openpty() if terminal else os.pipe()
    env = {**os.environ, "DEFINEDBY_HOME": str(home), "TERM": "xterm", "COLUMNS": "80"}
    command = [sys.executable, "-c", COMMAND, "ledger", "verify", *options]
    with subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=theirs
    ) as done:
        os.close(theirs)
        shown = b""
        # A terminal that nobody holds any more answers with an error (Linux: EIO), a pipe with b"".
        with contextlib.suppress(OSError):
            while some := os.read(ours, 4096):
                shown += some
        os.close(ours)
        assert done.stdout is not None
        told = done.stdout.read().decode()
    assert done.returncode == 0, told
    assert "holds" in told
    return shown.decode()
