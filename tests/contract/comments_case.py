"""Comments under the contract: many in a feed that comes in pages, trouble at WordPress's."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from collector.channels.comments import CommentsConnector
from collector.connector import Connector, Context, SourceState
from ledger.model import Account, Channel
from tests.contract.cases import ConnectorCase
from tests.contract.kinds import Change, Changed, Hooks, Kind, Trouble, Troubled
from tests.servers.comment_blog import FEED, CommentBlog
from tests.servers.mastodon_http import Fault

HUGE = 1024 * 1024 + 1
AS_LARGE = "A feed stays too large until its blog lists fewer comments in it."


def connector(address: str, **options: Any) -> CommentsConnector:
    given = {"address": address, **options}
    return CommentsConnector(Account(1, Channel.COMMENTS, "contract", "c", given, ""), Context())


@contextlib.contextmanager
def _prepare(_folder: Path, texts: Sequence[str]) -> Iterator[Connector]:
    with CommentBlog(pages=True) as blog:
        for text in texts:  # a malformed one has no words
            blog.write(text)
        yield connector(blog.feed)


@contextlib.contextmanager
def _broken(_folder: Path) -> Iterator[Connector]:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as probe:
        nobody = probe.getsockname()[1]
    yield connector(f"http://127.0.0.1:{nobody}{FEED}")


def _spoilt(fault: Fault, wait: timedelta | None = None, because: str = "") -> Trouble:
    @contextlib.contextmanager
    def trouble(_folder: Path, texts: Sequence[str]) -> Iterator[Troubled]:
        with CommentBlog() as blog:
            for text in texts:
                blog.write(text)
            fault.times, blog.faults = 1, [fault]
            reading = connector(blog.feed, timeout=0.5)
            permanent = True if because else None
            yield Troubled(
                lambda: reading.fetch("", 5),
                retry_after=wait,
                permanent=permanent,
                because=because,
            )

    return trouble


def _one_comment(*, edit: bool) -> Change:
    """WordPress's validators tell of neither: looking again has to find out."""

    @contextlib.contextmanager
    def changed(_folder: Path) -> Iterator[Changed]:
        with CommentBlog() as blog:
            known = blog.write("A lamp")
            blog.write("A door")
            reading = connector(blog.feed)
            reply = reading.fetch("", 5).replies[0]

            def change() -> None:
                if edit:
                    blog.comments[known].text = "A lamp, left on"
                else:
                    del blog.comments[known]

            def noticed() -> SourceState:
                asked = reading.with_version(reply.external_id, reply.raw)
                return reading.look_again([asked])[asked]

            yield Changed(change, noticed)

    return changed


HOOKS = Hooks(
    troubles={
        Kind.RATE_LIMIT: _spoilt(
            Fault(status=429, headers={"Retry-After": "90"}), timedelta(seconds=90)
        ),
        Kind.UNAUTHORISED: _spoilt(Fault(status=401)),
        Kind.FORBIDDEN: _spoilt(Fault(status=403)),
        Kind.SERVER_ERROR: _spoilt(Fault(status=500)),
        Kind.UNAVAILABLE: _spoilt(
            Fault(status=503, headers={"Retry-After": "120"}), timedelta(seconds=120)
        ),
        Kind.MALFORMED_BODY: _spoilt(Fault(status=200, body=b"<html>Back in a moment")),
        Kind.TIME_OUT: _spoilt(Fault(wait=0.8)),
        Kind.HUGE_BODY: _spoilt(Fault(status=200, body=b"x" * HUGE), because=AS_LARGE),
    },
    changes={Kind.EDIT: _one_comment(edit=True), Kind.DELETION: _one_comment(edit=False)},
)
COMMENTS_CASE = ConnectorCase(
    "comments", _prepare, _broken, is_permanent=False, can_send=False, hooks=HOOKS
)
