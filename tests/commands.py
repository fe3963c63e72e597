"""Run the real `definedby` command in processes of its own."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tests.forking import Forked, fork

Process = Forked | subprocess.Popen[bytes]
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
        with contextlib.ExitStack() as cleanup:
            files = [cleanup.enter_context(tempfile.TemporaryFile()) for _ in range(3)]
            files[0].write(given.encode())
            files[0].seek(0)
            process = self._begin(arguments, files, apart=False)
            try:
                ended = process.wait(seconds)
            except BaseException:
                process.kill()
                raise
            said, complained = (_all_of(file) for file in files[1:])
        if code is not None and ended != code:
            raise AssertionError(f"{arguments} ended with {ended}:\n{said}\n{complained}")
        return subprocess.CompletedProcess(arguments, ended, said, complained)

    def start(self, *arguments: str, log: Path | None = None) -> Process:
        """Start and return at once, with a process group of its own so that it can be killed."""
        with (
            Path(os.devnull).open("rb") as nothing,
            (log or self.home.parent / "process.log").open("ab") as output,
        ):
            return self._begin(arguments, [nothing, output, output], apart=True)

    def _begin(
        self, arguments: Sequence[str], files: Sequence[IO[bytes]], *, apart: bool
    ) -> Process:
        command, environment = self.command(*arguments)
        if all(name.startswith("DEFINEDBY_") for name in self.environment):
            return fork(arguments, environment, [file.fileno() for file in files], apart=apart)
        # What is set may be about Python itself, which has started already where we fork.
        read, said, complained = files
        return subprocess.Popen(
            command,
            env=environment,
            stdin=read,
            stdout=said,
            stderr=complained,
            start_new_session=apart,
        )


def _all_of(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()
