"""Reading a mailbox on from a UID: which messages come next, and a page of them.

RFC 9051 numbers messages so that newer ones have higher UIDs, as long as UIDVALIDITY stays.
"""

from __future__ import annotations

import re

from imap_tools.mailbox import BaseMailBox

from collector.connector import ChannelError
from collector.mail.mailbox import fetched, literal
from collector.mail.message import message_id, read_message, too_large
from collector.mail.structure import MAX_BYTES
from ledger.model import IncomingReply, SkipKind, Skipped

#: A page of large messages ends early, so that memory stays bounded.
PAGE_BYTES = 4 * MAX_BYTES
#: UIDs looked for in one search; each has up to 11 bytes in the answer.
UID_WINDOW = 50_000
#: UIDs named in one command; some servers refuse lines longer than 8,000 characters.
UIDS_PER_COMMAND = 200


def uidvalidity(mailbox: BaseMailBox) -> int:
    """The number that says which UIDs of the open folder count. Raises ChannelError."""
    _, answer = mailbox.client.response("UIDVALIDITY")
    if not answer or answer[0] is None:
        raise ChannelError(
            "The IMAP server gives its messages no lasting numbers (no UIDVALIDITY).",
            permanent=True,
            mend="Use another folder or another mail provider.",
        )
    return int(answer[0])


def uids_after(mailbox: BaseMailBox, last: int, count: int) -> list[int]:
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


def read_page(
    mailbox: BaseMailBox, validity: int, uids: list[int], last: int, own_address: str
) -> tuple[list[IncomingReply | Skipped], int]:
    """As many of these messages as fit in a page, and the UID of the last one; else `last`."""
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
        raw = literal(mailbox, uid, f"BODY.PEEK[]<0.{MAX_BYTES + 1}>")
        if raw is not None:  # else it was deleted meanwhile
            items.append(read_message(raw, own_address))
    return items, last


def _searched(mailbox: BaseMailBox, wanted: str, last: int) -> list[int]:
    # "n:*" names the last message even when its UID is below n (RFC 9051 9, seq-range).
    found = mailbox.uids(f"UID {wanted}", charset=None)
    return sorted(int(uid) for uid in found if int(uid) > last)


def _sizes(mailbox: BaseMailBox, uids: list[int]) -> dict[int, int]:
    """The size of each message in bytes, as the server reckons it."""
    sizes: dict[int, int] = {}
    for start in range(0, len(uids), UIDS_PER_COMMAND):
        some = ",".join(map(str, uids[start : start + UIDS_PER_COMMAND]))
        for line in fetched(mailbox, some, "(UID RFC822.SIZE)"):
            uid = re.search(rb"\bUID (\d+)", line) if isinstance(line, bytes) else None
            size = re.search(rb"\bRFC822\.SIZE (\d+)", line) if isinstance(line, bytes) else None
            if uid and size:
                sizes[int(uid[1])] = int(size[1])
    return sizes


def _message_id(mailbox: BaseMailBox, uid: int) -> str:
    head = literal(mailbox, uid, "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]<0.2000>") or b""
    return message_id(head.decode("ascii", "replace").partition(":")[2])
