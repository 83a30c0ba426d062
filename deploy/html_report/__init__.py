"""One self-contained HTML page of what Elasticsearch knows: the overview dashboard's panels, and the traced applications.

`elasticsearch` asks, `overview` and `apm` say what, `views` is what came of it, and `page` with `charts`, `tables` and
`world_map` writes it. Nothing of it needs JavaScript, and the page asks nobody for anything.
"""

import sys
from pathlib import Path

# The panels' sources and queries are the dashboards': elkfa_kibana.
sys.path.append(str(Path(__file__).parents[1] / "kibana"))

from .report import write_report

__all__ = ["write_report"]
