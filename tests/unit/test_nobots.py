"""One mark, read alike wherever people put it."""

from __future__ import annotations

from typing import Any

import pytest

from collector.nobots import says_no_bots, wants_no_bots


@pytest.mark.parametrize(
    ("profile", "wants_none"),
    [
        ({"note": "<p>Reader. #<span>NoBot</span></p>"}, True),
        (
            {"note": '<a href="https://x.example/tags/nobot">#<span>nobot</span></a>'},
            True,
        ),
        ({"fields": [{"name": "bots", "value": "#nobots"}]}, True),
        ({"display_name": "Ada #nobot"}, True),
        ({"note": "#no_bots"}, True),
        ({"description": "Reader. #NoAutomation"}, True),
        ({"displayName": "Ada #no_automation"}, True),
        ({"name": "Ada #nobots"}, True),
        ({"note": "<p>I build #nobotany</p>"}, False),
        ({"note": "no bots please"}, False),
        ({"note": None, "fields": "odd"}, False),
        (None, False),
    ],
)
def test_nobot_is_found_wherever_it_stands(profile: Any, wants_none: bool) -> None:
    assert wants_no_bots(profile) is wants_none


@pytest.mark.parametrize("mark", ["#nobot", "#NoBots", "#no_bot", "#NoAutomation"])
def test_every_platform_reads_the_same_mark(mark: str) -> None:
    assert says_no_bots(f"Reader. {mark}")
    for profile in ({"note": f"<p>{mark}</p>"}, {"description": mark}, {"displayName": mark}):
        assert wants_no_bots(profile)
