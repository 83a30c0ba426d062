"""Builds elkfa.ndjson, which Kibana imports, from the sources: `python build.py [--check]`."""

from __future__ import annotations

import sys
from pathlib import Path

from elkfa_kibana.panels import load
from elkfa_kibana.saved_objects import build, ndjson

TARGET = Path(__file__).with_name("elkfa.ndjson")


def main() -> int:
    """Writes the file; with --check only says whether it is up to date."""
    text = ndjson(build(load()))
    if "--check" in sys.argv[1:]:
        return 0 if TARGET.exists() and TARGET.read_text() == text else 1
    TARGET.write_text(text)
    print(f"{TARGET}: {text.count(chr(10))} objects")
    return 0


if __name__ == "__main__":
    sys.exit(main())
