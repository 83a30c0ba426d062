"""`make report`: writes report.html from a cluster.

Environment: ELASTICSEARCH (http://127.0.0.1:9200); ELASTICSEARCH_USERNAME and ELASTICSEARCH_PASSWORD, or
ELASTICSEARCH_API_KEY, each also as …_FILE with the name of a file that holds it; ELASTICSEARCH_CA, a file with the
authorities to trust; SINCE (24h), how far back; INDEX (nginx-*), that of the visitors; NAMESPACE (*), that of the
traces; OUTPUT (report.html).
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from .elasticsearch import Elasticsearch, StoreError
from .report import write_report


def main() -> int:
    """The exit status."""
    since = os.environ.get("SINCE") or "24h"
    output = Path(os.environ.get("OUTPUT") or "report.html")
    try:
        if not re.fullmatch(r"[1-9][0-9]*[smhdwMy]", since):
            raise StoreError(f"SINCE must be a time such as 30m, 24h or 7d, not {since!r}")
        index, namespace = os.environ.get("INDEX", ""), os.environ.get("NAMESPACE") or "*"
        troubles = write_report(output, Elasticsearch.from_environment(), index, namespace, {"gte": f"now-{since}", "lte": "now"})
    except (StoreError, OSError) as error:
        print(f"report: {error}", file=sys.stderr)
        return 1
    print(f"{output}: written")
    if troubles:
        print(f"report: the store cannot answer some panels: {', '.join(troubles)}", file=sys.stderr)
    return 1 if troubles else 0


if __name__ == "__main__":
    sys.exit(main())
