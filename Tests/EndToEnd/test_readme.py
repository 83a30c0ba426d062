"""The documents name every configuration key that the programs know, and no other; their links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.services import REPOSITORY, run_to_end

DOCUMENTS = [REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")]
DOCUMENTS += [*(REPOSITORY / "docs").rglob("*.md"), *(REPOSITORY / "deploy").rglob("*.md"), *(REPOSITORY / "Tests").rglob("*.md")]
SERVICES = {"shipper": "Shipper", "ingest": "Ingest", "apm-server": "APMServer"}

# A call of the configuration reader, whose first argument is the key, or of one of the functions that read several.
READER_CALL = re.compile(
    r"(?:\.(?:string|strings|int|bool|duration|size|choice|json|section|sections|namedSections|readableFiles?|headers|expressions?)\("
    r'|\b(?:timeout|groups)\(|\bfraction\(\w+,)\s*"([a-z0-9_]+)"'
)
# Values for keys without a default of their own, and defaults that a table gives in words.
STATED = {
    ("shipper", "name"): "web-1",
    ("shipper", "inputs[].paths"): ["/var/log/nginx/access.log"],
    ("shipper", "inputs[].dataset"): "nginx.access",
    ("shipper", "inputs[].json.message_key"): "message",
    ("ingest", "pipelines.NAME.trusted_proxies"): ["127.0.0.0/8", "10.0.0.0/8", "::1/128"],
    ("ingest", "output.file.path"): "/tmp/documents.ndjson",
    ("ingest", "output.stdout"): {},
    ("apm-server", "auth.api_key.elasticsearch"): {"hosts": ["http://127.0.0.1:9200"], "api_key": "id:key"},
    ("apm-server", "auth.anonymous.enabled"): True,
    ("apm-server", "rum.library_pattern"): "node_modules|bower_components|~",
    ("apm-server", "agent.config.elasticsearch"): {"hosts": ["http://127.0.0.1:9200"]},
    ("apm-server", "sampling.tail.policies[].service.name"): "shop",
    ("apm-server", "sampling.tail.policies[].service.environment"): "production",
    ("apm-server", "sampling.tail.policies[].trace.name"): "GET /",
    ("apm-server", "sampling.tail.policies[].trace.outcome"): "failure",
    ("apm-server", "sampling.tail.policies[].sample_rate"): 0.5,
}


# Keys of which only one set may be written.
ALTERNATIVES = {"ingest": ("output.elasticsearch", "output.file", "output.stdout")}


def documented(service: str) -> dict[str, str]:
    """The keys of a service's table with their defaults as written."""
    page = (REPOSITORY / "docs" / f"{service}.md").read_text()
    section = page.split(f"## {service}.yml\n")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| `([^`]+)` \| (.+?) \| .+ \|$", section, re.MULTILINE))


def configuration(service: str, alternative: str = "") -> dict[str, Any]:
    """A configuration that spells out every documented key with its default, with one of the alternatives."""
    result: dict[str, Any] = {}
    left_out = tuple(prefix for prefix in ALTERNATIVES.get(service, ()) if prefix != alternative)
    for key, default in documented(service).items():
        if key.startswith(left_out):
            continue
        value = STATED[service, key] if (service, key) in STATED else yaml.safe_load(default.strip("`"))
        here: Any = result
        *outer, last = key.replace("NAME", "nginx-access").split(".")
        for name in outer:
            if name.endswith("[]"):
                here = here.setdefault(name[:-2], [{}])[0]
            else:
                here = here.setdefault(name, {})
        here[last] = value
    return result


def keys_in_code(*folders: Path) -> set[str]:
    """The words that configuration readers ask for."""
    texts = [path.read_text() for folder in folders for path in folder.rglob("*.swift")]
    return {key for text in texts if "ConfigurationReader" in text for key in READER_CALL.findall(text)}


@pytest.mark.parametrize(
    ("service", "alternative"), [(service, choice) for service in SERVICES for choice in ALTERNATIVES.get(service, ("",))]
)
def test_documented_keys_and_defaults_are_accepted(service: str, alternative: str, tmp_path: Path) -> None:
    path = tmp_path / f"{service}.yml"
    path.write_text(yaml.safe_dump(configuration(service, alternative)))
    result = run_to_end(service, "check", "--config", path)
    assert result.returncode == 0, result.stderr.decode()


@pytest.mark.parametrize("service", SERVICES)
def test_every_key_of_the_program_is_documented(service: str) -> None:
    words = {word.removesuffix("[]") for key in documented(service) for word in key.split(".")}
    asked = keys_in_code(REPOSITORY / "Sources" / SERVICES[service])
    if service == "ingest":
        # Options of filters have pages of their own (test_filter_docs.py), as have the tests of pipelines.
        asked -= keys_in_code(REPOSITORY / "Sources" / "Ingest" / "Filter")
        words |= set(re.findall(r"^\| `([a-z_]+)` \|", (REPOSITORY / "docs" / "filters.md").read_text(), re.MULTILINE))
    assert asked, "no configuration reader found: the pattern of this test is out of date"
    assert asked <= words, f"no page explains {sorted(asked - words)}"


def test_every_shared_key_is_documented() -> None:
    words = {word.removesuffix("[]") for name in SERVICES for key in documented(name) for word in key.split(".")}
    asked = keys_in_code(REPOSITORY / "Sources" / "Common")
    assert {"fingerprint", "level"} <= asked
    assert asked <= words, f"no page explains {sorted(asked - words)}"


def headings(page: Path) -> set[str]:
    """The anchors of a page, as GitHub makes them of its headings."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text()):
        name, _, anchor = target.partition("#")
        path = page.parent / name if name else page
        assert path.exists(), f"a link to {target}"
        if anchor:
            assert anchor in headings(path), f"a link to {target}"


def test_commands_of_the_readme_are_make_targets() -> None:
    targets = set(re.findall(r"^([a-z0-9]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    named = {
        target
        for document in ("README.md", "CONTRIBUTING.md")
        for target in re.findall(r"\bmake ([a-z0-9]+)\b", (REPOSITORY / document).read_text())
    }
    assert named and named <= targets
    assert "make test" in (REPOSITORY / ".ci" / "run").read_text()
