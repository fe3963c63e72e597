"""Comments go the way of all replies: added on the desk, read, a stop obeyed, spam told."""

from __future__ import annotations

from collector.polling import poll_due
from collector.read import read_new
from ledger.contributors import stopped_since
from ledger.database import Ledger
from ledger.etiquette import Action
from ledger.model import Campaign, ReplyKind, ReplyState
from ledger.outbox import add_draft
from ledger.replies import desk_replies
from tests.servers.comment_blog import CommentBlog
from tests.visiting import application, owner


def test_p11_a_stop_in_a_comment_is_obeyed_and_spam_is_told(
    ledger: Ledger, campaign: Campaign
) -> None:
    editor = owner(application(ledger), ledger)
    with CommentBlog() as blog:
        blog.write("Please stop writing to me.", "Ada Sample")
        blog.write("Buy cheap watches now at https://watches.example/?ref=1 !!!", "Bo Sample")
        form = "/desk/accounts/new/comments"
        assert "signed in" not in editor.go(form)
        editor.press(form, address=blog.base)  # no feed is there
        assert editor.status == 400
        assert blog.base in editor.page
        editor.press(form, address=blog.feed)
        assert "“Comments on: The question” answered; it lists 2 comments." in editor.page
        (report,) = poll_due(ledger)
    assert (report.stored, report.error) == (2, "")
    read_new(ledger)
    with ledger.read() as connection:
        found = desk_replies(connection, campaign.id, ReplyState.NEW)
        kinds = {reply.handle.name: reply.reading.kind for reply in found}
        stopped = {
            reply.handle.name: stopped_since(connection, reply.handle.contributor_id) is not None
            for reply in found
        }
    assert kinds == {"Ada Sample": ReplyKind.STOP, "Bo Sample": ReplyKind.SPAM}
    assert stopped == {"Ada Sample": True, "Bo Sample": False}


def test_what_is_sent_by_hand_opens_their_comment(ledger: Ledger, campaign: Campaign) -> None:
    editor = owner(application(ledger), ledger)
    with CommentBlog() as blog:
        blog.write("Leadership is a lamp.", "Ada Sample")
        editor.press("/desk/accounts/new/comments", address=blog.feed)
        poll_due(ledger)
        read_new(ledger)
        with ledger.write() as connection:
            (reply,) = desk_replies(connection, campaign.id, ReplyState.NEW)
            held = add_draft(
                connection,
                ledger.keys,
                ledger.clock(),
                account_id=reply.account_id,
                contributor_id=reply.handle.contributor_id,
                recipient=reply.handle.address,
                subject="",
                body="Thank you, Ada.",
                domain="blog.example",
                purpose=Action.GREET,
            )
        page = editor.go(f"/desk/greetings/by-hand/{held}")
        assert f'href="{blog.link(1)}"' in page
        assert "Copy the message, and answer there." in page
        assert "The text is filled in" not in page
