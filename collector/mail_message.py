"""One mail, as its bytes came: from hostile source to an `IncomingReply`, within limits.

The structure is taken apart here and not by Python's own parser, which needs quadratic time for
deep nesting. Everything is tolerated that still lets us read the author's words: unknown
charsets, broken encodings, 8-bit headers, unclosed parts. What can't be read is `Skipped`.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import contextlib
import hashlib
import quopri
import re
from collections import defaultdict
from datetime import UTC, datetime
from email.errors import HeaderParseError, MessageError
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import parseaddr, parsedate_to_datetime
from itertools import islice

from collector.mail_html import visible_text
from collector.mail_quotes import own_words
from ledger.model import IncomingReply, SkipKind, Skipped, clean_name

#: Limits of promise P32.
MAX_BYTES = 10 * 1024 * 1024
MAX_PARTS = 50
MAX_DEPTH = 10
#: Real mail has a few kilobytes of headers; one value is read up to VALUE_LENGTH characters.
MAX_HEADER_BYTES = 256 * 1024
VALUE_LENGTH = 2_000
REFERENCES_LENGTH = 20_000
MAX_REFERENCES = 100
#: The text of an answer is read up to here, in characters; the source stays whole.
MAX_TEXT = 1_000_000
#: RFC 5322 2.1.1 gives a line 998 octets; longer ids are replaced by their hash.
ID_LENGTH = 900

_BASE64_SOURCE = "data:message/rfc822;base64,"
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,900}>")
_ADDRESS = re.compile(r"[^\s@<>(),;:\"\\\[\]]{1,64}@[^\s@<>(),;:\"\\\[\]]{1,255}")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
#: Codecs that are no charsets: slow on long input, or they read escapes.
_NO_CHARSETS = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape"})


class _UnreadableError(Exception):
    """Why a mail can't be taken in, as a sentence for the person who runs the account."""

    def __init__(self, sentence: str, kind: SkipKind = SkipKind.MALFORMED) -> None:
        super().__init__(sentence)
        self.kind = kind


class _Headers:
    """Header values by name, as text, with whatever bytes they hold."""

    def __init__(self, head: bytes) -> None:
        if len(head) > MAX_HEADER_BYTES:
            raise _UnreadableError("Its headers are longer than 256 KiB.", SkipKind.TOO_LARGE)
        self._values: dict[str, list[str]] = defaultdict(list)
        for name, value in BytesHeaderParser().parsebytes(head).raw_items():
            raw = str(value)[:REFERENCES_LENGTH].encode("utf-8", "surrogateescape")
            self._values[name.lower()].append(clean(_decoded(raw, "utf-8")))

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


def read_message(raw: bytes, own_address: str = "") -> IncomingReply | Skipped:
    """Read one mail; `Skipped` says in a sentence why it can't be taken in. Never raises.

    `text` is what the author wrote, without quotes and signature. `raw` is the source as text
    when it is UTF-8, else a base64 data URL; `source_bytes` gives the exact bytes back.
    `automatic` follows RFC 3834: nothing so marked may be answered.
    """
    external_id = _hashed(raw)
    try:
        if len(raw) > MAX_BYTES:
            raise _UnreadableError(too_large(len(raw)), SkipKind.TOO_LARGE)
        head, _ = _split(raw)
        headers = _Headers(head)
        external_id = message_id(headers.first("message-id")) or external_id
        name, address = _author(headers)
        if own_address and address == own_address.lower():
            raise _UnreadableError("It is our own message.", SkipKind.FILTERED)
        return IncomingReply(
            external_id=external_id,
            address=address,
            author_name=name,
            subject=_decoded_words(headers.first("subject")),
            text=own_words(_text(raw)),
            written_at=_written_at(headers.first("date")),
            in_reply_to=_in_reply_to(headers),
            raw=_source_text(raw),
            automatic=_is_automatic(headers, address),
        )
    except _UnreadableError as error:
        return Skipped(external_id, str(error), error.kind)
    except (RecursionError, ValueError, LookupError, TypeError, MessageError) as error:
        # Python's header code raises these for input nobody foresaw; one mail must not stop all.
        return Skipped(external_id, f"It is malformed ({type(error).__name__}).")


def too_large(size: int) -> str:
    """The reason for skipping a mail of `size` bytes."""
    return f"It is larger than {MAX_BYTES // 2**20} MiB ({size / 2**20:.1f} MiB)."


def message_id(value: str) -> str:
    """The id in a Message-ID header, as `<...>`; a hash of it when it is overlong; "" if none."""
    found = _MESSAGE_ID.search(value)
    if found:
        return found.group()
    bare = "".join(value.split())
    return _hashed(bare.encode("utf-8", "replace")) if len(bare) > ID_LENGTH else bare


def source_bytes(raw: str) -> bytes:
    """The exact bytes of the mail whose `IncomingReply.raw` this is."""
    if raw.startswith(_BASE64_SOURCE):
        return base64.b64decode(raw.removeprefix(_BASE64_SOURCE))
    return raw.encode()


def clean(text: str) -> str:
    """Without what a database refuses: NUL and half of a surrogate pair."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def _source_text(raw: bytes) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = "\x00"
    if "\x00" in text or text.startswith(_BASE64_SOURCE):
        return _BASE64_SOURCE + base64.b64encode(raw).decode()
    return text


def _hashed(raw: bytes) -> str:
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def _split(piece: bytes) -> tuple[bytes, bytes]:
    """Headers and body of a mail or of a part of one."""
    if piece.startswith((b"\n", b"\r\n")):
        return b"", piece.lstrip(b"\r\n")
    end = _HEAD_END.search(piece)
    return (piece[: end.start()], piece[end.end() :]) if end else (piece, b"")


def _text(raw: bytes) -> str:
    """All inline plain text, or else the visible text of the HTML."""
    plain: list[str] = []
    html: list[str] = []
    parts = 0
    waiting = [(raw, 0, "text/plain")]
    while waiting:
        piece, depth, default = waiting.pop()
        parts += 1
        if parts - 1 > MAX_PARTS:
            raise _UnreadableError(f"It has more than {MAX_PARTS} parts.", SkipKind.TOO_LARGE)
        head, body = _split(piece)
        headers = _Headers(head)
        mime = headers.mime(default)
        kind = mime.get_content_type()
        if kind.startswith("multipart/"):
            if depth == MAX_DEPTH:
                raise _UnreadableError(
                    f"Its parts are nested deeper than {MAX_DEPTH}.", SkipKind.TOO_LARGE
                )
            inner = "message/rfc822" if kind == "multipart/digest" else "text/plain"
            pieces = _pieces(body, mime)
            waiting.extend((part, depth + 1, inner) for part in reversed(pieces))
        elif headers.first("content-disposition").lower().startswith("attachment"):
            continue
        elif kind == "text/plain":
            plain.append(_unwrapped(_body_text(body, headers, mime), mime))
        elif kind == "text/html":
            html.append(_body_text(body, headers, mime))
    text = "\n".join(part for part in plain if part.strip())
    return (text or visible_text("\n<br>".join(html)[:MAX_TEXT]))[:MAX_TEXT]


def _pieces(body: bytes, mime: Message) -> list[bytes]:
    """The parts between the boundary lines (RFC 2046 5.1); a missing last one is tolerated."""
    boundary = (mime.get_boundary() or "").encode("utf-8", "replace")
    if not boundary:
        raise _UnreadableError("It is malformed: it has several parts and no boundary.")
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


def _body_text(body: bytes, headers: _Headers, mime: Message) -> str:
    encoding = headers.first("content-transfer-encoding").lower()
    if encoding == "base64":
        body = _from_base64(body)
    elif encoding == "quoted-printable":
        body = quopri.decodestring(body)
    return clean(_decoded(body, mime.get_content_charset("utf-8")))[:MAX_TEXT]


def _from_base64(body: bytes) -> bytes:
    for padding in (b"", b"=", b"=="):
        try:
            return binascii.a2b_base64(body.rstrip(b"=\r\n ") + padding)
        except binascii.Error:
            continue
    return body


def _unwrapped(text: str, mime: Message) -> str:
    """Lines that the sender's program has wrapped become one again (RFC 3676, format=flowed)."""
    if str(mime.get_param("format", "")).lower() != "flowed":
        return text
    joiner = "" if str(mime.get_param("delsp", "")).lower() == "yes" else " "
    done: list[str] = []
    wrapped: list[str] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        line = line.removeprefix(" ")  # noqa: PLW2901 (space-stuffing is no part of the line)
        quoted = line.startswith(">")
        if line.endswith(" ") and line != "-- " and not quoted:
            wrapped.append(line[:-1])
            continue
        if quoted and wrapped:
            done.append(joiner.join(wrapped))
            wrapped.clear()
        done.append(joiner.join([*wrapped, line]))
        wrapped.clear()
    return "\n".join([*done, joiner.join(wrapped)] if wrapped else done)


def _decoded(raw: bytes, charset: str) -> str:
    """Text in the named charset, or in the one it most likely is."""
    for name in (charset, "utf-8"):
        with contextlib.suppress(LookupError, ValueError):
            known = codecs.lookup(name).name
            if known.replace("-", "_") not in _NO_CHARSETS:
                return raw.decode(known)
    return raw.decode("cp1252", "replace")


def _decoded_words(value: str) -> str:
    """A header's text with its encoded words (RFC 2047) decoded, on one line."""
    try:
        chunks = decode_header(value)
    except HeaderParseError:
        return value
    text = "".join(
        chunk
        if isinstance(chunk, str)
        # That is how decode_header hands over the text beside encoded words.
        else (
            _decoded(chunk, charset) if charset else chunk.decode("raw_unicode_escape", "replace")
        )
        for chunk, charset in chunks
    )
    return " ".join(clean(text).split())


def _author(headers: _Headers) -> tuple[str, str]:
    name, address = parseaddr(headers.first("from"))
    if not _ADDRESS.fullmatch(address):
        raise _UnreadableError("It is malformed: it names no sender that could be answered.")
    return clean_name(_decoded_words(name)), address.lower()


def _written_at(value: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(value[:200])
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, LookupError, OverflowError):
        return None


def _in_reply_to(headers: _Headers) -> tuple[str, ...]:
    found = [
        reference
        for name in ("in-reply-to", "references")
        for reference in _MESSAGE_ID.findall(headers.first(name, REFERENCES_LENGTH))
    ]
    return tuple(dict.fromkeys(found))[:MAX_REFERENCES]


def _is_automatic(headers: _Headers, address: str) -> bool:
    """Bounces, automatic replies and list mail (RFC 3834 2, RFC 2919, RFC 6522)."""
    submitted = re.split(r"[;\s(]", headers.first("auto-submitted").lower(), maxsplit=1)[0]
    precedence = headers.first("precedence").lower()
    local = address.partition("@")[0]
    return (
        submitted not in ("", "no")
        or precedence in ("bulk", "list", "junk", "auto_reply")
        or bool(headers.all("list-id"))
        or bool(headers.all("x-autoreply") + headers.all("x-autorespond"))
        or "<>" in headers.all("return-path")
        or local in ("mailer-daemon", "postmaster")
        or headers.mime("text/plain").get_content_type() == "multipart/report"
    )
