"""A mailbox, read by IMAP and written from by SMTP: what adding one asks for."""

from __future__ import annotations

from typing import Any

from collector.connector import Ask
from ledger.errors import DefinedbyError, SettingError
from ledger.model import Account

#: How a connection is kept secret, by the usual ports (RFC 8314, RFC 9051, RFC 6409).
_IMAP_PORTS = {993: "ssl", 143: "starttls"}
_SMTP_PORTS = {465: "ssl", 587: "starttls"}
_SECURITY = ("ssl", "starttls", "none")
_HELP = "Your provider's help pages name it, under “IMAP” or “set up a mail program”."

ASKS = (
    Ask("address", "E-mail address", "The mailbox's own address; best one for nothing else."),
    Ask("imap", "IMAP server, as host:port", _HELP, is_server=True),
    Ask(
        "smtp", "SMTP server, as host:port", "On the same page as the IMAP server.", is_server=True
    ),
    Ask(
        "password",
        "Password",
        "An app password, made in your provider's security settings; most refuse your normal one.",
        secret=True,
        envvar="MAILBOX_PASSWORD",
    ),
    Ask(
        "user",
        "Login name",
        "Else the address.",
        needed=False,
        rarely=True,
    ),
    Ask(
        "sender_name",
        "Name shown as the sender",
        "Else the asker.",
        needed=False,
        rarely=True,
        setting="asker",
    ),
    Ask(
        "folder",
        "Folder that is read",
        "INBOX unless a filter sorts the answers elsewhere.",
        default="INBOX",
        needed=False,
        rarely=True,
    ),
    Ask(
        "plus_addresses",
        "Gets mail for NAME+ANYTHING@… too (yes or no)",
        "Answers find their question by that even where a mail program names nothing else.",
        default="no",
        needed=False,
        rarely=True,
        choices=("no", "yes"),
    ),
    Ask(
        "imap_security",
        "How reading is kept secret",
        "Else by the port.",
        needed=False,
        rarely=True,
        is_server=True,
        choices=_SECURITY,
    ),
    Ask(
        "smtp_security",
        "How sending is kept secret",
        "Else by the port.",
        needed=False,
        rarely=True,
        is_server=True,
        choices=_SECURITY,
    ),
)


def account_from(answers: dict[str, str]) -> tuple[dict[str, Any], str]:
    """Options and secret of a mailbox. Raises DefinedbyError for servers that can't be used."""
    given = {name: value.strip() for name, value in answers.items()}
    address = given.get("address", "")
    options = {
        **_server("imap", given.get("imap", ""), given.get("imap_security", ""), _IMAP_PORTS),
        **_server("smtp", given.get("smtp", ""), given.get("smtp_security", ""), _SMTP_PORTS),
        "address": address,
        "user": given.get("user") or address,
        "sender_name": given.get("sender_name", ""),
        "folder": given.get("folder") or "INBOX",
        "plus_addresses": given.get("plus_addresses") == "yes",
    }
    return options, answers.get("password", "")


def answers_of(account: Account) -> dict[str, str]:
    """What would have to be answered to get this account again, the password included."""
    options = account.options
    given = {
        name: str(options.get(name) or "")
        for name in ("address", "user", "sender_name", "folder", "imap_security", "smtp_security")
    }
    for kind in ("imap", "smtp"):
        host = str(options.get(f"{kind}_host") or "")
        host = f"[{host}]" if ":" in host else host
        given[kind] = f"{host}:{options.get(f'{kind}_port', '')}" if host else ""
    given["plus_addresses"] = "yes" if options.get("plus_addresses") else "no"
    return {**given, "password": account.secret}


def _server(kind: str, given: str, security: str, usual: dict[int, str]) -> dict[str, Any]:
    host, colon, port = given.rpartition(":")
    if not colon:
        host, port = given, str(next(iter(usual)))
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise SettingError(
            f"'{given}' is not a server address.",
            f"Write it as host:port, e.g. {kind}.blog.example:{next(iter(usual))}.",
        )
    if not security and int(port) not in usual:
        raise DefinedbyError(
            f"Port {port} does not say how the connection is kept secret.",
            f"Say ssl or starttls (at a terminal: --{kind}-security ssl).",
        )
    return {
        f"{kind}_host": host.strip("[]"),
        f"{kind}_port": int(port),
        f"{kind}_security": security or usual[int(port)],
    }
