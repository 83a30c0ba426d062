"""A map of the world with circles on it. `land.txt` has the coast lines, and says where they are from."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

from .figures import count
from .markup import escaped
from .tables import element_table
from .views import Column, Map, Place

LAND = Path(__file__).with_name("land.txt")
#: Degrees of latitude that are shown: all land but the Antarctic.
NORTH, SOUTH = 84.0, -58.0
SCALE = 2.0
WIDTH, HEIGHT = 360 * SCALE, (NORTH - SOUTH) * SCALE
SMALLEST, LARGEST = 2.5, 13.0
ROWS = 15


def world_map(view: Map) -> str:
    """The map, and its places as a table."""
    places = sorted(view.places, key=lambda place: -place.count)
    highest = max((place.count for place in places), default=1)
    circles = "".join(_circle(place, highest) for place in places)
    words = f"{view.title}: {count(len(places))} places, at most {count(highest)} at one of them"
    rows = [[position(place), place.count] for place in places[:ROWS]]
    table = element_table([Column("Place"), Column("Count", "count", has_bar=True)], rows, view.title)
    return (
        f'<svg class="map" role="img" aria-label="{escaped(words)}" viewBox="0 0 {WIDTH:g} {HEIGHT:g}">'
        f'<path class="graticule" d="{_graticule()}"/><path class="land" d="{_land()}"/>{circles}</svg>'
        f"<details><summary>The first {len(rows)} of {count(len(places))} places as a table</summary>{table}</details>"
    )


def position(place: Place) -> str:
    """55.8° N 37.6° E."""
    latitude = f"{abs(place.latitude):.1f}° {'N' if place.latitude >= 0 else 'S'}"
    return f"{latitude} {abs(place.longitude):.1f}° {'E' if place.longitude >= 0 else 'W'}"


def _circle(place: Place, highest: int) -> str:
    x, y = _point(place.longitude, place.latitude)
    # The area says how many.
    radius = SMALLEST + (LARGEST - SMALLEST) * math.sqrt(place.count / highest)
    words = escaped(f"{position(place)}: {count(place.count)}")
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"><title>{words}</title></circle>'


def _point(longitude: float, latitude: float) -> tuple[float, float]:
    return (longitude + 180) * SCALE, (NORTH - min(max(latitude, SOUTH), NORTH)) * SCALE


def _graticule() -> str:
    meridians = (f"M{_point(degrees, 0)[0]:g} 0V{HEIGHT:g}" for degrees in range(-150, 180, 30))
    parallels = (f"M0 {_point(0, degrees)[1]:g}H{WIDTH:g}" for degrees in range(-30, 90, 30))
    return "".join([*meridians, *parallels])


@cache
def _land() -> str:
    rings = [line for line in LAND.read_text().splitlines() if line and not line.startswith("#")]
    return "".join(_ring(line) for line in rings)


def _ring(line: str) -> str:
    points = [tuple(map(float, pair.split(","))) for pair in line.split()]
    return "M" + "L".join("{:g} {:g}".format(*_point(*point)) for point in points) + "z"
