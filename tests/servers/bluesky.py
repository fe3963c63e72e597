"""A real Bluesky network on loopback: PLC, PDS and AppView of @atproto/dev-env.

It needs Node 18, npm, Redis and PostgreSQL. The packages are installed once per user, into the
cache folder; `python -m tests.servers.bluesky` does that ahead of the tests. Only better-sqlite3
is built, all other install scripts stay unused. Direct messages are not part of the network.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import httpx

from tests.servers import postgres

FILES = Path(__file__).parent / "bluesky"
PASSWORD = "seven-quiet-herons"  # an invented one, for these throw-away accounts only
START_SECONDS = 120.0
#: The AppView follows the PDS: what was written shows up there a moment later.
SHOWN_SECONDS = 20.0
#: What @atproto/dev-env asks for; Debian 12 has 18, with which all of this runs.
NODE_AT_LEAST = 18
#: Everything is pinned by its hash. The lock names no address, so any mirror of npm will do; renew
#: it with: npm install --package-lock-only --omit-lockfile-registry-resolved.
LOCKED = ("package.json", "package-lock.json")
#: For requests to this machine: loading certificates would take longer than the answer.
PLAIN: dict[str, Any] = {"timeout": 60, "verify": False, "trust_env": False}


def packages() -> Path:
    """Where the locked npm packages are installed for this user and this Node."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    wanted = hashlib.sha256(_node_version().partition(".")[0].encode())
    for name in LOCKED:
        wanted.update((FILES / name).read_bytes())
    return cache / "definedby-tests" / f"bluesky-{wanted.hexdigest()[:12]}"


def why_unavailable() -> str:
    """Why no network can be started here; empty when one can. Installs the packages if need be."""
    for program in ("node", "npm", "redis-server"):
        if shutil.which(program) is None:
            return f"there is no {program}"
    version = _node_version()
    if int(version.lstrip("v").partition(".")[0] or 0) < NODE_AT_LEAST:
        return f"Node is {version}, and {NODE_AT_LEAST} or later is needed"
    return postgres.why_unavailable() or _install()


@functools.cache
def _node_version() -> str:
    return subprocess.run(["node", "--version"], capture_output=True, text=True).stdout.strip()


def _install() -> str:
    """Install the packages once, also when several test processes ask; why not, if it failed."""
    folder = packages()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "bluesky.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / "installed").exists():
            return ""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name in LOCKED:
            shutil.copy(FILES / name, folder)
        environment = dict(os.environ)
        if Path("/usr/include/node/node.h").exists():  # Debian's libnode-dev: nothing to download
            environment.setdefault("npm_config_nodedir", "/usr")
        for command in (
            ["ci", "--no-audit", "--no-fund", "--ignore-scripts"],
            ["rebuild", "better-sqlite3", "--foreground-scripts"],
        ):
            done = subprocess.run(
                ["npm", *command], cwd=folder, env=environment, capture_output=True, text=True
            )
            if done.returncode:
                (folder.parent / "bluesky.log").write_text(done.stdout + done.stderr)
                return f"npm {command[0]} failed, see {folder.parent / 'bluesky.log'}"
        (folder / "installed").touch()
    return ""


@dataclass(frozen=True)
class Person:
    """An account on the network, and its own requests to its server, without any client library."""

    base_url: str
    handle: str
    did: str
    token: str

    def call(self, nsid: str, **body: Any) -> dict[str, Any]:
        answer = httpx.post(self._url(nsid), json=body, headers=self._headers(), **PLAIN)
        assert answer.is_success, f"{nsid}: {answer.text}"
        return answer.json() if answer.content else {}

    def query(self, nsid: str, **params: Any) -> dict[str, Any]:
        answer = httpx.get(self._url(nsid), params=params, headers=self._headers(), **PLAIN)
        assert answer.is_success, f"{nsid}: {answer.text}"
        return answer.json()

    def write(self, text: str, **more: Any) -> dict[str, str]:
        """Post; returns the address and CID. `more` goes into the record: reply, facets, embed."""
        record = {"$type": "app.bsky.feed.post", "text": text, "createdAt": moment_ago(0), **more}
        made = self.call(
            "com.atproto.repo.createRecord",
            repo=self.did,
            collection="app.bsky.feed.post",
            record=record,
        )
        return {"uri": made["uri"], "cid": made["cid"]}

    def answer(self, parent: dict[str, str], text: str, **more: Any) -> dict[str, str]:
        return self.write(text, reply={"root": parent, "parent": parent}, **more)

    def delete(self, uri: str) -> None:
        key = uri.rpartition("/")[2]
        self.call(
            "com.atproto.repo.deleteRecord",
            repo=self.did,
            collection="app.bsky.feed.post",
            rkey=key,
        )

    def wait_for_post(self, uri: str, *, gone: bool = False) -> None:
        """Until the AppView shows this post to the person, or no more."""

        def followed() -> bool:
            found = self.query("app.bsky.feed.getPosts", uris=[uri])["posts"]
            return bool(found) is not gone

        wait_until(followed, f"the AppView to follow {uri}")

    def app_password(self, *, privileged: bool = False) -> str:
        name = f"definedby {time.time_ns()}"
        made = self.call("com.atproto.server.createAppPassword", name=name, privileged=privileged)
        return str(made["password"])

    def _url(self, nsid: str) -> str:
        return f"{self.base_url}/xrpc/{nsid}"

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@contextlib.contextmanager
def started(database: postgres.PostgresServer) -> Iterator[dict[str, str]]:
    """A network while it is entered; yields the address of its PDS under "pds"."""
    with contextlib.ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="definedby-bs-")))
        name = database.new_database()
        cleanup.callback(database.drop_database, name)
        redis = cleanup.enter_context(_redis(folder))
        url = f"postgresql://postgres@localhost/{name}?host={database.folder}"
        yield {"pds": cleanup.enter_context(_network(folder, url, redis))}


class BlueskyNetwork:
    """A network that was started; `person()` makes an account, `crowd()` gives shared ones."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        # Other test processes make accounts at the same network.
        self._numbers = count(os.getpid() * 1000)
        self._crowd: list[Person] = []

    def person(self, name: str = "person") -> Person:
        """A new account, known to the AppView. Handles end in .test; .example is refused."""
        handle = f"{name}-{next(self._numbers)}.test"
        answer = httpx.post(
            f"{self.base_url}/xrpc/com.atproto.server.createAccount",
            json={"handle": handle, "email": f"{handle}@sample.example", "password": PASSWORD},
            **PLAIN,
        )
        assert answer.is_success, answer.text
        made = answer.json()
        person = Person(self.base_url, handle, made["did"], made["accessJwt"])
        wait_until(lambda: _has_profile(person), f"the AppView to know {handle}")
        return person

    def crowd(self, size: int) -> list[Person]:
        """Accounts that write and are never changed, shared by all tests."""
        while len(self._crowd) < size:
            self._crowd.append(self.person("crowd"))
        return self._crowd[:size]


def wait_until(happened: Callable[[], Any], what: str) -> Any:
    """What `happened` returns, once that is true."""
    deadline = time.monotonic() + SHOWN_SECONDS
    while not (result := happened()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.1)
    return result


def shown_notifications(person: Person, number: int) -> None:
    """Wait until the AppView lists so many answers, mentions and quotes to a person."""

    def listed() -> bool:
        nsid = "app.bsky.notification.listNotifications"
        answer = person.query(nsid, limit=100, reasons=["reply", "mention", "quote"])
        return len(answer["notifications"]) >= number

    wait_until(listed, f"{number} notifications")


def _has_profile(person: Person) -> bool:
    answer = httpx.get(
        f"{person.base_url}/xrpc/app.bsky.actor.getProfile",
        params={"actor": person.did},
        headers={"Authorization": f"Bearer {person.token}"},
        **PLAIN,
    )
    return answer.is_success


def moment_ago(seconds: float) -> str:
    """A time in the past, as records have it."""
    moment = datetime.now(UTC) - timedelta(seconds=seconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _dies_with_us() -> list[str]:
    """So that nothing outlives a test run that was killed."""
    return ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []


@contextlib.contextmanager
def _redis(folder: Path) -> Iterator[str]:
    port = _free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with (folder / "redis.log").open("wb") as log:
        process = subprocess.Popen(
            [*_dies_with_us(), "redis-server", *options, "--dir", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


@contextlib.contextmanager
def _network(folder: Path, database: str, redis: str) -> Iterator[str]:
    environment = {
        **os.environ,
        "DB_POSTGRES_URL": database,
        "DB_POSTGRES_SCHEMA": "bsky",
        "REDIS_HOST": redis,
        "LOG_ENABLED": "0",
        "NODE_ENV": "test",
        "NODE_PATH": str(packages() / "node_modules"),
        "TMPDIR": str(folder),
    }
    with (folder / "network.log").open("wb") as log:
        process = subprocess.Popen(
            [*_dies_with_us(), "node", str(FILES / "network.cjs")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment,
            text=True,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    lines: Queue[str] = Queue()
    reader = threading.Thread(target=lambda out: lines.put(out.readline()), args=(process.stdout,))
    reader.start()
    try:
        try:
            base_url = json.loads(lines.get(timeout=START_SECONDS))["pds"]
        except (Empty, ValueError):
            said = (folder / "network.log").read_text(errors="replace")
            raise ChildProcessError(f"The Bluesky network did not start:\n{said}") from None
        yield base_url
    finally:
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)
        reader.join(20)
        process.stdout.close()


if __name__ == "__main__":
    sys.exit(why_unavailable() or 0)
