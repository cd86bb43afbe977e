"""JSON read as RQ-55 asks, and written as RFC 8785 (JCS) asks."""
from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, Callable

from .encoding import MAX_SAFE, digits_to_int

MAX_DEPTH = 64
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
_SPACE = re.compile(r"[ \t\n\r]*")
_HEX = re.compile(r"[0-9A-Fa-f]{4}")
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_SHORT = {char: escape for escape, char in _ESCAPES.items() if escape != "/"}


class Ambiguous(ValueError):
    """Not one JSON value that all parsers read alike."""


@dataclass(frozen=True, slots=True)
class Number:
    text: str  # as it was spelled

    @property
    def integer(self) -> int | None:
        """None for a fraction (CK-30)."""
        return int(self.text) if re.fullmatch("-?[0-9]+", self.text) else None


class _Parser:
    """Recursion is as deep as MAX_DEPTH."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def space(self) -> None:
        match = _SPACE.match(self.text, self.at)
        assert match
        self.at = match.end()

    def peek(self) -> str:
        return self.text[self.at:self.at + 1]

    def expect(self, char: str) -> None:
        if self.peek() != char:
            raise Ambiguous
        self.at += 1

    def value(self, depth: int) -> Any:
        self.space()
        first = self.peek()
        if first in ("{", "["):
            if depth == MAX_DEPTH:
                raise Ambiguous
            out = self.object(depth + 1) if first == "{" else self.array(depth + 1)
        elif first == '"':
            out = self.string()
        else:
            for word, constant in (("true", True), ("false", False), ("null", None)):
                if self.text.startswith(word, self.at):
                    self.at += len(word)
                    out = constant
                    break
            else:
                out = self.number()
        self.space()
        return out

    def list_of(self, close: str, element: Callable[[], None]) -> None:
        self.at += 1
        self.space()
        if self.peek() == close:
            self.at += 1
            return
        while True:
            element()
            if self.peek() != ",":
                break
            self.at += 1
        self.expect(close)

    def object(self, depth: int) -> dict[str, Any]:
        out: dict[str, Any] = {}

        def member() -> None:
            self.space()
            if self.peek() != '"':
                raise Ambiguous
            name = self.string()
            if name in out:
                raise Ambiguous
            self.space()
            self.expect(":")
            out[name] = None
            out[name] = self.value(depth)

        self.list_of("}", member)
        return out

    def array(self, depth: int) -> list[Any]:
        out: list[Any] = []
        self.list_of("]", lambda: out.append(self.value(depth)))
        return out

    def string(self) -> str:
        self.at += 1
        out: list[str] = []
        while True:
            match = _PLAIN.match(self.text, self.at)
            assert match
            out.append(match.group())
            self.at = match.end()
            char = self.peek()
            self.at += 1
            if char == '"':
                return "".join(out)
            if char != "\\":
                raise Ambiguous
            out.append(self.escape())

    def escape(self) -> str:
        char = self.peek()
        self.at += 1
        if char != "u":
            if char not in _ESCAPES:
                raise Ambiguous
            return _ESCAPES[char]
        unit = self.unit()
        if 0xD800 <= unit < 0xDC00:
            if self.text[self.at:self.at + 2] != "\\u":
                raise Ambiguous
            self.at += 2
            low = self.unit()
            if not 0xDC00 <= low < 0xE000:
                raise Ambiguous
            return chr(0x10000 + (unit - 0xD800) * 0x400 + low - 0xDC00)
        if 0xDC00 <= unit < 0xE000:
            raise Ambiguous
        return chr(unit)

    def unit(self) -> int:
        match = _HEX.match(self.text, self.at)
        if not match:
            raise Ambiguous
        self.at = match.end()
        return int(match.group(), 16)

    def number(self) -> Number:
        match = _NUMBER.match(self.text, self.at)
        if not match:
            raise Ambiguous
        self.at = match.end()
        whole, fraction, exponent = match.groups()
        if fraction is None and exponent is None:
            if digits_to_int(whole, MAX_SAFE) is None:
                raise Ambiguous
        elif not math.isfinite(float(match.group())):
            raise Ambiguous
        return Number(match.group())


def parse(data: bytes) -> Any:
    """RQ-55: objects as dict in document order, arrays as list, numbers as Number."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Ambiguous from None
    parser = _Parser(text)
    value = parser.value(0)  # a byte order mark is no value
    if parser.at != len(text):
        raise Ambiguous
    return value


def _number(text: str) -> str:
    """As ECMAScript's Number::toString writes the double."""
    value = float(text)
    if value == 0:
        return "0"
    mantissa, _, exponent = f"{abs(value)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    if fraction == "0":
        fraction = ""
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0)  # value = 0.digits x 10^point, once zeros in front are gone
    point -= len(whole + fraction) - len(digits)
    digits = digits.rstrip("0")
    count = len(digits)
    if count <= point <= 21:
        out = digits + "0" * (point - count)
    elif 0 < point <= 21:
        out = digits[:point] + "." + digits[point:]
    elif -6 < point <= 0:
        out = "0." + "0" * -point + digits
    else:
        power = f"e{'+' if point > 0 else '-'}{abs(point - 1)}"
        out = digits[0] + ("." + digits[1:] if count > 1 else "") + power
    return ("-" if value < 0 else "") + out


def _string(text: str) -> str:
    return '"' + "".join(
        "\\" + _SHORT[char] if char in _SHORT else f"\\u{ord(char):04x}" if char < " " else char
        for char in text) + '"'


def _write(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Number():
            return _number(value.text)
        case int():
            return str(value)
        case str():
            return _string(value)
        case list() | tuple():
            return "[" + ",".join(_write(item) for item in value) + "]"
    names = sorted(value, key=lambda name: name.encode("utf-16-be"))
    return "{" + ",".join(f"{_string(name)}:{_write(value[name])}" for name in names) + "}"


def jcs(value: Any) -> bytes:
    """RFC 8785. Takes what `parse` gives, and int besides."""
    return _write(value).encode()
