"""Visits a site for ever, a few pages a second: `python visit.py http://nginx:8080`."""

from __future__ import annotations

import random
import sys
import time
import urllib.error
import urllib.request

from visitors import VISITORS, headers

PAUSE_SECONDS = 0.4
PATHS = ["/", "/", "/item/7", "/item/11?q=lamp", "/item/12?q=red+shoes", "/stock/3", "/log", "/nowhere"]


def visit(site: str, chance: random.Random) -> None:
    """One page, as one of the visitors; what the site answers does not matter."""
    visitor = chance.choices(VISITORS, [visitor.weight for visitor in VISITORS])[0]
    is_order = chance.random() < 0.1
    path = f"/order/{chance.randrange(100)}" if is_order else chance.choice(PATHS)
    request = urllib.request.Request(site + path, headers=headers(chance, visitor), method="POST" if is_order else "GET")
    try:
        urllib.request.urlopen(request, timeout=10).read()
    except urllib.error.HTTPError:
        pass
    except OSError as error:
        print(f"visit: {error}", file=sys.stderr)
        time.sleep(2)


if __name__ == "__main__":
    chance = random.Random()
    while True:
        visit(sys.argv[1], chance)
        time.sleep(chance.expovariate(1 / PAUSE_SECONDS))
