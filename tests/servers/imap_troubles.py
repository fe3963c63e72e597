"""A door in front of a real IMAP server: what it says comes in another order, and trouble on order.

Between the troubles every byte is the server's own, as RFC 9051 lets it come: what is found and
what is fetched in any order, and among it what nobody has asked for.
"""

from __future__ import annotations

import contextlib
import random
import re
import socket
import threading
from collections import Counter, deque
from collections.abc import Iterator

#: What a mail server says where a web server has 429, 500 and 503 (RFC 5530), or, as some do, in
#: words alone; and to which command.
REFUSALS = {
    "LIMIT": ("LOGIN", b"NO [LIMIT] connections are counted here"),
    "too many": ("LOGIN", b"NO [ALERT] Too many simultaneous connections"),
    "UNAVAILABLE": ("LOGIN", b"NO [UNAVAILABLE] the directory is down"),
    "SERVERBUG": ("FETCH", b"NO [SERVERBUG] disk trouble"),
    "BAD": ("FETCH", b"BAD nobody knows what happened"),
}
SILENCE, CUT = "silence", "cut"
OUT_OF_ORDER = "out of order"
_LITERAL = re.compile(rb"\{(\d+)\}\r\n\Z")
_FETCHED = re.compile(rb"\* \d+ FETCH ")
_SEARCHED = re.compile(rb"\* SEARCH ([\d ]+)\r\n")
#: Another program of the same person has read something meanwhile.
_UNASKED = b"* 1 FETCH (FLAGS (\\Seen))\r\n"


class TroubledImap:
    """Forwards a loopback port to an IMAP server. `met` counts each trouble that has happened."""

    def __init__(self, target_port: int, *, seed: int) -> None:
        self.target_port = target_port
        self.chance = random.Random(seed)
        self.ordered: deque[str] = deque()
        self.met = Counter[str]()
        #: How many FETCH commands came.
        self.fetches = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> TroubledImap:
        self._run(self._accept)
        return self

    def __exit__(self, *exc: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(timeout=10)
        self._listener.close()

    def _run(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._run(self._serve, self._listener.accept()[0])

    def _serve(self, caller: socket.socket) -> None:
        with contextlib.suppress(OSError), caller:
            caller.settimeout(20)
            address = ("127.0.0.1", self.target_port)
            with socket.create_connection(address, timeout=20) as server:
                _Session(self, caller, server).run()


class _Session:
    """One connection. It meets the trouble that was ordered first, if it comes that far."""

    def __init__(self, door: TroubledImap, caller: socket.socket, server: socket.socket) -> None:
        self.door, self.caller, self.server = door, caller, server
        self.commands, self.answers = caller.makefile("rb"), server.makefile("rb")
        self.trouble = door.ordered[0] if door.ordered else ""
        #: The FETCH command that meets the trouble.
        self.spoilt_fetch = door.chance.randrange(1, 40)
        #: Bytes until the cut: while it logs in, or anywhere.
        self.left = door.chance.randrange(door.chance.choice([600, 20_000]))

    def run(self) -> None:
        with self.commands, self.answers:
            self._say(self.answers.readline())
            for command in self.commands:
                self._take(command)

    def _take(self, command: bytes) -> None:
        tag, name = (*command.split(b" ", 2), b"")[:2]
        if command.upper().startswith(tag + b" UID FETCH "):
            name = b"FETCH"
            self.door.fetches += 1
            self.spoilt_fetch -= 1
        if self._is_spoilt(name.strip().decode().upper()):
            if self.trouble == SILENCE:
                self._until_they_leave()
                self._happened()
            else:
                refusal = REFUSALS[self.trouble][1]
                self._happened()
                self._say(tag + b" " + refusal + b"\r\n")
        else:
            self.server.sendall(command)
            responses = list(self._answer(tag))
            if name in (b"FETCH", b"UID"):
                responses = self._disordered(responses)
            self._say(b"".join(responses))

    def _is_spoilt(self, name: str) -> bool:
        meets, _ = REFUSALS.get(self.trouble, ("FETCH" if self.trouble == SILENCE else "", b""))
        return name == meets and (name != "FETCH" or self.spoilt_fetch <= 0)

    def _happened(self) -> None:
        self.door.met[self.trouble] += 1
        if self.trouble in self.door.ordered:
            self.door.ordered.remove(self.trouble)
        self.trouble = ""

    def _until_they_leave(self) -> None:
        """Raises TimeoutError when they wait longer than anybody should."""
        for _ in self.commands:
            pass

    def _say(self, words: bytes) -> None:
        if self.trouble == CUT and len(words) > self.left:
            self._happened()
            self.caller.sendall(words[: self.left])
            raise ConnectionAbortedError
        self.left -= len(words)
        self.caller.sendall(words)

    def _answer(self, tag: bytes) -> Iterator[bytes]:
        """Each response to a command, whole, with its literals; the last one has its tag."""
        while True:
            response = self.answers.readline()
            while literal := _LITERAL.search(response):
                response += self.answers.read(int(literal[1])) + self.answers.readline()
            if not response:
                raise ConnectionAbortedError
            yield response
            if response.startswith(tag + b" "):
                return

    def _disordered(self, responses: list[bytes]) -> list[bytes]:
        before, chance = list(responses), self.door.chance
        fetched = [one for one in responses if _FETCHED.match(one)]
        chance.shuffle(fetched)
        for at, one in enumerate(before):
            if _FETCHED.match(one):
                responses[at] = fetched.pop()
            elif found := _SEARCHED.fullmatch(one):
                uids = found[1].split()
                chance.shuffle(uids)
                responses[at] = b"* SEARCH " + b" ".join(uids) + b"\r\n"
        self.door.met[OUT_OF_ORDER] += responses != before
        return [_UNASKED, *responses]
