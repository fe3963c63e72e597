"""A real server that speaks Mastodon's API: snac2 2.75, built from Debian's source package.

Debian 12 has no package of it, so the source is fetched from trixie with an apt configuration of
its own, on the mirror that this machine uses already, and built once per user. One number in it is
another: how long its queues rest when they were empty, which is most of what tests would wait for.
snac2 knows no Link paging, conversations, rate limits or deletion through the API:
tests/servers/mastodon_api.py has those.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import functools
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.servers.mail import free_ports

VERSION = "2.75"
SUITE = "trixie"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
NEEDED = "build-essential, libssl-dev and libcurl4-openssl-dev"
START_SECONDS = 20.0
#: A mention between two of its users goes through its queues four times.
ARRIVAL_SECONDS = 30.0
#: The rest of its queues: 3 seconds, and what they have here (20 ms, carried over the second).
REST = "ts.tv_sec += 3;"
SHORT_REST = (
    "ts.tv_nsec += 20000000; ts.tv_sec += ts.tv_nsec / 1000000000; ts.tv_nsec %= 1000000000;"
)


@functools.cache
def why_unavailable() -> str:
    """Why no snac2 can be started here; empty when one can. Builds it if need be."""
    try:
        built()
    except FileNotFoundError as error:
        return f"'{error.filename}' is missing: install {NEEDED} on Debian"
    except subprocess.CalledProcessError as error:
        said = (error.stderr or b"").decode(errors="replace").strip().splitlines()
        return (
            f"snac2 can't be built ({error.cmd[0]}: {said[-1] if said else error.returncode});"
            f" it needs {NEEDED}, and Debian's source packages"
        )
    except (LookupError, OSError) as error:
        return f"snac2 can't be built: {error}"
    return ""


def built() -> Path:
    """The program, built now if it was not yet."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "definedby" / f"snac2-{VERSION}-short-rest"
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "snac"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            with tempfile.TemporaryDirectory(prefix="definedby-snac-") as work:
                _build(Path(work))
                # Beside its place first: a copy that was interrupted must not look whole.
                shutil.copy2(Path(work) / "source" / "snac", folder / "new")
                (folder / "new").rename(program)
    return program


def _build(work: Path) -> None:
    for part in ("state/lists/partial", "cache/archives/partial"):
        (work / part).mkdir(parents=True)
    signed = f"[signed-by={KEYRING}] " if KEYRING.exists() else ""
    (work / "sources.list").write_text(f"deb-src {signed}{_mirror()} {SUITE} main\n")
    options = {
        "Dir::Etc::sourcelist": work / "sources.list",
        "Dir::Etc::sourceparts": work / "none",
        "Dir::State": work / "state",
        "Dir::Cache": work / "cache",
        "APT::Sandbox::User": "",
    }
    apt = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in options.items())]
    _run([*apt, "update"], work)
    _run([*apt, "source", "--download-only", "snac2"], work)
    (description,) = work.glob(f"snac2_{VERSION}-*.dsc")
    _run(["dpkg-source", "-x", description.name, "source"], work)
    loop = work / "source" / "httpd.c"
    text = loop.read_text()
    if text.count(REST) != 1:
        raise LookupError(f"its queues do not rest as those of snac2 {VERSION} do")
    loop.write_text(text.replace(REST, SHORT_REST))
    _run(["make"], work / "source")


def _mirror() -> str:
    """Where this machine has Debian from. Raises LookupError."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)|$(ORIGIN)|$(LABEL)"]
    for line in _run(command, Path("/")).splitlines():
        address, origin, label = line.split("|")
        if origin == "Debian" and label == "Debian":
            return address
    raise LookupError("apt knows no Debian mirror here; run 'apt-get update'")


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    return done.stdout.decode()


class SnacServer:
    """snac2 in a temporary folder; use as a context manager. Its people share one server."""

    def __init__(self) -> None:
        (self.port,) = free_ports(1)
        self._folder = Path()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> SnacServer:
        self._folder = Path(tempfile.mkdtemp(prefix="definedby-snac-"))
        home = self._folder / "home"
        self._snac("init", home, answers=f"127.0.0.1\n{self.port}\n{self.host}\n\n\n")
        settings = home / "server.json"
        # It sends to itself over HTTP: with few threads it would wait for its own answer.
        changes = {"protocol": "http", "num_threads": 16}
        settings.write_text(json.dumps(json.loads(settings.read_text()) | changes))
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                # Ends with us even when the test run is killed.
                ["setpriv", "--pdeathsig", "TERM", str(built()), "httpd", str(home)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                log_text = self.log
                self.__exit__()
                raise ChildProcessError(f"snac2 did not start:\n{log_text}")
            time.sleep(0.02)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(10)
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    @property
    def log(self) -> str:
        return (self._folder / "log").read_text(errors="replace")

    @contextlib.contextmanager
    def silent(self) -> Iterator[None]:
        """It takes connections and says nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def add_person(self, name: str, **given: Any) -> Person:
        """A person with an access token. `given` goes into the profile (bio, bot)."""
        home = self._folder / "home"
        said = self._snac("adduser", home, name, answers=f"{name}\n")
        password = said.partition("User password is ")[2].split()[0]
        profile = home / "user" / name / "user.json"
        profile.write_text(json.dumps(json.loads(profile.read_text()) | given))
        return Person(self, name, self._token(name, password), password)

    def _token(self, name: str, password: str) -> str:
        nowhere = "urn:ietf:wg:oauth:2.0:oob"
        app = self.call(
            "POST",
            "/api/v1/apps",
            client_name="tests",
            redirect_uris=nowhere,
            scopes="read write",
        )
        login = {"login": name, "passwd": password, "redir": nowhere, "cid": app["client_id"]}
        code = self.call("POST", "/oauth/x-snac-login", **login, state="", is_json=False)
        answer = self.call(
            "POST",
            "/oauth/token",
            grant_type="authorization_code",
            code=code,
            client_id=app["client_id"],
            client_secret=app["client_secret"],
            redirect_uri=nowhere,
            scope="read write",
        )
        token: str = answer["access_token"]
        return token

    def call(
        self, method: str, path: str, token: str = "", *, is_json: bool = True, **given: str
    ) -> Any:
        """One request, independent of the code under test."""
        form = urllib.parse.urlencode(given).encode()
        request = urllib.request.Request(  # our own server on loopback
            self.url + path,
            data=form if method != "GET" else None,
            method=method,
            headers={"Authorization": f"Bearer {token}"} if token else {},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            body = answer.read().decode()
        return json.loads(body) if is_json else body

    def command(self, command: str, *arguments: str) -> None:
        """One of snac's own commands on this server."""
        self._snac(command, self._folder / "home", *arguments, answers="")

    def _snac(self, command: str, *arguments: object, answers: str) -> str:
        done = subprocess.run(
            [str(built()), command, *map(str, arguments)],
            input=answers,
            capture_output=True,
            text=True,
            check=True,
            timeout=20,
        )
        return done.stdout

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except OSError:
            return False


class Person:
    """Somebody at the server, acting by the API with a token of their own."""

    def __init__(self, server: SnacServer, name: str, token: str, password: str) -> None:
        self.server = server
        self.name = name
        self.token = token
        self.password = password

    @property
    def handle(self) -> str:
        return f"@{self.name}@{self.server.host}"

    def write(self, text: str, **given: str) -> dict[str, Any]:
        status: dict[str, Any] = self.server.call(
            "POST", "/api/v1/statuses", self.token, status=text, **given
        )
        return status

    @property
    def url(self) -> str:
        return f"{self.server.url}/{self.name}"

    @property
    def id(self) -> str:
        own = self.server.call("GET", "/api/v1/accounts/verify_credentials", self.token)
        return str(own["id"])

    def edit(self, status_id: str, text: str) -> None:
        """Returns once others were told: while the post is written anew, it is not shown."""
        path = f"/api/v1/statuses/{status_id}"
        told = f"updated 'Note' {self.server.call('GET', path, self.token)['uri']}\n"
        known = self.server.log.count(told)
        self.server.call("PUT", path, self.token, status=text)
        _wait_until(lambda: self.server.log.count(told), lambda count: count > known)

    def delete(self, url: str) -> None:
        """As its people do it, by the button on their own page: its API has no such thing."""
        login = base64.b64encode(f"{self.name}:{self.password}".encode()).decode()
        form = urllib.parse.urlencode({"id": url, "actor": "", "action": "Delete"}).encode()
        request = urllib.request.Request(  # our own server on loopback
            f"{self.server.url}/{self.name}/admin/action",
            data=form,
            headers={"Authorization": f"Basic {login}"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            answer.read()

    def follow(self, person: Person) -> None:
        """Its server tells of deletions only those who follow. Returns once the other has heard."""
        known = len(person.notifications())
        self.server.command("follow", self.name, person.url)
        person.wait_for_notifications(known + 1)

    def wait_until_gone(self, status_id: str) -> None:
        """Until this person's server shows the status no more."""

        def look() -> bool:
            try:
                self.server.call("GET", f"/api/v1/statuses/{status_id}", self.token)
            except urllib.error.HTTPError as error:
                return error.code == 404
            return False

        _wait_until(look, bool)

    def notifications(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.server.call("GET", "/api/v1/notifications", self.token)
        return found

    def wait_for_notifications(self, count: int) -> list[dict[str, Any]]:
        """The notifications, once there are `count`. Raises TimeoutError."""
        return _wait_until(self.notifications, lambda found: len(found) >= count)


def _wait_until(look: Callable[[], Any], is_enough: Callable[[Any], bool]) -> Any:
    deadline = time.monotonic() + ARRIVAL_SECONDS
    while time.monotonic() < deadline:
        found = look()
        if is_enough(found):
            return found
        time.sleep(0.02)
    raise TimeoutError("snac2 did not deliver in time")
