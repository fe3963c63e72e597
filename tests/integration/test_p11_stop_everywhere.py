"""P11: a stop in any language and by any channel closes every channel in one transaction.

Ada is known by mail, on Mastodon, Bluesky and X, and an editor has joined these. On each of them
something waits to leave to her when she says stop, by whatever way people's words come in here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, or_, select

from collector.channels.importing import open_source
from collector.imports.file import import_file
from collector.mail.message import read_message
from collector.polling import poll_due
from collector.read import read_new
from collector.reading.lexicon import languages
from collector.x.posts import read_messages, read_posts
from consent.errors import NotNowError
from consent.requests import ask
from ledger.accounts import add_account, ensure_account
from ledger.contributors import find_or_add_handle, has_stopped_contact
from ledger.courtesies import held_drafts
from ledger.database import Ledger
from ledger.etiquette import Action
from ledger.handed_over import handed_over
from ledger.joins import join
from ledger.model import Account, Campaign, Channel, IncomingReply
from ledger.outbox import STOPPED, MessageState, add_draft, approve, claim, hand_over, mark_sent
from ledger.replies import store_replies
from ledger.requests import find_request
from ledger.tables import contributors, outbox, replies
from ledger.together import people_of
from tests.mentioning import TARGET, check, near, note, send
from tests.people import answer, define
from tests.servers.comment_blog import CommentBlog
from tests.servers.web_pages import WebPages
from tests.unit.test_bluesky_posts import read as bluesky_post
from tests.unit.test_mastodon_posts import HOME, status
from tests.visiting import Visitor, application, owner

#: What she writes, once in each language that replies are read in.
STOPS = {
    "en": "Please do not write to me any more.",
    "de": "Bitte schreiben Sie mir nicht mehr.",
    "fr": "Merci de ne plus m'écrire.",
    "es": "Por favor, no me escriban más.",
    "it": "Per favore, non scrivetemi più.",
    "pt": "Por favor, não me escrevam mais.",
    "nl": "Schrijf me alstublieft niet meer.",
    "sv": "Snälla, skriv inte till mig mer.",
    "da": "Skriv venligst ikke til mig mere.",
    "nb": "Vær så snill, ikke skriv til meg mer.",
    "fi": "Älkää enää kirjoittako minulle.",
    "pl": "Proszę do mnie więcej nie pisać.",
    "cs": "Prosím, už mi nepište.",
    "ru": "Пожалуйста, больше мне не пишите.",
    "el": "Παρακαλώ, μη μου ξαναγράψετε.",
    "tr": "Lütfen bana bir daha yazmayın.",
    "ar": "من فضلكم لا تراسلوني مرة أخرى.",
    "he": "בבקשה אל תכתבו לי יותר.",
    "hi": "कृपया मुझे दोबारा न लिखें।",
    "ja": "もう連絡しないでください。",
    "ko": "더 이상 연락하지 마세요.",
    "zh": "请不要再给我发消息。",
}
MAIL, DID, NUMBER = "ada@sample.example", "did:plc:ada", "7"
WHERE = {
    Channel.EMAIL: (MAIL, MAIL),
    Channel.MASTODON: ("@ada@far.example", "@ada@far.example"),
    Channel.BLUESKY: ("@ada.test", "did:plc:ada"),
    Channel.X: ("@ada_example", NUMBER),
}


class Desk:
    """What waits to leave to Ada on every channel that sends, and what becomes of it."""

    def __init__(self, ledger: Ledger, campaign: Campaign) -> None:
        self.ledger, self.campaign = ledger, campaign
        self.accounts: dict[Channel, Account] = {}
        self.request = ask(
            ledger,
            define(ledger, answer(ledger, campaign, address=MAIL)).id,
            asked_by="robin",
        ).request
        read_new(ledger)
        self.ids = [self.request.contributor_id]
        with ledger.write() as connection:
            for channel in WHERE:
                self.accounts[channel] = ensure_account(
                    connection, ledger.keys, channel, f"our {channel}", campaign.id
                )
                self.meet(connection, channel)

    def meet(self, connection: Any, channel: Channel) -> None:
        """She is known there, and one message waits to leave to her there."""
        ours, (address, contact) = self.ledger, WHERE[channel]
        _, handle = find_or_add_handle(
            connection,
            ours.keys,
            ours.clock(),
            channel=channel,
            address=address,
            contact=contact,
        )
        self.ids.append(handle.contributor_id)
        join(
            connection,
            ours.keys,
            ours.clock(),
            self.ids[0],
            handle.contributor_id,
            joined_by="robin",
            because="She says so.",
        )
        approve(connection, self.draft(connection, channel, handle.contributor_id), "robin")

    def draft(self, connection: Any, channel: Channel, whose: str, **more: Any) -> int:
        return add_draft(
            connection,
            self.ledger.keys,
            self.ledger.clock(),
            account_id=self.accounts[channel].id,
            contributor_id=whose,
            recipient=WHERE[channel][1],
            subject="Hello",
            body="Hello",
            domain="blog.example",
            **more,
        )

    def hand(self) -> None:
        """One is held by an editor, and one was left to people by the platform."""
        with self.ledger.write() as connection:
            on_x = self.ids[1 + list(WHERE).index(Channel.X)]
            self.draft(connection, Channel.X, on_x, purpose=Action.THANK, once="thank:1")
            left = self.draft(connection, Channel.X, on_x)
            approve(connection, left, "robin")
            hand_over(connection, self.ledger.keys, left, "X leaves it.", "https://x.example/")

    def stores(self, channel: Channel, reply: object) -> None:
        assert isinstance(reply, IncomingReply), reply
        with self.ledger.write() as connection:
            store_replies(connection, self.accounts[channel], [reply], self.ledger.clock())

    def watch(self) -> list[tuple[int, int]]:
        """At each commit from here on: how many of her are stopped, how much may still leave."""
        seen: list[tuple[int, int]] = []

        def look(connection: Any) -> None:
            waiting = outbox.c.state.in_([MessageState.DRAFT, MessageState.APPROVED])
            waiting = or_(waiting, outbox.c.sealed_composer != "")
            open_ones = select(func.count()).where(waiting, outbox.c.purpose != Action.GOODBYE)
            stopped = select(func.count()).where(contributors.c.stopped_at.is_not(None))
            hers = contributors.c.id.in_(self.ids)
            seen.append(
                (
                    connection.execute(stopped.where(hers)).scalar_one(),
                    connection.execute(open_ones).scalar_one(),
                )
            )

        event.listen(self.ledger.engine, "commit", look)
        return seen

    def is_closed(self) -> None:
        """She is stopped under every name, nothing leaves or can be sent by hand, none is asked."""
        with self.ledger.write() as connection:
            assert all(has_stopped_contact(connection, one) for one in set(self.ids))
            kept = connection.execute(
                select(outbox).where(outbox.c.purpose != Action.GOODBYE)
            ).all()
            assert {(row.state, row.error) for row in kept} == {(MessageState.FAILED, STOPPED)}
            assert {(row.sealed_body, row.sealed_composer) for row in kept} == {("", "")}
            assert held_drafts(connection, self.ledger.keys) == []
            assert handed_over(connection, self.ledger.keys) == []
            request = find_request(connection, self.request.id)
            assert request is not None
            assert request.closed_at is not None
        with pytest.raises(NotNowError, match="asked not to be written to"):
            ask(self.ledger, self.request.definition_id, asked_by="robin")

    def leaves(self) -> list[str]:
        """The recipients of what still leaves: of the goodbye, if there is one."""
        left = []
        with self.ledger.write() as connection:
            while (message := claim(connection, self.ledger.keys, self.ledger.clock())) is not None:
                left.append(message.recipient)
                mark_sent(connection, message.id, self.ledger.clock())
        return left


@pytest.fixture
def desk(ledger: Ledger, campaign: Campaign) -> Desk:
    return Desk(ledger, campaign)


def by_mail(words: str) -> IncomingReply:
    raw = f"From: Ada <{MAIL}>\r\nMessage-ID: <9@sample.example>\r\n"
    raw += "Content-Type: text/plain; charset=utf-8\r\n\r\n" + words + "\r\n"
    found = read_message(raw.encode(), "ask@blog.example")
    assert isinstance(found, IncomingReply), found
    return found


def on_mastodon(words: str) -> IncomingReply:
    from collector.mastodon.posts import read_status

    found = read_status(status(content=f"<p>{words}</p>"), HOME)
    assert isinstance(found, IncomingReply), found
    return found


def on_bluesky(words: str) -> IncomingReply:
    return bluesky_post(record={"text": words})


ADA = {"id": NUMBER, "name": "Ada", "username": "ada_example"}


def below_a_post_on_x(words: str) -> IncomingReply:
    item = {
        "id": "1500",
        "text": f"@asker_example {words}",
        "author_id": NUMBER,
        "created_at": "2026-01-05T12:00:00.000Z",
    }
    (made,) = read_posts({"data": [item], "includes": {"users": [ADA]}}, "1", since=9).items
    assert isinstance(made.reply, IncomingReply)
    return made.reply


def in_a_message_on_x(words: str, number: str = "1500") -> IncomingReply:
    item = {
        "id": number,
        "event_type": "MessageCreate",
        "text": words,
        "sender_id": NUMBER,
        "created_at": "2026-01-05T12:00:00.000Z",
    }
    (made,) = read_messages({"data": [item], "includes": {"users": [ADA]}}, "1", since=9).items
    assert isinstance(made.reply, IncomingReply)
    return made.reply


READ = {
    Channel.EMAIL: by_mail,
    Channel.MASTODON: on_mastodon,
    Channel.BLUESKY: on_bluesky,
    Channel.X: below_a_post_on_x,
}


def test_every_language_that_is_read_has_its_stop_here() -> None:
    assert set(STOPS) == set(languages())


@pytest.mark.parametrize(
    ("lang", "channel"),
    [(lang, list(READ)[number % len(READ)]) for number, lang in enumerate(STOPS)],
)
def test_p11_a_stop_in_any_language_closes_every_channel_at_once(
    desk: Desk, lang: str, channel: Channel
) -> None:
    desk.hand()
    seen = desk.watch()
    desk.stores(channel, READ[channel](STOPS[lang]))
    before = seen[-1]
    assert before == (0, 6)
    read_new(desk.ledger)
    changed = [state for state in seen if state != before]
    assert changed, "it was not understood"
    assert set(changed) == {(len(set(desk.ids)), 0)}, "half of it was to be seen"
    desk.is_closed()
    assert desk.leaves() == []


# ------------------------------------------------------------------- by the ways words come in
def by_the_form(desk: Desk, _folder: Path) -> None:
    visitor = Visitor(application(desk.ledger))
    visitor.go(f"/answer/{desk.campaign.slug}")
    path = f"/answer/{desk.campaign.slug}/send"
    visitor.press(path, text="stop", name="Ada", email=MAIL)
    assert visitor.at == "/answered"


def by_paste(desk: Desk, _folder: Path) -> None:
    editor = owner(application(desk.ledger), desk.ledger)
    editor.go("/desk/paste")
    editor.press("/desk/paste", text="stop", source="a letter", handle="@Ada_example", name="Ada")
    assert "Kept." in editor.page


def by_import(desk: Desk, folder: Path) -> None:
    path = folder / "answers.jsonl"
    row = {"id": "1", "text": "stop", "name": "Ada", "email": "Ada@Sample.example"}
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    report = import_file(desk.ledger, desk.campaign, open_source(path, mapping={}), path.name)
    assert report.stored == 1


def by_webmention(desk: Desk, _folder: Path) -> None:
    """Her own site is known, for an editor has joined it with her."""
    with WebPages() as site:
        first = site.put("/notes/1", note(TARGET, "Courage is listening."))
        send(desk.ledger, first)
        check(desk.ledger, near)
        read_new(desk.ledger)
        ours = desk.ledger
        with ours.write() as connection:
            _, handle = find_or_add_handle(
                connection,
                ours.keys,
                ours.clock(),
                channel=Channel.WEBMENTION,
                address=site.base.removeprefix("http://"),
            )
            join(
                connection,
                ours.keys,
                ours.clock(),
                desk.ids[0],
                handle.contributor_id,
                joined_by="robin",
                because="It is her site.",
            )
            assert len(people_of(connection, handle.contributor_id)) > len(WHERE)
        send(desk.ledger, site.put("/notes/2", note(TARGET, "Please stop writing to me.")))
        check(desk.ledger, near)


def in_a_comment(desk: Desk, _folder: Path) -> None:
    """Anybody can type her name: each comment is somebody of its own until an editor joins it."""
    ours = desk.ledger
    with CommentBlog() as blog:
        blog.write("Please stop writing to me.", "Ada")
        with ours.write() as connection:
            add_account(
                connection,
                ours.keys,
                channel=Channel.COMMENTS,
                name="comments",
                campaign_id=desk.campaign.id,
                options={"address": blog.feed},
                secret="",
            )
        poll_due(ours)
    with ours.write() as connection:
        waiting = select(replies.c.address).where(replies.c.channel == Channel.COMMENTS)
        address = connection.execute(waiting).scalar_one()
        at = {"channel": Channel.COMMENTS, "address": address}
        _, handle = find_or_add_handle(connection, ours.keys, ours.clock(), **at)
        by = {"joined_by": "robin", "because": "She says so by telephone."}
        join(connection, ours.keys, ours.clock(), desk.ids[0], handle.contributor_id, **by)


def by_a_message_on_x(desk: Desk, _folder: Path) -> None:
    desk.stores(Channel.X, in_a_message_on_x("stop"))


def by_a_post_on_x(desk: Desk, _folder: Path) -> None:
    desk.stores(Channel.X, below_a_post_on_x("stop"))


INTAKES: dict[str, Callable[[Desk, Path], None]] = {
    "form": by_the_form,
    "paste": by_paste,
    "import": by_import,
    "webmention": by_webmention,
    "comments": in_a_comment,
    "email": lambda desk, _: desk.stores(Channel.EMAIL, by_mail("stop")),
    "mastodon": lambda desk, _: desk.stores(Channel.MASTODON, on_mastodon("stop")),
    "bluesky": lambda desk, _: desk.stores(Channel.BLUESKY, on_bluesky("stop")),
    "x": by_a_post_on_x,
    "x in private": by_a_message_on_x,
}


def test_every_channel_has_its_way_in_here() -> None:
    assert {name.split()[0] for name in INTAKES} == set(map(str, Channel))


@pytest.mark.parametrize("intake", INTAKES)
def test_p11_a_stop_by_any_channel_closes_every_channel_at_once(
    desk: Desk, tmp_path: Path, intake: str
) -> None:
    desk.hand()
    INTAKES[intake](desk, tmp_path)
    seen = desk.watch()
    read_new(desk.ledger)
    assert set(seen) - {(0, 6)} == {(len(set(desk.ids)), 0)}
    desk.is_closed()
    # X expects a stop in private to be acknowledged, once; nowhere else anything follows.
    assert desk.leaves() == ([NUMBER] if intake == "x in private" else [])


def test_p11_saying_it_twice_is_acknowledged_once(desk: Desk) -> None:
    for number, words in enumerate(("stop", "stop", STOPS["de"])):
        desk.stores(Channel.X, in_a_message_on_x(words, f"{1500 + number}"))
        read_new(desk.ledger)
    desk.is_closed()
    assert desk.leaves() == [NUMBER]
    assert desk.leaves() == []


def test_p11_other_words_close_nothing(desk: Desk) -> None:
    desk.stores(Channel.MASTODON, on_mastodon("Thought leadership is knowing when to stop"))
    read_new(desk.ledger)
    assert sorted(desk.leaves()) == sorted(contact for _, contact in WHERE.values())
