"""Made-up profile pictures, and people who have chosen to show one."""

from __future__ import annotations

import io
from dataclasses import replace

from PIL import Image

from collector.picture import made_small
from ledger.database import Ledger
from ledger.model import Credit, Definition
from ledger.pictures import keep_picture

WHERE = "https://social.example/ada.png"


def picture_file(
    colour: str = "teal", size: tuple[int, int] = (200, 120), kind: str = "PNG"
) -> bytes:
    """A file as a platform would serve it."""
    made = io.BytesIO()
    Image.new("RGB", size, colour).save(made, kind)
    return made.getvalue()


def pictured(
    ledger: Ledger, definition: Definition, credit: Credit, colour: str = "teal"
) -> Credit:
    """The credit with a picture that is kept for the definition's author."""
    content = made_small(picture_file(colour))
    with ledger.write() as connection:
        name = keep_picture(
            connection, ledger.keys, definition.contributor_id, WHERE, content, ledger.clock()
        )
    return replace(credit, picture=name)
