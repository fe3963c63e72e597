"""Editors' Markdown as HTML, within 2 seconds or not at all (promise P29).

python-markdown is slow on hostile texts, short ones too (4,000 "[" take it 3.9 s), so it runs
in a child process that is ended when it takes too long.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path
from types import TracebackType

from markupsafe import Markup

from ledger.errors import DefinedbyError

MOST_CHARACTERS = 100_000
MOST_SECONDS = 2.0
#: The first answer includes starting Python, which a busy machine makes slow.
START_SECONDS = 20.0
#: More HTML than any text of the permitted length honestly makes.
MOST_BYTES = 4_000_000
REMEMBERED = 200

_rendered: OrderedDict[str, Markup] = OrderedDict()


class ProseRenderer:
    """Renders texts one after the other; the child is started when a new text needs it."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> ProseRenderer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def render(self, text: str) -> Markup:
        """The text as HTML that may stand in a page. Raises DefinedbyError."""
        if len(text) > MOST_CHARACTERS:
            raise DefinedbyError(
                f"The text has {len(text):,} characters; at most {MOST_CHARACTERS:,} are rendered.",
                "Shorten it, or divide it.",
            )
        if not text.strip():
            return Markup()
        if text in _rendered:
            _rendered.move_to_end(text)
            return _rendered[text]
        html = Markup(self._ask(text))  # noqa: S704 - cleaned by nh3 in the child
        _rendered[text] = html
        if len(_rendered) > REMEMBERED:
            _rendered.popitem(last=False)
        return html

    def _ask(self, text: str) -> str:
        child = self._child or self._start()
        try:
            answer = _exchange(child, text, MOST_SECONDS)
        except (TimeoutError, OSError, ValueError):
            answer = None
            self._end()
        if not isinstance(answer, str):
            raise DefinedbyError(
                f"The text could not be rendered within {MOST_SECONDS:.0f} seconds.",
                "Look for long runs of brackets, quotes or lists within lists, and simplify them.",
            )
        return answer

    def _start(self) -> subprocess.Popen[bytes]:
        self._child = subprocess.Popen(
            # -P: the folder of the script holds modules named like those of the library.
            [sys.executable, "-P", str(Path(__file__).with_name("prose_child.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        _exchange(self._child, "ready", START_SECONDS)
        return self._child

    def _end(self) -> None:
        if self._child is None:
            return
        child, self._child = self._child, None
        child.kill()
        child.communicate()


def _exchange(child: subprocess.Popen[bytes], text: str, seconds: float) -> object:
    """Send a text, wait for its answer. Raises TimeoutError, OSError or ValueError."""
    import time

    assert child.stdin is not None
    assert child.stdout is not None
    # The child reads a whole line before it works, so this never waits for its work.
    child.stdin.write(json.dumps(text).encode() + b"\n")
    child.stdin.flush()
    deadline = time.monotonic() + seconds
    answer = b""
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while not answer.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0 or len(answer) > MOST_BYTES or not selector.select(left):
                raise TimeoutError
            read = os.read(child.stdout.fileno(), 65536)
            if not read:
                raise OSError("the child has ended")
            answer += read
    return json.loads(answer)
