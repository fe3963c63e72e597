"""Real web servers of others, run by a configuration of ours on a free port of loopback."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

from tests.servers.mail import free_ports

APACHE_MODULES = ("mpm_event", "authz_core", "dir", "mime", "headers", "rewrite")
APACHE_MODULES += ("alias", "env", "proxy", "proxy_http", "setenvif")
NOBODY = "User nobody\nGroup nogroup\n" if os.geteuid() == 0 else ""
APACHE_FOLDER = Path("/usr/lib/apache2/modules")


def why_unavailable(kind: str) -> str:
    """ "" where this server can be run."""
    program = {"nginx": "nginx", "caddy": "caddy", "apache": "apache2"}[kind]
    return "" if shutil.which(program) else f"there is no '{program}': install it"


@contextlib.contextmanager
def nginx(configuration: str, folder: Path) -> Iterator[str]:
    (port,) = free_ports(1)
    server = configuration.replace("listen 80;", f"listen 127.0.0.1:{port};")
    assert server != configuration
    temporary = "\n".join(
        f"{name}_temp_path {folder}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    file = folder / "nginx.conf"
    file.write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/log;\n"
        f"{'user nobody nogroup;' if os.geteuid() == 0 else ''}\n"
        "events {}\nhttp { include /etc/nginx/mime.types; access_log off;\n"
        f"{temporary}\n{server}\n}}\n"
    )
    with _running(["nginx", "-c", str(file), "-e", f"{folder}/log"], folder, port) as base:
        yield base


@contextlib.contextmanager
def caddy(configuration: str, folder: Path) -> Iterator[str]:
    (port,) = free_ports(1)
    server = configuration.replace("\nblog.example {", f"\nhttp://127.0.0.1:{port} {{")
    assert server != configuration
    file = folder / "Caddyfile"
    file.write_text(f"{{\n  admin off\n  auto_https off\n}}\n{server}")
    command = ["caddy", "run", "--adapter", "caddyfile", "--config", str(file)]
    with _running(command, folder, port) as base:
        yield base


@contextlib.contextmanager
def apache(configuration: str, folder: Path) -> Iterator[str]:
    (port,) = free_ports(1)
    server = configuration.replace("<VirtualHost *:80>", f"<VirtualHost 127.0.0.1:{port}>")
    assert server != configuration
    modules = "\n".join(
        f"LoadModule {name}_module {APACHE_FOLDER}/mod_{name}.so" for name in APACHE_MODULES
    )
    file = folder / "apache.conf"
    file.write_text(
        f"ServerRoot {folder}\nPidFile {folder}/pid\nErrorLog {folder}/log\n{modules}\n"
        f"Listen 127.0.0.1:{port}\nServerName 127.0.0.1\nTypesConfig /etc/mime.types\n"
        f"DefaultRuntimeDir {folder}\nMutex posixsem\nThreadsPerChild 4\nServerLimit 1\n"
        f"MaxRequestWorkers 4\n{NOBODY}{server}"
    )
    with _running(["apache2", "-f", str(file), "-DFOREGROUND"], folder, port) as base:
        yield base


RUNNERS: dict[str, Callable[[str, Path], contextlib.AbstractContextManager[str]]] = {
    "nginx": nginx,
    "caddy": caddy,
    "apache": apache,
}


@contextlib.contextmanager
def _running(command: list[str], folder: Path, port: int) -> Iterator[str]:
    log = folder / "output"
    with log.open("wb") as output:
        environment = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder)}
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
    base = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            assert process.poll() is None, log.read_text() + _read(folder / "log")
            with contextlib.suppress(httpx.TransportError):
                httpx.get(base)
                break
            time.sleep(0.05)
        yield base
    finally:
        process.terminate()
        process.wait(20)


def _read(file: Path) -> str:
    return file.read_text() if file.exists() else ""
