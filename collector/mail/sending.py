"""Sending one mail by SMTP, so that it is always known whether it may have left (promise P10)."""

from __future__ import annotations

import contextlib
import re
import smtplib
import ssl
from collections.abc import Iterator
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime

from collector.connector import ChannelError, OutgoingMessage
from collector.mail.server import REFUSED_PASSWORD, REPLACE, TIMEOUT, MailHost, said, unreachable

#: RFC 5322 2.1.1: a line has at most 998 octets, and a word can't be folded.
LONGEST_WORD = 900
#: Folded lines are at most this long (RFC 5322 2.1.1).
LINE_LENGTH = 78
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,900}>")
_HEADER_NAME = re.compile(r"[!-9;-~]{1,60}")
_ADDRESS = re.compile(r"[^\s@<>(),;:\"\\\[\]]{1,64}@[^\s@<>(),;:\"\\\[\]]{1,255}")


class _MailPolicy(EmailPolicy):
    """Folds ASCII headers at spaces only.

    Python's own folding turns a word that fills more than a line into an encoded word, and
    that breaks the long ids of References and the links of List-Unsubscribe.
    """

    def fold_binary(self, name: str, value: str) -> bytes:
        text = str(value)
        if not text.isascii() or "=?" in text:
            return super().fold_binary(name, value)
        words = text.split()
        # The first word stays beside the name: some readers lose a line without content.
        lines = [" ".join([f"{name}:", *words[:1]])]
        for word in words[1:]:
            if len(lines[-1]) + 1 + len(word) > LINE_LENGTH:
                lines.append("")
            lines[-1] += f" {word}"
        return "\r\n".join(lines).encode() + b"\r\n"


def compose(message: OutgoingMessage, *, sender: str, sender_name: str, at: datetime) -> bytes:
    """The mail as bytes for DATA. Raises ChannelError for headers that can't be sent as they are.

    A line break in a header value would let its author add headers (promise P32).
    """
    values = [sender, sender_name, message.recipient, message.message_id, message.subject]
    values += [message.in_reply_to, *message.headers, *message.headers.values()]
    if any(_has_control(value) for value in values):
        raise _refused("A header of this message has a line break or control character.")
    if any(len(word) > LONGEST_WORD for value in values for word in value.split()):
        raise _refused(f"A header of this message has a word over {LONGEST_WORD} characters.")
    for address in (sender, message.recipient):
        if not _ADDRESS.fullmatch(address):
            raise _refused("The sender or recipient of this message is no plain mail address.")
    try:
        return _built(message, sender, sender_name, at).as_bytes()
    except (ValueError, IndexError) as error:
        raise _refused(f"The headers of this message can't be written: {error}.") from error


def _built(message: OutgoingMessage, sender: str, name: str, at: datetime) -> EmailMessage:
    mail = EmailMessage(_MailPolicy(linesep="\r\n"))
    mail["From"] = Address(name, addr_spec=_ascii_address(sender))
    mail["To"] = Address(addr_spec=_ascii_address(message.recipient))
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = message.message_id
    # What a mail without a Message-ID is known by here is no id that others could follow.
    answered = _MESSAGE_ID.match(message.in_reply_to)
    answers = answered.group() if answered else ""
    threading = {"In-Reply-To": answers, "References": answers}
    for header, value in {**threading, **message.headers}.items():
        if not _HEADER_NAME.fullmatch(header):
            raise ValueError(f"'{header}' is no header name")
        if value:
            mail[header] = value
    body = message.body.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    plain = body.isascii() and all(len(line) <= LONGEST_WORD for line in body.split("\n"))
    mail.set_content(body, cte="7bit" if plain else "quoted-printable")
    if message.attachment is not None:
        kind, _, subtype = message.attachment.media_type.partition("/")
        content, file = message.attachment.content.encode(), message.attachment.name
        # As bytes, so that base64 carries it and no line end of it changes: it may be signed.
        mail.add_attachment(content, maintype=kind, subtype=subtype, filename=file)
    return mail


@contextlib.contextmanager
def logged_in(host: MailHost, user: str, secret: str, *, own_domain: str) -> Iterator[smtplib.SMTP]:
    """A connection on which `user` has logged in. Raises ChannelError; nothing was sent then."""
    host.refuse_control_characters(user, secret)
    with contextlib.ExitStack() as cleanup:
        try:
            client = _connected(host, own_domain)
            cleanup.callback(_leave, client)
            if host.security == "starttls":
                client.ehlo()
                if not client.has_extn("starttls"):
                    raise host.no_starttls()
                client.starttls(context=host.tls())
            client.login(user, secret)
        except smtplib.SMTPResponseException as error:
            raise _login_refused(error) from error
        except (smtplib.SMTPServerDisconnected, ssl.SSLError) as error:
            raise unreachable(host, error) from error
        except (smtplib.SMTPException, UnicodeError) as error:
            if isinstance(error, smtplib.SMTPNotSupportedError | UnicodeError):
                what = f"The SMTP server {host.name} accepts no such login on port {host.port}."
            else:
                what = f"The SMTP server {host.name} refused: {said(str(error))}"
            raise ChannelError(
                what,
                permanent=True,
                mend=f"Check the port and how it is secured, then {REPLACE}.",
            ) from error
        except OSError as error:
            raise unreachable(host, error) from error
        yield client


def deliver(client: smtplib.SMTP, mail: bytes, *, sender: str, recipient: str) -> None:
    """Hand the mail over. Raises ChannelError.

    From the first byte of the body on, a broken connection leaves it open whether the mail was
    taken (`delivered_unknown`).
    """
    try:
        _must(client.docmd("MAIL", f"FROM:<{_ascii_address(sender)}>"), "the sender address")
        _must(client.docmd("RCPT", f"TO:<{_ascii_address(recipient)}>"), "the recipient")
        _must(client.docmd("DATA"), "the message", wanted=(354,))
    except (smtplib.SMTPException, OSError) as error:
        raise ChannelError(
            f"The connection to the SMTP server broke before the message: {said(str(error))}",
            permanent=False,
            mend="Wait; it is tried again by itself.",
        ) from error
    try:
        client.send(re.sub(rb"^\.", b"..", mail, flags=re.MULTILINE) + b".\r\n")
        code, text = client.getreply()
        if not 200 <= code < 300:
            _must((code, text), "the message", wanted=())
    except (smtplib.SMTPException, OSError) as error:
        raise ChannelError(
            "The connection to the SMTP server broke while the message was being sent: it may "
            "have arrived.",
            permanent=False,
            mend="Look whether it arrived, then mark it as sent or send it again.",
            delivered_unknown=True,
        ) from error


def _connected(host: MailHost, own_domain: str) -> smtplib.SMTP:
    # Naming ourselves by our mail domain keeps this machine's name private and needs no DNS.
    ours = own_domain if own_domain.isascii() and own_domain else "localhost"
    if host.security == "ssl":
        return smtplib.SMTP_SSL(
            host.name, host.port, local_hostname=ours, timeout=TIMEOUT, context=host.tls()
        )
    return smtplib.SMTP(host.name, host.port, local_hostname=ours, timeout=TIMEOUT)


def _leave(client: smtplib.SMTP) -> None:
    # Whether the message was taken is settled by now: a failing goodbye changes nothing.
    with contextlib.suppress(smtplib.SMTPException, OSError):
        client.quit()
    client.close()


def _must(answer: tuple[int, bytes], what: str, wanted: tuple[int, ...] = (250, 251)) -> None:
    """Raise ChannelError when the server refused; 4yz passes by itself (RFC 5321 4.2.1).

    What is neither agreement nor refusal is as good as a broken connection.
    """
    code, text = answer
    if code in wanted:
        return
    if not 400 <= code < 600:
        raise smtplib.SMTPServerDisconnected(f"unexpected answer {code}")
    raise ChannelError(
        f"The SMTP server refused {what}: {code} {said(text.decode('utf-8', 'replace'))}",
        permanent=code >= 500,
        mend=(
            f"Check {what}; sending it again unchanged will be refused again."
            if code >= 500
            else "Wait; it is tried again by itself."
        ),
    )


def _login_refused(error: smtplib.SMTPResponseException) -> ChannelError:
    code, answer = error.smtp_code, error.smtp_error
    text = said(answer.decode("utf-8", "replace") if isinstance(answer, bytes) else str(answer))
    if not 500 <= code < 600:
        return ChannelError(
            f"The SMTP server can't take a login now: {code} {text}",
            permanent=False,
            mend="Wait; it is tried again by itself.",
        )
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return ChannelError(
            "The SMTP server refused the account's password.",
            permanent=True,
            mend=REFUSED_PASSWORD,
        )
    return ChannelError(
        f"The SMTP server refused the connection: {code} {text}",
        permanent=True,
        mend="Ask your mail provider what is needed to send from here.",
    )


def _has_control(value: str) -> bool:
    return any(ord(character) < 32 or 0x7F <= ord(character) <= 0x9F for character in value)


def _ascii_address(address: str) -> str:
    """The address with its domain as servers name it (IDNA). Raises ValueError."""
    local, _, domain = address.rpartition("@")
    if not local.isascii():
        raise ValueError("the part before the @ has letters that mail servers can't carry")
    return address if domain.isascii() else f"{local}@{domain.encode('idna').decode()}"


def _refused(what: str) -> ChannelError:
    return ChannelError(what, permanent=True, mend="Correct the message; nothing was sent.")
