"""The stages to which people come: mail, web pages, the form, a file, a pasted letter."""

from __future__ import annotations

import json
from email.message import EmailMessage
from pathlib import Path

import httpx

from collector.channels.importing import open_source
from collector.imports.file import import_file
from ledger.accounts import add_account
from ledger.model import Account, Channel
from ledger.prompts import Prompt
from tests.chains.scenario import Stepwise, World
from tests.mentioning import Blog, note
from tests.servers.mail import MailServer
from tests.servers.web_pages import WebPages
from tests.visiting import Visitor


class ByMail(Stepwise):
    name = "email"
    cannot_post = "A mailbox has no public posts: the question stands on the campaign's page."
    cannot_delete = (
        "A mail lies in our mailbox: what its author deletes is their own copy, which nobody tells "
        "us. They take it back on their page, or by the word 'stop'."
    )

    def __init__(self, server: MailServer) -> None:
        self.server = server

    def account(self, world: World) -> Account:
        with world.ledger.write() as connection:
            return add_account(
                connection,
                world.ledger.keys,
                channel=Channel.EMAIL,
                name=self.server.address("chain-asker"),
                campaign_id=world.campaign.id,
                options=self.server.options("chain-asker"),
                secret=self.server.password,
            )

    def answer(self, world: World, prompt: Prompt | None) -> None:
        mail = EmailMessage()
        mail["From"] = f"Ada Sample <{self.server.address('chain-ada')}>"
        mail["To"] = self.server.address("chain-asker")
        mail["Subject"] = world.campaign.prompt
        mail["Message-ID"] = "<chain-1@far.example>"
        mail.set_content(world.answer)
        self.server.deliver(mail, to=self.server.address("chain-asker"))

    def delete(self, world: World) -> None:
        raise AssertionError(self.cannot_delete)


class ByWebmention:
    name = "webmention"
    cannot_post = "The question is a page of the blog, and people answer on pages of their own."
    cannot_delete = ""

    def __init__(self, blog: Blog, site: WebPages) -> None:
        self.blog, self.site = blog, site

    def account(self, world: World) -> Account | None:
        return None

    def answer(self, world: World, prompt: Prompt | None) -> None:
        words = world.answer.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        self.source = self.site.put("/notes/1", note(self.blog.question, words))
        self._tell()

    def delete(self, world: World) -> None:
        """As servers do it: the page is gone, and the mention is sent once more (W3C 3.2.3)."""
        self.site.put("/notes/1", "Gone", status=410)
        self._tell()

    def bring(self, world: World) -> None:
        self.blog.check()

    def notice(self, world: World) -> None:
        self.blog.check()

    def _tell(self) -> None:
        given = {"source": self.source, "target": self.blog.question}
        with httpx.Client(verify=False, trust_env=False) as client:
            assert client.post(f"{self.blog.base}/webmention", data=given).status_code == 202


class OnTheForm:
    name = "form"
    cannot_post = "The form is part of the campaign's own page."
    cannot_delete = "Its words stand nowhere but with us: their author takes them back there."

    def account(self, world: World) -> Account | None:
        return None

    def answer(self, world: World, prompt: Prompt | None) -> None:
        ada, form = Visitor(world.app), f"/answer/{world.campaign.slug}"
        ada.go(form)
        ada.press(form, text=world.answer)
        ada.press(f"{form}/send", text=world.answer, name="Ada Sample", email="")
        assert ada.at == "/answered", ada.page

    def delete(self, world: World) -> None:
        raise AssertionError(self.cannot_delete)

    def bring(self, world: World) -> None:
        """Nothing: it is there at once."""

    def notice(self, world: World) -> None:
        """Nothing can happen to it elsewhere."""


class FromAFile(OnTheForm):
    name = "import"
    cannot_post = "What is imported was asked elsewhere."
    cannot_delete = "A file is a copy made at one time; it does not follow what happens later."

    def __init__(self, folder: Path) -> None:
        self.path = folder / "answers.jsonl"

    def answer(self, world: World, prompt: Prompt | None) -> None:
        row = {"id": "1", "text": world.answer, "name": "Ada Sample", "email": "ada@far.example"}
        self.path.write_text(json.dumps(row) + "\n", encoding="utf-8")

    def bring(self, world: World) -> None:
        source = open_source(self.path, mapping={})
        import_file(world.ledger, world.campaign, source, self.path.name)


class PastedIn(OnTheForm):
    name = "paste"
    cannot_post = "What is pasted was said where we have no account."
    cannot_delete = "Nobody but the editor who pasted it can see its source."

    def answer(self, world: World, prompt: Prompt | None) -> None:
        world.editor.go("/desk/paste")
        world.editor.press("/desk/paste", text=world.answer, name="Ada Sample", source="a letter")
        assert world.editor.status == 200
