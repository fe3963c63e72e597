"""The pictures of the comparison: well-formed, and with nothing left out."""

from __future__ import annotations

from typing import Any

from lxml import etree

from bench.plots import drawn, table
from bench.publisher import STEPS


def tool(cpu: float, left: int) -> dict[str, Any]:
    runs = [{"cpu": cpu * factor, "peak": 100.0, "written": 7} for factor in (1.0, 0.8, 1.5)]
    return {
        "steps": dict.fromkeys(STEPS, runs),
        "withdrawn": 3,
        "still_there": left,
        "files": 9,
    }


TOLD = {
    "count": 1_000,
    "machine": "2 cores & more",
    "turns": [25.0, 61.4],
    "tools": {"definedby": tool(0.5, 0), "hugo": tool(2.0, 3)},
}


def test_every_tool_and_step_is_drawn_with_its_median() -> None:
    picture = etree.fromstring(drawn(TOLD).encode())
    texts = [text.text for text in picture.iter("{*}text")]
    assert texts.count("0.50 s") == texts.count("2.00 s") == len(STEPS)
    assert {*STEPS, "peak memory", "definedby", "hugo"} <= set(texts)
    assert any("25 to 61 ms" in text for text in texts)
    _, *bars = picture.iter("{*}rect")  # the first is the ground
    assert float(bars[0].get("width")) < float(bars[1].get("width"))


def test_the_table_says_least_most_share_and_what_is_left() -> None:
    _, _, ours, hugo, share = table(TOLD)
    assert ours.startswith("| definedby | 0.50 (0.40–0.75) |")
    assert ours.endswith("| 0 of 3 |")
    assert hugo.endswith("| 3 of 3 |")
    assert "| 0.25 (0.25–0.25) |" in share
