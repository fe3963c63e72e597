"""P32: no reader of mail needs more than 2.5 times as long when its input doubles."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from collector.mail.html import visible_text
from collector.mail.message import read_message
from collector.mail.quotes import own_words
from collector.mail.reports import read_report

HEAD = b"From: Ada <ada@far.example>\r\nMessage-ID: <1@far.example>\r\n"
MIXED = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
#: Below this a reading is too quick to be measured, in seconds of CPU time.
MEASURABLE = 0.02
MOST_RATIO = 2.5

Maker = Callable[[int], bytes]


def of(kind: str, encoding: str = "8bit", head: bytes = HEAD) -> bytes:
    return head + (
        f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode()
    )


def repeated(start: bytes, unit: bytes, end: bytes = b"") -> Maker:
    return lambda size: start + unit * (size // len(unit)) + end


#: Name -> a mail of about so many bytes.
MAILS: dict[str, Maker] = {
    "boundaries": repeated(MIXED, b"--b\r\n\r\nx\r\n"),
    "almost boundaries": repeated(MIXED, b"--b                    x\r\n"),
    "spaces after a boundary": repeated(MIXED, b" ", b"\r\n--b" + b" " * 9000 + b"x"),
    "nested": repeated(MIXED, b"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"),
    "messages in messages": repeated(HEAD, b"Content-Type: message/rfc822\r\n\r\n"),
    "headers": repeated(HEAD, b"X: y\r\n"),
    "one long header": repeated(HEAD + b"X: ", b"y ", b"\r\n\r\nx"),
    "folded header": repeated(HEAD + b"Subject: a", b"\r\n a"),
    "colons": repeated(HEAD, b":"),
    "references": repeated(HEAD + b"References: ", b"<a@b>", b"\r\n\r\nx"),
    "open references": repeated(HEAD + b"References: ", b"<", b"\r\n\r\nx"),
    "encoded words": repeated(HEAD + b"Subject: ", b"=?utf-8?q?", b"\r\n\r\nx"),
    "addresses": repeated(HEAD + b"To: ", b"desk+0f0f@sample.example,", b"\r\n\r\nx"),
    "comments": repeated(b"From: ", b"(", b"ada@far.example\r\n\r\nx"),
    "base64": repeated(of("text/plain", "base64"), b"QUFB\r\n"),
    "broken base64": repeated(of("text/plain", "base64"), b"=A=!"),
    "padding": repeated(of("text/plain", "base64"), b"="),
    "quoted-printable": repeated(of("text/plain", "quoted-printable"), b"=3D=\r\n"),
    "broken quoted-printable": repeated(of("text/plain", "quoted-printable"), b"=="),
    "flowed": repeated(of("text/plain; format=flowed"), b"a \r\n"),
    "flowed quotes": repeated(of("text/plain; format=flowed; delsp=yes"), b"> \r\n \r\n"),
    "utf-7": repeated(of("text/plain; charset=utf-7"), b"+2AA-"),
    "iso-2022-jp": repeated(of("text/plain; charset=iso-2022-jp"), b"\x1b$B\x1b(B"),
    "hz": repeated(of("text/plain; charset=hz"), b"~{"),
    "html text": repeated(of("text/html"), b"<p>a</p>"),
    "html in base64": repeated(of("text/html", "base64"), b"PGI+"),
    "words": repeated(of("text/plain"), b"word "),
}
HTML = {
    "open tags": "<div><blockquote><a href='",
    "comments": "<!--",
    "open comments": "<!-- <!- ",
    "scripts": "<script>",
    "closed scripts": "<script></script",
    "entities": "&amp",
    "numbers": "&#9",
    "long entity": "&aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "pre": "<pre>\n",
    "quotes": "<blockquote>\n",
    "ends": "</blockquote>",
    "angles": "<",
    "declarations": "<!x",
    "breaks": "<br>",
}
TEXTS = {
    "quotes": "> a\n",
    "attributions": "On Monday 10:00\n",
    "wrote": "On 1 Jan 10:00, Ada wrote:\n",
    "colons": "a:\n",
    "rules": "_" * 32 + "\n\n",
    "rules in a row": "_" * 32 + "\n",
    "from": "From: a\n",
    "from and blank": "From: a\n\n\n",
    "dashes": "-- \n",
    "original": "-----Original Message----\n",
    "sign-offs": "Best regards\n",
    "devices": "Sent from my a\n",
    "blank": "\n",
    "spaces": " ",
    "returns": "\r",
    "one line": "On 10:00 wrote ",
    "signs": "-",
}


@pytest.mark.parametrize("name", MAILS)
def test_p32_mails_take_linear_time(name: str) -> None:
    check(read_message, MAILS[name])


@pytest.mark.parametrize("name", ["boundaries", "nested", "headers", "references"])
def test_p32_reports_take_linear_time(name: str) -> None:
    check(read_report, MAILS[name])


def test_p32_a_long_report_takes_linear_time() -> None:
    start = MIXED + b"--b\r\nContent-Type: message/delivery-status\r\n\r\n"
    for unit in (b"Action: failed\r\n\r\n", b"Status: 5.", b"\r\n", b"5."):
        check(read_report, repeated(start, unit))


@pytest.mark.parametrize("name", HTML)
def test_p32_html_takes_linear_time(name: str) -> None:
    check(visible_text, lambda size: HTML[name] * (size // len(HTML[name])))


@pytest.mark.parametrize("name", TEXTS)
def test_p32_quotes_take_linear_time(name: str) -> None:
    check(own_words, lambda size: TEXTS[name] * (size // len(TEXTS[name])))


def test_p32_a_slow_reader_would_be_seen() -> None:
    def quadratic(text: str) -> None:
        for start in range(0, len(text), 2000):
            text[start:].count("ab")

    with pytest.raises(AssertionError):
        check(quadratic, lambda size: "a" * size)


def check(read: Callable[[Any], object], make: Callable[[int], Any]) -> None:
    """Double the input until it can be measured, and once more."""
    size = 64 * 1024
    while (once := _cpu(read, make(size))) < MEASURABLE:
        size *= 2
        if size > 8 * 1024 * 1024:
            return  # ten mebibytes in no time
    # The best of a few: what else the machine does only ever adds to it.
    ratios = []
    for _ in range(4):
        twice = _cpu(read, make(2 * size))
        ratios.append(twice / once)
        if ratios[-1] <= MOST_RATIO:
            return
        once = _cpu(read, make(size))
    raise AssertionError(f"{size} bytes: {once:.3f} s, twice as many took {ratios} times as long")


def _cpu(read: Callable[[Any], object], given: Any) -> float:
    start = time.process_time()
    read(given)
    return time.process_time() - start
