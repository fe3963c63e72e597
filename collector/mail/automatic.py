"""Mail that no person wrote for us: bounces, automatic replies, lists (RFC 3834, promise P14).

Nothing so recognised is ever answered. When in doubt a mail counts as automatic only by what
programs write and people don't: a header of its own, or a fixed phrase before a colon.
"""

from __future__ import annotations

import re

from collector.mail.structure import Headers

#: Any value of these says so. What sets them: lists (RFC 2369, RFC 2919), Exim's bounces,
#: responders that say it in their own way instead of by Auto-Submitted.
_TELLING = frozenset(
    {"list-id", "list-post", "list-unsubscribe", "x-failed-recipients", "x-autoreply"}
    | {"x-auto-reply", "x-autorespond", "x-autoreply-from", "x-mail-autoreply", "x-away"}
    | {"x-vacation", "x-fc-machinegenerated", "x-ms-exchange-generated-message-source"}
)
_PRECEDENCE = frozenset({"bulk", "list", "junk", "auto_reply"})
#: Exchange asks by this for no answer to its own out-of-office notes ([MS-OXCMAIL] 2.2.3.2.14).
_SUPPRESS = "x-auto-response-suppress"
_SERVERS = frozenset({"mailer-daemon", "mail-daemon", "postmaster"})
_SUBJECTS = re.compile(
    "(?:"
    "automatic reply|auto reply|auto-reply|autoreply|out of office|out of the office"
    "|out of office autoreply|automatische antwort|abwesenheitsnotiz|abwesend"
    "|réponse automatique|absence du bureau|respuesta automática|fuera de la oficina"
    "|resposta automática|risposta automatica|fuori sede|automatisch antwoord|afwezig"
    "|autosvar|automatisk svar|automatiskt svar|automaattinen vastaus|odpowiedź automatyczna"
    "|automatická odpověď|автоответ|自動応答|自动答复|자동 회신"
    ") ?[:：]",
    re.IGNORECASE,
)


def is_server(address: str) -> bool:
    """Whether this is a mail server's own address rather than somebody's."""
    return address.partition("@")[0].lower() in _SERVERS


def is_automatic(headers: Headers, address: str, subject: str) -> bool:
    """Whether a program sent this mail; `address` and `subject` are already decoded."""
    submitted = re.split(r"[;\s(]", headers.first("auto-submitted").lower(), maxsplit=1)[0]
    return (
        submitted not in ("", "no")
        or headers.first("precedence").lower() in _PRECEDENCE
        or headers.first(_SUPPRESS).lower() not in ("", "none")
        or any(headers.all(name) for name in _TELLING)
        or "<>" in headers.all("return-path")
        or is_server(address)
        or headers.mime("text/plain").get_content_type() == "multipart/report"
        or _SUBJECTS.match(subject) is not None
    )
