"""Comments below the posts of a blog, by its own feed of comments: RSS 2.0 or Atom. Read only.

How it is done is in collector/comments/: requests in wire.py, a feed in feed.py, one comment in
posts.py, reading on in walk.py, looking again in again.py.
"""

from __future__ import annotations

from collections.abc import Sequence

from collector.comments.again import asked_with, look
from collector.comments.feed import read_feed
from collector.comments.place import Place
from collector.comments.walk import read_on
from collector.comments.wire import Blog, blog_of
from collector.composers import composer
from collector.connector import ChannelError, Connector, Context, OutgoingMessage, SourceState
from ledger.model import Account, Page


def open_connector(account: Account, context: Context | None = None) -> Connector:
    """The connector of a comment feed; wrong options are reported when it is used."""
    return CommentsConnector(account, context or Context())


class CommentsConnector:
    """One comment feed. Options: address, timeout (seconds, at most 5). There is no secret."""

    def __init__(self, account: Account, context: Context) -> None:
        self._account = account
        self._context = context
        self._words: dict[str, str] = {}

    def fetch(self, cursor: str, limit: int) -> Page:
        """The next comments, oldest first as far as one reading goes. Raises ChannelError.

        A comment whose words have changed since comes in `edited`.
        """
        blog = self._blog()
        return read_on(blog, Place.reached(cursor, blog.address), max(limit, 1))

    def send(self, message: OutgoingMessage) -> str:
        """Refused: a blog takes comments from people, who pass its own form. Raises ChannelError.

        What everyone may read is handed over with the address of the comment that it answers.
        """
        own = composer(self._account, message.recipient, message.recipient, message.body)
        raise ChannelError(
            "A comment feed can only be read.",
            permanent=True,
            mend="Answer below the comment, on the blog's own page.",
            hand_over="" if message.private else own,
        )

    def look_again(self, external_ids: Sequence[str]) -> dict[str, SourceState]:
        """How these comments stand: by the feed, and by their pages where it lists them no more.

        Only those named by `with_version` can be told to be edited. Raises ChannelError.
        """
        states, words = look(self._blog(), external_ids)
        self._words.update(words)
        return states

    def read_again(self, external_ids: Sequence[str]) -> dict[str, str]:
        """The words of those comments that were found edited."""
        return {one: self._words[one] for one in external_ids if one in self._words}

    def with_version(self, external_id: str, raw: str) -> str:
        return asked_with(external_id, raw)

    def check(self) -> str:
        """Read the feed once and say what it is. Raises ChannelError."""
        blog = self._blog()
        feed = read_feed(blog.feed(blog.address))
        named = f"“{feed.title}”" if feed.title else "without a title"
        many = "1 comment" if len(feed.items) == 1 else f"{len(feed.items)} comments"
        return f"The feed {named} answered; it lists {many}."

    def _blog(self) -> Blog:
        return blog_of(self._account.options, self._context.clock)
