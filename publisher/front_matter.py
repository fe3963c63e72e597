"""Values of front matter for readers of YAML, and for those who read each line as it stands.

Pelican takes what follows "key:" as the value, quotes and all, and its themes put it into HTML
unescaped. So a value has no quotes wherever YAML can do without them; and where it needs them,
nothing in it could become markup to whoever does not decode it (promise P28).
"""

from __future__ import annotations

import re

from publisher.escaping import yaml_string

#: YAML 1.1 (types bool and null) reads these as something other than text.
_NOT_TEXT = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
#: What neither YAML gives a meaning to, in the middle of a plain scalar, nor HTML in an attribute.
_PLAIN = re.compile(r"[^\W_][^\"#&:;<=>\[\\\]`{|}]*(?<![ -])")
_ADDRESS = re.compile(r"https?://[^\s\"'<>`\\{|}]*[^\s\"'<>`\\{|}:]")


def yaml_scalar(text: str) -> str:
    """The text as YAML 1.1 and 1.2, without quotes where it can be."""
    if _ADDRESS.fullmatch(text) and text.isascii():
        return text
    return text if _is_plain(text) else yaml_string(text)


def _is_plain(text: str) -> bool:
    if not (_PLAIN.fullmatch(text) and text.isprintable()) or text.casefold() in _NOT_TEXT:
        return False
    # Numbers and dates never hold two letters in a row; "0xab" does.
    return text[0].isalpha() or (text[0] != "0" and bool(re.search(r"[^\W\d_]{2}", text)))
