"""Lines over time as one SVG: a chart for each figure, a line for each program."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Protocol

WIDTH, HEIGHT, LEFT, GAP = 860, 150, 60, 56
COLOURS = ("#2563c9", "#c2410c", "#15803d", "#7e22ce")


class Line(Protocol):
    """What is drawn."""

    name: str
    what: str
    unit: str
    values: list[float]


def plot(title: str, series: Sequence[Line], seconds: float) -> str:
    """The picture; `seconds` lie between two values."""
    figures = list(dict.fromkeys(line.what for line in series))
    parts = [f'<text x="{LEFT}" y="22" font-size="16">{escape(title)}</text>']
    for row, figure in enumerate(figures):
        mine = [line for line in series if line.what == figure]
        top = 50 + row * (HEIGHT + GAP)
        most = max((value for line in mine for value in line.values), default=1) or 1
        parts.append(f'<text x="{LEFT}" y="{top - 6}">{escape(figure)} {escape(mine[0].unit)}</text>')
        for share in (0, 0.5, 1):
            y = top + HEIGHT * (1 - share)
            parts.append(f'<path d="M{LEFT} {y:.1f}h{WIDTH}" stroke="#bbb" stroke-width=".5"/>')
            parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{most * share:.3g}</text>')
        for number, line in enumerate(mine):
            step = WIDTH / max(1, len(line.values) - 1)
            points = " ".join(f"{LEFT + index * step:.1f},{top + HEIGHT * (1 - value / most):.1f}" for index, value in enumerate(line.values))
            colour = COLOURS[number % len(COLOURS)]
            parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.3"><title>{escape(line.name)}</title></polyline>')
            parts.append(f'<text x="{LEFT + 120 + 130 * number}" y="{top - 6}" fill="{colour}">{escape(line.name)}</text>')
        minutes = max((len(line.values) for line in mine), default=0) * seconds / 60
        parts.append(f'<text x="{LEFT + WIDTH}" y="{top + HEIGHT + 16}" text-anchor="end">{minutes:.1f} min</text>')
    height = 50 + len(figures) * (HEIGHT + GAP)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 20}" height="{height}" font-family="sans-serif" font-size="12">'
        f'<rect width="100%" height="100%" fill="white"/>{"".join(parts)}</svg>\n'
    )
