"""A real mail server: Dovecot (IMAP, submission, LMTP) in front of OpenSMTPD, on loopback.

A message goes client -> Dovecot submission (with a password) -> OpenSMTPD -> LMTP -> Maildir,
and is read back by IMAP. Every user of `DOMAIN` exists and has the password `PASSWORD`.
OpenSMTPD has its spool and its control socket compiled in, so each instance runs in a mount
namespace of its own; that and switching users is why the tests need root here.
"""

from __future__ import annotations

import contextlib
import imaplib
import itertools
import os
import random
import shutil
import smtplib
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from pathlib import Path

DOMAIN = "sample.example"
#: Taken and passed on like mail for a far server; Dovecot there knows nobody with a "!" in the
#: name and says so for good, so that OpenSMTPD sends a real bounce to the sender.
FAR_DOMAIN = "far-server.example"
PASSWORD = "seven-quiet-herons"  # an invented one, for these throw-away mailboxes only
START_SECONDS = 20.0
PORT_NAMES = ("imap", "imaps", "lmtp", "submission", "submissions", "smtp")

DOVECOT = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap lmtp submission
listen = 127.0.0.1
hostname = mail.{domain}
first_valid_uid = 1
mail_uid = mail
mail_gid = mail
mail_location = maildir:~/Maildir
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_username_format = %Lu
auth_failure_delay = 0
ssl = yes
ssl_cert = <{folder}/server.pem
ssl_key = <{folder}/server.key
submission_relay_host = 127.0.0.1
submission_relay_port = {smtp}
submission_relay_trusted = yes
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={folder}/mail/%Ln allow_all_users=yes
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
service submission-login {{
  chroot =
  inet_listener submission {{
    port = {submission}
  }}
  inet_listener submissions {{
    port = {submissions}
    ssl = yes
  }}
}}
"""

OPENSMTPD = """\
listen on 127.0.0.1 port {smtp} hostname mail.{domain}
table virtuals {{ "@{domain}" = "mail" }}
action "in" lmtp "127.0.0.1:{lmtp}" rcpt-to virtual <virtuals>
match from any for domain "{domain}" action "in"
action "on" relay host "lmtp://127.0.0.1:{lmtp}"
match from any for domain "{far_domain}" action "on"
"""


def why_unavailable() -> str:
    """Why no mail server can be started here; empty when one can."""
    if os.geteuid() != 0:
        return "the mail server needs root: it switches to the users 'mail' and 'dovecot'"
    for program in ("dovecot", "smtpd", "unshare", "setpriv", "openssl"):
        if shutil.which(program, path=_path()) is None:
            return (
                f"'{program}' is missing: install dovecot-imapd, dovecot-lmtpd, "
                "dovecot-submissiond, opensmtpd, util-linux and openssl"
            )
    tried = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "true"], capture_output=True, text=True
    )
    return f"no mount namespace is allowed here: {tried.stderr}" if tried.returncode else ""


@dataclass(frozen=True)
class StoredMail:
    """One message as it lies in a mailbox."""

    uid: int
    flags: tuple[str, ...]
    raw: bytes


class MailServer:
    """Dovecot and OpenSMTPD in a temporary folder; use as a context manager or start and stop."""

    password = PASSWORD
    domain = DOMAIN
    host = "127.0.0.1"

    def __init__(self) -> None:
        self.ports = dict.fromkeys(PORT_NAMES, 0)
        self._folder = Path()
        self._filled = itertools.count()
        self._dovecot: subprocess.Popen[bytes] | None = None
        self._opensmtpd: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> MailServer:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    @property
    def imap_port(self) -> int:
        """IMAP without TLS; STARTTLS is offered."""
        return self.ports["imap"]

    @property
    def submission_port(self) -> int:
        """SMTP that wants a login; STARTTLS is offered."""
        return self.ports["submission"]

    @property
    def smtp_port(self) -> int:
        """SMTP as other servers speak it: takes mail for `DOMAIN` without a login."""
        return self.ports["smtp"]

    @property
    def certificate(self) -> Path:
        """The self-signed certificate for 'localhost' and 127.0.0.1."""
        return self._folder / "server.pem"

    @property
    def log(self) -> str:
        return "\n".join(
            path.read_text(errors="replace") for path in sorted(self._folder.glob("*.log"))
        )

    def address(self, name: str) -> str:
        return f"{name}@{DOMAIN}"

    def options(self, name: str) -> dict[str, object]:
        """Account options with which our e-mail connector reads and sends as `name`."""
        return {
            "imap_host": self.host,
            "imap_port": self.imap_port,
            "imap_security": "none",
            "smtp_host": self.host,
            "smtp_port": self.submission_port,
            "smtp_security": "none",
            "user": self.address(name),
            "address": self.address(name),
            "sender_name": name.title(),
        }

    def start(self) -> None:
        # Not under pytest's own temporary folder: that is closed to the users we switch to.
        self._folder = Path(tempfile.mkdtemp(prefix="definedby-mail-"))
        self._folder.chmod(0o711)
        for name, owner in (("mail", "mail"), ("spool/smtpd", "root")):
            (self._folder / name).mkdir(parents=True)
            shutil.chown(self._folder / name, owner, owner)
            (self._folder / name).chmod(0o711)
        _make_certificate(self._folder)
        try:
            self._start_on_free_ports()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        self.stop_imap()
        self._opensmtpd = _end(self._opensmtpd)
        shutil.rmtree(self._folder, ignore_errors=True)

    def start_imap(self) -> None:
        """Start Dovecot: IMAP, submission and the last hop of delivery."""
        command = ["dovecot", "-F", "-c", str(self._folder / "dovecot.conf")]
        self._dovecot = self._spawn("dovecot.out.log", command)
        self._wait_for(self._dovecot, ("imap", "imaps", "lmtp", "submission", "submissions"))

    def stop_imap(self) -> None:
        self._dovecot = _end(self._dovecot)

    def deliver(
        self, message: bytes | EmailMessage, *, to: str, sender: str = "ada@far.example"
    ) -> None:
        """Send to `to` as a foreign server would; returns when it lies in the mailbox.

        OpenSMTPD adds a Message-ID and a Date where they are missing; `append` adds nothing.
        `sender` is the envelope's return path; empty for a bounce.
        """
        before = len(self.mailbox(to))
        raw = message if isinstance(message, bytes) else message.as_bytes(policy=SMTP_POLICY)
        with smtplib.SMTP(self.host, self.smtp_port, timeout=20) as client:
            client.sendmail(sender, [to], raw)
        self.wait_for_mail(to, before + 1)

    def append(self, user: str, raw: bytes, *, folder: str = "INBOX", flags: str = "") -> None:
        """Put the bytes into the mailbox as they are (IMAP APPEND)."""
        with self.imap(user) as client:
            _checked(client.append(folder, flags, "", raw))

    def fill(self, user: str, mails: Iterable[bytes]) -> None:
        """Put many messages into the inbox at once, in this order, as files of its Maildir.

        Ten thousand calls of `append` take minutes.
        """
        with self.imap(user) as client:
            _checked(client.select("INBOX"))
        maildir = self._inbox(user) / "new"
        for raw in mails:
            number = next(self._filled)
            path = maildir / f"{1_700_000_000 + number}.M{number:06}.fill"
            path.write_bytes(raw)
            shutil.chown(path, "mail", "mail")

    def mailbox(self, user: str, folder: str = "INBOX") -> list[StoredMail]:
        """All messages, oldest first, read without touching their flags."""
        with self.imap(user) as client:
            count = int(_checked(client.select(folder, readonly=True))[0])
            if not count:
                return []
            answer = _checked(client.fetch("1:*", "(UID FLAGS BODY.PEEK[])"))
        return [_stored(item[0], item[1]) for item in answer if isinstance(item, tuple)]

    def wait_for_mail(self, user: str, count: int, seconds: float = 20) -> list[StoredMail]:
        """The mailbox, once it holds `count` messages. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = self.mailbox(user)
            if len(found) >= count:
                return found
            time.sleep(0.05)
        raise TimeoutError(f"{count} messages for {user} did not arrive:\n{self.log}")

    def uidvalidity(self, user: str, folder: str = "INBOX") -> int:
        with self.imap(user) as client:
            _checked(client.select(folder, readonly=True))
            return int(client.response("UIDVALIDITY")[1][0])

    def connections(self, user: str) -> int:
        """How many IMAP connections of this user the server holds right now."""
        command = ["doveadm", "-c", str(self._folder / "dovecot.conf"), "who", "-1"]
        listed = subprocess.run(
            command, capture_output=True, text=True, env={**os.environ, "PATH": _path()}
        )
        # Its users log in by address or by name alone, and it lists what they said.
        rows = [line.split() for line in listed.stdout.splitlines()]
        return sum(row[0].partition("@")[0] == user and row[1] == "imap" for row in rows if row)

    def recreate_mailbox(self, user: str) -> None:
        """The same messages under a new UIDVALIDITY and new UIDs, as after a server move."""
        before, messages = self.uidvalidity(user), self.mailbox(user)
        # UIDVALIDITY is a time in whole seconds: within the same second it would not change.
        while int(time.time()) <= before:
            time.sleep(0.05)
        shutil.rmtree(self._folder / "mail" / user.partition("@")[0])
        for message in reversed(messages):
            kept = [flag for flag in message.flags if flag != "\\Recent"]
            self.append(user, message.raw, flags=" ".join(kept))
        assert self.uidvalidity(user) != before

    def move(self, user: str) -> None:
        """The inbox as after a move to another server: newest first, under a new UIDVALIDITY."""
        before, inbox = self.uidvalidity(user), self._inbox(user)
        files = [path for part in ("cur", "new") for path in (inbox / part).iterdir()]
        files.sort(key=lambda path: path.name, reverse=True)
        mails = [path.read_bytes() for path in files]
        # UIDVALIDITY is a time in whole seconds: within the same second it would not change.
        while int(time.time()) <= before:
            time.sleep(0.05)
        shutil.rmtree(inbox)
        self.fill(user, mails)
        assert self.uidvalidity(user) != before

    def _inbox(self, user: str) -> Path:
        return self._folder / "mail" / user / "Maildir"

    @contextlib.contextmanager
    def imap(self, user: str) -> Iterator[imaplib.IMAP4]:
        """A plain IMAP session of `user`, independent of the code under test."""
        with imaplib.IMAP4(self.host, self.imap_port, timeout=20) as client:
            client.login(user, PASSWORD)
            yield client

    def _start_on_free_ports(self) -> None:
        for attempt in range(5):
            self.ports = dict(zip(PORT_NAMES, free_ports(len(PORT_NAMES)), strict=True))
            given = {**self.ports, "folder": self._folder, "password": PASSWORD}
            given |= {"domain": DOMAIN, "far_domain": FAR_DOMAIN}
            (self._folder / "dovecot.conf").write_text(DOVECOT.format(**given))
            (self._folder / "smtpd.conf").write_text(OPENSMTPD.format(**given))
            try:
                self._start_opensmtpd()
                self.start_imap()
            except ChildProcessError:
                # Somebody took one of the ports between our look and the start.
                self._opensmtpd = _end(self._opensmtpd)
                self.stop_imap()
                if attempt == 4:
                    raise
            else:
                return

    def _start_opensmtpd(self) -> None:
        script = (
            'mount -t tmpfs none /run && mount --bind "$0/spool" /var/spool'
            ' && exec smtpd -d -f "$0/smtpd.conf"'
        )
        namespace = ["unshare", "--mount", "--propagation", "private"]
        self._opensmtpd = self._spawn(
            "smtpd.log", [*namespace, "sh", "-c", script, str(self._folder)]
        )
        self._wait_for(self._opensmtpd, ("smtp",))

    def _spawn(self, log: str, command: list[str]) -> subprocess.Popen[bytes]:
        with (self._folder / log).open("ab") as output:
            return subprocess.Popen(
                # Ends with us even when the test run is killed.
                ["setpriv", "--pdeathsig", "TERM", *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PATH": _path()},
                cwd="/",
            )

    def _wait_for(self, process: subprocess.Popen[bytes], names: tuple[str, ...]) -> None:
        deadline = time.monotonic() + START_SECONDS
        for name in names:
            while not _answers(self.ports[name]):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise ChildProcessError(f"the mail server did not start:\n{self.log}")
                time.sleep(0.02)


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on, below the range from which the system takes its own."""
    found: list[int] = []
    with contextlib.ExitStack() as held:
        for port in random.sample(range(20000, 32000), 200):
            probe = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                found.append(port)
            if len(found) == count:
                return found
    raise OSError("no free ports on 127.0.0.1")


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def _end(process: subprocess.Popen[bytes] | None) -> None:
    if process is None:
        return
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)


def _make_certificate(folder: Path) -> None:
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
        " -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1"
        " -keyout server.key -out server.pem"
    )
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)


def _path() -> str:
    return os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def _checked(answer: tuple[str, list]) -> list:
    status, lines = answer
    if status != "OK":
        raise AssertionError(f"IMAP said {status}: {lines}")
    return lines


def _stored(head: bytes, raw: bytes) -> StoredMail:
    words = head.decode().replace("(", " ( ").replace(")", " ) ").split()
    flags = words[words.index("FLAGS") + 2 :]
    return StoredMail(
        uid=int(words[words.index("UID") + 1]),
        flags=tuple(flags[: flags.index(")")]),
        raw=raw,
    )
