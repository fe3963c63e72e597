"""The web server: gunicorn with threads, one process."""

from __future__ import annotations

import contextlib
import errno
import socket
from typing import Any

import gunicorn.app.base
from flask import Flask

from ledger.errors import DefinedbyError
from ledger.settings import Settings

REQUEST_SECONDS = 30


def claim_port(settings: Settings) -> None:
    """Make sure that the port is free, before anything else is started. Raises DefinedbyError."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with contextlib.closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise _explained(settings, error) from error


def _explained(settings: Settings, error: OSError) -> DefinedbyError:
    where = f"{settings.host}:{settings.port}"
    if error.errno == errno.EADDRINUSE:
        return DefinedbyError(
            f"Port {settings.port} is taken: something else listens on {where}.",
            f"Stop it, or choose another port: DEFINEDBY_PORT={settings.port + 1}",
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return DefinedbyError(
            f"This user may not listen on port {settings.port}.",
            "Choose a port above 1023 in DEFINEDBY_PORT and put a web server in front.",
        )
    return DefinedbyError(
        f"The address {where} can't be listened on: {error.strerror}.",
        "Correct DEFINEDBY_HOST and DEFINEDBY_PORT.",
    )


class Server(gunicorn.app.base.BaseApplication):  # type: ignore[misc]  # it ships no types
    """Gunicorn around one application, set up by our settings and nothing else."""

    def __init__(self, application: Flask, settings: Settings) -> None:
        self.application = application
        self.settings = settings
        super().__init__()

    def load_config(self) -> None:
        host = f"[{self.settings.host}]" if ":" in self.settings.host else self.settings.host
        options: dict[str, Any] = {
            "bind": f"{host}:{self.settings.port}",
            "worker_class": "gthread",
            "workers": 1,
            "threads": self.settings.web_threads,
            "timeout": REQUEST_SECONDS,
            "graceful_timeout": 10,
            "proc_name": "definedby",
            "loglevel": "warning",
            "control_socket_disable": True,
        }
        for name, value in options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        return self.application


def serve(application: Flask, settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM; does not return."""
    Server(application, settings).run()
