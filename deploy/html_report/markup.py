"""Text from outside as HTML: it stays text, whatever stands in it."""

from __future__ import annotations

import html
import unicodedata

#: Longer texts are cut: a path may have 8 kB.
LONGEST_TEXT = 300
#: Joiners that scripts and emoji need; all other characters without a form of their own are shown by their number.
JOINERS = "\u200c\u200d"
#: Controls, formats (among them those that turn the direction of text), lone surrogates, separators of lines.
UNSEEN_CATEGORIES = ("Cc", "Cf", "Cs", "Zl", "Zp")


def plain(value: object, longest: int = LONGEST_TEXT) -> str:
    """A value as visible characters: nothing in it moves, hides or reorders what stands around it."""
    text = str(value)
    if len(text) > longest:
        text = f"{text[:longest]}…"
    return "".join(map(_visible, text))


def escaped(value: object, longest: int = LONGEST_TEXT) -> str:
    """The same, ready to stand in an element or in a quoted attribute."""
    return html.escape(plain(value, longest), quote=True)


def isolated(value: object) -> str:
    """The same in an element that keeps text from right to left to itself."""
    return f"<bdi>{escaped(value)}</bdi>"


def _visible(character: str) -> str:
    if unicodedata.category(character) not in UNSEEN_CATEGORIES or character in JOINERS:
        return character
    return f"\\u{ord(character):04x}"
