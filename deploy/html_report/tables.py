"""Tables: of texts and numbers, with a bar in the rows of the columns that want one."""

from __future__ import annotations

from collections.abc import Sequence

from .figures import written
from .markup import escaped, isolated
from .views import Cell, Column


def element_table(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], caption: str) -> str:
    """The table in a box that scrolls by itself when the screen is narrow."""
    highest = [max((cell for cell in cells if isinstance(cell, (int, float))), default=0) for cells in _turned(columns, rows)]
    heads = "".join(f'<th scope="col"{_kind(column)}>{escaped(column.name)}</th>' for column in columns)
    body = "".join(
        f"<tr>{''.join(_cell(column, cell, top) for column, cell, top in zip(columns, row, highest, strict=True))}</tr>"
        for row in rows
    )
    kind = ' class="full"' if len(columns) > 3 else ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escaped(caption)}">'
        f"<table{kind}><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _turned(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> list[list[Cell]]:
    return [[row[position] for row in rows] for position in range(len(columns))]


def _kind(column: Column) -> str:
    if not column.unit:
        return ' class="text"'
    return ' class="measured"' if column.has_bar else ""


def _cell(column: Column, cell: Cell, highest: float) -> str:
    if not column.unit:
        words = isolated(cell) if cell not in (None, "") else '<span class="nil">(none)</span>'
        return f'<td class="text">{words}</td>'
    words = escaped(written(cell, column.unit))
    if not column.has_bar or not isinstance(cell, (int, float)) or highest <= 0:
        return f"<td>{words}</td>"
    bar = (
        '<svg class="bar" aria-hidden="true" viewBox="0 0 100 10" preserveAspectRatio="none">'
        f'<rect class="first" width="{100 * cell / highest:.2f}" height="10"/></svg>'
    )
    return f'<td class="measured"><span>{words}</span>{bar}</td>'
