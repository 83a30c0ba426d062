"""Fuzzes our parsers with libFuzzer: `fuzz.py [--seconds N] [--only TARGET] [--seed N]`; prints a table, fails at a find.

Builds the modules with coverage into .build-fuzz, links the targets of Tests/Fuzz/Targets against them, and runs each for the same time
from the seeds of `corpus/TARGET` and real inputs of Tests/Fixtures. What made a target trap, hang or eat memory is left in
`.fuzz/TARGET/`; it becomes a test of the parser, and its input goes to `corpus/TARGET`, which every run begins with.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / "Tests" / "Fuzz"
BUILD = REPOSITORY / ".build-fuzz"
WORK = REPOSITORY / ".fuzz"
PROGRAM = BUILD / "fuzz"
MODULES = ("Common", "Ingest", "Shipper", "APMServer")
LIBRARIES = ("ssl", "crypto", "z", "deflate", "yaml", "microhttpd", "gnutls", "curl", "pcre2-8", "maxminddb")
MAX_BYTES = 8_192
# Of one input; the slowest of the seeds takes a thousandth of it.
TIMEOUT_SECONDS = 10
MEMORY_MIB = 2_048
# Real inputs: where they are, and the byte that a target wants before each.
SEEDS: dict[str, list[tuple[str, bytes]]] = {
    "event": [("logs/*.log", bytes([kind])) for kind in range(0, 28, 2)],
    "intake": [("apm/*.ndjson", b"\0"), ("apm/rum*.ndjson", b"\1")],
    "lumberjack": [("lumberjack/*.bin", b"\x40")],
    "otlp": [("otlp/*.bin", b"\0"), ("otlp/*.json", b"\1")],
    "registry": [("registry/*", b"")],
}


def targets() -> list[str]:
    """The names in the table of Fuzz.swift."""
    return re.findall(r'^    "([a-z-]+)": fuzz\w+,$', (FOLDER / "Targets" / "Fuzz.swift").read_text(), re.MULTILINE)


def build() -> None:
    """Builds the modules with coverage, then the program."""
    swift = ["swift", "build", "--configuration", "debug", "--scratch-path", BUILD, "-Xswiftc", "-O", "-Xswiftc", "-sanitize=fuzzer"]
    for module in MODULES[1:]:
        run([*swift, "--target", module])
    objects = [path for module in MODULES for path in sorted((BUILD / "debug" / f"{module}.build").glob("*.o"))]
    run([
        "swiftc", "-O", "-parse-as-library", "-sanitize=fuzzer", "-package-name", "elkfa", "-swift-version", "6",
        "-module-name", "FuzzTargets", "-I", BUILD / "debug" / "Modules",
        "-Xcc", f"-fmodule-map-file={REPOSITORY / 'Sources/CSystem/module.modulemap'}", "-use-ld=lld",
        *objects, *sorted((FOLDER / "Targets").glob("*.swift")), *(f"-l{name}" for name in LIBRARIES), "-o", PROGRAM,
    ])  # fmt: skip


def run(command: list[object]) -> None:
    """A command of the build; its output is shown when it fails."""
    done = subprocess.run([str(word) for word in command], cwd=REPOSITORY, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{command[0]} failed:\n{(done.stdout + done.stderr)[-4_000:]}")


def seed(target: str, corpus: Path) -> None:
    """Puts the beginnings of real inputs into the corpus, and what was found before."""
    corpus.mkdir(parents=True, exist_ok=True)
    for path in sorted((FOLDER / "corpus" / target).glob("*")):
        shutil.copy(path, corpus / path.name)
    for number, (pattern, prefix) in enumerate(SEEDS.get(target, [])):
        for path in sorted((REPOSITORY / "Tests" / "Fixtures").glob(pattern)):
            content = path.read_bytes()
            # A log's first line; a request's first lines.
            content = content.split(b"\n")[0] if target == "event" else content[: MAX_BYTES - 1]
            (corpus / f"seed-{number}-{path.name}").write_bytes(prefix + content)


def fuzz(target: str, seconds: int, chance: int) -> tuple[bool, str]:
    """Runs one target; returns whether it stood, and its row of the table."""
    folder = WORK / target
    shutil.rmtree(folder, ignore_errors=True)
    seed(target, folder / "corpus")
    log = folder / "log"
    with log.open("wb") as output:
        done = subprocess.run(
            [
                PROGRAM, f"-max_total_time={seconds}", f"-max_len={MAX_BYTES}", f"-timeout={TIMEOUT_SECONDS}", f"-rss_limit_mb={MEMORY_MIB}",
                f"-seed={chance}", f"-artifact_prefix={folder}/", "-print_final_stats=1", folder / "corpus",
            ],
            stdout=output, stderr=subprocess.STDOUT, cwd=folder, timeout=seconds + 120, env=os.environ | {"FUZZ_TARGET": target},
        )  # fmt: skip
    text = log.read_text(errors="replace")

    def last(pattern: str) -> str:
        found = re.findall(pattern, text)
        return found[-1] if found else "-"

    finds = sorted(path.name for path in folder.glob("*-*") if path.is_file())
    verdict = "ok" if done.returncode == 0 else f"FOUND {', '.join(finds) or f'exit {done.returncode}'}: see {log}"
    executed, edges, memory = last(r"number_of_executed_units: (\d+)"), last(r"cov: (\d+)"), last(r"peak_rss_mb: (\d+)")
    return done.returncode == 0, f"{target:<18} {executed:>10} {edges:>7} {len(list((folder / 'corpus').iterdir())):>7} {memory:>6}  {verdict}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=20, help="for each target (default: 20)")
    parser.add_argument("--only", help="one target")
    parser.add_argument("--seed", type=int, default=1, help="of libFuzzer's chance (default: 1)")
    parser.add_argument("--no-build", action="store_true", help="use the program that is there")
    arguments = parser.parse_args()
    names = targets()
    if arguments.only and arguments.only not in names:
        parser.error(f"there is no target {arguments.only}; there are {', '.join(names)}")
    if not arguments.no_build:
        build()
    print(f"{'target':<18} {'executed':>10} {'edges':>7} {'corpus':>7} {'MiB':>6}")
    stood = True
    for name in [arguments.only] if arguments.only else names:
        good, row = fuzz(name, arguments.seconds, arguments.seed)
        stood = stood and good
        print(row, flush=True)
    return 0 if stood else 1


if __name__ == "__main__":
    sys.exit(main())
