"""How the HTML report draws panels: with hostile texts, without data, and with numbers of all sizes."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from typing import Any

import pytest

from harness.services import REPOSITORY

sys.path.append(str(REPOSITORY / "deploy"))

from html_report.apm import steps
from html_report.charts import axis_ticks
from html_report.figures import step, written
from html_report.markup import plain
from html_report.page import POLICY, STYLE, page
from html_report.views import Column, Figure, Map, Panel, Part, Place, Series, Step, Table, TimeChart, Trouble, Waterfall

HOSTILE = [
    "<script>document.title='owned'</script>",
    "</title></style></svg></td><script>x</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "<!-- ", "]]>", "&lt;b&gt; &amp; &#60;", "${x} {{x}} %s",
    "/" + "a" * 9_000,
    "\u05e9\u05dc\u05d5\u05dd/\u0645\u0631\u062d\u0628\u0627",
    "exe.\u202egpj", "\u2066left\u2069", "zero\u200bwidth\ufeff",
    "nul\0 bell\a escape\x1b[31m del\x7f c1\x9b", "line\r\nbreak\u2028paragraph\u2029",
    "lone\ud83dsurrogate", "\U0001f469\u200d\U0001f4bb",
]  # fmt: skip
ELEMENTS = {
    "html", "head", "meta", "title", "style", "body", "header", "h1", "p", "nav", "a", "main", "div", "h2", "h3", "section", "ul", "li",
    "i", "bdi", "em", "svg", "path", "rect", "circle", "span", "details", "summary", "table", "thead", "tbody", "tr", "th", "td", "footer",
}  # fmt: skip
ATTRIBUTES = {
    "lang", "charset", "http-equiv", "content", "name", "id", "href", "class", "style", "role", "aria-label", "aria-hidden", "tabindex",
    "scope", "viewbox", "preserveaspectratio", "d", "x", "y", "width", "height", "cx", "cy", "r",
}  # fmt: skip


class Reading(HTMLParser):
    """What a browser would make of the page: elements with their attributes, and the text between them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.comments: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


def panels_with(text: str) -> list[Panel]:
    """The text in every place where texts from outside can stand."""
    return [
        Figure(text, 1, note=text),
        TimeChart(text, [0, 1000], 1000, [Series(text, [1, 2]), Series(f"{text} too", [3, 4])]),
        TimeChart(text, [0, 1000], 1000, [Series(text, [1, None])], is_stacked=False, note=text),
        Table(text, [Column(text), Column(text, "count", has_bar=True), Column("text where a number is due", "count")], [[text, 7, text]]),
        Map(text, [Place(1, 2, 3), Place(91, -181, 1)]),
        Waterfall(text, [Step(text, 0, 0, 1), Step(text, 1, 0.5, 0.2, is_failed=True)]),
        Trouble(text, text),
    ]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_text_from_outside_stays_text(text: str) -> None:
    document = page(text, [text], [Part(text, text, panels_with(text)), Part(text, text, [])])
    # A file that cannot be encoded could not be written.
    document.encode()
    found = Reading(document)
    assert {name for name, _ in found.elements} <= ELEMENTS
    assert {name for _, attributes in found.elements for name in attributes} <= ATTRIBUTES
    assert found.comments == []
    # As many elements as with a harmless text: none was closed early, none was swallowed.
    harmless = Reading(page("a", ["a"], [Part("a", "a", panels_with("a")), Part("a", "a", [])]))
    assert [name for name, _ in found.elements] == [name for name, _ in harmless.elements]
    assert found.texts.count(plain(text)) >= 20
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]", document)
    assert len(max(found.texts, key=len)) < 12_000


def test_long_texts_are_cut_and_unseen_characters_are_named() -> None:
    assert plain("a" * 301) == "a" * 300 + "…"
    assert plain("a\u202e\0\ud83d") == "a\\u202e\\u0000\\ud83d"
    assert plain("\U0001f469\u200d\U0001f4bb") == "\U0001f469\u200d\U0001f4bb"


@pytest.mark.parametrize(
    "panel",
    [
        TimeChart("T", [], 1000, []),
        TimeChart("T", [0, 1000], 1000, [Series("a", [0, 0]), Series("b", [None, None])]),
        Table("T", [Column("a")], []),
        Map("T", []),
        Waterfall("T", []),
    ],
)
def test_a_panel_without_data_says_so(panel: Panel) -> None:
    found = Reading(page("P", [], [Part("Q", "", [panel])]))
    assert "No data in this time." in found.texts
    assert "T" in found.texts


def test_a_figure_without_value_is_a_dash() -> None:
    assert "–" in Reading(page("P", [], [Part("Q", "", [Figure("T", None)])])).texts


def test_the_page_allows_itself_nothing() -> None:
    document = page("P", [], [Part("Q", "", panels_with("a"))])
    assert POLICY.startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">' in document
    addresses = [value for _, attributes in Reading(document).elements for name, value in attributes.items() if name in ("href", "src")]
    assert all(address is not None and address.startswith("#") for address in addresses)
    assert not re.search(r"url\(|@import|https?:", document)


def test_all_numbers_of_a_chart_are_in_its_table_too() -> None:
    series = [Series("2xx", [1234, 0], "good"), Series("5xx", [5, 0], "failed"), Series("1xx", [0, 0])]
    found = Reading(page("P", [], [Part("Q", "", [TimeChart("T", [0, 60_000], 60_000, series)])]))
    table = found.texts[found.texts.index("Time (UTC)") :]
    assert table[1:9] == ["2xx", "5xx", "1970-01-01 00:00:00", "1,234", "5", "1970-01-01 00:01:00", "0", "0"]
    # What never happened has no colour in the legend.
    assert "1xx" not in found.texts
    assert any("2xx: 1,234\n5xx: 5" in text for text in found.texts)


@pytest.mark.parametrize(
    ("highest", "unit", "last", "steps_between"),
    [
        (0, "count", 1, 1), (1, "count", 1, 1), (3, "count", 3, 3), (4, "count", 4, 4), (37, "count", 40, 4), (304, "count", 400, 4),
        (1_000_000, "count", 1_000_000, 4), (0.3, "milliseconds", 0.3, 3), (1_100_000, "bytes", 1.5 * 2**20, 3), (12, "bytes", 12, 3),
    ],
)  # fmt: skip
def test_axes_end_at_round_numbers(highest: float, unit: str, last: float, steps_between: int) -> None:
    ticks = axis_ticks(highest, unit)
    assert ticks[-1] == pytest.approx(last)
    assert len(ticks) - 1 == steps_between


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1_234_567, "count", "1,234,567"), (0.25, "count", "0.25"), (0, "count", "0"), (12.34, "count", "12.3"),
        (0, "bytes", "0 B"), (1023, "bytes", "1,023 B"), (1536, "bytes", "1.5 KiB"), (3 * 2**40, "bytes", "3.0 TiB"),
        (0.078, "milliseconds", "78 µs"), (4.56, "milliseconds", "4.6 ms"), (504, "milliseconds", "504 ms"),
        (12_345, "milliseconds", "12.3 s"), (0, "milliseconds", "0 ms"),
        (0.022, "share", "2.2 %"), (0, "share", "0 %"), (1, "share", "100 %"), (48.83, "rate", "48.8/s"), (0.05, "rate", "3/min"),
        (None, "count", "–"), ("text", "bytes", "text"), (1_795_805_823_535, "moment", "2026-11-27 18:57:03"),
    ],
)  # fmt: skip
def test_numbers_are_written_for_people(value: Any, unit: str, text: str) -> None:
    assert written(value, unit) == text


@pytest.mark.parametrize(("seconds", "text"), [(1, "1 s"), (90, "90 s"), (600, "10 min"), (43_200, "12 h"), (86_400, "1 d")])
def test_steps_are_named(seconds: int, text: str) -> None:
    assert step(seconds) == text


def span(number: str, parent: str, start: int, **more: Any) -> dict[str, Any]:
    event = {"processor": {"event": "span"}, "span": {"id": number, "name": number, "duration": {"us": 1000}}}
    return event | {"parent": {"id": parent}, "timestamp": {"us": start}} | more


def test_a_trace_is_a_tree() -> None:
    """With a span whose parent was never stored, two that name each other, one with the first's id, and one from a clock that is behind."""
    root = {
        "processor": {"event": "transaction"}, "transaction": {"id": "r", "name": "root", "duration": {"us": 9000}},
        "timestamp": {"us": 5000},
    }  # fmt: skip
    failed = {"event": {"outcome": "failure"}}
    events = [root, span("b", "r", 7000, **failed), span("a", "r", 6000), span("c", "a", 6500), span("o", "gone", 8000), span("z", "a", 1)]
    loop = [span("x", "y", 6000), span("y", "x", 6000), span("r", "r", 6000)]
    found = [(part.name, part.depth, part.start, part.is_failed) for part in steps([*events, *loop])]
    assert found == [
        ("root", 0, 0.0, False), ("a", 1, 1.0, False), ("z", 2, 0.0, False), ("c", 2, 1.5, False), ("b", 1, 2.0, True),
        ("o", 1, 3.0, False),
    ]  # fmt: skip
    assert steps([]) == []


def luminance(colour: str) -> float:
    """Relative luminance as WCAG defines it."""
    shares = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Of two colours, from 1 to 21."""
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", range(3), ids=["light", "dark", "print"])
def test_texts_and_colours_stand_out(scheme: int) -> None:
    """Texts as WCAG AA wants it (4.5), what is drawn as it wants for graphics (3)."""
    blocks = re.findall(r":root \{(.*?)\}", STYLE.read_text(), re.DOTALL)
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})\b", blocks[scheme]))
    grounds = [colours["page"], colours["card"]]
    for name in ("ink", "quiet", "accent", "failed"):
        assert min(contrast(colours[name], ground) for ground in grounds) >= 4.5, name
    drawn = ["good", "moved", "refused", "failed", "accent", *(f"colour{number}" for number in range(6))]
    for name in drawn:
        assert contrast(colours[name], colours["card"]) >= 3, name
