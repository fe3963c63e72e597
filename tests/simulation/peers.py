"""The five channels of the simulation: real servers on loopback, with people who write there."""

from __future__ import annotations

import contextlib
import json
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

from collector.channels.form import form_reply
from ledger.accounts import add_account, ensure_account
from ledger.database import Ledger
from ledger.model import Account, Campaign, Channel, ReplyState
from ledger.replies import author_of, desk_replies, store_replies
from tests.servers.bluesky_faults import OWN_DID, OWN_HANDLE, PASSWORD, FaultyBluesky
from tests.servers.bluesky_faults import Fault as SkyFault
from tests.servers.mail import MailServer
from tests.servers.mastodon_api import MastodonApi
from tests.servers.mastodon_http import Fault
from tests.servers.x import ME, XServer
from tests.servers.x_account import OAUTH2
from tests.servers.x_http import Fault as XFault
from tests.simulation.smtp_peer import SmtpPeer

Arrived = Callable[[], None]


class Peer(ABC):
    """One channel. `texts` are the messages of ours that have arrived there, in order."""

    channel: Channel
    account: Account

    def __init__(self, ledger: Ledger, campaign: Campaign, arrived: Arrived) -> None:
        self.ledger, self.campaign, self.arrived = ledger, campaign, arrived

    @abstractmethod
    @contextlib.contextmanager
    def open(self) -> Iterator[None]: ...

    @abstractmethod
    def write(self, person: int, words: str, *, private: bool) -> None:
        """Somebody writes to us."""

    @abstractmethod
    def answer(self, person: int, words: str, message: Any) -> None:
        """Somebody answers a message of ours, a row of the outbox, there."""

    @abstractmethod
    def address(self, person: int) -> str:
        """How the ledger knows them."""

    @abstractmethod
    def texts(self) -> list[str]: ...

    @abstractmethod
    def spoil(self, how: str, *, private: bool) -> None:
        """Let the next message meet this: "before", "after" (cut there) or "busy" (429, 451)."""

    @abstractmethod
    def spoil_reading(self) -> None:
        """Let the next reading fail, where that is possible."""

    def keep(self, options: dict[str, Any], secret: str) -> None:
        with self.ledger.write() as connection:
            self.account = add_account(
                connection,
                self.ledger.keys,
                channel=self.channel,
                name=f"asker-{self.channel}",
                campaign_id=self.campaign.id,
                options=options,
                secret=secret,
            )


class MastodonPeer(Peer):
    channel = Channel.MASTODON

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        outer = self

        class Server(MastodonApi):
            def _post(self, given: dict[str, str], seen: Any, *more: Any) -> Any:
                before = len(self.statuses)
                answer = super()._post(given, seen, *more)
                if len(self.statuses) > before:
                    outer.arrived()
                return answer

        self.people: dict[int, str] = {}
        with Server(self.ledger.clock) as self.server:
            self.keep({"base_url": self.server.url, "timeout": 5}, self.server.token)
            yield

    def address(self, person: int) -> str:
        return f"@person{person}@far.example"

    def write(self, person: int, words: str, *, private: bool) -> None:
        if person not in self.people:
            self.people[person] = self.server.add_person(self.address(person)[1:])
        visibility = "direct" if private else "public"
        self.server.mention(self.people[person], words, visibility=visibility)

    def answer(self, person: int, words: str, message: Any) -> None:
        visibility = "direct" if message.private else "public"
        answered = int(message.external_id or 0)
        author = self.people[person]
        self.server.mention(author, words, visibility=visibility, answers=answered)

    def texts(self) -> list[str]:
        return [status["content"] for status in self.server.posted()]

    def spoil(self, how: str, *, private: bool) -> None:
        given = {"status": 429} if how == "busy" else {"cut": how}
        # Twice: it is tried once more at once, with its Idempotency-Key.
        times = 1 if how == "busy" else random.choice((1, 2))
        self.server.faults.append(Fault("/statuses$", "POST", times=times, **given))  # type: ignore[arg-type]

    def spoil_reading(self) -> None:
        self.server.faults.append(Fault("/notifications", "GET", status=random.choice((429, 503))))


class BlueskyPeer(Peer):
    channel = Channel.BLUESKY

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        outer = self

        class Server(FaultyBluesky):
            def write_to(self, person: str, text: str, at: int, *, sender: str = "") -> Any:
                made = super().write_to(person, text, outer.now(), sender=sender)
                if sender == OWN_DID:
                    outer.arrived()
                return made

            def put(self, given: dict[str, Any]) -> dict[str, Any]:
                known = len(self.records)
                made = super().put(given)
                if len(self.records) > known:
                    outer.arrived()
                return made

        with Server() as self.server:
            secret = json.dumps({"password": PASSWORD, "session": ""})
            options = {"base_url": self.server.base_url, "handle": OWN_HANDLE, "timeout": 5}
            self.keep(options, secret)
            yield

    def now(self) -> int:
        return round(self.ledger.clock().timestamp() * 1000)

    def did(self, person: int) -> str:
        return f"did:plc:sim{person:06d}"

    def address(self, person: int) -> str:
        return f"@sim{person:06d}.test"

    def write(self, person: int, words: str, *, private: bool) -> None:
        if private:
            self.server.write_to(self.did(person), words, 0)
            return
        item = self.server.arrive(words, self.now(), reason="mention")
        self.server.posts.pop(item["uri"])
        item["uri"] = item["uri"].replace(item["author"]["did"], self.did(person))
        item["author"] |= {"did": self.did(person), "handle": self.address(person)[1:]}
        self.server.posts[item["uri"]] = item

    def answer(self, person: int, words: str, message: Any) -> None:
        if message.private:
            self.write(person, words, private=True)
            return
        item = self.server.arrive(words, self.now(), reply={"parent": {"uri": message.external_id}})
        item["author"] |= {"handle": self.address(person)[1:]}

    def texts(self) -> list[str]:
        posts = [record["value"]["text"] for record in self.server.records.values()]
        chats = [one for convo in self.server.convos.values() for one in convo]
        return posts + [one["text"] for one in chats if one["sender"]["did"] == OWN_DID]

    def spoil(self, how: str, *, private: bool) -> None:
        nsid = "chat.bsky.convo.sendMessage" if private else "com.atproto.repo.putRecord"
        given = {"status": 429} if how == "busy" else {"done": how == "after"}
        self.server.faults.append(SkyFault(nsid, **given))  # type: ignore[arg-type]

    def spoil_reading(self) -> None:
        self.server.faults.append(SkyFault("app.bsky.notification.listNotifications", status=502))


class XPeer(Peer):
    channel = Channel.X

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        outer = self

        class Server(XServer):
            def create_post(self, seen: Any) -> dict[str, Any]:
                made = super().create_post(seen)
                outer.arrived()
                return made

            def create_message(self, seen: Any, participant: str) -> dict[str, Any]:
                made = super().create_message(seen, participant)
                outer.arrived()
                return made

        self.people: dict[int, str] = {}
        with Server(self.ledger.clock) as self.server:
            self.keep({"base_url": self.server.url, "timeout": 5}, json.dumps(OAUTH2))
            yield

    def address(self, person: int) -> str:
        return f"@sim{person}_example"

    def number_of(self, person: int) -> str:
        if person not in self.people:
            self.people[person] = self.server.add_user(self.address(person)[1:])
        return self.people[person]

    def write(self, person: int, words: str, *, private: bool) -> None:
        author = self.number_of(person)
        if private:
            self.server.add_message(words, sender=author)
        else:
            self.server.add_post(f"@asker_example {words}", author=author)

    def answer(self, person: int, words: str, message: Any) -> None:
        if message.private:
            self.write(person, words, private=True)
            return
        author, answered = self.number_of(person), message.external_id
        self.server.add_post(f"@asker_example {words}", author=author, answers=answered)

    def texts(self) -> list[str]:
        posts = [one["text"] for one in self.server.posts if one["author_id"] == ME]
        return posts + [one["text"] for one in self.server.messages if one["sender_id"] == ME]

    def spoil(self, how: str, *, private: bool) -> None:
        fault = XFault(429, b"{}") if how == "busy" else XFault(cut=how)
        self.server.spoil("/messages" if private else "/2/tweets", fault)

    def spoil_reading(self) -> None:
        self.server.spoil("/mentions", XFault(503, b"{}"))


class MailPeer(Peer):
    """Their mails lie in a real Dovecot; ours go to a server that can fail in the middle."""

    channel = Channel.EMAIL
    USER = "year"

    def __init__(
        self, ledger: Ledger, campaign: Campaign, arrived: Arrived, server: MailServer
    ) -> None:
        super().__init__(ledger, campaign, arrived)
        self.server = server
        self.count = 0

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        with SmtpPeer(self.arrived) as self.smtp:
            options = self.server.options(self.USER) | {"smtp_port": self.smtp.port}
            self.keep(options, self.server.password)
            yield

    def address(self, person: int) -> str:
        return f"person{person}@far.example"

    def write(
        self,
        person: int,
        words: str,
        *,
        private: bool,
        at: datetime | None = None,
        times: int = 1,
        sender: str = "",
        answers: str = "",
    ) -> None:
        self.count += 1
        mail = EmailMessage()
        mail["From"] = f"Person {person} <{sender or self.address(person)}>"
        mail["To"] = self.server.address(self.USER)
        mail["Subject"] = "My answer"
        mail["Date"] = format_datetime(at or self.ledger.clock())
        mail["Message-ID"] = f"<{self.count}.{person}@far.example>"
        if answers:
            mail["In-Reply-To"] = answers
        mail.set_content(words)
        for _ in range(times):
            self.server.append(self.USER, mail.as_bytes())

    def answer(self, person: int, words: str, message: Any) -> None:
        self.write(person, words, private=True, answers=message.message_id)

    def texts(self) -> list[str]:
        return self.smtp.texts

    def spoil(self, how: str, *, private: bool) -> None:
        self.smtp.faults.append(how)

    def spoil_reading(self) -> None:
        """A mailbox that can't be read has tests of its own."""


class FormPeer(Peer):
    """People who answer by the form, and are reached by mail."""

    channel = Channel.FORM

    def __init__(
        self, ledger: Ledger, campaign: Campaign, arrived: Arrived, mail: MailPeer
    ) -> None:
        super().__init__(ledger, campaign, arrived)
        self.mail, self.count = mail, 0

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        with self.ledger.write() as connection:
            self.account = ensure_account(
                connection, self.ledger.keys, Channel.FORM, self.campaign.slug, self.campaign.id
            )
        yield

    def address(self, person: int) -> str:
        return f"visitor:sim{person}"

    def write(self, person: int, words: str, *, private: bool) -> None:
        self.count += 1
        ours, now = self.ledger, self.ledger.clock()
        token = ours.keys.token_hash(f"simulated {self.count}")
        answer = form_reply(
            words,
            f"Person {person}",
            self.mail_address(person),
            token=token,
            visitor=f"sim{person}",
        )
        with ours.write() as connection:
            store_replies(connection, self.account, [answer.reply], now)
            found = next(
                reply
                for reply in desk_replies(connection, self.campaign.id, ReplyState.NEW)
                if reply.external_id == answer.reply.external_id
            )
            known = replace(found, handle=replace(found.handle, contact=answer.contact))
            author_of(connection, ours.keys, known, now)

    def answer(self, person: int, words: str, message: Any) -> None:
        """By mail, for that is where they were asked."""
        sender = self.mail_address(person)
        self.mail.write(person, words, private=True, sender=sender, answers=message.message_id)

    def mail_address(self, person: int) -> str:
        return f"form{person}@far.example"

    def texts(self) -> list[str]:
        return []

    def spoil(self, how: str, *, private: bool) -> None:
        self.mail.spoil(how, private=private)

    def spoil_reading(self) -> None:
        """People bring their answers to us."""
