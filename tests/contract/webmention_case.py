"""Webmentions under the contract: what is read are pages elsewhere, one for each mention."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from collector.connector import ChannelError, SourceState
from collector.safe_fetch import fetch
from collector.webmention.look import Finding, Outcome, look
from collector.webmention.page import read_here
from ledger.campaigns import add_campaign
from ledger.model import Page
from ledger.settings import load_settings
from tests.contract.kinds import Change, Changed, Hooks, Kind, Trouble, Troubled
from tests.mentioning import TARGET, check, near, note, send, standing
from tests.molds import open_new
from tests.servers.web_pages import HTML, Answer, WebPages

ONE_BY_ONE = "Mentions are sent to us one at a time: nothing is listed, so nothing is paged."
CANNOT = {
    Kind.PAGING: ONE_BY_ONE,
    Kind.OVERLAP: ONE_BY_ONE,
    Kind.DUPLICATES: (
        "The same mention is one row and its source one reply: test_webmention_endpoint.py, "
        "test_webmention_checking.py."
    ),
    Kind.MALFORMED_ITEM: "A page is one item: see 'malformed body'.",
}
#: Twenty times as fast as the wall's, so that 5 seconds are soon over.
HURRIED = partial(fetch, allow_private=True, clock=lambda: time.monotonic() * 20)
#: A stranger's page is judged by what it says: nobody here can make it another one.
THEIRS = "Only who wrote the page can mend that; their server then sends the mention again."


def _found(finding: Finding) -> Page:
    if finding.reply is not None:
        return Page((finding.reply,), "")
    raise ChannelError(
        finding.reason,
        permanent=finding.outcome is not Outcome.LATER,
        mend="It is looked at again when the mention is sent again.",
    )


def _spoilt(answer: Answer, permanent: bool | None = None) -> Trouble:
    @contextlib.contextmanager
    def trouble(_folder: Path, texts: Sequence[str]) -> Iterator[Troubled]:
        with WebPages() as site:
            sources = [f"{site.base}/{number}" for number, _ in enumerate(texts)]

            def well() -> None:
                for number, text in enumerate(texts):
                    site.put(f"/{number}", note(TARGET, text))

            def read() -> Page:
                pages = [_found(look(one, [TARGET], HURRIED, read_here)) for one in sources]
                return Page(tuple(reply for page in pages for reply in page.replies), "")

            well()
            site.put_answer("/0", answer)
            because = THEIRS if permanent else ""
            yield Troubled(read, well, permanent=permanent, because=because)

    return trouble


def _told_again(body: str, status: int = 200) -> Change:
    """As servers do it: the page becomes another, and the mention is sent once more (3.2.3)."""

    @contextlib.contextmanager
    def changed(folder: Path) -> Iterator[Changed]:
        ledger = open_new(load_settings({}, home=folder / "mentions"))
        with contextlib.closing(ledger), WebPages() as site:
            with ledger.write() as connection:
                add_campaign(connection, ledger.clock(), prompt="Thought leadership is ___?")
            source = site.put("/0", note(TARGET, "A lamp"))

            def tell() -> None:
                send(ledger, source)
                assert check(ledger, near) == 1

            def change() -> None:
                site.put("/0", body, status=status)
                tell()

            tell()
            yield Changed(change, lambda: SourceState(standing(ledger)[0][0]))

    return changed


_TYPE = (("Content-Type", HTML),)
WEBMENTION_HOOKS = Hooks(
    troubles={
        Kind.RATE_LIMIT: _spoilt(Answer(429, _TYPE)),
        Kind.UNAUTHORISED: _spoilt(Answer(401, _TYPE)),
        Kind.FORBIDDEN: _spoilt(Answer(403, _TYPE)),
        Kind.SERVER_ERROR: _spoilt(Answer(500, _TYPE)),
        Kind.UNAVAILABLE: _spoilt(Answer(503, _TYPE)),
        Kind.MALFORMED_BODY: _spoilt(
            Answer(200, _TYPE, (b"<<<<!doctype <html <a href='",)), permanent=True
        ),
        Kind.TIME_OUT: _spoilt(Answer(200, _TYPE, (b"<p>", b"x" * 9), pause=0.5)),
        Kind.HUGE_BODY: _spoilt(Answer(200, _TYPE, (b"x" * (1024 * 1024 + 1),)), permanent=True),
    },
    changes={
        Kind.EDIT: _told_again(note(TARGET, "A door")),
        Kind.DELETION: _told_again("Gone", 410),
    },
    cannot=CANNOT,
)
