"""RFC 9651 structured fields, of which only the exact form is accepted ("Structured fields" of spec/request.md)."""
from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

_KEY = re.compile(r"[a-z*][a-z0-9_.*-]*")
_TOKEN = re.compile(r"[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*")
_NUMBER = re.compile(r"-?([0-9]+)(?:\.([0-9]*))?")
_BYTES = re.compile(r":([A-Za-z0-9+/=]*):")


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


Dictionary = dict[str, Item | InnerList]


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def peek(self) -> str:
        return self.text[self.at:self.at + 1]

    def skip(self, characters: str) -> None:
        while self.peek() and self.peek() in characters:
            self.at += 1

    def take(self, pattern: re.Pattern[str]) -> re.Match[str]:
        match = pattern.match(self.text, self.at)
        if not match:
            raise Inexact
        self.at = match.end()
        return match

    def dictionary(self) -> Dictionary:
        out: Dictionary = {}
        self.skip(" ")
        while self.at < len(self.text):
            key = self.take(_KEY).group()
            if self.peek() == "=":
                self.at += 1
                out[key] = self.inner_list() if self.peek() == "(" else self.item()
            else:
                out[key] = Item("bool", True, self.params())
            self.skip(" \t")
            if self.at == len(self.text):
                break
            if self.peek() != ",":
                raise Inexact
            self.at += 1
            self.skip(" \t")
            if self.at == len(self.text):
                raise Inexact
        return out

    def inner_list(self) -> InnerList:
        self.at += 1
        items: list[Item] = []
        while True:
            self.skip(" ")
            if self.peek() == ")":
                self.at += 1
                return InnerList(items, self.params())
            items.append(self.item())
            if self.peek() not in (" ", ")") or not self.peek():
                raise Inexact

    def item(self) -> Item:
        item = self.bare()
        item.params = self.params()
        return item

    def params(self) -> dict[str, Item]:
        out: dict[str, Item] = {}
        while self.peek() == ";":
            self.at += 1
            self.skip(" ")
            key = self.take(_KEY).group()
            if self.peek() == "=":
                self.at += 1
                out[key] = self.bare()
            else:
                out[key] = Item("bool", True)
        return out

    def bare(self) -> Item:
        first = self.peek()
        if first == "-" or first.isdigit():
            return self.number()
        if first == '"':
            return self.string()
        if first == ":":
            return self.bytes_()
        if first == "?":
            value = self.text[self.at + 1:self.at + 2]
            if value not in ("0", "1"):
                raise Inexact
            self.at += 2
            return Item("bool", value == "1")
        if first == "@":
            self.at += 1
            number = self.number()
            if number.kind != "integer":
                raise Inexact
            return Item("date", number.value)
        if first == "%":
            return self.display()
        return Item("token", self.take(_TOKEN).group())

    def number(self) -> Item:
        match = self.take(_NUMBER)
        whole, fraction = match.groups()
        if fraction is None:
            if len(whole) > 15:
                raise Inexact
            return Item("integer", int(match.group()))
        if len(whole) > 12 or not 1 <= len(fraction) <= 3:
            raise Inexact
        return Item("decimal", Decimal(match.group()))

    def string(self) -> Item:
        out = []
        self.at += 1
        while True:
            char = self.peek()
            self.at += 1
            if char == "\\":
                char = self.peek()
                self.at += 1
                if char not in ('"', "\\"):
                    raise Inexact
            elif char == '"':
                return Item("string", "".join(out))
            elif not " " <= char <= "~":
                raise Inexact
            out.append(char)

    def bytes_(self) -> Item:
        try:
            return Item("bytes", base64.b64decode(self.take(_BYTES).group(1), validate=True))
        except binascii.Error:
            raise Inexact from None

    def display(self) -> Item:
        if self.text[self.at:self.at + 2] != '%"':
            raise Inexact
        self.at += 2
        out = bytearray()
        while True:
            char = self.peek()
            self.at += 1
            if char == '"':
                try:
                    return Item("display", out.decode("utf-8"))
                except UnicodeDecodeError:
                    raise Inexact from None
            if char == "%":
                digits = self.text[self.at:self.at + 2]
                if not re.fullmatch("[0-9a-f]{2}", digits):
                    raise Inexact
                out.append(int(digits, 16))
                self.at += 2
            elif " " <= char <= "~":
                out += char.encode()
            else:
                raise Inexact


def _write_bare(item: Item) -> str:
    value = item.value
    match item.kind:
        case "integer":
            return str(value)
        case "decimal":
            rounded = value.quantize(Decimal("0.001"), ROUND_HALF_EVEN)
            text = f"{abs(rounded):f}".rstrip("0")
            return ("-" if rounded < 0 else "") + text + ("0" if text.endswith(".") else "")
        case "string":
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case "token":
            return value
        case "bytes":
            return ":" + base64.b64encode(value).decode() + ":"
        case "bool":
            return "?1" if value else "?0"
        case "date":
            return f"@{value}"
    return '%"' + "".join(
        chr(byte) if 0x20 <= byte <= 0x7E and byte not in (0x22, 0x25) else f"%{byte:02x}" for byte in value.encode()) + '"'


def _write_params(params: dict[str, Item]) -> str:
    return "".join(f";{key}" if value.kind == "bool" and value.value else f";{key}={_write_bare(value)}"
                   for key, value in params.items())


def write_member(member: Item | InnerList) -> str:
    """An item or an inner list, with its parameters."""
    if isinstance(member, InnerList):
        inner = " ".join(_write_bare(item) + _write_params(item.params) for item in member.items)
        return f"({inner})" + _write_params(member.params)
    return _write_bare(member) + _write_params(member.params)


def write_dictionary(dictionary: Dictionary) -> str:
    return ", ".join(
        key + _write_params(member.params) if isinstance(member, Item) and member.kind == "bool" and member.value
        else f"{key}={write_member(member)}" for key, member in dictionary.items())


def exact_dictionary(value: bytes) -> Dictionary:
    """RQ-23 to RQ-25: parses, and serialises to the same bytes; the empty value is refused."""
    try:
        text = value.decode("ascii")
    except UnicodeDecodeError:
        raise Inexact from None
    dictionary = _Parser(text).dictionary()
    if not dictionary or write_dictionary(dictionary) != text:
        raise Inexact
    return dictionary
