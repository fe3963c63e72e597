"""Every channel has its words on the blog and on the desk: a new one must not stop a build."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ledger.model import Campaign, Channel, Credit, NameForm
from publisher.preview import preview
from web.showing import channel_name


@pytest.mark.parametrize("channel", list(Channel))
def test_a_post_from_any_channel_can_be_shown(channel: Channel) -> None:
    now = datetime(2026, 1, 5, tzinfo=UTC)
    campaign = Campaign("c", "talks", "A talk", "A talk is ___?", "en", now)
    credit = Credit(NameForm.NAME, name="Ada Sample")
    assert "Ada Sample" in preview(campaign, "short", credit, channel=channel, when=now)
    assert channel_name(channel)
