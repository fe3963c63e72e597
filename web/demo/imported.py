"""The files that the demonstration imports: a mailbox and a spreadsheet, as others export them."""

from __future__ import annotations

import csv
import mailbox
from collections.abc import Iterable
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from pathlib import Path

from web.demo.sample import Person

MAILBOX = "letters@theblank.example"


def add_letter(path: Path, person: Person, written: datetime) -> None:
    """Put a letter into the mailbox file, which is made when it is missing."""
    letter = EmailMessage()
    letter["From"] = formataddr((person.name, person.address))
    letter["To"] = MAILBOX
    letter["Subject"] = person.subject
    letter["Date"] = format_datetime(written)
    letter["Message-ID"] = f"<{person.number}.{person.address}>"
    if person.automatic:
        letter["Auto-Submitted"] = "auto-replied"
    letter.set_content(person.text)
    kept = mailbox.mboxMessage(letter)
    kept.set_from(person.address, written.timetuple())
    box = mailbox.mbox(path)
    try:
        box.add(kept)
    finally:
        box.close()


def write_cards(path: Path, cards: Iterable[tuple[Person, datetime]]) -> None:
    """Write the spreadsheet."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "name", "address", "date"])
        for person, written in cards:
            writer.writerow([person.text, person.name, person.address, written.isoformat()])
