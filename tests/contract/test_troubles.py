"""What happens to connectors in the world: each kind at each channel, or the reason why not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from collector.channels import open_connector
from collector.connector import ChannelError, OutgoingMessage
from ledger.accounts import ensure_account
from ledger.campaigns import add_campaign
from ledger.database import Ledger
from ledger.errors import DefinedbyError
from ledger.model import Account, Channel, Page
from ledger.replies import store_replies
from ledger.settings import load_settings
from tests.contract.bluesky_case import BLUESKY_CASE
from tests.contract.brought_case import FORM_HOOKS, PASTE_HOOKS
from tests.contract.cases import IMPORT_HOOKS, ConnectorCase
from tests.contract.comments_case import COMMENTS_CASE
from tests.contract.email_case import CANNOT as EMAIL_CANNOT
from tests.contract.email_case import email_case
from tests.contract.kinds import BY_READING, CHANGES, NEEDS_A_PERSON, NOTICED, TROUBLES, Hooks, Kind
from tests.contract.mastodon_case import MASTODON_CASE
from tests.contract.snac_case import CANNOT as SNAC_CANNOT
from tests.contract.snac_case import snac_case
from tests.contract.webmention_case import WEBMENTION_HOOKS
from tests.contract.x_case import X_CASE
from tests.molds import open_new

TEXTS = [f"Thought leadership is lamp {number}" for number in range(3)]
#: By channel; a channel that has a second server is here once more.
HOOKS: dict[str, Hooks] = {
    Channel.X: X_CASE.hooks,
    Channel.MASTODON: MASTODON_CASE.hooks,
    Channel.BLUESKY: BLUESKY_CASE.hooks,
    Channel.WEBMENTION: WEBMENTION_HOOKS,
    Channel.IMPORT: IMPORT_HOOKS,
    Channel.FORM: FORM_HOOKS,
    Channel.PASTE: PASTE_HOOKS,
    Channel.COMMENTS: COMMENTS_CASE.hooks,
}
SNAC2 = "mastodon at snac2"
#: What runs around a server: its fixture, how its case is made, and what it never meets.
AT_SERVERS: dict[str, tuple[str, Callable[[Any], ConnectorCase], dict[Kind, str]]] = {
    Channel.EMAIL: ("mail_server", email_case, EMAIL_CANNOT),
    SNAC2: ("snac_server", snac_case, SNAC_CANNOT),
}
#: Those of which test_connectors.py reads many replies.
READ_THERE = {
    *(Channel.X, Channel.MASTODON, Channel.BLUESKY, Channel.IMPORT, Channel.COMMENTS),
    *AT_SERVERS,
}


def _at_servers(of: str) -> list[tuple[str, Kind]]:
    every = TROUBLES if of == "troubles" else CHANGES
    return [(name, kind) for name in AT_SERVERS for kind in sorted(every - {*AT_SERVERS[name][2]})]


def _pairs(of: str) -> list[object]:
    known = [(name, kind) for name, hooks in HOOKS.items() for kind in getattr(hooks, of)]
    return [
        pytest.param(
            name,
            kind,
            id=f"{name}-{kind}",
            marks=[pytest.mark.mail] if name == Channel.EMAIL else [],
        )
        for name, kind in [*known, *_at_servers(of)]
    ]


def _hooks(request: pytest.FixtureRequest, name: str) -> Hooks:
    if name in AT_SERVERS:
        fixture, case, _ = AT_SERVERS[name]
        return case(request.getfixturevalue(fixture)).hooks
    return HOOKS[name]


def _texts(page: Page) -> list[str]:
    return [reply.text.strip() for reply in page.replies]


@pytest.mark.parametrize(("name", "kind"), _pairs("troubles"))
def test_p16_trouble_is_told_and_loses_nothing(
    name: str, kind: Kind, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with _hooks(request, name).troubles[kind](tmp_path, TEXTS) as source:
        if source.left_out:
            page = source.read()
            assert _texts(page) == TEXTS
            (skipped,) = page.skipped
            assert skipped.external_id
            assert skipped.reason.endswith(".")
            return
        with pytest.raises(ChannelError) as caught:
            source.read()
        error = caught.value
        expected = kind in NEEDS_A_PERSON if source.permanent is None else source.permanent
        assert error.permanent is expected, source.because
        assert bool(source.because) is (source.permanent is not None)
        assert not error.delivered_unknown
        assert str(error).endswith(".")
        assert error.mend.endswith(".")
        if source.retry_after is not None:
            assert error.retry_after is not None
            assert abs(error.retry_after - source.retry_after) < timedelta(seconds=3)
        source.mend()
        assert _texts(source.read()) == TEXTS


@pytest.mark.parametrize(("name", "kind"), _pairs("changes"))
def test_p38_what_its_author_does_to_a_source_is_noticed(
    name: str, kind: Kind, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with _hooks(request, name).changes[kind](tmp_path) as source:
        source.change()
        assert source.noticed() is NOTICED[kind]


BRINGING = [pytest.param(c, id=str(c)) for c, hooks in HOOKS.items() if hooks.bring is not None]


@pytest.fixture
def account(tmp_path: Path) -> Iterator[tuple[Ledger, Account]]:
    ledger = open_new(load_settings({}, home=tmp_path / "home"))
    with ledger.write() as connection:
        campaign = add_campaign(connection, ledger.clock(), prompt="Thought leadership is ___?")
        made = ensure_account(connection, ledger.keys, Channel.FORM, "a", campaign.id)
    yield ledger, made
    ledger.close()


@pytest.mark.parametrize("channel", BRINGING)
def test_p16_what_is_brought_is_kept_once_or_refused_with_a_reason(
    channel: Channel, account: tuple[Ledger, Account]
) -> None:
    bring, (ledger, of) = HOOKS[channel].bring, account
    assert bring is not None
    stored = []
    for words, token in (("A lamp", "t1"), ("A lamp", "t1"), ("A lamp", "t2")):
        with ledger.write() as connection:
            stored.append(store_replies(connection, of, [bring(words, token)], ledger.clock()))
    assert stored == [1, 0, 1]
    assert bring("A\x00 lamp\x1b", "t3").text == "A lamp"
    for wrong in ("", " \u200b\n", "x" * 20_001):
        with pytest.raises(DefinedbyError) as caught:
            bring(wrong, "t4")
        assert caught.value.next_step.endswith(".")


@pytest.mark.parametrize(
    "channel", [Channel.FORM, Channel.PASTE, Channel.IMPORT, Channel.WEBMENTION]
)
def test_what_is_not_polled_gives_nothing_and_sends_nothing(channel: Channel) -> None:
    connector = open_connector(Account(1, channel, "a", "c", {}, ""))
    page = connector.fetch("where we were", 5)
    assert (page.replies, page.next_cursor, page.more) == ((), "where we were", False)
    assert connector.check().endswith(".")
    with pytest.raises(ChannelError) as caught:
        connector.send(OutgoingMessage("<m@sample.example>", "ada", "", "Hello"))
    assert caught.value.permanent
    assert not caught.value.delivered_unknown


def test_every_kind_is_tried_at_every_channel_or_has_a_reason() -> None:
    assert {*HOOKS, *AT_SERVERS} == {*Channel, SNAC2}
    of_servers = Counter([*_at_servers("troubles"), *_at_servers("changes")])
    for name in (*HOOKS, *AT_SERVERS):
        said = Counter(HOOKS[name].named if name in HOOKS else [*AT_SERVERS[name][2]])
        said.update(kind for at, kind in of_servers if at == name)
        said.update(BY_READING - {*said} if name in READ_THERE else ())
        assert said == Counter(Kind), f"{name}: {said - Counter(Kind)} {Counter(Kind) - said}"
    cannot = [hooks.cannot for hooks in HOOKS.values()] + [one[2] for one in AT_SERVERS.values()]
    for reasons in cannot:
        assert all(reason.endswith(".") for reason in reasons.values())
    # A kind that is tried nowhere would be no kind.
    left_out = Counter(kind for reasons in cannot for kind in reasons)
    assert all(count < len(cannot) for count in left_out.values())


@pytest.mark.parametrize(
    "name", [pytest.param(Channel.EMAIL, marks=pytest.mark.mail), pytest.param(SNAC2)]
)
def test_a_case_at_a_server_has_what_it_is_said_to_have(
    name: str, request: pytest.FixtureRequest
) -> None:
    hooks = _hooks(request, name)
    assert {*hooks.troubles, *hooks.changes} == {
        kind for of in ("troubles", "changes") for at, kind in _at_servers(of) if at == name
    }
