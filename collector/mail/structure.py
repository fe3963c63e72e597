"""A mail taken apart, within limits: headers, parts, and the text in them.

Not by Python's own parser, which needs quadratic time for deep nesting. Everything is tolerated
that still lets us read the author's words: unknown charsets, broken encodings, 8-bit headers,
unclosed parts.
"""

from __future__ import annotations

import binascii
import codecs
import contextlib
import quopri
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser
from itertools import islice

from ledger.model import SkipKind

#: Limits of promise P32.
MAX_BYTES = 10 * 1024 * 1024
MAX_PARTS = 50
MAX_DEPTH = 10
#: Real mail has a few kilobytes of headers; one value is read up to VALUE_LENGTH characters.
MAX_HEADER_BYTES = 256 * 1024
VALUE_LENGTH = 2_000
REFERENCES_LENGTH = 20_000
#: The text of an answer is read up to here, in characters; the source stays whole.
MAX_TEXT = 1_000_000

_HEAD_END = re.compile(rb"\r?\n\r?\n")
#: Codecs that are no charsets: slow on long input, or they read escapes.
_NO_CHARSETS = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape"})


class UnreadableError(Exception):
    """Why a mail can't be taken in, as a sentence for the person who runs the account."""

    def __init__(self, sentence: str, kind: SkipKind = SkipKind.MALFORMED) -> None:
        super().__init__(sentence)
        self.kind = kind


class Headers:
    """Header values by name, as text, with whatever bytes they hold."""

    def __init__(self, head: bytes) -> None:
        if len(head) > MAX_HEADER_BYTES:
            raise UnreadableError("Its headers are longer than 256 KiB.", SkipKind.TOO_LARGE)
        self._values: dict[str, list[str]] = defaultdict(list)
        for name, value in BytesHeaderParser().parsebytes(head).raw_items():
            raw = str(value)[:REFERENCES_LENGTH].encode("utf-8", "surrogateescape")
            self._values[name.lower()].append(clean(decoded(raw, "utf-8")))

    def first(self, name: str, length: int = VALUE_LENGTH) -> str:
        """The first value on one line, or ""."""
        values = self._values.get(name)
        return " ".join(values[0][:length].split()) if values else ""

    def all(self, name: str) -> list[str]:
        return [" ".join(value[:VALUE_LENGTH].split()) for value in self._values.get(name, ())]

    def mime(self, default: str) -> Message:
        """A bare message that answers questions about Content-Type."""
        message = Message()
        message.set_default_type(default)
        value = self.first("content-type")
        if value:
            message["Content-Type"] = value.encode("ascii", "replace").decode()
        return message


@dataclass(frozen=True)
class Part:
    """A part that has no parts of its own; `kind` is its media type in small letters."""

    kind: str
    headers: Headers
    mime: Message
    body: bytes

    @property
    def is_attached(self) -> bool:
        return self.headers.first("content-disposition").lower().startswith("attachment")

    def text(self) -> str:
        encoding = self.headers.first("content-transfer-encoding").lower()
        body = self.body
        if encoding == "base64":
            body = _from_base64(body)
        elif encoding == "quoted-printable":
            body = quopri.decodestring(body)
        return clean(decoded(body, self.mime.get_content_charset("utf-8")))[:MAX_TEXT]


def parts_of(raw: bytes) -> Iterator[Part]:
    """The parts of a mail, in order. Raises UnreadableError beyond the limits."""
    seen = 0
    waiting = [(raw, 0, "text/plain")]
    while waiting:
        piece, depth, default = waiting.pop()
        seen += 1
        if seen - 1 > MAX_PARTS:
            raise UnreadableError(f"It has more than {MAX_PARTS} parts.", SkipKind.TOO_LARGE)
        head, body = split(piece)
        headers = Headers(head)
        mime = headers.mime(default)
        kind = mime.get_content_type()
        if kind.startswith("multipart/"):
            if depth == MAX_DEPTH:
                raise UnreadableError(
                    f"Its parts are nested deeper than {MAX_DEPTH}.", SkipKind.TOO_LARGE
                )
            inner = "message/rfc822" if kind == "multipart/digest" else "text/plain"
            pieces = _pieces(body, mime)
            waiting.extend((part, depth + 1, inner) for part in reversed(pieces))
        else:
            yield Part(kind, headers, mime, body)


def split(piece: bytes) -> tuple[bytes, bytes]:
    """Headers and body of a mail or of a part of one."""
    if piece.startswith((b"\n", b"\r\n")):
        return b"", piece.lstrip(b"\r\n")
    end = _HEAD_END.search(piece)
    return (piece[: end.start()], piece[end.end() :]) if end else (piece, b"")


def decoded(raw: bytes, charset: str) -> str:
    """Text in the named charset, or in the one it most likely is."""
    for name in (charset, "utf-8"):
        with contextlib.suppress(LookupError, ValueError):
            known = codecs.lookup(name).name
            if known.replace("-", "_") not in _NO_CHARSETS:
                return raw.decode(known)
    return raw.decode("cp1252", "replace")


def clean(text: str) -> str:
    """Without what a database refuses: NUL and half of a surrogate pair."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def _pieces(body: bytes, mime: Message) -> list[bytes]:
    """The parts between the boundary lines (RFC 2046 5.1); a missing last one is tolerated."""
    boundary = (mime.get_boundary() or "").encode("utf-8", "replace")
    if not boundary:
        raise UnreadableError("It is malformed: it has several parts and no boundary.")
    line = re.compile(rb"^--" + re.escape(boundary) + rb"(--)?[ \t]*\r?$", re.MULTILINE)
    pieces: list[bytes] = []
    start = -1
    for found in islice(line.finditer(body), MAX_PARTS + 2):
        if start >= 0:
            # The newline before a boundary belongs to the boundary.
            pieces.append(body[start : found.start()].removesuffix(b"\n").removesuffix(b"\r"))
        start = found.end() + 1
        if found.group(1):
            return pieces
    return [*pieces, body[start:]] if start >= 0 else pieces


def _from_base64(body: bytes) -> bytes:
    for padding in (b"", b"=", b"=="):
        try:
            return binascii.a2b_base64(body.rstrip(b"=\r\n ") + padding)
        except binascii.Error:
            continue
    return body
