"""E-mail: read a mailbox by IMAP without touching it, send by SMTP.

The cursor is "UIDVALIDITY:UID of the last message read". The limits and the reading of one
message are in collector/mail/message.py, the sending in collector/mail/sending.py.
"""

from __future__ import annotations

import contextlib
import imaplib
import re
import ssl
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from imap_tools import MailBox, MailBoxUnencrypted
from imap_tools.errors import (
    ImapToolsError,
    MailboxFolderSelectError,
    MailboxLoginError,
)
from imap_tools.mailbox import BaseMailBox

from collector.connector import ChannelError, Connector, Context, OutgoingMessage
from collector.mail import idle, sending
from collector.mail.idle import Ear
from collector.mail.message import message_id, read_message, too_large
from collector.mail.server import REFUSED_PASSWORD, MailHost, said, unreachable
from collector.mail.structure import MAX_BYTES
from ledger.clock import Clock, system_clock
from ledger.model import Account, IncomingReply, Page, SkipKind, Skipped

#: A page of large messages ends early, so that memory stays bounded.
PAGE_BYTES = 4 * MAX_BYTES
#: UIDs looked for in one search; each has up to 11 bytes in the answer.
UID_WINDOW = 50_000
#: UIDs named in one command; some servers refuse lines longer than 8,000 characters.
UIDS_PER_COMMAND = 200
#: RFC 5530: what passes by itself. Gmail says "too many" where the code would be LIMIT.
_PASSING = re.compile(
    r"\[(?:UNAVAILABLE|INUSE|LIMIT|SERVERBUG|OVERQUOTA)\]|too many", re.IGNORECASE
)


def open_connector(account: Account, _context: Context | None = None) -> Connector:
    """The connector of an e-mail account; wrong options are reported when it is used."""
    return EmailConnector(account.options, account.secret)


class EmailConnector:
    """One mailbox, read by IMAP, and the SMTP login that goes with it.

    Options: imap_host, imap_port, imap_security, smtp_host, smtp_port, smtp_security (security:
    ssl, starttls, or none to a loopback address), user, address, sender_name, folder,
    plus_addresses, timeout (seconds that IMAP may take for each answer).
    """

    def __init__(
        self,
        options: dict[str, Any],
        secret: str,
        *,
        own_address: str = "",
        clock: Clock = system_clock,
    ) -> None:
        self._options = options
        self._secret = secret
        self._user = str(options.get("user") or options.get("address") or "")
        self._address = own_address or str(options.get("address") or self._user)
        self._folder = str(options.get("folder") or "INBOX")
        self._clock = clock

    def fetch(self, cursor: str, limit: int) -> Page:
        """The next messages in UID order. Marks nothing as read and changes nothing.

        When UIDVALIDITY has changed, reading starts again at the first message; the ledger
        knows the replies by their Message-ID. Raises ChannelError.
        """
        with self._open_folder() as (mailbox, count):
            validity = _uidvalidity(mailbox)
            known, _, uid = cursor.partition(":")
            last = int(uid) if known == str(validity) and uid.isdecimal() else 0
            uids = _uids_after(mailbox, last, count)
            items, last = self._read(mailbox, validity, uids[: max(limit, 1)], last)
        return Page(
            replies=tuple(item for item in items if isinstance(item, IncomingReply)),
            skipped=tuple(item for item in items if isinstance(item, Skipped)),
            next_cursor=f"{validity}:{last}",
            more=bool(uids) and uids[-1] > last,
        )

    def listen(self, ear: Ear, renew_seconds: float = idle.RENEW_SECONDS) -> None:
        """Tell `ear` of every arrival until it is closed (RFC 2177); read nothing.

        Raises ChannelError, and NoIdleError when the server doesn't offer IDLE.
        """
        with self._open_folder() as (mailbox, count):
            idle.listen(mailbox, count, ear, renew_seconds)

    def send(self, message: OutgoingMessage) -> str:
        """Send once; return the Message-ID. Raises ChannelError (promise P10)."""
        mail = sending.compose(
            message,
            sender=self._address,
            sender_name=str(self._options.get("sender_name") or ""),
            at=self._now(),
        )
        with self._smtp() as client:
            sending.deliver(client, mail, sender=self._address, recipient=message.recipient)
        return message.message_id

    def check(self) -> str:
        """Log in to both servers and say what answered; sends nothing. Raises ChannelError."""
        with self._open_folder() as (_, count):
            answer = (
                f"IMAP answered as {self._user}: {count} "
                f"{'message' if count == 1 else 'messages'} in {self._folder}"
            )
        with self._smtp():
            return f"{answer}; SMTP accepted the login."

    def _now(self) -> datetime:
        return self._clock()

    def _smtp(self) -> contextlib.AbstractContextManager[Any]:
        host = MailHost.of(self._options, "smtp", ssl_port=465, starttls_port=587)
        return sending.logged_in(
            host, self._user, self._secret, own_domain=self._address.rpartition("@")[2]
        )

    @contextlib.contextmanager
    def _open_folder(self) -> Iterator[tuple[BaseMailBox, int]]:
        """The folder, open for reading only (EXAMINE), and how many messages it holds."""
        host = MailHost.of(self._options, "imap", ssl_port=993, starttls_port=143)
        host.refuse_control_characters(self._user, self._secret)
        with _imap_errors(host), contextlib.ExitStack() as cleanup:
            mailbox = _connected(host, cleanup)
            _log_in(mailbox, self._user, self._secret)
            try:
                _, count = mailbox.folder.set(self._folder, readonly=True)
            except MailboxFolderSelectError as error:
                raise _no_folder(self._folder, error) from error
            yield mailbox, int(count[0])

    def _read(
        self, mailbox: BaseMailBox, validity: int, uids: list[int], last: int
    ) -> tuple[list[IncomingReply | Skipped], int]:
        items: list[IncomingReply | Skipped] = []
        sizes = _sizes(mailbox, uids)
        total = 0
        for uid in uids:
            size = sizes.get(uid, 0)
            total += min(size, MAX_BYTES)
            if total > PAGE_BYTES and items:
                break
            last = uid
            if size > MAX_BYTES:
                known = _message_id(mailbox, uid) or f"uid:{validity}:{uid}"
                items.append(Skipped(known, too_large(size), SkipKind.TOO_LARGE))
                continue
            # One byte more than allowed is asked for: sizes are the server's word only.
            raw = _literal(mailbox, uid, f"BODY.PEEK[]<0.{MAX_BYTES + 1}>")
            if raw is not None:  # else it was deleted meanwhile
                items.append(read_message(raw, self._address))
        return items, last


def _connected(host: MailHost, cleanup: contextlib.ExitStack) -> BaseMailBox:
    """A connection that `cleanup` closes, whatever happens later."""
    mailbox: BaseMailBox
    if host.security == "ssl":
        mailbox = MailBox(host.name, host.port, timeout=host.timeout, ssl_context=host.tls())
    else:
        mailbox = MailBoxUnencrypted(host.name, host.port, timeout=host.timeout)
    cleanup.callback(_leave, mailbox)
    if host.security == "starttls":
        if "STARTTLS" not in mailbox.client.capabilities:
            raise host.no_starttls()
        mailbox.client.starttls(host.tls())
    return mailbox


def _leave(mailbox: BaseMailBox) -> None:
    with contextlib.suppress(ImapToolsError, imaplib.IMAP4.error, OSError):
        mailbox.logout()
    with contextlib.suppress(OSError):
        mailbox.client.shutdown()


def _log_in(mailbox: BaseMailBox, user: str, secret: str) -> None:
    log_in = mailbox.login if (user + secret).isascii() else mailbox.login_utf8
    try:
        log_in(user, secret, initial_folder=None)
    except imaplib.IMAP4.abort:
        raise
    except (MailboxLoginError, imaplib.IMAP4.error) as error:
        answer = _answer(error)
        if _PASSING.search(answer):
            raise ChannelError(
                f"The mailbox can't be opened now: {answer}.",
                permanent=False,
                mend="Wait; it is tried again by itself.",
            ) from error
        raise ChannelError(
            "The mailbox refused the password.", permanent=True, mend=REFUSED_PASSWORD
        ) from error


def _no_folder(folder: str, error: Exception) -> ChannelError:
    answer = _answer(error)
    return ChannelError(
        f"The mail folder '{folder}' can't be opened: {answer}.",
        permanent=not _PASSING.search(answer),
        mend="Name a folder that exists with --folder, or make this one in your mail program.",
    )


@contextlib.contextmanager
def _imap_errors(host: MailHost) -> Iterator[None]:
    try:
        yield
    except (ssl.SSLError, imaplib.IMAP4.abort, OSError) as error:
        raise unreachable(host, error) from error
    except (ImapToolsError, imaplib.IMAP4.error) as error:
        raise ChannelError(
            f"The IMAP server {host.name} answered unexpectedly: {_answer(error)}.",
            permanent=False,
            mend="Wait; it is tried again by itself. If it stays, ask your mail provider.",
        ) from error


def _uidvalidity(mailbox: BaseMailBox) -> int:
    _, answer = mailbox.client.response("UIDVALIDITY")
    if not answer or answer[0] is None:
        raise ChannelError(
            "The IMAP server gives its messages no lasting numbers (no UIDVALIDITY).",
            permanent=True,
            mend="Use another folder or another mail provider.",
        )
    return int(answer[0])


def _uids_after(mailbox: BaseMailBox, last: int, count: int) -> list[int]:
    """The first UIDs above `last`, in order; none only when there are none at all.

    In a folder of very many messages they are asked for in windows: imaplib gives up on an
    answer of more than a million bytes, which 150,000 UIDs have.
    """
    _, answer = mailbox.client.response("UIDNEXT")
    end = int(answer[0]) if answer and answer[0] and count > UID_WINDOW else 0
    window = UID_WINDOW
    while last + window < end:
        found = _searched(mailbox, f"{last + 1}:{last + window}", last)
        if found:
            return found
        last, window = last + window, 2 * window  # UIDs may have gaps of any size
    return _searched(mailbox, f"{last + 1}:*", last)


def _searched(mailbox: BaseMailBox, wanted: str, last: int) -> list[int]:
    # "n:*" names the last message even when its UID is below n (RFC 9051 9, seq-range).
    found = mailbox.uids(f"UID {wanted}", charset=None)
    return sorted(int(uid) for uid in found if int(uid) > last)


def _sizes(mailbox: BaseMailBox, uids: list[int]) -> dict[int, int]:
    """The size of each message in bytes, as the server reckons it."""
    sizes: dict[int, int] = {}
    for start in range(0, len(uids), UIDS_PER_COMMAND):
        some = ",".join(map(str, uids[start : start + UIDS_PER_COMMAND]))
        for line in _fetched(mailbox, some, "(UID RFC822.SIZE)"):
            uid = re.search(rb"\bUID (\d+)", line) if isinstance(line, bytes) else None
            size = re.search(rb"\bRFC822\.SIZE (\d+)", line) if isinstance(line, bytes) else None
            if uid and size:
                sizes[int(uid[1])] = int(size[1])
    return sizes


def _message_id(mailbox: BaseMailBox, uid: int) -> str:
    head = _literal(mailbox, uid, "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]<0.2000>") or b""
    return message_id(head.decode("ascii", "replace").partition(":")[2])


def _literal(mailbox: BaseMailBox, uid: int, item: str) -> bytes | None:
    """One part of a message; None when the message is gone."""
    for line in _fetched(mailbox, str(uid), f"(UID {item})"):
        if isinstance(line, tuple):
            literal: bytes = line[1]
            return literal
    return None


def _fetched(mailbox: BaseMailBox, uids: str, items: str) -> list[Any]:
    # Not imap-tools' own fetch: that parses at once, and deep nesting would stall it.
    status, lines = mailbox.client.uid("FETCH", uids, items)
    if status != "OK":
        words = b" ".join(line for line in lines if isinstance(line, bytes))
        raise imaplib.IMAP4.error(f"{status} {words.decode('ascii', 'replace')}")
    return lines


def _answer(error: Exception) -> str:
    """The server's own words, without what the libraries put around them."""
    result = getattr(error, "command_result", None)
    lines = result[1] if isinstance(result, tuple) and len(result) == 2 else error.args
    words = (x.decode("ascii", "replace") if isinstance(x, bytes) else str(x) for x in lines or ())
    return said(" ".join(words)).rstrip(".") or "it gave no reason"
