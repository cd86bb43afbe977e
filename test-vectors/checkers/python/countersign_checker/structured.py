"""RFC 9651 structured fields in their exact form alone ("Structured fields" of spec/request.md).

A field is exact when RFC 9651's serialisation of what it parses as is the same bytes. This is the grammar of those
bytes, so there is nothing to serialise: no optional space, no zero in front, no key twice, no `=?1`, canonical base64.
"""
from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

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
    kind: str  # integer, decimal, string, token, bytes, bool, date, display
    value: Any
    params: dict[str, Item] = field(default_factory=dict)


@dataclass
class InnerList:
    items: list[Item]
    params: dict[str, Item] = field(default_factory=dict)
    text: str = ""  # as it stands in the field


Dictionary = dict[str, Item | InnerList]


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

    def dictionary(self) -> Dictionary:
        out: Dictionary = {}
        while True:
            key = self.take(_KEY).group()
            if key in out:
                raise Inexact
            start = self.at + 1
            if not self.next_is("="):
                out[key] = Item("bool", True, self.params())
            elif self.next_is("("):
                out[key] = InnerList(self.items(), self.params(), self.text[start:self.at])
            else:
                out[key] = self.value()
                out[key].params = self.params()
            if self.at == len(self.text):
                return out
            if not self.next_is(", "):
                raise Inexact

    def items(self) -> list[Item]:
        out: list[Item] = []
        while not self.next_is(")"):
            if out and not self.next_is(" "):
                raise Inexact
            out.append(self.bare())
            out[-1].params = self.params()
        return out

    def params(self) -> dict[str, Item]:
        out: dict[str, Item] = {}
        while self.next_is(";"):
            key = self.take(_KEY).group()
            if key in out:
                raise Inexact
            out[key] = self.value() if self.next_is("=") else Item("bool", True)
        return out

    def value(self) -> Item:
        """What stands behind `=`: anything but true, which is left out."""
        item = self.bare()
        if item.kind == "bool" and item.value:
            raise Inexact
        return item

    def bare(self) -> Item:
        match = self.take(_BARE)
        kind, text = match.lastgroup or "", match.group()
        try:
            match kind:
                case "integer":
                    return Item(kind, int(text))
                case "string":
                    return Item(kind, re.sub(r"\\(.)", r"\1", text[1:-1]))
                case "bytes":
                    data = base64.b64decode(text[1:-1], validate=True)
                    if base64.b64encode(data).decode() == text[1:-1]:
                        return Item(kind, data)
                case "bool":
                    return Item(kind, text == "?1")
                case "display":
                    if not _NEEDLESS.search(text):
                        return Item(kind, unquote_to_bytes(text[2:-1]).decode("utf-8"))
                case _:
                    return Item(kind, text)
        except (binascii.Error, UnicodeDecodeError):
            pass
        raise Inexact


def exact_dictionary(value: bytes) -> Dictionary:
    """RQ-23 to RQ-25"""
    if not value.isascii():
        raise Inexact
    return _Parser(value.decode()).dictionary()
