"""A stranger's picture comes out small, still, bare and the same each time, or not at all (P32)."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image, PngImagePlugin

from collector.bluesky.posts import read_post
from collector.mastodon.posts import Home, read_status
from collector.picture import MOST_PIXELS, SIDE, made_small
from collector.web_address import FetchError
from collector.webmention.page import read_page
from collector.x.posts import read_posts
from ledger.model import IncomingReply
from tests.pictures import picture_file

SECRET = b"qzx at 52.5200, 13.4050"


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
@pytest.mark.parametrize("size", [(300, 200), (1, 1), (20, 900), (96, 96)])
def test_p32_every_kind_and_size_becomes_one_small_jpeg(kind: str, size: tuple[int, int]) -> None:
    file = picture_file("red", size, kind)
    made = made_small(file)
    picture = opened(made)
    assert (picture.format, picture.size, picture.mode) == ("JPEG", (SIDE, SIDE), "RGB")
    red, green, blue = picture.getpixel((SIDE // 2, SIDE // 2))
    assert red > 240
    assert max(green, blue) < 20
    assert made == made_small(file)
    assert len(made) < 20_000


def test_p32_nothing_of_the_file_but_its_look_is_kept() -> None:
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    about = PngImagePlugin.PngInfo()
    about.add_text("Comment", SECRET.decode())
    ground = Image.new("RGB", (120, 120), "teal")
    for kind, more in (
        ("JPEG", {"exif": exif, "comment": SECRET, "icc_profile": SECRET}),
        ("PNG", {"pnginfo": about, "exif": exif}),
        ("WEBP", {"exif": exif, "xmp": SECRET}),
    ):
        file = io.BytesIO()
        ground.save(file, kind, **more)
        content = file.getvalue() + SECRET
        assert SECRET in content
        made = made_small(content)
        assert SECRET not in made
        assert dict(opened(made).getexif()) == {}


def test_p32_a_picture_stands_as_its_camera_held_it_and_shows_white_through() -> None:
    lying = Image.new("RGB", (100, 100), "blue")
    lying.paste((255, 0, 0), (0, 0, 100, 50))
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    file = io.BytesIO()
    lying.save(file, "JPEG", exif=exif)
    made = opened(made_small(file.getvalue()))
    assert made.getpixel((SIDE // 2, 5))[2] > 200, "the blue half is above now"

    clear = io.BytesIO()
    Image.new("RGBA", (50, 50), (0, 0, 0, 0)).save(clear, "PNG")
    assert opened(made_small(clear.getvalue())).getpixel((9, 9)) == (255, 255, 255)


def test_p32_of_a_moving_picture_the_first_frame_is_kept() -> None:
    file = io.BytesIO()
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue")]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=50)
    made = opened(made_small(file.getvalue()))
    assert made.getpixel((9, 9))[0] > 240
    assert getattr(made, "n_frames", 1) == 1


def bomb(width: int, height: int) -> bytes:
    """A PNG that states a size, and holds next to nothing."""
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0" * 1000)),
        (b"IEND", b""),
    )
    chunks = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        b"\x89PNG\r\n\x1a\n",
        picture_file()[:90],
        picture_file(kind="JPEG")[:300],
        picture_file(kind="BMP"),
        picture_file(kind="TIFF"),
        picture_file(kind="ICO", size=(32, 32)),
        bomb(4000, MOST_PIXELS // 4000 + 1),
        bomb(60_000, 60_000),
        bomb(2**31 - 1, 2**31 - 1),
        bomb(100, 100),
    ],
)
def test_p32_what_is_no_picture_or_a_bomb_is_refused(content: bytes) -> None:
    with pytest.raises(FetchError, match="is not used"):
        made_small(content, "https://social.example/a.png")


def test_p32_the_stated_size_is_looked_at_before_anything_is_unpacked() -> None:
    with pytest.raises(FetchError, match="4000 x 3001 pixels"):
        made_small(bomb(4_000, 3_001))


# ------------------------------------------------------------- where profiles show one
def x_picture(url: object) -> str:
    user = {"id": "7", "name": "Ada", "username": "ada_example", "profile_image_url": url}
    post = {"id": "99", "author_id": "7", "text": "Courage is asking"}
    answer = {"data": [post], "includes": {"users": [user]}}
    (item,) = read_posts(answer, "1", 0).items
    return item.reply.author_picture


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("https://img.example/1/ada_normal.jpg", "https://img.example/1/ada_bigger.jpg"),
        (
            "https://img.example/1/ada_normal_normal.png",
            "https://img.example/1/ada_normal_bigger.png",
        ),
        ("https://img.example/1/ada.png", "https://img.example/1/ada.png"),
        ("https://img.example/default_profile_images/default_profile_normal.png", ""),
        (None, ""),
        (["https://img.example/"], ""),
    ],
)
def test_the_picture_of_a_profile_on_x(url: object, wanted: str) -> None:
    assert x_picture(url) == wanted


@pytest.mark.parametrize(
    ("stated", "wanted"),
    [
        (
            {"avatar": "https://far.example/a.gif", "avatar_static": "https://far.example/a.png"},
            "a.png",
        ),
        ({"avatar": "https://far.example/a.gif"}, "a.gif"),
        ({"avatar": "https://far.example/avatars/original/missing.png"}, ""),
        ({"avatar": "javascript:alert(1)"}, ""),
        ({}, ""),
    ],
)
def test_the_picture_of_a_profile_on_mastodon(stated: dict[str, str], wanted: str) -> None:
    account = {"id": "2", "acct": "ada@far.example", "username": "ada", **stated}
    status = {
        "id": "109",
        "created_at": "2026-01-05T11:00:00.000Z",
        "visibility": "public",
        "content": "<p>asking</p>",
        "account": account,
    }
    found = read_status(status, Home("1", lambda: "home.example"))
    assert isinstance(found, IncomingReply)
    assert found.author_picture.rpartition("/")[2] == wanted


def test_the_picture_of_a_profile_on_bluesky() -> None:
    uri = "at://did:plc:ada/app.bsky.feed.post/3k"
    author = {"did": "did:plc:ada", "handle": "ada.example", "avatar": "https://cdn.example/a.jpg"}
    post = {"uri": uri, "cid": "c", "author": author, "record": {"text": "asking"}}
    assert read_post(post).author_picture == "https://cdn.example/a.jpg"
    del author["avatar"]
    assert read_post(post).author_picture == ""


@pytest.mark.parametrize(
    ("photo", "wanted"),
    [
        ('<img class="u-photo" src="/ada.png">', "https://ada.example/ada.png"),
        ('<img class="u-photo" src="/ada.png" alt="Ada, laughing">', "https://ada.example/ada.png"),
        ('<img class="u-photo" src="data:image/png;base64,AAAA">', ""),
        ('<a class="u-photo" href="javascript:alert(1)">x</a>', ""),
        ("", ""),
    ],
)
def test_the_picture_of_the_author_of_a_page(photo: str, wanted: str) -> None:
    page = f"""<article class="h-entry"><p class="e-content">asking first</p>
    <a class="u-in-reply-to" href="https://blog.example/">the question</a>
    <span class="p-author h-card"><a class="u-url p-name" href="/">Ada</a>{photo}</span>
    </article>"""
    found = read_page(
        page.encode(), url="https://ada.example/post", targets=["https://blog.example/"]
    )
    assert (found.author_name, found.author_picture) == ("Ada", wanted)
