"""How a quotation is set: the quotation marks of its language, and its direction.

Marks are presentation. They stand around the words and are never part of them: in HTML as
attributes that the style sheet puts out, in Markdown and feeds, which have no style sheet, as
text before and after. The marks are the `quotationStart` and `quotationEnd` of Unicode CLDR 48.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import NamedTuple


class Marks(NamedTuple):
    open: str
    close: str


#: What CLDR gives to languages that have none of their own.
ROOT = Marks("“", "”")
NONE = Marks("", "")
#: Languages whose marks differ from those of the language that they belong to, by their marks.
_BY_MARKS = {
    "„”": "agq bs ff hu nmg pl ro sr szl",
    "«»": "am ast az-arab az-cyrl bas be blo bm br bua ca cv dua dyo el es-us eu ewo fa fr gsw ht "
    "hy ie it jgo kab kk kkj ksf ky lij mg mua mzn nb nn nnh no oc os pms pt-ao pt-ch pt-cv pt-gq "
    "pt-gw pt-lu pt-mo pt-mz pt-pt pt-st pt-tl rm ru rw sah sc sdh sg shi ti tyv uk wae yav zgh",
    "”“": "ar lld ms-arab syr ur",
    "„“": "bg bs-cyrl cs de dsb et hr hsb is ka ksh lb lt luy mk nds prg sgs sk sl",
    "“”": "bm-nkoo ff-adlm",
    "””": "fi he lag rn se sn sv yi",
    "‘’": "fur ia nl ti-er tn",
    "「」": "ja yue zh-hant",
    "»«": "kk-arab ug",
    "“’": "st",
}
_MARKS = {lang: Marks(*pair) for pair, langs in _BY_MARKS.items() for lang in langs.split()}
#: Other names of languages and regions that are written with the marks of a script.
_ALIASES = {"iw": "he", "in": "id", "zh-tw": "zh-hant", "zh-hk": "zh-hant", "zh-mo": "zh-hant"}
#: French sets them off with a narrow space that does not break (U+202F).
_SPACED = "fr"
_ANY_MARK = frozenset("\"'“”„‟«»‹›‘’‚‛「」『』〝〞〟")
_RIGHT_TO_LEFT = frozenset(
    {"ar", "arc", "ckb", "dv", "fa", "he", "iw", "ks", "mzn", "nqo", "pnb", "ps", "sd", "sdh"}
    | {"syr", "ug", "ur", "yi"}
)


def marks_of(words: str, lang: str) -> Marks:
    """The marks around these words; none where they already stand in some of their own.

    >>> marks_of("Zuhören.", "de")
    Marks(open='„', close='“')
    >>> marks_of("“Listening.”", "en")
    Marks(open='', close='')
    """
    first, last, inside = words[:1], words[-1:], words[1:-1]
    around = len(words) > 1 and first in _ANY_MARK and last in _ANY_MARK
    if around and first not in inside and last not in inside:
        return NONE
    return _marks_of(lang)


@lru_cache(maxsize=512)
def _marks_of(lang: str) -> Marks:
    tag = lang.replace("_", "-").lower()
    tag = _ALIASES.get(tag, tag)
    while tag:
        if tag == _SPACED:
            return Marks("«\u202f", "\u202f»")
        if tag in _MARKS:
            return _MARKS[tag]
        tag = tag.rpartition("-")[0]
    return ROOT


def direction_of(words: str, lang: str) -> str:
    """`ltr` or `rtl` where language and letters agree, else `auto`: what was read as a language
    may be another one, and whoever sees the words sees their letters.
    """
    to_left = lang.replace("_", "-").partition("-")[0].lower() in _RIGHT_TO_LEFT
    if not to_left and words.isascii():
        return "ltr"
    has_some = any(unicodedata.bidirectional(c) in {"R", "AL"} for c in words)
    if has_some != to_left:
        return "auto"
    return "rtl" if to_left else "ltr"
