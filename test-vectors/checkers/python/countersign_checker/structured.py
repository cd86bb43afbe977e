"""RFC 9651 structured fields in their exact form alone ("Structured fields" of spec/request.md).

A field is exact when RFC 9651's serialisation of what it parses as is the same bytes. This is the grammar of those
bytes, so there is nothing to serialise: no optional space, no zero in front, no key twice, no `=?1`, canonical base64.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

from .encoding import un_b64

_KEY = re.compile(r"[a-z*][a-z0-9_.*-]*")
_INTEGER = r"0|-?[1-9][0-9]{0,14}"
_BARE = re.compile(rf"""
    (?P<decimal> (?!-0\.0(?![0-9])) -?(?:0|[1-9][0-9]{{0,11}})\.(?:0|[0-9]{{0,2}}[1-9])(?![0-9]) )
  | (?P<integer> (?:{_INTEGER})(?![0-9.]) )
  | (?P<string>  "(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*" )
  | (?P<token>   [A-Za-z*][A-Za-z0-9!\#$%&'*+.^_`|~:/-]* )
  | (?P<bytes>   :[A-Za-z0-9+/=]*: )
  | (?P<bool>    \?[01] )
  | (?P<date>    @(?:{_INTEGER})(?![0-9.]) )
  | (?P<display> %"(?:[\x20\x21\x23\x24\x26-\x7e]|%[0-9a-f]{{2}})*" )
""", re.VERBOSE)
_NEEDLESS = re.compile(r"%(?!22|25|7f)[2-7]")  # escapes of a display string that stand for what needs none


class Inexact(ValueError):
    """Not a structured field, or not in its one form."""


@dataclass
class Item:
    kind: str  # integer, decimal, string, token, bytes, bool, date, display; list
    value: Any
    params: dict[str, Item] = field(default_factory=dict)
    text: str = ""  # of a list with its parameters, as it stands in the field


Dictionary = dict[str, Item]


def _display(text: str) -> str | None:
    return None if _NEEDLESS.search(text) else unquote_to_bytes(text[2:-1]).decode("utf-8")


_VALUES: dict[str, Callable[[str], Any]] = {
    "integer": int, "string": lambda text: re.sub(r"\\(.)", r"\1", text[1:-1]), "bytes": lambda text: un_b64(text[1:-1]),
    "bool": lambda text: text == "?1", "display": _display}  # None where it is not exact


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def next_is(self, text: str) -> bool:
        """Takes a text, where it is next."""
        found = self.text.startswith(text, self.at)
        self.at += len(text) if found else 0
        return found

    def take(self, pattern: re.Pattern[str]) -> re.Match[str]:
        match = pattern.match(self.text, self.at)
        if not match:
            raise Inexact
        self.at = match.end()
        return match

    def members(self, separator: str) -> Dictionary:
        """Keys with values, to the end of a dictionary, or to where parameters end."""
        out: Dictionary = {}
        top = separator == ", "
        while self.next_is(separator) or top and not out:
            key = self.take(_KEY).group()
            if key in out:
                raise Inexact
            start = self.at + 1
            if not self.next_is("="):
                item = Item("bool", True)
            elif top and self.next_is("("):
                item = Item("list", self.items())
            else:
                item = self.bare()
                if item.kind == "bool" and item.value:  # which is left out
                    raise Inexact
            out[key] = item
            if top:
                item.params = self.members(";")
                item.text = self.text[start:self.at]
        return out

    def items(self) -> list[Item]:
        out: list[Item] = []
        while not self.next_is(")"):
            if out and not self.next_is(" "):
                raise Inexact
            out.append(self.bare())
            out[-1].params = self.members(";")
        return out

    def bare(self) -> Item:
        match = self.take(_BARE)
        kind = match.lastgroup or ""
        value = _VALUES.get(kind, str)(match.group())
        if value is None:
            raise Inexact
        return Item(kind, value)


def exact_dictionary(value: bytes) -> Dictionary:
    """RQ-23 to RQ-25"""
    parser = _Parser(value.decode("ascii"))
    out = parser.members(", ")
    if parser.at != len(parser.text):
        raise Inexact
    return out
