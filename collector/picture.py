"""Fetch the picture of a profile and make it small: what is kept is drawn anew, never copied.

It is a stranger's address and a stranger's file. It is fetched by the rules of safe_fetch (promise
P30); the size that the file states is looked at before anything is unpacked, and what comes out is
a JPEG of our own making: without metadata, other frames, or anything that hid in the file (P32).
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from collector.safe_fetch import FetchedPage, Fetcher
from collector.web_address import FetchError

if TYPE_CHECKING:
    from PIL.Image import Image

#: Width and height of what is kept, in pixels: shown at half of it, sharp on fine screens.
SIDE = 96
#: A picture within 1 MiB can state any size: this many pixels take 48 MB, for a moment.
MOST_PIXELS = 12_000_000
QUALITY = 85
#: By the names of Pillow: its other readers are never asked.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
ACCEPT = "image/jpeg, image/png, image/webp, image/gif;q=0.9"
USER_AGENT = (
    "Definedby (profile picture, at its owner's wish; +https://github.com/definedby/definedby)"
)
WHITE = (255, 255, 255)


#: The rules by which a picture is fetched.
FETCHER = Fetcher(accept=ACCEPT, headers={"User-Agent": USER_AGENT})


def fetch_picture(url: str, fetcher: Fetcher = FETCHER) -> bytes:
    """The picture at this address as a small JPEG; the same file always gives the same bytes.

    Raises FetchError for what is no picture or must not be fetched, and UnreachableError.
    """
    page = fetcher.fetch(url)
    if not 200 <= page.status < 300:
        raise _unusable(url, f"the server answered with status {page.status}")
    if not _states_picture(page):
        raise _unusable(url, "it is no JPEG, PNG, WebP or GIF")
    return made_small(page.body, url)


def made_small(content: bytes, url: str = "") -> bytes:
    """The first frame of a picture, cut to a square, as a JPEG. Raises FetchError."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
            width, height = opened.size
            if not 0 < width * height <= MOST_PIXELS:
                raise _unusable(url, f"it has {width} x {height} pixels")
            small = _small(opened)
        made = io.BytesIO()
        small.save(made, "JPEG", quality=QUALITY, optimize=True)
    except FetchError:
        raise
    except Exception as error:  # a file made to do harm can make a reader raise anything
        raise _unusable(url, "it can't be read as a picture") from error
    return made.getvalue()


def _small(opened: Image) -> Image:
    from PIL import Image, ImageOps

    # A JPEG can be unpacked at a fraction of its size right away.
    opened.draft("RGB", (2 * SIDE, 2 * SIDE))
    upright = ImageOps.exif_transpose(opened)
    clear = upright.convert("RGBA")
    cut = ImageOps.fit(clear, (SIDE, SIDE), Image.Resampling.LANCZOS)
    # JPEG has no transparency: what shows through is white, in the dark as well.
    ground = Image.new("RGB", cut.size, WHITE)
    ground.paste(cut, mask=cut.getchannel("A"))
    return ground


def _states_picture(page: FetchedPage) -> bool:
    kind = page.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind in {"image/jpeg", "image/png", "image/webp", "image/gif"}


def _unusable(url: str, reason: str) -> FetchError:
    return FetchError(
        f"The picture {url[:200]} is not used: {reason}.",
        "Give the profile another picture, or do without it.",
    )
