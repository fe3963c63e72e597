"""What somebody wrote themselves in a mail: without quoted text, signature and device lines.

The rules are those by which replies are read (`collector.reading.own_text`), in all languages
that we have words of, since the language of a mail isn't known yet. They would rather leave a
signature standing than lose a word of the author's; the whole source stays in
`IncomingReply.raw`. For headers that they miss, the patterns of mail-parser-reply come second.
"""

from __future__ import annotations

import re
from functools import cache

from mailparser_reply import EmailMessage as _PatternSource

from collector.reading.lexicon import Lexicon, languages, lexicon_of
from collector.reading.own_text import mark_own
from collector.reading.tokens import words_of

#: The patterns of mail-parser-reply take quadratic time: they see no longer text than this,
PATTERN_LENGTH = 4_000
#: and no more of a line.
PATTERN_LINE_LENGTH = 300
#: The others have rules of our own: the library's Polish ones would cut at a line that starts
#: with "Do:", its Korean, Chinese and Japanese ones exclude what they look for.
PATTERN_LANGUAGES = ("cs", "da", "it", "nl", "sv")
#: A name, a role, a telephone number, an address: no more follows a sign-off.
SIGNATURE_LINES = 6
SIGNATURE_LINE_LENGTH = 80
#: A sign-off has no more words than this; CJK counts characters.
SIGN_OFF_WORDS = 12
NAME_WORDS = 4


def own_words(text: str) -> str:
    """The part of a mail's text that its sender wrote for this mail; "" when all is quoted.

    Linear in the length of `text`. Lines keep their wording; runs of blank lines become one.
    """
    plain = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n")
    kept = [
        plain[line.start : line.end].rstrip()
        for line in mark_own(plain, _all_words(), cautious=True)
        if line.is_own
    ]
    kept = _without_sign_off(_squeeze(kept))
    return _before_known_header("\n".join(kept)).strip()


@cache
def _all_words() -> Lexicon:
    return lexicon_of("en", *languages())


def _squeeze(lines: list[str]) -> list[str]:
    """No blank lines at either end and never two in a row."""
    kept: list[str] = []
    for line in lines:
        if line.strip() or (kept and kept[-1]):
            kept.append(line if line.strip() else "")
    while kept and not kept[-1]:
        kept.pop()
    return kept


def _without_sign_off(lines: list[str]) -> list[str]:
    """Cut at a line that is but a sign-off, near the end of the mail."""
    for number in range(max(1, len(lines) - SIGNATURE_LINES), len(lines)):
        after = lines[number + 1 :]
        words = _sign_off(lines[number])
        if not words or any(len(line) > SIGNATURE_LINE_LENGTH for line in after):
            continue
        if words > 1 or (not lines[number - 1] and _is_name(after)):
            return _squeeze(lines[:number])
    return lines


def _sign_off(line: str) -> int:
    """How many words a line has that says but good-bye; 0 for any other."""
    words = words_of(line[:SIGNATURE_LINE_LENGTH])
    if not 0 < len(words) <= SIGN_OFF_WORDS or len(line) > SIGNATURE_LINE_LENGTH:
        return 0
    hits = _all_words().hits(words, 0, len(words))
    whole = any(h.section == "closing" and h.start == 0 and h.end == len(words) for h in hits)
    return len(words) if whole else 0


def _is_name(lines: list[str]) -> bool:
    """Whether the next words could be a name: a single word like "love" may end a thought."""
    said = next((line for line in lines if line), "")
    return bool(said) and len(said.split()) <= NAME_WORDS and not said[0].islower()


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
