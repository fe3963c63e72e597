"""P17: every account shows how it fares, and what was not collected says why."""

from __future__ import annotations

import json
from datetime import timedelta

from collector.meter import cap_reached
from collector.polling import poll_all, poll_due
from collector.status import status
from ledger.accounts import add_account, note_failure, note_read
from ledger.database import Ledger
from ledger.model import Campaign, Channel, IncomingReply, Skipped
from ledger.replies import store_replies, store_skipped
from tests.conftest import SteppingClock
from tests.servers.mastodon_api import MastodonApi
from tests.servers.mastodon_http import Fault, iso


def test_p17_an_account_shows_how_it_fares(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    with ledger.write() as connection:
        account = add_account(
            connection,
            ledger.keys,
            channel=Channel.EMAIL,
            name="letters",
            campaign_id=campaign.id,
        )
        incoming = [IncomingReply(str(n), "ada@sample.example", f"answer {n}") for n in range(5)]
        store_replies(connection, account, incoming, clock())
        store_skipped(connection, account, [Skipped("9", "It is larger than 10 MiB.")], clock())
        note_read(
            connection,
            account.id,
            cursor="1:9",
            now=clock(),
            next_poll_at=clock(),
            stored=5,
            skipped=1,
        )
    (first,) = status(ledger)
    assert (first.replies_today, first.is_quiet) == (5, False)
    assert first.not_collected == (Skipped("9", "It is larger than 10 MiB."),)
    clock.pass_time(days=15)
    with ledger.write() as connection:
        note_failure(connection, account.id, error="It is gone. Start it.", next_poll_at=clock())
    (later,) = status(ledger)
    assert (later.replies_today, later.is_quiet) == (0, True)
    shown = json.loads(json.dumps(later.as_dict(), default=str))
    assert shown["last_error"] == "It is gone. Start it."
    assert [alert["kind"] for alert in shown["alerts"]] == ["quiet"]
    assert shown["not_collected_by_kind"] == {"malformed": 1}
    assert shown["not_collected"][0]["kind"] == "malformed"
    assert shown["monthly_cap"] is None


def test_p17_what_went_wrong_and_how_to_mend_it_is_shown_until_it_is_well(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    """Three accounts on one server: one is refused, one is limited, and the third goes on."""
    with MastodonApi(clock) as server:
        with ledger.write() as connection:
            for name, token in (("well", server.token), ("limited", "b"), ("refused", "c")):
                add_account(
                    connection,
                    ledger.keys,
                    channel=Channel.MASTODON,
                    name=name,
                    campaign_id=campaign.id,
                    options={"base_url": server.url},
                    secret=token,
                )
        server.mention(server.add_person("ada@far.example"), "a lamp")
        reset = iso(clock() + timedelta(minutes=7))
        poll_all(ledger, "refused")
        server.faults.append(Fault(status=429, headers={"X-RateLimit-Reset": reset}))
        poll_all(ledger, "limited")
        poll_all(ledger, "well")
        shown = {one.account.name: one.as_dict() for one in status(ledger)}
        assert (shown["well"]["replies"], shown["well"]["last_error"]) == (1, "")
        assert shown["well"]["last_read_at"] == clock()
        assert shown["well"]["cursor"]
        for name in ("refused", "limited"):
            assert (shown[name]["replies"], shown[name]["failures"]) == (0, 1)
            assert shown[name]["last_read_at"] is None
        assert "definedby account add mastodon --replace" in shown["refused"]["last_error"]
        assert "tried again by itself" in shown["limited"]["last_error"]
        # When the platform itself says or a little later, never sooner.
        after_reset = shown["limited"]["next_poll_at"] - clock() - timedelta(minutes=7)
        assert timedelta() <= after_reset < timedelta(seconds=30)
        server.token = "b"
        clock.pass_time(minutes=8)
        poll_due(ledger)
        shown = {one.account.name: one.as_dict() for one in status(ledger)}
        assert (shown["limited"]["last_error"], shown["limited"]["failures"]) == ("", 0)
        assert shown["limited"]["replies"] == 1


def test_p17_a_reached_cap_raises_an_alert_at_once(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    """Until the first of the month nothing is read there, nor looked at again."""
    error = cap_reached(10, clock())
    with ledger.write() as connection:
        account = add_account(
            connection,
            ledger.keys,
            channel=Channel.X,
            name="@asker_example",
            campaign_id=campaign.id,
        )
        note_failure(connection, account.id, error=f"{error} {error.mend}", next_poll_at=clock())
    (alert,) = status(ledger)[0].alerts
    assert alert.kind == "capped"
    assert "$10.00" in alert.mend
    assert "Raise the account's monthly cap" in alert.mend


def test_p17_an_import_is_never_called_quiet(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    with ledger.write() as connection:
        account = add_account(
            connection,
            ledger.keys,
            channel=Channel.IMPORT,
            name=campaign.slug,
            campaign_id=campaign.id,
        )
        incoming = [IncomingReply(str(n), "ada@sample.example", f"answer {n}") for n in range(9)]
        store_replies(connection, account, incoming, clock())
    clock.pass_time(days=100)
    assert [one.is_quiet for one in status(ledger)] == [False]
