"""The Nu HTML Checker, which is also the one behind the W3C's validator.

It needs Java, and npm to bring it: once per user, into the cache folder, pinned by its hash. The
lock names no address, so any mirror of npm will do; renew it in tests/servers/html_checker with:
npm install --package-lock-only --omit-lockfile-registry-resolved.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

FILES = Path(__file__).parent / "html_checker"
LOCKED = ("package.json", "package-lock.json")
JAR = Path("node_modules", "vnu-jar", "build", "dist", "vnu.jar")
#: It runs for a moment: compiling thoroughly would take longer than what it saves. (Compiled so,
#: its regular expressions need a larger stack.)
JAVA = ("java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xss8m", "-jar")


def why_unavailable() -> str:
    """Why it can't be run here; empty when it can. Installs it if need be."""
    for program in ("java", "npm"):
        if shutil.which(program) is None:
            return f"there is no {program}"
    return _install()


def errors_in(pages: Sequence[Path]) -> list[str]:
    """What is wrong with these pages, one line for each error, all by one process."""
    command = [*JAVA, str(_folder() / JAR), "--errors-only", "--format", "json"]
    done = subprocess.run([*command, *map(str, pages)], capture_output=True, text=True)
    found = json.loads(done.stderr)["messages"]
    assert bool(found) is bool(done.returncode), done.stderr
    return [
        f"{one['url'].rpartition('/')[2]}, line {one.get('lastLine', 0)}: {one['message']}"
        f" {one.get('extract', '')!r}"
        for one in found
    ]


def _folder() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    wanted = hashlib.sha256(b"".join((FILES / name).read_bytes() for name in LOCKED))
    return cache / "definedby-tests" / f"html-checker-{wanted.hexdigest()[:12]}"


def _install() -> str:
    """Install it once, also when several test processes ask; why not, if it failed."""
    folder = _folder()
    if (folder / JAR).exists():
        return ""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "html-checker.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / JAR).exists():
            return ""
        aside = folder.with_suffix(".part")
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        for name in LOCKED:
            shutil.copy(FILES / name, aside)
        command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(command, cwd=aside, capture_output=True, text=True)
        if done.returncode:
            (folder.parent / "html-checker.log").write_text(done.stdout + done.stderr)
            return f"npm ci failed, see {folder.parent / 'html-checker.log'}"
        aside.replace(folder)
    return ""
