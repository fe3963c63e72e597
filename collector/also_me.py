"""People who say that another address or handle is theirs too: "I am also @x on Mastodon".

Pure. Finds what their words name and the sentence that says so; whether such a person is known,
and whether it is believed, is for others to say: anyone can claim anything. The words are in
also_me.toml, all languages at once, for people write in any.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from ledger.model import Channel

FILE = Path(__file__).with_name("also_me.toml")
#: More than this nobody claims, and each is looked up.
MOST_NAMED = 5
#: A sentence that is longer than this says more than whose address it is.
MOST_SENTENCE_CHARACTERS = 500
_ADDRESS = r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"
_HANDLE = r"@\w[\w.-]{0,62}(?:@[\w.-]{1,253})?"
_URL = r"https?://[^\s<>\"']{1,300}"
_NAMED = re.compile(
    # In ASCII: where no spaces are between words, they stand right beside it.
    rf"{_URL}|(?<![\w@.+-]){_ADDRESS}|(?<![\w@/.]){_HANDLE}",
    re.ASCII,
)
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s|(?<=[。！？])|\n")
_PLACE = "{}"
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
#: Where a handle is, by the words that people call the place.
_PLACES = {
    Channel.MASTODON: re.compile(r"mastodon|fedi(?:verse)?\b|マストドン|마스토돈|мастодон"),
    Channel.BLUESKY: re.compile(r"bluesky|blue sky|\bbsky\b|ブルースカイ|블루스카이|блюскаи"),
    Channel.X: re.compile(r"twitter|(?<![\w@])x(?![\w.@])|твиттер|ツイッター|트위터|推特|تويتر"),
}
_SITES = {
    "x.com": Channel.X,
    "twitter.com": Channel.X,
    "bsky.app": Channel.BLUESKY,
}


@dataclass(frozen=True)
class Named:
    """An address that somebody calls theirs, in lower case; `channel` None: they don't say where.

    `words` is the sentence that says so, as they wrote it.
    """

    address: str
    channel: Channel | None
    words: str


def named_as_own(text: str) -> list[Named]:
    """The addresses and handles that a text calls its author's own, in order."""
    found: dict[tuple[str, Channel | None], Named] = {}
    for sentence in _sentences(text):
        for match in _NAMED.finditer(sentence):
            around = f"{sentence[: match.start()]} {_PLACE} {sentence[match.end() :]}"
            if len(found) < MOST_NAMED and _says(around, "named"):
                named = _named(match[0].rstrip(".,;:!?)"), around, sentence.strip())
                found.setdefault((named.address, named.channel), named)
    return list(found.values())


def says_it_is_them(text: str) -> str:
    """The sentence by which somebody says that they write from another address; "" for none."""
    return next((one.strip() for one in _sentences(text) if _says(one, "here")), "")


def _sentences(text: str) -> Iterator[str]:
    for sentence in _SENTENCE_END.split(text):
        quoted = sentence.lstrip().startswith((">", "|"))
        if sentence.strip() and not quoted and len(sentence) <= MOST_SENTENCE_CHARACTERS:
            yield sentence


def _named(written: str, around: str, sentence: str) -> Named:
    if written.lower().startswith(("http://", "https://")):
        return _of_profile(written, sentence)
    if not written.startswith("@"):
        return Named(written.lower(), None, sentence)
    plain = _plain(around)
    places = [channel for channel, words in _PLACES.items() if words.search(plain)]
    if "@" in written[1:]:
        return Named(written.lower(), Channel.MASTODON, sentence)
    return Named(written.lower(), places[0] if len(places) == 1 else None, sentence)


def _of_profile(url: str, sentence: str) -> Named:
    """The handle whose page this is: https://social.example/@ada is @ada@social.example."""
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.")
    path = [one for one in parts.path.lower().split("/") if one]
    if host in _SITES and path:
        return Named(f"@{path[-1].lstrip('@')}", _SITES[host], sentence)
    if len(path) == 1 and path[0].startswith("@"):
        return Named(f"{path[0]}@{host}", Channel.MASTODON, sentence)
    return Named(url.lower().rstrip("/"), None, sentence)


def _says(sentence: str, how: str) -> bool:
    spaced = _plain(sentence)
    joined = spaced.replace(" ", "")
    for words in _words().values():
        if any(_has(spaced, joined, one) for one in words["not"]):
            continue
        if any(_has(spaced, joined, one) for one in words[how]):
            return True
    return False


def _has(spaced: str, joined: str, phrase: str) -> bool:
    if _UNSPACED.search(phrase):
        return phrase.replace(" ", "") in joined
    return f" {phrase} " in f" {spaced} "


def _plain(text: str) -> str:
    """Lower case, without accents, and nothing between the words but single spaces."""
    folded = unicodedata.normalize("NFKD", text).casefold().replace("’", "'").replace("ı", "i")
    folded = "".join(
        c
        for c in folded
        if unicodedata.category(c) not in ("Mn", "Cf") or "\u3099" <= c <= "\u309a"
    )
    kept = "".join(c if c.isalnum() or c in "{}'@-" else " " for c in folded)
    return " ".join(unicodedata.normalize("NFC", kept).split())


@cache
def _words() -> dict[str, dict[str, tuple[str, ...]]]:
    known = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {
        lang: {how: tuple(_plain(one) for one in words[how]) for how in ("named", "here", "not")}
        for lang, words in known.items()
    }
