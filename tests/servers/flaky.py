"""A TCP proxy that misbehaves by a seeded plan: refuses, stalls, cuts in the middle."""

from __future__ import annotations

import contextlib
import random
import select
import socket
import threading

CHUNK = 4096


class FlakyProxy:
    """Forwards a loopback port to another, and spoils `share` of all connections."""

    def __init__(self, target_port: int, *, seed: int, share: float = 0.5) -> None:
        self.target_port = target_port
        self.chance = random.Random(seed)
        self.share = share
        self.spoiled = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.ended = threading.Event()
        self.threads: list[threading.Thread] = []

    def __enter__(self) -> FlakyProxy:
        self.listener.settimeout(0.2)
        self._run(self._accept)
        return self

    def __exit__(self, *exc: object) -> None:
        self.ended.set()
        for thread in list(self.threads):
            thread.join(timeout=10)
        self.listener.close()

    def _run(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
        self.threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self.ended.is_set():
            with contextlib.suppress(TimeoutError):
                client, _ = self.listener.accept()
                spoil = self.chance.random() < self.share
                budget = int(self.chance.expovariate(1 / 200_000)) if spoil else None
                self._run(self._serve, client, budget)

    def _serve(self, client: socket.socket, budget: int | None) -> None:
        """`budget` is how many bytes pass before the cut; None: all."""
        passed = 0
        with contextlib.ExitStack() as stack:
            stack.enter_context(client)
            try:
                server = stack.enter_context(
                    socket.create_connection(("127.0.0.1", self.target_port), timeout=5)
                )
            except OSError:
                return
            while not self.ended.is_set():
                ready, _, _ = select.select([client, server], [], [], 0.2)
                for source in ready:
                    try:
                        chunk = source.recv(CHUNK)
                        if not chunk:
                            return
                        (server if source is client else client).sendall(chunk)
                    except OSError:
                        return
                    passed += len(chunk)
                    if budget is not None and passed >= budget:
                        self.spoiled += 1
                        return
