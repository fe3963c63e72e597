"""Hand-written pages: content/pages/*.md with front matter (title, slug, draft)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup
from slugify import slugify

from ledger.campaigns import RESERVED_SLUGS
from ledger.errors import DefinedbyError
from ledger.etiquette import promises
from publisher.files import TEMPORARY
from publisher.prose import MOST_CHARACTERS, ProseRenderer
from publisher.report import Refusal
from publisher.site.sources import PAGES as FOLDER
from publisher.site.sources import page_files
from publisher.theme import ROOT

#: A line of its own in a page, where the rules of etiquette are to stand.
PROMISES = "[how we ask]"
STARTERS = ROOT / "content" / "pages"
#: Pages may be called "about"; campaigns may not.
TAKEN = (RESERVED_SLUGS - {"about"}) | {"assets"}
#: Front matter and text; four bytes is the longest a character gets in UTF-8.
MOST_BYTES = 4 * MOST_CHARACTERS + 10_000


@dataclass(frozen=True)
class HandPage:
    slug: str
    title: str
    html: Markup


def make_folder(content: Path) -> None:
    """Start with the pages that every blog of this kind needs. Raises OSError."""
    folder = content / FOLDER
    if folder.exists():
        return
    aside = content / f"{TEMPORARY}pages"
    shutil.rmtree(aside, ignore_errors=True)
    content.mkdir(parents=True, exist_ok=True)
    if STARTERS.is_dir():
        shutil.copytree(STARTERS, aside, copy_function=shutil.copyfile)
    else:
        aside.mkdir()
    aside.rename(folder)


def read_pages(
    content: Path, taken: frozenset[str], prose: ProseRenderer
) -> Iterator[HandPage | Refusal]:
    """Every page that is no draft, in order of its file's name; what can't be used is refused.

    `taken` are the addresses of campaigns.
    """
    used: set[str] = set()
    for path in page_files(content):
        try:
            page = _read(path, prose)
            if page is None:
                continue
            if page.slug in TAKEN | taken | used:
                raise DefinedbyError(
                    f"The address /{page.slug}/ is taken.", "Give it another slug."
                )
        except DefinedbyError as error:
            yield Refusal(f"{FOLDER}/{path.name}", error.what, error.next_step)
            continue
        used.add(page.slug)
        yield page


def _read(path: Path, prose: ProseRenderer) -> HandPage | None:
    import frontmatter
    from yaml import YAMLError

    try:
        if path.stat().st_size > MOST_BYTES:
            raise DefinedbyError("The file is too long for a page.", "Shorten it, or divide it.")
        post = frontmatter.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DefinedbyError(
            f"It can't be read: {error.strerror}.", "Let the user that runs definedby read it."
        ) from error
    except UnicodeDecodeError as error:
        raise DefinedbyError("It is not in UTF-8.", "Save it in that encoding.") from error
    except (YAMLError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise DefinedbyError(
            "The lines between the two '---' are not YAML.",
            "Each is a name, a colon and a value, such as: title: About",
        ) from error
    given = post.metadata
    if given.get("draft") is True:
        return None
    title = _text(given, "title") or path.stem.replace("-", " ").capitalize()
    slug = slugify(_text(given, "slug") or path.stem, allow_unicode=True, max_length=60)
    if not slug:
        raise DefinedbyError("It has no address.", "Add a line such as: slug: about")
    return HandPage(slug, title, prose.render(with_promises(post.content)))


def with_promises(text: str) -> str:
    """The text with the rules of etiquette in place of the line that stands for them.

    From the data that the program itself keeps to, so that the page can't promise something else.
    """
    lines = "\n".join(f"- {promise}" for promise in promises())
    return "\n".join(lines if line.strip() == PROMISES else line for line in text.split("\n"))


def _text(given: dict[str, object], name: str) -> str:
    value = given.get(name, "")
    if not isinstance(value, str | int):
        raise DefinedbyError(f"Its {name} is not a text.", f"Write it as: {name}: some words")
    return " ".join(str(value).split())[:200]
