"""A real, throw-away PostgreSQL in a temporary folder, reached by a unix socket only."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from uuid import uuid4

BINARIES = "/usr/lib/postgresql"
START_SECONDS = 30.0
#: Durability against power loss is not what these tests look at, and fsync is slow.
SPEED = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")


def binaries() -> Path | None:
    """The folder of the newest PostgreSQL that Debian has installed."""
    found = [path.parent for path in Path(BINARIES).glob("*/bin/postgres")]
    return max(found, key=lambda path: float(path.parent.name), default=None)


def why_unavailable() -> str:
    """Why no PostgreSQL can be started here; empty when one can."""
    if binaries() is None:
        return f"no PostgreSQL in {BINARIES}: install the package 'postgresql'"
    if os.geteuid() == 0:
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            return "PostgreSQL refuses to run as root and there is no user 'postgres'"
    return ""


class PostgresServer:
    """Use as a context manager, or start and stop. `new_database()` gives each test its own."""

    def __init__(self) -> None:
        self.folder = Path()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> PostgresServer:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="definedby-pg-"))
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        try:
            self._run("initdb", "--no-sync", "--auth=trust", "--username=postgres")
            self._start_server()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                # SIGTERM waits for clients to leave; a test that forgot one must not hang.
                self._process.wait(1)
            except subprocess.TimeoutExpired:
                self._process.send_signal(2)
                self._process.wait(20)
            self._process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of a database of this server."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def new_database(self, template: str = "template0") -> str:
        """Make an empty database, or a copy of one that nobody is connected to; its name."""
        name = f"test_{uuid4().hex}"
        self._sql(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name

    def drop_database(self, name: str) -> None:
        self._sql(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _start_server(self) -> None:
        settings = ("listen_addresses=", f"unix_socket_directories={self.folder}", *SPEED)
        options = [word for setting in settings for word in ("-c", setting)]
        # Ends with us even when the test run is killed: SIGINT is its fast shutdown.
        command = ["setpriv", "--pdeathsig", "INT"] if shutil.which("setpriv") else []
        command += [self._program("postgres"), "-D", self._cluster, *options]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                **self._identity(),
            )
        deadline = time.monotonic() + START_SECONDS
        while subprocess.run(
            [self._program("pg_isready"), "-q", "-h", str(self.folder)], timeout=20
        ).returncode:
            if self._process.poll() is not None or time.monotonic() > deadline:
                log_text = (self.folder / "server.log").read_text(errors="replace")
                raise ChildProcessError(f"PostgreSQL did not start:\n{log_text}")
            time.sleep(0.05)

    def _sql(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(
            host=str(self.folder), user="postgres", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(statement.encode())

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._program(program), "-D", self._cluster, "-E", "UTF8", "--locale=C", *arguments],
            capture_output=True,
            text=True,
            **self._identity(),
        )
        if done.returncode:
            raise ChildProcessError(f"{program} failed:\n{done.stdout}{done.stderr}")

    @property
    def _cluster(self) -> str:
        return str(self.folder / "cluster")

    def _program(self, name: str) -> str:
        folder = binaries()
        assert folder is not None
        return str(folder / name)

    def _identity(self) -> dict:
        """Who PostgreSQL runs as: itself refuses root."""
        if os.geteuid() != 0:
            return {"cwd": self.folder}
        return {"user": "postgres", "group": "postgres", "extra_groups": [], "cwd": self.folder}
