"""The whole page: one file, which may load nothing and run nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .charts import time_chart, waterfall
from .figures import written
from .markup import escaped, isolated
from .tables import element_table
from .views import Figure, Map, Panel, Part, Table, TimeChart, Trouble, Waterfall
from .world_map import world_map

STYLE = Path(__file__).with_name("style.css")
#: Text from outside is only ever written as text; this holds even if it were not.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def page(title: str, facts: Sequence[str], parts: Sequence[Part]) -> str:
    """The document."""
    lines = "".join(f"<p>{isolated(fact)}</p>" for fact in facts)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{escaped(title)}</title>\n<style>\n{STYLE.read_text()}</style>\n</head>\n<body>\n"
        f"<header><h1>{escaped(title)}</h1>{lines}{_contents(parts)}</header>\n<main>\n"
        f"{''.join(_part(number, part) for number, part in enumerate(parts))}</main>\n"
        "<footer>All times are UTC. This file needs no server and no network; where it shows a chart, a pointer at "
        "rest shows the numbers.</footer>\n</body>\n</html>\n"
    )


def _contents(parts: Sequence[Part]) -> str:
    if len(parts) < 2:
        return ""
    links = "".join(f'<a href="#part{number}">{escaped(part.title)}</a>' for number, part in enumerate(parts))
    return f'<nav aria-label="Parts of this page">{links}</nav>'


def _part(number: int, part: Part) -> str:
    figures = [panel for panel in part.panels if isinstance(panel, Figure)]
    others = [panel for panel in part.panels if not isinstance(panel, Figure)]
    tiles = f'<div class="tiles">{"".join(map(_tile, figures))}</div>' if figures else ""
    facts = f"<p>{isolated(part.facts)}</p>" if part.facts else ""
    return (
        f'<div class="part" id="part{number}"><h2>{escaped(part.title)}</h2>{facts}{tiles}'
        f'<div class="panels">{"".join(map(section, others))}</div></div>\n'
    )


def _tile(figure: Figure) -> str:
    words = "–" if figure.value is None else written(figure.value, figure.unit)
    note = f'<p class="note">{isolated(figure.note)}</p>' if figure.note else ""
    return f'<section class="tile"><h3>{escaped(figure.title)}</h3><p class="number">{escaped(words)}</p>{note}</section>'


def section(panel: Panel) -> str:
    """One panel with its title; one without data says so."""
    note = f'<p class="note">{isolated(panel.note)}</p>' if panel.note else ""
    body = _body(panel) or '<p class="empty">No data in this time.</p>'
    return f'<section class="columns{panel.width}"><h3>{escaped(panel.title)}</h3>{note}{body}</section>\n'


def _body(panel: Panel) -> str:
    match panel:
        case TimeChart() if any(value for row in panel.series for value in row.values):
            return time_chart(panel)
        case Table() if panel.rows:
            return element_table(panel.columns, panel.rows, panel.title)
        case Map() if panel.places:
            return world_map(panel)
        case Waterfall() if panel.steps:
            return waterfall(panel)
        case Trouble():
            return f'<p class="trouble">The store does not answer this: {isolated(panel.reason)}</p>'
    return ""
