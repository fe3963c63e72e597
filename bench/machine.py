"""How fast this machine is right now: others may be at work on it, or it may be another one."""

from __future__ import annotations

import os
import platform
import time

#: What a quiet machine of the kind that the figures in docs/ were measured on takes.
QUIET = "25 to 30 ms"


def million_turns() -> float:
    """Milliseconds of CPU for a million empty turns of a loop."""
    began = time.process_time()
    for _ in range(1_000_000):
        pass
    return (time.process_time() - began) * 1000


def described() -> str:
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.machine()}"
