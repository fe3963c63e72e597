"""What happens to connectors in the world: each kind at each channel, or the reason why not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from collector.channels import open_connector
from collector.connector import ChannelError, OutgoingMessage
from ledger.accounts import ensure_account
from ledger.campaigns import add_campaign
from ledger.database import Ledger, open_ledger
from ledger.errors import DefinedbyError
from ledger.model import Account, Channel, Page
from ledger.replies import store_replies
from ledger.settings import load_settings
from tests.contract.bluesky_case import BLUESKY_CASE
from tests.contract.brought_case import FORM_HOOKS, PASTE_HOOKS
from tests.contract.cases import IMPORT_HOOKS
from tests.contract.comments_case import COMMENTS_CASE
from tests.contract.email_case import CANNOT as EMAIL_CANNOT
from tests.contract.email_case import email_case
from tests.contract.kinds import BY_READING, NEEDS_A_PERSON, NOTICED, TROUBLES, Hooks, Kind
from tests.contract.mastodon_case import MASTODON_CASE
from tests.contract.webmention_case import WEBMENTION_HOOKS
from tests.contract.x_case import X_CASE

TEXTS = [f"Thought leadership is lamp {number}" for number in range(3)]
HOOKS: dict[Channel, Hooks] = {
    Channel.X: X_CASE.hooks,
    Channel.MASTODON: MASTODON_CASE.hooks,
    Channel.BLUESKY: BLUESKY_CASE.hooks,
    Channel.WEBMENTION: WEBMENTION_HOOKS,
    Channel.IMPORT: IMPORT_HOOKS,
    Channel.FORM: FORM_HOOKS,
    Channel.PASTE: PASTE_HOOKS,
    Channel.COMMENTS: COMMENTS_CASE.hooks,
}
#: The channels of which test_connectors.py reads many replies.
READ_THERE = {
    *(Channel.X, Channel.MASTODON, Channel.BLUESKY, Channel.IMPORT, Channel.EMAIL),
    Channel.COMMENTS,
}


def _pairs(of: str) -> list[object]:
    known = [
        pytest.param(channel, kind, id=f"{channel}-{kind}")
        for channel, hooks in HOOKS.items()
        for kind in getattr(hooks, of)
    ]
    mail = [
        pytest.param(Channel.EMAIL, kind, id=f"email-{kind}", marks=pytest.mark.mail)
        for kind in (sorted(TROUBLES) if of == "troubles" else ())
    ]
    return [*known, *mail]


def _hooks(request: pytest.FixtureRequest, channel: Channel) -> Hooks:
    if channel is Channel.EMAIL:
        return email_case(request.getfixturevalue("mail_server")).hooks
    return HOOKS[channel]


def _texts(page: Page) -> list[str]:
    return [reply.text.strip() for reply in page.replies]


@pytest.mark.parametrize(("channel", "kind"), _pairs("troubles"))
def test_p16_trouble_is_told_and_loses_nothing(
    channel: Channel, kind: Kind, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with _hooks(request, channel).troubles[kind](tmp_path, TEXTS) as source:
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


@pytest.mark.parametrize(("channel", "kind"), _pairs("changes"))
def test_p38_what_its_author_does_to_a_source_is_noticed(
    channel: Channel, kind: Kind, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with _hooks(request, channel).changes[kind](tmp_path) as source:
        source.change()
        assert source.noticed() is NOTICED[kind]


BRINGING = [pytest.param(c, id=c.value) for c, hooks in HOOKS.items() if hooks.bring is not None]


@pytest.fixture
def account(tmp_path: Path) -> Iterator[tuple[Ledger, Account]]:
    ledger = open_ledger(load_settings({}, home=tmp_path / "home"), create=True)
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
    assert {*HOOKS, Channel.EMAIL} == set(Channel)
    email = Counter([*TROUBLES, *EMAIL_CANNOT])
    for channel in Channel:
        said = email if channel is Channel.EMAIL else Counter(HOOKS[channel].named)
        said.update(BY_READING if channel in READ_THERE else ())
        assert said == Counter(Kind), f"{channel}: {said - Counter(Kind)} {Counter(Kind) - said}"
    cannot = [HOOKS[channel].cannot for channel in HOOKS] + [EMAIL_CANNOT]
    for reasons in cannot:
        assert all(reason.endswith(".") for reason in reasons.values())
    # A kind that is tried nowhere would be no kind.
    left_out = Counter(kind for reasons in cannot for kind in reasons)
    assert all(count < len(Channel) for count in left_out.values())
