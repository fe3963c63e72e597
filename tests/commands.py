"""Run the real `definedby` command in processes of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent


@dataclass
class Instance:
    """An instance folder and the environment that names it to every command."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    def command(self, *arguments: str) -> tuple[list[str], dict[str, str]]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("DEFINEDBY_")}
        own = {
            "DEFINEDBY_HOME": str(self.home),
            "DEFINEDBY_CONTENT": str(self.home / "content"),
            "PYTHONPATH": str(ROOT),
            **self.environment,
        }
        return [sys.executable, "-m", "app", *arguments], {**inherited, **own}

    def run(
        self, *arguments: str, code: int | None = 0, given: str = "", seconds: float = 180
    ) -> subprocess.CompletedProcess[str]:
        """Run to the end; fails when the exit code is another one (None: any will do)."""
        command, environment = self.command(*arguments)
        done = subprocess.run(
            command,
            env=environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        if code is not None and done.returncode != code:
            raise AssertionError(
                f"{arguments} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
            )
        return done

    def start(self, *arguments: str, log: Path | None = None) -> subprocess.Popen[bytes]:
        """Start and return at once, with a process group of its own so that it can be killed."""
        command, environment = self.command(*arguments)
        output = (log or self.home.parent / "process.log").open("ab")
        with output:
            return subprocess.Popen(
                command,
                env=environment,
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
