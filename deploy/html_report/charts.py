"""Time charts and waterfalls: inline SVG that stretches, its labels beside it as text of the page, so that they keep their size."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .figures import clock, moment, written
from .markup import escaped, isolated
from .tables import element_table
from .views import Column, Series, Step, TimeChart, Waterfall

#: The inner measure of the drawing; it is stretched to what room there is.
WIDTH, HEIGHT = 1000.0, 200.0
MOST_TIME_LABELS = 6
#: What people count time in, in seconds.
LABEL_STEPS = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400, 604_800, 2_592_000]
COLOURS = 6


def time_chart(chart: TimeChart) -> str:
    """Axes, legend, drawing and the same numbers as a table."""
    series = [row for row in chart.series if any(value for value in row.values)] or list(chart.series[:1])
    if chart.is_stacked:
        highest = max((sum(values) for values in zip(*map(_filled, series), strict=True)), default=0.0)
    else:
        highest = max((value for row in series for value in _filled(row)), default=0.0)
    ticks = axis_ticks(highest, chart.unit)
    draw = _bars if chart.is_stacked else _lines
    names = ", ".join(row.name for row in series)
    summary = f"{chart.title}: {names}; at most {written(highest, chart.unit)}"
    drawing = (
        f'<svg role="img" aria-label="{escaped(summary)}" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" preserveAspectRatio="none">'
        f"{_grid(ticks)}{draw(chart, series, ticks[-1])}{_hover(chart, series)}</svg>"
    )
    # A single series is what the title says.
    legend = _legend(series) if len(series) > 1 else ""
    return (
        f'{legend}<div class="chart">{_value_axis(ticks, chart.unit)}<div class="plot">{drawing}</div>'
        f"{_time_axis(chart)}</div>{_as_table(chart, series)}"
    )


def axis_ticks(highest: float, unit: str = "count") -> list[float]:
    """Round numbers from 0 to the first that is not below the highest value."""
    if highest <= 0:
        return [0.0, 1.0]
    rough = highest / 4
    if unit == "bytes":
        step = 2.0 ** math.ceil(math.log2(rough))
    else:
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)
    if unit in ("bytes", "count"):
        step = max(step, 1.0)
    return [step * number for number in range(math.ceil(highest / step - 1e-9) + 1)]


def waterfall(view: Waterfall) -> str:
    """The parts of a trace, one below the other, each where it was in time."""
    whole = max((step.start + step.duration for step in view.steps), default=0.0) or 1.0
    rows = "".join(_step(step, whole) for step in view.steps)
    return (
        '<div class="scroll" tabindex="0"><table class="waterfall"><thead><tr><th scope="col">Part</th>'
        '<th scope="col">start</th><th scope="col">took</th><th scope="col" class="bars">'
        f"0 to {escaped(written(whole, 'milliseconds'))}</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _step(step: Step, whole: float) -> str:
    left, width = 100 * step.start / whole, max(100 * step.duration / whole, 0.5)
    colour = "failed" if step.is_failed else "first"
    bar = (
        '<svg class="bar" aria-hidden="true" viewBox="0 0 100 10" preserveAspectRatio="none">'
        f'<rect class="{colour}" x="{min(left, 99.5):.2f}" width="{width:.2f}" height="10"/></svg>'
    )
    indent = f'<td style="padding-left:{step.depth * 1.1:.1f}em">'
    words = isolated(step.name) + (" <em>failed</em>" if step.is_failed else "")
    start, taken = (escaped(written(value, "milliseconds")) for value in (step.start, step.duration))
    return f'<tr>{indent}{words}</td><td>{start}</td><td>{taken}</td><td class="bars">{bar}</td></tr>'


def _filled(series: Series) -> list[float]:
    return [value or 0.0 for value in series.values]


def colour(series: Series, position: int) -> str:
    """The class of its colour."""
    return series.role or f"colour{position % COLOURS}"


def _grid(ticks: Sequence[float]) -> str:
    heights = (HEIGHT * (1 - tick / ticks[-1]) for tick in ticks)
    return "".join(f'<path class="grid" d="M0 {height:.1f}H{WIDTH:g}"/>' for height in heights)


def _bars(chart: TimeChart, series: Sequence[Series], top: float) -> str:
    step = WIDTH / max(len(chart.times), 1)
    # A gap between bars, but none that eats them.
    gap = min(2.0, step * 0.15)
    base = [0.0] * len(chart.times)
    parts = []
    for position, row in enumerate(series):
        pieces = []
        for number, value in enumerate(_filled(row)):
            if value <= 0:
                continue
            height = HEIGHT * value / top
            x, y = number * step + gap / 2, HEIGHT - base[number] - height
            pieces.append(f"M{x:.1f} {y:.2f}h{step - gap:.1f}v{height:.2f}h-{step - gap:.1f}z")
            base[number] += height
        parts.append(f'<path class="{colour(row, position)}" d="{"".join(pieces)}"/>')
    return "".join(parts)


def _lines(chart: TimeChart, series: Sequence[Series], top: float) -> str:
    step = WIDTH / max(len(chart.times), 1)
    parts = []
    for position, row in enumerate(series):
        path, is_pen_down = [], False
        for number, value in enumerate(row.values):
            if value is None:
                is_pen_down = False
                continue
            x, y = (number + 0.5) * step, HEIGHT * (1 - value / top)
            # A value between two gaps is a dot: a line of no length with round ends.
            path.append(f"L{x:.1f} {y:.2f}" if is_pen_down else f"M{x:.1f} {y:.2f}h0")
            is_pen_down = True
        parts.append(f'<path class="line {colour(row, position)}" d="{"".join(path)}"/>')
    return "".join(parts)


def _hover(chart: TimeChart, series: Sequence[Series]) -> str:
    """What the browser shows when the pointer rests on an interval."""
    step = WIDTH / max(len(chart.times), 1)
    parts = []
    for number, time in enumerate(chart.times):
        values = "\n".join(f"{row.name}: {written(row.values[number], chart.unit)}" for row in series if row.values[number])
        words = "\n".join(escaped(line) for line in f"{moment(time)} UTC\n{values or 'nothing'}".split("\n"))
        parts.append(
            f'<rect class="hover" x="{number * step:.1f}" width="{step:.1f}" height="{HEIGHT:g}"><title>{words}</title></rect>'
        )
    return "".join(parts)


def _legend(series: Sequence[Series]) -> str:
    entries = "".join(
        f'<li><i class="{colour(row, position)}"></i>{isolated(row.name)}</li>' for position, row in enumerate(series)
    )
    return f'<ul class="legend">{entries}</ul>'


def _value_axis(ticks: Sequence[float], unit: str) -> str:
    labels = "".join(
        f'<span style="bottom:{100 * tick / ticks[-1]:.1f}%">{escaped(written(tick, unit))}</span>' for tick in ticks
    )
    return f'<div class="values" aria-hidden="true">{labels}</div>'


def _time_axis(chart: TimeChart) -> str:
    if not chart.times:
        return ""
    start, end = chart.times[0], chart.times[-1] + chart.interval
    fitting = (step * 1000 for step in LABEL_STEPS if (end - start) / 1000 / step <= MOST_TIME_LABELS)
    step = next(fitting, -(-(end - start) // MOST_TIME_LABELS))
    marks = range(-(-start // step) * step, end, step)
    labels = "".join(_time_label(mark, start, end) for mark in marks)
    return f'<div class="times" aria-hidden="true">{labels}</div>'


def _time_label(mark: int, start: int, end: int) -> str:
    place = 100 * (mark - start) / (end - start)
    # The last one stands on the other side of its mark: there is no room behind it.
    side = ' class="last"' if place > 85 else ""
    return f'<span{side} style="left:{place:.1f}%">{clock(mark, end - start)}</span>'


def _as_table(chart: TimeChart, series: Sequence[Series]) -> str:
    columns = [Column("Time (UTC)", "moment"), *(Column(row.name, chart.unit) for row in series)]
    rows = [[time, *(row.values[number] for row in series)] for number, time in enumerate(chart.times)]
    table = element_table(columns, rows, chart.title)
    return f"<details><summary>These numbers as a table</summary>{table}</details>"
