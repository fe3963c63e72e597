"""A mailbox at its IMAP server: opening a folder for reading, and what goes wrong with it."""

from __future__ import annotations

import contextlib
import imaplib
import re
import ssl
from collections.abc import Iterator
from typing import Any

from imap_tools import MailBox, MailBoxUnencrypted
from imap_tools.errors import (
    ImapToolsError,
    MailboxFolderSelectError,
    MailboxLoginError,
)
from imap_tools.mailbox import BaseMailBox

from collector.connector import ChannelError
from collector.mail.server import REFUSED_PASSWORD, MailHost, said, unreachable

#: RFC 5530: what passes by itself. Gmail says "too many" where the code would be LIMIT.
_PASSING = re.compile(
    r"\[(?:UNAVAILABLE|INUSE|LIMIT|SERVERBUG|OVERQUOTA)\]|too many", re.IGNORECASE
)


@contextlib.contextmanager
def open_folder(
    host: MailHost, user: str, secret: str, folder: str
) -> Iterator[tuple[BaseMailBox, int]]:
    """The folder, open for reading only (EXAMINE), and how many messages it holds.

    Raises ChannelError, for whatever goes wrong while it is open as well.
    """
    host.refuse_control_characters(user, secret)
    with _imap_errors(host), contextlib.ExitStack() as cleanup:
        mailbox = _connected(host, cleanup)
        _log_in(mailbox, user, secret)
        try:
            _, count = mailbox.folder.set(folder, readonly=True)
        except MailboxFolderSelectError as error:
            raise _no_folder(folder, error) from error
        yield mailbox, int(count[0])


def literal(mailbox: BaseMailBox, uid: int, item: str) -> bytes | None:
    """One part of a message; None when the message is gone."""
    for line in fetched(mailbox, str(uid), f"(UID {item})"):
        if isinstance(line, tuple):
            part: bytes = line[1]
            return part
    return None


def fetched(mailbox: BaseMailBox, uids: str, items: str) -> list[Any]:
    """What the server answers to FETCH. Raises IMAP4.error when it refuses."""
    # Not imap-tools' own fetch: that parses at once, and deep nesting would stall it.
    status, lines = mailbox.client.uid("FETCH", uids, items)
    if status != "OK":
        words = b" ".join(line for line in lines if isinstance(line, bytes))
        raise imaplib.IMAP4.error(f"{status} {words.decode('ascii', 'replace')}")
    return lines


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


def _answer(error: Exception) -> str:
    """The server's own words, without what the libraries put around them."""
    result = getattr(error, "command_result", None)
    lines = result[1] if isinstance(result, tuple) and len(result) == 2 else error.args
    words = (x.decode("ascii", "replace") if isinstance(x, bytes) else str(x) for x in lines or ())
    return said(" ".join(words)).rstrip(".") or "it gave no reason"
