"""A manual page and a completion for bash, made from what a program says with --help, so that they cannot disagree."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Help:
    """What `PROGRAM [COMMAND] --help` says."""

    name: str
    summary: str
    usage: list[str]
    # (option or command with its argument, what it does)
    options: list[tuple[str, str]]
    commands: list[tuple[str, str]]

    @classmethod
    def parse(cls, text: str) -> "Help":
        """Reads the text: a title line, then headed blocks of lines that are indented by two."""
        title, _, rest = text.partition("\n")
        name, _, summary = title.partition(": ")
        blocks: dict[str, list[str]] = {}
        heading = ""
        for line in rest.splitlines():
            if re.fullmatch(r"[A-Z]\w+:", line):
                heading = line.rstrip(":")
            elif line.startswith("  ") and heading:
                blocks.setdefault(heading, []).append(line.strip())
            elif line:
                heading = ""
        rows = {
            key: [tuple(re.split(r"\s{2,}", line, maxsplit=1)) for line in blocks.get(key, []) if re.search(r"\S\s{2,}\S", line)]
            for key in ("Options", "Commands")
        }
        if not blocks.get("Usage") or not rows["Options"]:
            raise ValueError(f"no help as expected: {text[:200]!r}")
        return cls(re.sub(r" [0-9.]+$", "", name), summary, blocks["Usage"], rows["Options"], rows["Commands"])  # type: ignore[arg-type]

    @property
    def flags(self) -> list[str]:
        """The options without their arguments."""
        return [option.split()[0] for option, _ in self.options]

    @property
    def words(self) -> list[str]:
        """What the arguments may be: the last word of the usage, such as `list|show PATTERN`."""
        placeholder = self.usage[0].rpartition("]")[2].split()
        return placeholder[0].split("|") if placeholder and "|" in placeholder[0] else []


@dataclass
class Manual:
    """A program's help and that of its commands."""

    program: Help
    version: str
    commands: dict[str, Help] = field(default_factory=dict)

    @classmethod
    def of(cls, program: Path) -> "Manual":
        """Asks the program."""

        def say(*arguments: str) -> str:
            return subprocess.run([program, *arguments], capture_output=True, text=True, check=True, timeout=20).stdout

        main = Help.parse(say("--help"))
        manual = cls(main, say("--version").split()[-1])
        for command, _ in main.commands:
            manual.commands[command] = Help.parse(say(command, "--help"))
        return manual

    def page(self) -> str:
        """The page in man(7)'s macros."""
        name = self.program.name
        lines = [
            f'.TH {name.upper()} 8 "" "{name} {escaped(self.version)}" "System administration"',
            ".SH NAME", f"{name} \\- {escaped(self.program.summary)}",
            ".SH SYNOPSIS", ".nf", *(escaped(line) for line in self.program.usage), ".fi",
            ".SH OPTIONS", *entries(self.program.options),
            ".SH COMMANDS",
        ]  # fmt: skip
        shared = set(self.program.options)
        for command, summary in self.program.commands:
            lines += [f".SS {escaped(command)}", escaped(summary) + "."]
            lines += entries([row for row in self.commands[command].options if row not in shared])
        lines += [
            ".SH SIGNALS", *entries([
                ("SIGTERM, SIGINT", "stop: finish what is on its way, as long as shutdown_timeout allows"),
                *([] if name == "apm-server" else [("SIGHUP", "read the configuration again and take over what can change")]),
            ]),
            ".SH ENVIRONMENT",
            "Values of the configuration may hold ${NAME} and ${NAME:default}. NAME is a variable of the environment, the content",
            "of the file that the variable NAME_FILE names, or the file NAME in the folder of CREDENTIALS_DIRECTORY, where systemd",
            "puts credentials.",
            ".SH FILES", *entries([
                (f"/etc/{name}/{name}.yml", "the configuration"),
                (f"/etc/default/{name}", "variables of the environment for the unit"),
                (f"/var/lib/{name}", "what has to survive a restart"),
            ]),
            ".SH EXIT STATUS", "0 success, 1 failure while running, 2 wrong command line or configuration.",
            ".SH SEE ALSO", ".BR systemctl (1),", ".BR journalctl (1)",
        ]  # fmt: skip
        return "\n".join(lines) + "\n"

    def completion(self) -> str:
        """A function for bash-completion."""
        name = self.program.name
        function = "_" + name.replace("-", "_")
        cases = "\n".join(
            f"        {command}) words='{' '.join(help.flags + help.words)}' ;;" for command, help in self.commands.items()
        )
        everything = " ".join([*self.commands, *self.program.flags])
        return f"""# Completion of {name} for bash.
{function}() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} words word command=
    COMPREPLY=()
    case $previous in
        --config) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    esac
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case $word in
            {"|".join(self.commands)}) command=$word; break ;;
        esac
    done
    case $command in
{cases}
        *) words='{everything}' ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}}
complete -F {function} {name}
"""


def entries(rows: list[tuple[str, str]]) -> list[str]:
    """Terms with their explanations."""
    return [line for term, text in rows for line in (".TP", f".B {escaped(term)}", escaped(text) + ".")]


def escaped(text: str) -> str:
    """Text as roff takes it for text."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text.startswith((".", "'")) else text
