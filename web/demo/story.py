"""Three weeks of the demonstration, lived through step by step.

Everything happens by the functions that the desk, the form, the import and the worker use; only
the clock is made up, and nobody is written to, because the instance has no mailbox.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from collector.channels.form import form_reply
from collector.channels.importing import open_source
from collector.imports.file import import_file
from collector.read import read_new
from consent import decisions
from consent.decisions import Evidence
from consent.notice import notice_version
from consent.requests import ask
from ledger.accounts import ensure_account
from ledger.campaigns import add_campaign, need_campaign
from ledger.database import Ledger
from ledger.definitions import need_definition, take_definition
from ledger.editions import add_edition
from ledger.errors import DefinedbyError
from ledger.jobs import JobKind, add_job
from ledger.model import Campaign, Channel, Reply, ReplyState, Use
from ledger.replies import author_of, desk_replies, find_reply, set_state, store_replies
from publisher.editions import publish_edition
from publisher.publish import publish_pending
from web.contributor import PAGE_VERSION
from web.demo.imported import add_letter, write_cards
from web.demo.sample import By, Fate, Person, prose
from web.start import FIRST_PROMPT

DAYS = 21.0
EDITOR = "Robin"
IMPORTS = "imports"
EDITION_TITLE = "Fourteen people define thought leadership"
DRAFT_TITLE = "Lighthouses, maps and other things that stand still"
#: What the draft is about, in words that its definitions have in them.
DRAFT_WORDS = ("lighthouse", "map", "your way")
#: When the blog is brought up to date; after every single grant would take twice as long.
PUBLISHED_AGO = (18.0, 13.0, 8.0, 4.0)
EDITION_AGO = 1.9
DRAFT_AGO = 0.7
#: Nobody's inbox holds more in the demonstration.
MOST_WAITING = 200
EVIDENCE: Evidence = {
    "channel": "page",
    "page": PAGE_VERSION,
    "notice": notice_version(),
    "made_up": True,
}


@dataclass
class WalkingClock:
    """Stands at `now` until the story walks on."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True)
class Step:
    at: datetime
    do: Callable[[], None]


class Story:
    """What happens to `people` in the three weeks before `end`, in an empty instance."""

    def __init__(self, ledger: Ledger, people: list[Person], end: datetime) -> None:
        self.ledger = ledger
        self.people = people
        self.end = end
        self.replies: dict[int, int] = {}
        self.definitions: dict[int, str] = {}
        self.requests: dict[int, str] = {}

    def steps(self) -> list[Step]:
        """Everything that happens, oldest first."""
        made = [
            Step(self._ago(DAYS), self._open_campaign),
            *(Step(self._ago(days), self._publish) for days in PUBLISHED_AGO),
            Step(self._ago(EDITION_AGO), self._publish_edition),
            Step(self._ago(DRAFT_AGO), self._draft_edition),
        ]
        imports: dict[tuple[By, float], list[Person]] = defaultdict(list)
        for person in self.people:
            if person.by is By.FORM:
                made.append(Step(self._ago(person.ago), partial(self._send_form, person)))
            else:
                imports[person.by, _arrival(person)].append(person)
            made += self._life(person)
        for (by, ago), senders in imports.items():
            made.append(Step(self._ago(ago), partial(self._import, by, senders)))
        return sorted(made, key=lambda step: step.at)

    def _life(self, person: Person) -> list[Step]:
        arrival = _arrival(person)
        patience = 0.4 + person.number * 7 % 11 / 10
        return [
            Step(self._ago(arrival - after - patience * turns), partial(do, self, person))
            for after, turns, do in _LIVES[person.fate]
        ]

    def _ago(self, days: float) -> datetime:
        return self.end - timedelta(days=days)

    # ------------------------------------------------------------- what the editor does
    def _open_campaign(self) -> None:
        with self.ledger.write() as connection:
            add_campaign(connection, self.ledger.clock(), prompt=FIRST_PROMPT)
            add_job(connection, JobKind.PUBLISH, "site", self.ledger.clock())

    def _import(self, by: By, senders: list[Person]) -> None:
        """Import one file; a mailbox grows, and what is known of it is left alone."""
        folder = self.ledger.settings.home / IMPORTS
        folder.mkdir(exist_ok=True)
        path = folder / ("cards.csv" if by is By.CARDS else "letters.mbox")
        written = [(person, self._ago(person.ago)) for person in senders]
        if by is By.CARDS:
            write_cards(path, written)
        else:
            for person, when in written:
                add_letter(path, person, when)
        source = open_source(path, mapping={})
        report = import_file(self.ledger, self._campaign(), source, path.name)
        if report.stored != len(senders):
            raise _broken(f"Of {path.name}, {report.stored} of {len(senders)} were imported.")
        read_new(self.ledger)
        waiting = {reply.handle.address: reply.id for reply in self._inbox()}
        self.replies |= {person.number: waiting[person.address] for person in senders}

    def set_aside(self, person: Person) -> None:
        with self.ledger.write() as connection:
            set_state(connection, self.replies[person.number], ReplyState.SET_ASIDE)

    def shortlist(self, person: Person) -> None:
        with self.ledger.write() as connection:
            reply = find_reply(connection, self.replies[person.number])
            assert reply is not None
            self.definitions[person.number] = take_definition(
                connection, self.ledger.keys, self.ledger.clock(), reply, person.lang
            ).id

    def ask(self, person: Person) -> None:
        question = ask(
            self.ledger,
            self.definitions[person.number],
            asked_by=EDITOR,
            credit=person.credit,
            note=person.note,
        )
        self.requests[person.number] = question.request.id

    def _publish(self) -> None:
        report = publish_pending(self.ledger)
        if report is not None and (report.refused or report.note):
            raise _broken(report.note or report.refused[0].sentence)

    def _publish_edition(self) -> None:
        granted = [
            self.definitions[person.number]
            for person in self.people
            if person.fate is Fate.GRANTED and Use.EDITION in person.uses
        ]
        edition_id = self._add_edition(EDITION_TITLE, "introduction", granted)
        publish_edition(self.ledger, edition_id)
        self._publish()

    def _draft_edition(self) -> None:
        chosen = [
            self.definitions[person.number]
            for person in self.people
            if person.fate is Fate.GRANTED and any(word in person.text for word in DRAFT_WORDS)
        ]
        self._add_edition(DRAFT_TITLE, "draft", chosen)

    def _add_edition(self, title: str, introduction: str, definition_ids: list[str]) -> str:
        with self.ledger.write() as connection:
            return add_edition(
                connection,
                self.ledger.clock(),
                campaign_id=self._campaign().id,
                title=title,
                introduction=prose(introduction),
                definition_ids=tuple(definition_ids),
            ).id

    # ----------------------------------------------------- what the people answering do
    def _send_form(self, person: Person) -> None:
        ours, now = self.ledger, self.ledger.clock()
        token = ours.keys.token_hash(f"demonstration {person.number}")
        answer = form_reply(person.text, person.name, person.address, token=token)
        campaign = self._campaign()
        with ours.write() as connection:
            account = ensure_account(
                connection, ours.keys, Channel.FORM, campaign.slug, campaign.id
            )
            store_replies(connection, account, [answer.reply], now)
        found = next(
            reply for reply in self._inbox() if reply.external_id == answer.reply.external_id
        )
        with ours.write() as connection:
            known = replace(found, handle=replace(found.handle, contact=answer.contact))
            author_of(connection, ours.keys, known, now)
        self.replies[person.number] = found.id
        read_new(ours)

    def grant(self, person: Person) -> None:
        assert person.credit is not None
        with self.ledger.read() as connection:
            shown = need_definition(connection, self.definitions[person.number]).text
        decisions.grant(
            self.ledger,
            self.requests[person.number],
            text=shown,
            credit=person.credit,
            uses=person.uses,
            evidence=EVIDENCE,
        )

    def refuse(self, person: Person) -> None:
        decisions.refuse(self.ledger, self.requests[person.number], EVIDENCE)

    def propose(self, person: Person) -> None:
        decisions.propose(self.ledger, self.requests[person.number], person.words, EVIDENCE)

    def withdraw(self, person: Person) -> None:
        """Take back what readers have seen, so that its address is gone and not just unknown."""
        self._publish()
        decisions.withdraw(self.ledger, self.definitions[person.number], EVIDENCE)
        self._publish()

    # ------------------------------------------------------------------- looking things up
    def _campaign(self) -> Campaign:
        with self.ledger.read() as connection:
            return need_campaign(connection, "")

    def _inbox(self) -> list[Reply]:
        campaign = self._campaign()
        with self.ledger.read() as connection:
            return desk_replies(connection, campaign.id, ReplyState.NEW, limit=MOST_WAITING)


def _arrival(person: Person) -> float:
    """When an answer reaches the desk, in days ago: files are imported at the end of each day."""
    return person.ago if person.by is By.FORM else float(int(person.ago))


def _broken(what: str) -> DefinedbyError:
    return DefinedbyError(
        f"The demonstration can't be made: {what}",
        "Please report it: https://github.com/definedby/definedby/issues",
    )


#: Days after the arrival, how many times their author's patience on top of it, and the step.
_Life = tuple[tuple[float, int, Callable[[Story, Person], None]], ...]
_ASKED: _Life = ((0.05, 0, Story.shortlist), (0.1, 0, Story.ask))
_LIVES: dict[Fate, _Life] = {
    Fate.NEW: (),
    Fate.SET_ASIDE: ((0.05, 0, Story.set_aside),),
    Fate.SHORTLISTED: _ASKED[:1],
    Fate.ASKED: _ASKED,
    Fate.REFUSED: (*_ASKED, (0.1, 1, Story.refuse)),
    Fate.PROPOSED: (*_ASKED, (0.1, 1, Story.propose)),
    Fate.GRANTED: (*_ASKED, (0.1, 1, Story.grant)),
    Fate.WITHDRAWN: (*_ASKED, (0.1, 1, Story.grant), (2.0, 1, Story.withdraw)),
}
