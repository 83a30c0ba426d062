"""The examples of docs/ run, every filter has its page, and a page's table names the options that the code reads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from harness.peers import geoip_database
from harness.services import REPOSITORY, run_to_end

DOCS = REPOSITORY / "docs"
PAGES = [REPOSITORY / "README.md", *sorted(DOCS.rglob("*.md"))]
FILTERS = REPOSITORY / "Sources" / "Ingest" / "Filter"
KINDS = (FILTERS / "Chain" / "FilterKinds.swift").read_text()
# A filter's name and the type that reads its section.
PLANS = dict(re.findall(r'"([a-z_]+)": (\w+)\.self', KINDS))
READER_CALL = re.compile(
    r"\.(?:string|strings|int|bool|duration|size|choice|json|section|sections|leaves|isList|double|"
    r'path|requiredPath|required|paths|text|texts|fieldTexts|has)\(\s*"([a-z0-9_]+)"'
)


def examples(page: Path) -> list[str]:
    """The pipelines with tests that a page shows."""
    blocks = re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    return [block for block in blocks if re.search(r"^tests:", block, re.MULTILINE)]


@pytest.mark.parametrize(
    ("page", "text"),
    [(page.relative_to(REPOSITORY).as_posix(), text) for page in PAGES for text in examples(page)],
)
def test_examples_do_what_they_say(page: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "example.yml").write_text(text)
    configuration = tmp_path / "ingest.yml"
    configuration.write_text(
        yaml.safe_dump({"pipeline_files": ["example.yml"], "geoip": {"database": str(geoip_database())}})
    )
    completed = run_to_end("ingest", "check", "--config", configuration)
    count = len(yaml.safe_load(text)["tests"])
    assert completed.returncode == 0, f"{page}:\n{completed.stderr.decode()}"
    passed = "1 test passed" if count == 1 else f"{count} tests passed"
    assert completed.stdout.decode() == f"ingest: the configuration is valid; {passed}\n"


def test_every_filter_has_a_page_with_an_example() -> None:
    assert PLANS, "FilterKinds.swift lists no filter: the pattern of this test is out of date"
    for name in PLANS:
        page = DOCS / "filters" / f"{name}.md"
        assert page.exists(), f"docs/filters/{name}.md is missing"
        assert examples(page), f"docs/filters/{name}.md has no example with tests"
        assert f"(filters/{name}.md)" in (DOCS / "filters.md").read_text(), f"docs/filters.md does not list {name}"
    assert {page.stem for page in (DOCS / "filters").glob("*.md")} == set(PLANS)


def test_options_of_the_code_are_explained() -> None:
    words = {
        word
        for page in (DOCS / "filters").glob("*.md")
        for cell in re.findall(r"^\| (`[^|]+`) \|", page.read_text(), re.MULTILINE)
        for name in re.findall(r"`([^`]+)`", cell)
        for word in re.split(r"[.\[\]]+", name)
    }
    read = {key for path in FILTERS.rglob("*.swift") for key in READER_CALL.findall(path.read_text())}
    common = {"id", "if", "then", "else", "on_failure", "tag_on_failure", "add_tag", "remove_tag", "add_field", "remove_field"}
    assert "fields" in read
    assert read - common <= words, f"docs/filters does not explain {sorted(read - common - words)}"


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page} links to {target}"
