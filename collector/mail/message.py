"""One mail, as its bytes came: from hostile source to an `IncomingReply`, within limits.

Its structure is taken apart in collector/mail/structure.py. What can't be read is `Skipped`.
"""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime
from email.errors import HeaderParseError, MessageError
from email.header import decode_header
from email.message import Message
from email.utils import parseaddr, parsedate_to_datetime

from collector.mail.automatic import is_automatic
from collector.mail.html import visible_text
from collector.mail.quotes import own_words
from collector.mail.structure import (
    MAX_BYTES,
    MAX_TEXT,
    REFERENCES_LENGTH,
    Headers,
    UnreadableError,
    clean,
    decoded,
    parts_of,
    split,
)
from ledger.model import IncomingReply, SkipKind, Skipped, clean_name

MAX_REFERENCES = 100
#: RFC 5322 2.1.1 gives a line 998 octets; longer ids are replaced by their hash.
ID_LENGTH = 900

_BASE64_SOURCE = "data:message/rfc822;base64,"
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,900}>")
_ADDRESS = re.compile(r"[^\s@<>(),;:\"\\\[\]]{1,64}@[^\s@<>(),;:\"\\\[\]]{1,255}")
#: Where a mail may say which of our addresses it was sent to.
_ADDRESSED = ("to", "cc", "delivered-to", "x-original-to", "envelope-to")
#: What the mailto of our List-Unsubscribe makes: the word, and which mail it is about.
_STOP_SUBJECT = re.compile(r"(?:re: ?)?(stop) ([0-9a-f]{32})", re.IGNORECASE)


def read_message(raw: bytes, own_address: str = "") -> IncomingReply | Skipped:
    """Read one mail; `Skipped` says in a sentence why it can't be taken in. Never raises.

    `text` is what the author wrote, without quotes and signature. `raw` is the source as text
    when it is UTF-8, else a base64 data URL; `source_bytes` gives the exact bytes back.
    `automatic` follows RFC 3834: nothing so marked may be answered. `in_reply_to` holds message
    ids, and "+TAG" for each tag of ours by which the mail names what it answers.
    """
    external_id = _hashed(raw)
    try:
        if len(raw) > MAX_BYTES:
            raise UnreadableError(too_large(len(raw)), SkipKind.TOO_LARGE)
        head, _ = split(raw)
        headers = Headers(head)
        external_id = message_id(headers.first("message-id")) or external_id
        name, address = _author(headers)
        if own_address and address == own_address.lower():
            raise UnreadableError("It is our own message.", SkipKind.FILTERED)
        subject = _decoded_words(headers.first("subject"))
        stop = _STOP_SUBJECT.fullmatch(subject)
        tags = [*_tags(headers, own_address), *([f"+{stop[2].lower()}"] if stop else [])]
        return IncomingReply(
            external_id=external_id,
            address=address,
            author_name=name,
            subject=stop[1] if stop else subject,
            text=own_words(_text(raw)),
            written_at=_written_at(headers.first("date")),
            in_reply_to=tuple(dict.fromkeys([*_in_reply_to(headers), *tags]))[:MAX_REFERENCES],
            raw=_source_text(raw),
            # A mail program that unsubscribes for its user is obeyed like its user.
            automatic=stop is None and is_automatic(headers, address, subject),
        )
    except UnreadableError as error:
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


def _text(raw: bytes) -> str:
    """All inline plain text, or else the visible text of the HTML."""
    plain: list[str] = []
    html: list[str] = []
    for part in parts_of(raw):
        if part.is_attached:
            continue
        if part.kind == "text/plain":
            plain.append(_unwrapped(part.text(), part.mime))
        elif part.kind == "text/html":
            html.append(part.text())
    text = "\n".join(each for each in plain if each.strip())
    return (text or visible_text("\n<br>".join(html)[:MAX_TEXT]))[:MAX_TEXT]


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
        else (decoded(chunk, charset) if charset else chunk.decode("raw_unicode_escape", "replace"))
        for chunk, charset in chunks
    )
    return " ".join(clean(text).split())


def _author(headers: Headers) -> tuple[str, str]:
    name, address = parseaddr(headers.first("from"))
    if not _ADDRESS.fullmatch(address):
        raise UnreadableError("It is malformed: it names no sender that could be answered.")
    return clean_name(_decoded_words(name)), address.lower()


def _written_at(value: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(value[:200])
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, LookupError, OverflowError):
        return None


def _in_reply_to(headers: Headers) -> tuple[str, ...]:
    found = [
        reference
        for name in ("in-reply-to", "references")
        for reference in _MESSAGE_ID.findall(headers.first(name, REFERENCES_LENGTH))
    ]
    return tuple(dict.fromkeys(found))[:MAX_REFERENCES]


def _tags(headers: Headers, own_address: str) -> list[str]:
    """The tags behind the plus of our own address (RFC 5233), as "+TAG"."""
    local, _, domain = own_address.rpartition("@")
    if not local:
        return []
    ours = re.compile(
        rf"(?<![^\s<,:;]){re.escape(local)}(\+[0-9a-f]{{32}})@{re.escape(domain)}", re.IGNORECASE
    )
    values = [value for name in _ADDRESSED for value in headers.all(name)[:MAX_REFERENCES]]
    return [tag.lower() for value in values for tag in ours.findall(value)]
