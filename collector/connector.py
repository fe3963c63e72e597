"""What every connector is: fetch a page from a cursor, send a message, check the account.

Connectors hold no retry policy and no database: they translate one channel into
`IncomingReply` values and classify what goes wrong as permanent or temporary.
The poll cycle (collector/poll.py) and the dispatcher (collector/dispatch.py) decide the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from ledger.attachments import Attachment
from ledger.clock import Clock, system_clock
from ledger.model import Page
from ledger.person import FoundPerson

if TYPE_CHECKING:
    from collector.mail.idle import Ear


class ChannelError(Exception):
    """The channel refused or could not be reached.

    `permanent`: trying again without a person changing something is pointless.
    `mend`: what that person should do, in one sentence.
    `retry_after`: how long the channel itself asked us to wait, if it did.
    `delivered_unknown`: for `send` only; the message may have left (promise P10).
    `hand_over`: for `send` only; the address of the platform's own composer with the text
    prepared, where only a human may send this.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool,
        mend: str,
        retry_after: timedelta | None = None,
        delivered_unknown: bool = False,
        hand_over: str = "",
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.mend = mend
        self.retry_after = retry_after
        self.delivered_unknown = delivered_unknown
        self.hand_over = hand_over


def no_such_post(address: str) -> ChannelError:
    """What to say when an account has no post of its own at an address."""
    return ChannelError(
        f"This account has no post at {address[:200]}.",
        permanent=True,
        mend="Copy the address from your browser, and name the account that posted it.",
    )


@dataclass(frozen=True)
class OutgoingMessage:
    """One message to one person. `message_id` is stable over retries, so peers can dedupe.

    `in_reply_to` is the channel's id of what it answers; `private` a direct message. `attachment`
    goes with it by mail; on other channels there are none.
    """

    message_id: str
    recipient: str
    subject: str
    body: str
    in_reply_to: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    private: bool = True
    attachment: Attachment | None = None


class SourceState(StrEnum):
    """How a reply's source stands at its platform now."""

    THERE = "there"
    EDITED = "edited"
    GONE = "gone"
    PROTECTED = "protected"


@dataclass(frozen=True)
class PromptPost:
    """The campaign's prompt as an account posted it; replies to it are read.

    `thread_id` is what else the platform needs to find them (X: conversation id).
    """

    external_id: str
    url: str
    posted_at: datetime
    thread_id: str = ""


@dataclass(frozen=True)
class Ask:
    """One thing that adding an account asks for, and where to find it.

    `rarely`: not asked for at a terminal, only an option there. `is_server`: secrets go where
    this says, so with another answer they have to be given again. `setting` names the setting
    that stands in for no answer, `choices` what may be answered, `envvar` a variable of the
    environment that may answer at a terminal.
    """

    name: str
    prompt: str
    where: str
    secret: bool = False
    default: str = ""
    needed: bool = True
    rarely: bool = False
    is_server: bool = False
    setting: str = ""
    choices: tuple[str, ...] = ()
    envvar: str = ""


#: The kind of unit that is charged for looking again at posts whose words are used.
LOOK = "look"


@dataclass(frozen=True)
class Held:
    """Units held back for one request, and in which month, as long as it is under way."""

    kind: str
    count: int
    month: str = ""


class Meter(Protocol):
    """Counts what a channel charges for, so that an account's cap is never exceeded."""

    def hold(self, kind: str, count: int) -> Held:
        """Before a request: as many of `count` units as still fit under the cap are held for it."""

    def settle(self, held: Held, ids: Sequence[str]) -> None:
        """After it: note what was read or sent, if anything; an id counts once per UTC day."""

    def left(self) -> float | None:
        """Dollars that are left of this month's cap; None: no cap."""

    def capped(self) -> ChannelError:
        """The error to raise when nothing fits any more."""


class NoMeter:
    """For channels that cost nothing."""

    def hold(self, kind: str, count: int) -> Held:
        return Held(kind, count)

    def settle(self, held: Held, ids: Sequence[str]) -> None:
        """Nothing to count."""

    def left(self) -> float | None:
        return None

    def capped(self) -> ChannelError:
        return ChannelError("There is no cap.", permanent=False, mend="Nothing needs mending.")


def _forget(_secret: str) -> None:
    """For connectors that renew nothing."""


def mentions_nothing(_source: str) -> Sequence[str]:
    """For connectors whose sources mention no page of ours."""
    return ()


@dataclass(frozen=True)
class Context:
    """What a connector is given beside its account.

    `keep_secret` stores renewed tokens at once: some platforms end the old ones with that.
    `mentioned_by` names the pages of ours that a source elsewhere was said to link to.
    """

    clock: Clock = system_clock
    prompts: tuple[PromptPost, ...] = ()
    keep_secret: Callable[[str], None] = _forget
    meter: Meter = field(default_factory=NoMeter)
    mentioned_by: Callable[[str], Sequence[str]] = mentions_nothing


class Connector(Protocol):
    """Implemented once per channel, in collector/channels/<channel>.py."""

    def fetch(self, cursor: str, limit: int) -> Page:
        """Read at most about `limit` replies after `cursor` ("" the first time).

        Must return the same replies again when called with the same cursor.
        Raises ChannelError.
        """

    def send(self, message: OutgoingMessage) -> str:
        """Send once; return the channel's own id of the sent message. Raises ChannelError."""

    def check(self) -> str:
        """Try the account live; return one sentence on what answered. Raises ChannelError."""


@runtime_checkable
class LookingConnector(Connector, Protocol):
    """A channel whose sources can be looked up again."""

    def look_again(self, external_ids: Sequence[str]) -> dict[str, SourceState]:
        """How these sources stand now; what is not in the answer is not known.

        Of so few at a time (collector/source_check.py) that it takes no longer than minutes.
        """


@dataclass(frozen=True)
class FollowerPage:
    """People who have begun to follow an account; `more`: another look right away finds more."""

    people: tuple[FoundPerson, ...]
    next_cursor: str
    more: bool = False


@runtime_checkable
class FollowedConnector(Protocol):
    """A channel whose account has followers."""

    def new_followers(self, cursor: str, limit: int) -> FollowerPage:
        """Who follows since `cursor`; without one, the newest. Raises ChannelError."""


@runtime_checkable
class ListeningConnector(Connector, Protocol):
    """A channel whose server can tell us that something has arrived."""

    def listen(self, ear: Ear) -> None:
        """Tell `ear` of every arrival until it is closed; read nothing.

        Raises ChannelError, and NoIdleError where the server can't do that.
        """


@runtime_checkable
class RereadingConnector(LookingConnector, Protocol):
    """A channel that tells how an edited source reads now.

    Where a channel tells edits only by comparing versions, `with_version` names the source with
    the version in `raw`, for `look_again`.
    """

    def read_again(self, external_ids: Sequence[str]) -> dict[str, str]:
        """The words of these sources now; what can't be read is not in the answer."""

    def with_version(self, external_id: str, raw: str) -> str:
        """What `look_again` has to be asked, so that it tells edits since `raw` was read."""


@runtime_checkable
class PostingConnector(LookingConnector, Protocol):
    """A channel on which the prompt itself can be posted."""

    def post(self, text: str, key: str) -> PromptPost:
        """Post the prompt. `key` makes a repeat harmless where the platform allows that.

        Raises ChannelError, with `delivered_unknown` when it may be out.
        """

    def find_post(self, address: str) -> PromptPost:
        """The post of this account at `address`, as people see it. Raises ChannelError."""
