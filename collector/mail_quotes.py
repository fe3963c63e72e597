"""What somebody wrote themselves in a mail: without quoted text, signature and device lines.

Mail carries no mark for who wrote what, only habits of mail programs. The rules here go line
by line, need linear time, and would rather leave a signature standing than lose a word of the
author's; the whole source stays in `IncomingReply.raw`. For languages whose mail programs we
have no examples of, the header patterns of mail-parser-reply come second.
"""

from __future__ import annotations

import re
from functools import cache

from mailparser_reply import EmailMessage as _PatternSource


def _phrases(*rows: str) -> tuple[str, ...]:
    return tuple(phrase for row in rows for phrase in row.split(" | "))


#: "On <date>, <name> wrote:" may be wrapped over this many lines ...
ATTRIBUTION_LINES = 3
#: ... and is never longer than this, in characters.
ATTRIBUTION_LENGTH = 400
#: The patterns of mail-parser-reply take quadratic time: they see no longer text than this,
PATTERN_LENGTH = 4_000
#: and no more of a line.
PATTERN_LINE_LENGTH = 300
#: The others have rules of our own: the library's Polish ones would cut at a line that starts
#: with "Do:", its Korean, Chinese and Japanese ones exclude what they look for.
PATTERN_LANGUAGES = ("cs", "da", "it", "nl", "sv")

#: How an attribution that is wrapped over lines begins.
_STARTS = ("on ", "am ", "le ", "el ", "il ", "op ", "em ", "den ", "dne ", "dnia ", "w dniu ")
_WROTE = re.compile(
    r"\b(?:wrote|schrieb|a écrit|escribió|ha scritto|schreef|escreveu|skrev|napsala?|napisał|"
    r"kirjoitti|пишет|писал)\b|写道|님이 작성"
)
#: What an attribution names and a sentence rarely does: a clock time, or else an address.
_TIME = re.compile(r"\b\d{1,2}[:h.：]\d{2}\b")
_ORIGINAL = frozenset(
    _phrases(
        "original message | forwarded message | begin forwarded message",
        "ursprüngliche nachricht | weitergeleitete nachricht | message d'origine",
        "message original | message d’origine | message transféré | mensaje original",
        "mensaje reenviado | messaggio originale | messaggio inoltrato | mensagem original",
        "mensagem encaminhada | oorspronkelijk bericht | doorgestuurd bericht",
        "oprindelig meddelelse | ursprungligt meddelande | wiadomość oryginalna",
    )
)
_FROM = frozenset(["from", "von", "de", "da", "van", "från", "fra", "od", "от", "发件人"])
_WITH_FROM = frozenset(
    _phrases(
        "sent | date | to | subject | cc | gesendet | datum | an | betreff | enviado",
        "enviado el | enviada | fecha | data | para | asunto | assunto | envoyé | à | objet",
        "inviato | a | oggetto | verzonden | aan | onderwerp | skickat | till | ämne | sendt",
        "til | emne | wysłano | do | temat | reply-to | 发送时间 | 收件人",
    )
)
_DEVICE = _phrases(
    "sent from my | sent from outlook | sent from mail for | sent from yahoo | sent via",
    "get outlook for | gesendet mit der | von meinem iphone gesendet | gesendet von meinem",
    "von meinem ipad gesendet | gesendet von outlook | enviado desde mi | enviado desde outlook",
    "obtener outlook para | envoyé de mon | envoyé depuis mon | envoyé à partir de",
    "télécharger outlook pour | inviato da iphone | inviato dal mio | enviado do meu",
    "verzonden vanaf mijn | sendt fra min | skickat från min | wysłano z",
)
_SIGN_OFFS = frozenset(
    _phrases(
        "best | best regards | best wishes | kind regards | warm regards | regards | cheers",
        "all the best | many thanks | yours sincerely | sincerely | yours",
        "mit freundlichen grüßen | freundliche grüße | viele grüße | liebe grüße | beste grüße",
        "herzliche grüße | mfg | lg | vg | saludos | un saludo | saludos cordiales",
        "atentamente | cordialmente | un abrazo | cordialement | bien cordialement",
        "bien à vous | salutations | cordiali saluti | met vriendelijke groet | groeten",
        "atenciosamente | med venlig hilsen | med vänliga hälsningar | pozdrawiam",
        "z poważaniem",
    )
)
#: A name, a role, a telephone number, an address: no more follows a sign-off.
SIGNATURE_LINES = 6
SIGNATURE_LINE_LENGTH = 80


def own_words(text: str) -> str:
    """The part of a mail's text that its sender wrote for this mail; "" when all is quoted.

    Linear in the length of `text`. Lines keep their wording; runs of blank lines become one.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n").split("\n")
    kept = _without_quotes([line.rstrip() for line in lines])
    kept = _without_signature(_squeeze(kept))
    return _before_known_header("\n".join(kept)).strip()


def _without_quotes(lines: list[str]) -> list[str]:
    """Quoted lines and what announces them are gone; so is all after an unmarked quote."""
    kept: list[str] = []
    for number, line in enumerate(lines):
        if line.startswith((">", "|>")) or line.lstrip().startswith("> "):
            continue
        if _starts_original(lines, number):
            break
        kept.append(line)
        length = _attribution_length(kept) if line.endswith((":", "：")) else 0
        if length:
            del kept[-length:]
            if not _quoted_next(lines, number + 1):
                break
    return kept


def _starts_original(lines: list[str], number: int) -> bool:
    """Whether the text of an earlier mail begins here, as Outlook and forwarding mark it."""
    line = lines[number].strip()
    if line.startswith("--") and line.endswith("--"):
        return line.strip("- ").lower() in _ORIGINAL
    if len(line) >= 30 and not line.strip("_"):
        number = next((n for n in range(number + 1, len(lines)) if lines[n]), number)
    if _field(lines[number]) not in _FROM:
        return False
    following = [_field(other) for other in lines[number + 1 : number + 9] if other.strip()]
    return sum(field in _WITH_FROM for field in following[:4]) >= 2


def _field(line: str) -> str:
    """The name in "*Name:* value", in lower case."""
    name, colon, _ = line[:40].lstrip("* ").partition(":")
    return name.strip("* \xa0").lower() if colon else ""


def _attribution_length(lines: list[str]) -> int:
    """How many lines at the end of `lines` say "On <date>, <name> wrote:"; 0 when none do."""
    alone = _announces(lines[-1:])
    if alone and (_begins(lines[-1]) or _TIME.search(lines[-1])):
        return 1
    for length in range(2, min(ATTRIBUTION_LINES, len(lines)) + 1):
        some = lines[-length:]
        if not some[0].strip():
            break
        if _begins(some[0]) and any(map(_TIME.search, some)) and _announces(some):
            return length
    return int(alone)


def _begins(line: str) -> bool:
    start = line[:20].lstrip().lower()
    return start.startswith(_STARTS) or start[:1].isdigit()


def _announces(lines: list[str]) -> bool:
    """Whether these lines, read as one, name who wrote the quote that follows."""
    if sum(len(line) for line in lines) > ATTRIBUTION_LENGTH:
        return False
    whole = " ".join(lines).lower()
    if "@" in whole and whole.endswith((">:", ">：")):
        return True
    return bool(("@" in whole or _TIME.search(whole)) and _WROTE.search(whole))


def _quoted_next(lines: list[str], number: int) -> bool:
    following = next((line for line in lines[number : number + 4] if line.strip()), "")
    return following.lstrip().startswith(">")


def _squeeze(lines: list[str]) -> list[str]:
    """No blank lines at either end and never two in a row."""
    kept: list[str] = []
    for line in lines:
        if line.strip() or (kept and kept[-1]):
            kept.append(line if line.strip() else "")
    while kept and not kept[-1]:
        kept.pop()
    return kept


def _without_signature(lines: list[str]) -> list[str]:
    """Cut at "-- " (RFC 3676 4.3), and a device line or a sign-off that ends the mail."""
    for number, line in enumerate(lines):
        if number and (line == "--" or (len(line) >= 30 and not line.strip("_"))):
            lines = lines[:number]
            break
    lines = _squeeze(lines)
    if len(lines) > 1 and len(lines[-1]) <= 80 and _bare(lines[-1]).startswith(_DEVICE):
        lines = _squeeze(lines[:-1])
    for number in range(max(1, len(lines) - SIGNATURE_LINES), len(lines)):
        after = lines[number + 1 :]
        if _bare(lines[number]) in _SIGN_OFFS and all(
            len(line) <= SIGNATURE_LINE_LENGTH for line in after
        ):
            return _squeeze(lines[:number])
    return lines


def _bare(line: str) -> str:
    return line[:120].strip(" ,.!-–—*_\xa0").lower()


def _before_known_header(text: str) -> str:
    """What stands before the first quote header that mail-parser-reply knows, if any."""
    if len(text) > PATTERN_LENGTH:
        return text
    lines = [line.strip()[:PATTERN_LINE_LENGTH] for line in text.split("\n")]
    found = _library_headers().search("\n".join(lines))
    if found is None:
        return text
    before = found.string[: found.start()].count("\n")
    # A header may be matched together with the newline in front of it.
    before += found.group().startswith("\n")
    return "\n".join(text.split("\n")[:before])


@cache
def _library_headers() -> re.Pattern[str]:
    source = _PatternSource(text="", languages=list(PATTERN_LANGUAGES), include_english=False)
    pattern: re.Pattern[str] = source.HEADER_REGEX
    return pattern
