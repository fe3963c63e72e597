"""A list of people who may be greeted, as CSV (RFC 4180): channel, handle, name, url, about, zone.

A line that can't be used is reported and the rest goes on. Listing somebody sends nothing, and
what rules say of them holds as for everybody.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from collector.nobots import says_no_bots
from ledger.errors import DefinedbyError, SettingError
from ledger.etiquette import checked_zone
from ledger.model import Account, Channel
from ledger.person import FoundPerson

MOST_LINES = 500
MOST_FIELD_CHARACTERS = 1000
NEEDED = ("channel", "handle")
COLUMNS = (*NEEDED, "name", "url", "about", "zone")


@dataclass(frozen=True)
class ListedPerson:
    account: Account
    person: FoundPerson


@dataclass(frozen=True)
class LineProblem:
    line: int
    problem: str


def read_list(
    text: str, accounts: Sequence[Account]
) -> tuple[list[ListedPerson], list[LineProblem]]:
    """The people of a list and what is wrong with its other lines.

    Raises DefinedbyError for what is no such list at all. `accounts` are the campaign's; somebody
    is greeted by the one of their channel.
    """
    by_channel = {account.channel: account for account in reversed(accounts)}
    reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff")), strict=True)
    people: list[ListedPerson] = []
    problems: list[LineProblem] = []
    try:
        columns = [str(name).strip().lower() for name in reader.fieldnames or ()]
        if not set(NEEDED) <= set(columns):
            raise DefinedbyError(
                "The first line has to name the columns 'channel' and 'handle'.",
                f"Begin it with: {','.join(COLUMNS)}",
            )
        reader.fieldnames = columns
        for row in reader:
            if len(people) + len(problems) >= MOST_LINES:
                problems.append(LineProblem(reader.line_num, f"Only {MOST_LINES} lines are read."))
                break
            try:
                people.append(_listed(row, by_channel))
            except DefinedbyError as error:
                problems.append(LineProblem(reader.line_num, str(error)))
    except csv.Error as error:
        raise DefinedbyError(
            f"This is no CSV: {error}.", "Put quote marks around a text with a comma in it."
        ) from error
    return people, problems


def _listed(row: dict[str, object], by_channel: dict[Channel, Account]) -> ListedPerson:
    parts = {name: value.strip() for name, value in row.items() if isinstance(value, str)}
    if any(len(value) > MOST_FIELD_CHARACTERS for value in parts.values()):
        raise SettingError("A field is too long.", f"At most {MOST_FIELD_CHARACTERS} characters.")
    named = parts.get("channel", "").lower()
    if named not in {channel.value for channel in by_channel}:
        raise SettingError(
            f"There is no account of the channel '{named}' here.",
            "Name one of: " + (", ".join(sorted(by_channel)) or "none yet; add an account") + ".",
        )
    account = by_channel[Channel(named)]
    address = _address(account.channel, parts.get("handle", ""))
    url = parts.get("url", "")
    if url and not url.startswith(("https://", "http://")):
        raise SettingError("The url is no web address.", "Begin it with https://.")
    # X is written to by number, which a list does not have; its composer takes the handle.
    contact = "" if account.channel is Channel.X else address
    return ListedPerson(
        account,
        FoundPerson(
            address,
            name=parts.get("name", ""),
            url=url,
            contact=contact,
            about=parts.get("about", ""),
            wants_no_bots=says_no_bots(parts.get("about", "")),
            zone=checked_zone(parts.get("zone", "")),
        ),
    )


def _address(channel: Channel, handle: str) -> str:
    plain = handle.lstrip("@")
    if not plain or any(c.isspace() or not c.isprintable() for c in plain):
        raise SettingError("The handle is missing or has spaces.", "Write it as @name.")
    if channel is Channel.EMAIL:
        if plain.count("@") != 1:
            raise SettingError(f"'{handle}' is no e-mail address.", "Write it as a@b.example.")
        return plain
    if channel is Channel.MASTODON and plain.count("@") != 1:
        raise SettingError(f"'{handle}' has no server.", "Write it as @name@server.example.")
    return f"@{plain}"
