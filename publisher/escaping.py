"""A contributor's words as text in other formats: Markdown, YAML and addresses.

Nothing here rewords: whoever reads the Markdown or the YAML gets the same characters back.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote, urlsplit

from ledger.model import UNSHOWABLE

#: Left as they are in Markdown at the end of a word.
_ENDS = frozenset(",;?!")
_MARKUP = frozenset("\"\\&'<=>[`")
_MENDED_URL = "/?:@!$&*+,;=%~-._#"


def showable(text: str) -> bool:
    """Whether every character can stand in HTML and XML (XML 1.0, production 2) as itself."""
    return UNSHOWABLE.search(text) is None


def markdown_line(line: str) -> str:
    """One line as Markdown that every dialect shows as exactly these characters.

    Significant characters become numeric references rather than backslash escapes: dialects
    disagree on what a backslash escapes, typographers (kramdown, goldmark, SmartyPants) turn
    quotes and dots into others, and Liquid and Hugo look for braces before Markdown is read.
    """
    first_space = line.find(" ")
    return "".join(
        # In the first word of a line, "iii." and "1-" could begin a list.
        c if _harmless(line, place, in_text=-1 < first_space < place) else f"&#{ord(c)};"
        for place, c in enumerate(line)
    )


def _harmless(line: str, place: int, *, in_text: bool) -> bool:
    """Whether no dialect gives the character a meaning where it stands."""
    c = line[place]
    before, after = line[place - 1 : place], line[place + 1 : place + 2]
    if c.isalnum() or not (c.isascii() or c.isspace()):
        return True
    if c == " ":
        return before not in {"", " "} and after not in {"", " "}
    if c in _ENDS:  # two in a row are a typographer's
        return before.isalnum() and after in {"", " "}
    if c == ".":
        return in_text and before.isalpha() and after in {"", " "}
    return c == "-" and in_text and before.isalpha() and after.isalpha()


def markdown_quote(words: str, marks: tuple[str, str] = ("", "")) -> str:
    """The words as a Markdown blockquote, between these quotation marks, which no dialect reads.

    Line breaks stay, runs of empty lines become one.
    """
    paragraphs = re.split(r"\n(?:[^\S\n]*\n)+", words)
    before, after = marks
    quoted = "\n>\n".join(
        "  \n".join("> " + markdown_line(line) for line in paragraph.split("\n"))
        for paragraph in paragraphs
    )
    return f"> {before}{quoted[2:]}{after}"


def markdown_paragraphs(text: str) -> str:
    """A text as Markdown paragraphs; line breaks stay, runs of empty lines become one."""
    return "\n\n".join(
        "  \n".join(markdown_line(line) for line in paragraph.split("\n"))
        for paragraph in re.split(r"\n(?:[^\S\n]*\n)+", text)
    )


def yaml_string(text: str) -> str:
    """The text as a double-quoted YAML scalar (YAML 1.1, 5.1 and 5.7), also read as YAML 1.2.

    What means something in HTML or makes a link is escaped: not every reader of front matter
    reads YAML.
    """
    plain = text.isascii() and text.isprintable() and _MARKUP.isdisjoint(text)
    inner = text if plain else "".join(map(_yaml_character, text))
    return f'"{inner}"'


def _yaml_character(c: str) -> str:
    if c in _MARKUP:
        return f"\\u{ord(c):04x}"
    if c == "\n":
        return "\\n"
    point = ord(c)
    if unicodedata.category(c) in {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}:
        return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"
    return c


def web_address(url: str) -> str:
    """The address percent-encoded (RFC 3986) if it is one of the web, else nothing."""
    url = url.strip()
    try:
        parts = urlsplit(url)
        if parts.scheme.lower() not in {"http", "https"} or not parts.hostname or parts.username:
            return ""
        host = parts.netloc.encode("idna").decode() if not parts.netloc.isascii() else parts.netloc
    except (ValueError, UnicodeError):
        return ""
    if not re.fullmatch(r"[A-Za-z0-9.\-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?", host):
        return ""
    rest = url.split("//", 1)[1][len(parts.netloc) :]
    return f"{parts.scheme.lower()}://{host}{quote(rest, safe=_MENDED_URL)}"
