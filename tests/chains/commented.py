"""The stage on which people comment: a blog whose editor asked, at a server on loopback."""

from __future__ import annotations

from ledger.accounts import add_account
from ledger.model import Account, Channel
from ledger.prompts import Prompt
from tests.chains.scenario import Stepwise, World
from tests.servers.comment_blog import CommentBlog


class BelowABlogPost(Stepwise):
    name = "comments"
    cannot_post = "The question is a post of the blog, which its author writes there."

    def __init__(self, blog: CommentBlog) -> None:
        self.blog = blog
        self.written = 0

    def account(self, world: World) -> Account:
        with world.ledger.write() as connection:
            return add_account(
                connection,
                world.ledger.keys,
                channel=Channel.COMMENTS,
                name="the-question",
                campaign_id=world.campaign.id,
                options={"address": self.blog.feed},
            )

    def answer(self, world: World, prompt: Prompt | None) -> None:
        self.written = self.blog.write(world.answer, "Ada Sample")

    def delete(self, world: World) -> None:
        del self.blog.comments[self.written]
