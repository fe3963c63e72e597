"""What the connector makes of refusals that a healthy server can't be brought to give.

A small scripted server on loopback speaks the few lines needed; the client side is all real.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from collector.channels.email import EmailConnector
from collector.connector import ChannelError, OutgoingMessage

HEALTHY = {
    "greeting": "220 mail.sample.example",
    "EHLO": "250-mail.sample.example\r\n250 AUTH PLAIN",
    "AUTH": "235 2.7.0 welcome",
    "MAIL": "250 2.1.0 ok",
    "RCPT": "250 2.1.5 ok",
    "DATA": "354 go on",
    ".": "250 2.0.0 taken",
    "QUIT": "221 bye",
}
MESSAGE = OutgoingMessage("<1@sample.example>", "ada@far.example", "Leadership", "May we?\n")


@contextlib.contextmanager
def scripted(answers: dict[str, str]) -> Iterator[int]:
    """A server for one connection that answers each command word from the script."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        thread = threading.Thread(target=_converse, args=(listener, answers))
        thread.start()
        yield listener.getsockname()[1]
        thread.join(20)
        assert not thread.is_alive()


def _converse(listener: socket.socket, answers: dict[str, str]) -> None:
    connection = listener.accept()[0]
    connection.settimeout(20)
    with connection, connection.makefile("rb") as lines, contextlib.suppress(OSError):
        connection.sendall(answers["greeting"].encode() + b"\r\n")
        for line in lines:
            words = line.decode().split() or [""]
            answer = answers.get(words[0].upper())
            tagged = answers.get(words[1].upper()) if len(words) > 1 else None
            if answer is not None:
                connection.sendall(f"{answer}\r\n".encode())
            elif tagged is not None:
                connection.sendall(tagged.replace("TAG", words[0]).encode() + b"\r\n")


def account(protocol: str, port: int) -> EmailConnector:
    return EmailConnector(
        {
            f"{protocol}_host": "127.0.0.1",
            f"{protocol}_port": port,
            f"{protocol}_security": "none",
            "user": "desk@sample.example",
            "address": "desk@sample.example",
        },
        "secret",
    )


def sending(**answers: str) -> ChannelError:
    script = {
        **HEALTHY,
        **{("." if word == "END" else word): said for word, said in answers.items()},
    }
    with scripted(script) as port, pytest.raises(ChannelError) as caught:
        account("smtp", port).send(MESSAGE)
    assert caught.value.mend
    return caught.value


def test_a_healthy_dialogue_succeeds() -> None:
    with scripted(HEALTHY) as port:
        assert account("smtp", port).send(MESSAGE) == MESSAGE.message_id


def test_a_failing_goodbye_changes_nothing() -> None:
    with scripted({**HEALTHY, "QUIT": "nonsense"}) as port:
        assert account("smtp", port).send(MESSAGE) == MESSAGE.message_id


@pytest.mark.parametrize(
    ("step", "answer"),
    [
        ("greeting", "421 4.3.2 closing"),
        ("AUTH", "454 4.7.0 not now"),
        ("MAIL", "451 4.3.0 later"),
        ("RCPT", "450 4.2.1 greylisted"),
        ("DATA", "451 4.3.0 later"),
        ("END", "452 4.3.1 full"),
    ],
)
def test_4yz_is_temporary(step: str, answer: str) -> None:
    error = sending(**{step: answer})
    assert not error.permanent
    assert not error.delivered_unknown


@pytest.mark.parametrize(
    ("step", "answer"),
    [
        ("greeting", "554 5.7.1 not you"),
        ("EHLO", "250 mail.sample.example"),
        ("AUTH", "535 5.7.8 wrong"),
        ("AUTH", "534 5.7.9 application password needed"),
        ("MAIL", "553 5.7.1 not your address"),
        ("RCPT", "550 5.1.1 <ada@far.example> unknown"),
        ("DATA", "554 5.5.1 no"),
        ("END", "554 5.7.1 spam"),
    ],
)
def test_5yz_is_permanent(step: str, answer: str) -> None:
    error = sending(**{step: answer})
    assert error.permanent
    assert not error.delivered_unknown
    assert "ada@" not in str(error)
    assert ("app password" in error.mend) == (step == "AUTH")


@pytest.mark.parametrize("answer", ["nonsense", "354 go on"])
def test_p10_nonsense_after_the_body_is_unknown(answer: str) -> None:
    assert sending(END=answer).delivered_unknown


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
def test_nonsense_before_the_body_is_temporary(step: str) -> None:
    error = sending(**{step: "nonsense"})
    assert not error.permanent
    assert not error.delivered_unknown


@pytest.mark.parametrize(
    ("login", "permanent"),
    [
        ("TAG NO [UNAVAILABLE] the directory is down", False),
        ("TAG NO [ALERT] Too many simultaneous connections.", False),
        ("TAG NO [AUTHENTICATIONFAILED] no", True),
        ("TAG NO no", True),
    ],
)
def test_imap_logins_that_fail(login: str, *, permanent: bool) -> None:
    script = {
        "greeting": "* OK ready",
        "CAPABILITY": "* CAPABILITY IMAP4rev1\r\nTAG OK done",
        "LOGIN": login,
        "LOGOUT": "* BYE\r\nTAG OK done",
    }
    with scripted(script) as port, pytest.raises(ChannelError) as caught:
        account("imap", port).fetch("", 1)
    assert caught.value.permanent is permanent


def test_a_fetch_that_the_server_refuses_is_temporary() -> None:
    script = {
        "greeting": "* OK ready",
        "CAPABILITY": "* CAPABILITY IMAP4rev1\r\nTAG OK done",
        "LOGIN": "TAG OK done",
        "EXAMINE": "* 1 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\nTAG OK [READ-ONLY] done",
        "UID": "TAG NO [SERVERBUG] disk trouble",
        "LOGOUT": "* BYE\r\nTAG OK done",
    }
    with scripted(script) as port, pytest.raises(ChannelError) as caught:
        account("imap", port).fetch("", 1)
    assert not caught.value.permanent
