"""JSON read as RQ-55 asks, and written as RFC 8785 (JCS) asks."""
from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from .encoding import MAX_SAFE, digits_to_int

MAX_DEPTH = 64
_TOKEN = re.compile(r"""
    [ \t\n\r]*+ (?: (?P<mark> [{}\[\],:] )
                  | "(?P<string> (?: [^"\\\x00-\x1f]++ | \\ . )*+ )"
                  | (?P<number> -?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)? )
                  | (?P<word> true | false | null ) )""", re.VERBOSE | re.DOTALL)
_ESCAPE = re.compile(r"""\\(?: u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2}) | u([0-9a-fA-F]{4}) | (.) )""",
                     re.VERBOSE | re.DOTALL)
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_SHORT = {char: escape for escape, char in _ESCAPES.items() if escape != "/"}
_WORDS = {"true": True, "false": False, "null": None}


class Ambiguous(ValueError):
    """Not one JSON value that all parsers read alike."""


@dataclass(frozen=True, slots=True)
class Number:
    text: str  # as it was spelled

    @property
    def integer(self) -> int | None:
        """None for a fraction (CK-30)."""
        return None if re.search("[.eE]", self.text) else int(self.text)


def _unescape(match: re.Match[str]) -> str:
    high, low, unit, char = match.groups()
    if high:
        return chr(0x10000 + (int(high, 16) - 0xD800) * 0x400 + int(low, 16) - 0xDC00)
    if unit and not 0xD800 <= int(unit, 16) < 0xE000:
        return chr(int(unit, 16))
    if char in _ESCAPES:
        return _ESCAPES[char]
    raise Ambiguous


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def next(self) -> tuple[str, str]:
        """The kind and the text of the next token."""
        match = _TOKEN.match(self.text, self.at)
        if not match:
            raise Ambiguous
        self.at = match.end()
        kind = match.lastgroup or ""
        return match.group(kind) if kind == "mark" else kind, match.group(kind)

    def value(self, kind: str, text: str, depth: int) -> Any:
        """The value that begins with a token; recursion is as deep as MAX_DEPTH."""
        if kind in ("{", "["):
            if depth == MAX_DEPTH:
                raise Ambiguous
            return self.object(depth + 1) if kind == "{" else self.array(depth + 1)
        if kind == "string":
            return _ESCAPE.sub(_unescape, text)
        if kind == "word":
            return _WORDS[text]
        if kind != "number":
            raise Ambiguous
        if re.search("[.eE]", text):
            if not math.isfinite(float(text)):
                raise Ambiguous
        elif digits_to_int(text.lstrip("-"), MAX_SAFE) is None:
            raise Ambiguous
        return Number(text)

    def object(self, depth: int) -> dict[str, Any]:
        out: dict[str, Any] = {}
        kind, text = self.next()
        while kind != "}" or out:
            name = self.value(kind, text, depth)
            if kind != "string" or name in out or self.next()[0] != ":":
                raise Ambiguous
            out[name] = self.value(*self.next(), depth)
            kind, _ = self.next()
            if kind == "}":
                break
            if kind != ",":
                raise Ambiguous
            kind, text = self.next()
        return out

    def array(self, depth: int) -> list[Any]:
        out: list[Any] = []
        kind, text = self.next()
        while kind != "]" or out:
            out.append(self.value(kind, text, depth))
            kind, _ = self.next()
            if kind == "]":
                break
            if kind != ",":
                raise Ambiguous
            kind, text = self.next()
        return out


def parse(data: bytes) -> Any:
    """RQ-55: objects as dict in document order, arrays as list, numbers as Number."""
    try:
        parser = _Parser(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise Ambiguous from None
    value = parser.value(*parser.next(), 0)  # a byte order mark is no value
    if parser.text[parser.at:].strip(" \t\n\r"):
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
