"""Hand-written pages: what is read, and what is refused with a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from publisher.pages import MOST_BYTES, HandPage, make_folder, read_pages
from publisher.prose import ProseRenderer
from publisher.report import Refusal


def read(content: Path, *taken: str) -> list[HandPage | Refusal]:
    with ProseRenderer() as prose:
        return list(read_pages(content, frozenset(taken), prose))


def put(content: Path, name: str, text: bytes) -> None:
    (content / "pages").mkdir(parents=True, exist_ok=True)
    (content / "pages" / name).write_bytes(text)


def test_a_new_blog_starts_with_pages_of_its_own(tmp_path: Path) -> None:
    make_folder(tmp_path)
    assert [page.slug for page in read(tmp_path) if isinstance(page, HandPage)] == [
        "about",
        "how-it-works",
        "privacy",
    ]
    about = tmp_path / "pages" / "about.md"
    about.unlink()
    make_folder(tmp_path)
    assert not about.exists()


def test_drafts_and_hidden_files_are_left_out(tmp_path: Path) -> None:
    put(tmp_path, "later.md", b"---\ntitle: Later\ndraft: true\n---\nText.\n")
    put(tmp_path, ".hidden.md", b"Text.\n")
    assert read(tmp_path) == []


def test_a_page_without_front_matter_is_named_after_its_file(tmp_path: Path) -> None:
    put(tmp_path, "who-we-are.md", b"Text.\n")
    assert read(tmp_path) == [HandPage("who-we-are", "Who we are", "<p>Text.</p>")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"---\ntitle: [\n---\nText.\n", "not YAML"),
        (b"---\ntitle: [a, b]\n---\nText.\n", "title is not a text"),
        (b"---\ntitle: \xff\n---\nText.\n", "UTF-8"),
        (b"---\nslug: feed\n---\nText.\n", "/feed/ is taken"),
        (b"---\nslug: home\n---\nText.\n", "/home/ is taken"),
        (b"---\nslug: good\n---\nText.\n", "/good/ is taken"),
        (b"---\nslug: '!!'\n---\nText.\n", "no address"),
        (b"a" * (MOST_BYTES + 1), "too long"),
    ],
)
def test_a_malformed_page_is_refused_and_the_rest_goes_on(
    tmp_path: Path, text: bytes, reason: str
) -> None:
    put(tmp_path, "good.md", b"Text.\n")
    put(tmp_path, "later.md", text)
    good, refused = read(tmp_path, "home")
    assert isinstance(good, HandPage)
    assert isinstance(refused, Refusal)
    assert refused.what == "pages/later.md"
    assert reason in refused.reason
