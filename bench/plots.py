"""Draw what `python -m bench publisher --json FILE` has kept: `python -m bench.plots FILE FOLDER`.

Makes FOLDER/rivals-COUNT.svg, and prints the same as a table of Markdown. Bars are medians, the
lines over them go from the least to the most. The scales are logarithmic: a tenth of the time is
one step to the left.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import escape

OURS = "definedby"
COLOURS = {OURS: "#b4421f", "hugo": "#3b6ea5", "eleventy": "#8a8a8a", "pelican": "#5e8c61"}
OTHER = "#777777"
LEFT, WIDTH, BAR, GAP, HEAD = 190, 470, 15, 16, 64
FONT = 'font-family="system-ui, sans-serif"'


@dataclass(frozen=True)
class Bar:
    label: str
    tool: str
    least: float
    median: float
    most: float


@dataclass(frozen=True)
class Panel:
    title: str
    unit: str
    bars: Sequence[Bar]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    told = json.loads(given.file.read_text(encoding="utf-8"))
    picture = given.folder / f"rivals-{told['count']}.svg"
    picture.write_text(drawn(told), encoding="utf-8")
    print("\n".join(table(told)))


def table(told: dict[str, Any]) -> Iterator[str]:
    """CPU seconds (least to most), files written by an edit, memory, and what is left."""
    steps = _steps(told)
    columns = (*steps, "peak MB", "files written (cold, one edit)", "withdrawn pages left")
    yield f"| {told['count']:,} posts, CPU s | {' | '.join(columns)} |"
    yield "|---" * (len(steps) + 4) + "|"
    for name, tool in told["tools"].items():
        cells = []
        for step in steps:
            runs = [run["cpu"] for run in tool["steps"][step]]
            cells.append(f"{statistics.median(runs):.2f} ({min(runs):.2f}–{max(runs):.2f})")
        written = [
            f"{tool['steps'][s][-1]['written']:,}" for s in ("cold", "one edit") if s in steps
        ]
        left = f"{tool['still_there']} of {tool['withdrawn']}"
        peak = f"{_peak(tool):.0f}"
        yield f"| {name} | {' | '.join(cells)} | {peak} | {', '.join(written)} | {left} |"
    yield f"| share of hugo's, definedby | {' | '.join(_shares(told, 'hugo'))} | | | |"


def _shares(told: dict[str, Any], rival: str) -> Iterator[str]:
    """Of the rival's CPU in the same turn: median, least and most."""
    for step in _steps(told):
        both = (told["tools"][name]["steps"][step] for name in (OURS, rival))
        ratios = [mine["cpu"] / other["cpu"] for mine, other in zip(*both, strict=True)]
        yield f"{statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"


def _steps(told: dict[str, Any]) -> list[str]:
    return list(next(iter(told["tools"].values()))["steps"])


def _peak(tool: dict[str, Any]) -> float:
    return max(float(run["peak"]) for runs in tool["steps"].values() for run in runs)


def drawn(told: dict[str, Any]) -> str:
    """The picture, as SVG."""
    panels = [_cpu(step, told) for step in _steps(told)]
    memory = [
        Bar(name, name, _peak(tool), _peak(tool), _peak(tool))
        for name, tool in told["tools"].items()
    ]
    parts, top = [], HEAD
    lowest = min(bar.least for panel in panels for bar in panel.bars)
    highest = max(bar.most for panel in panels for bar in panel.bars)
    for panel in panels:
        parts += _panel(panel, top, lowest / 2, highest * 1.4)
        top += _height(panel)
    last = Panel("peak memory", "MB", memory)
    parts += _panel(last, top, 10, max(bar.most for bar in memory) * 1.4)
    top += _height(last)
    turns = f"{min(told['turns']):.0f} to {max(told['turns']):.0f} ms"
    runs = len(next(iter(told["tools"][OURS]["steps"].values())))
    notes = (
        f"Median of {runs} runs in turns, thin lines from least to most; logarithmic scales.",
        f"{told['machine']}; a million empty turns of a loop took {turns}.",
    )
    foot = [
        f'<text x="16" y="{top + 14 + 16 * line}" font-size="11" fill="#555">{escape(note)}</text>'
        for line, note in enumerate(notes)
    ]
    title = f"{told['count']:,} definitions: CPU seconds of the whole process"
    size = f'width="{LEFT + WIDTH + 110}" height="{top + 44}"'
    label = f'{FONT} role="img" aria-label="{escape(title)}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} {label}>',
            '<rect width="100%" height="100%" fill="#fff"/>',
            f'<text x="16" y="30" font-size="17" fill="#222">{escape(title)}</text>',
            *parts,
            *foot,
            "</svg>\n",
        ]
    )


def _cpu(step: str, told: dict[str, Any]) -> Panel:
    bars = []
    for name, tool in told["tools"].items():
        runs = [run["cpu"] for run in tool["steps"][step]]
        bars.append(Bar(name, name, min(runs), statistics.median(runs), max(runs)))
    return Panel(step, "s", bars)


def _height(panel: Panel) -> int:
    return len(panel.bars) * (BAR + 3) + GAP + 18


def _panel(panel: Panel, top: int, lowest: float, highest: float) -> Iterator[str]:
    def x(value: float) -> float:
        share = math.log(value / lowest) / math.log(highest / lowest)
        return LEFT + WIDTH * min(max(share, 0.0), 1.0)

    bold = 'font-size="13" font-weight="600" fill="#222"'
    yield f'<text x="16" y="{top + 10}" {bold}>{panel.title}</text>'
    for number, bar in enumerate(panel.bars):
        y = top + 18 + number * (BAR + 3)
        middle, colour = y + BAR / 2, COLOURS.get(bar.tool, OTHER)
        yield (
            f'<text x="{LEFT - 8}" y="{y + 12}" font-size="12" text-anchor="end" fill="#333">'
            f"{escape(bar.label)}</text>"
        )
        yield (
            f'<rect x="{LEFT}" y="{y}" width="{x(bar.median) - LEFT:.1f}" height="{BAR}" '
            f'fill="{colour}"/>'
        )
        if bar.most > bar.least:
            yield (
                f'<path d="M{x(bar.least):.1f} {middle}H{x(bar.most):.1f}" stroke="#222" '
                'stroke-width="1.5"/>'
            )
        value = f"{bar.median:.2f}" if panel.unit == "s" else f"{bar.median:.0f}"
        yield (
            f'<text x="{x(bar.most) + 7:.1f}" y="{y + 12}" font-size="12" fill="#222">'
            f"{value} {panel.unit}</text>"
        )


if __name__ == "__main__":
    main()
