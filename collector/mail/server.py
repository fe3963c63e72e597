"""What IMAP and SMTP share: a host from the account's options, TLS, and words for what fails."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from typing import Any

from collector.connector import ChannelError
from ledger.settings import LOOPBACK_HOSTS

TIMEOUT = 20
REPLACE = "run 'definedby account add email --replace'"
REFUSED_PASSWORD = f"Make an app password at your provider and {REPLACE}."


@dataclass(frozen=True)
class MailHost:
    """Where a mail server is and how the connection is protected: ssl, starttls or none."""

    protocol: str
    name: str
    port: int
    security: str
    #: Seconds for connecting and for each answer.
    timeout: float = TIMEOUT

    @classmethod
    def of(
        cls, options: dict[str, Any], protocol: str, *, ssl_port: int, starttls_port: int
    ) -> MailHost:
        """The host named by `<protocol>_host`, `_port`, `_security`. Raises ChannelError."""
        name = str(options.get(f"{protocol}_host") or "")
        security = str(options.get(f"{protocol}_security") or "ssl")
        port = str(options.get(f"{protocol}_port") or "")
        port = port or str(ssl_port if security == "ssl" else starttls_port)
        if not name or not port.isdecimal() or not 0 < int(port) < 65536:
            raise _wrong_option(f"The account has no usable {protocol} host and port.")
        if security not in ("ssl", "starttls", "none"):
            raise _wrong_option(f"{protocol}_security is '{security}': not ssl, starttls or none.")
        if security == "none" and not _is_loopback(name):
            raise ChannelError(
                f"Without encryption anyone on the way to {name} could read the password.",
                permanent=True,
                mend=f"Use ssl or starttls: set --{protocol}-security and {REPLACE}.",
            )
        timeout = float(options.get("timeout") or TIMEOUT)
        return cls(protocol.upper(), name, int(port), security, timeout)

    def tls(self) -> ssl.SSLContext:
        """Verifies the certificate and the host's name."""
        return ssl.create_default_context()

    def refuse_control_characters(self, *credentials: str) -> None:
        """Raise ChannelError for a login that could smuggle in a command."""
        if any(not character.isprintable() for part in credentials for character in part):
            raise _wrong_option("The user name or password has a line break or control character.")

    def no_starttls(self) -> ChannelError:
        return ChannelError(
            f"The {self.protocol} server {self.name} offers no STARTTLS on port {self.port}.",
            permanent=True,
            mend=f"Try --{self.protocol.lower()}-security ssl with its port, and {REPLACE}.",
        )


def unreachable(host: MailHost, error: Exception) -> ChannelError:
    """What it means that the connection failed or broke."""
    where = f"{host.protocol} server {host.name} port {host.port}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return ChannelError(
            f"The {where} shows a certificate that can't be trusted: {error.verify_message}.",
            permanent=True,
            mend=f"Use the host name that its certificate is for and {REPLACE}.",
        )
    if isinstance(error, ssl.SSLError) and error.reason == "WRONG_VERSION_NUMBER":
        return ChannelError(
            f"The {where} doesn't speak TLS from the start.",
            permanent=True,
            mend=f"Try --{host.protocol.lower()}-security starttls, and {REPLACE}.",
        )
    reason = getattr(error, "strerror", None) or said(str(error)) or type(error).__name__
    return ChannelError(
        f"The {where} can't be reached: {reason}.",
        permanent=False,
        mend="Wait; it is tried again by itself. If it stays, check the host name and the port.",
    )


def said(answer: str) -> str:
    """A server's words, short and without mail addresses, which don't belong in logs (P39)."""
    words = ["…" if "@" in word else word for word in answer[:400].split()]
    return " ".join(words)[:200]


def _wrong_option(what: str) -> ChannelError:
    return ChannelError(what, permanent=True, mend=f"Correct it: {REPLACE}.")


def _is_loopback(name: str) -> bool:
    if name in LOOPBACK_HOSTS:
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
