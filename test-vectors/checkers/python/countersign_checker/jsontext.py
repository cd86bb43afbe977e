"""JSON read as RQ-55 asks, and written as RFC 8785 (JCS) asks."""

import json
import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn

from .encoding import MAX_SAFE, digits_to_int

MAX_DEPTH = 64


class Ambiguous(ValueError):
    """Not one JSON value that all parsers read alike."""


@dataclass(frozen=True, slots=True)
class Number:
    text: str  # as it was spelled

    @property
    def integer(self) -> int | None:
        """None for a fraction (CK-30)."""
        return None if re.search("[.eE]", self.text) else int(self.text)


def _refuse(_: str) -> NoReturn:
    raise Ambiguous


def _integer(text: str) -> Number:
    return Number(text) if digits_to_int(text.lstrip("-"), MAX_SAFE) is not None else _refuse(text)


def _fraction(text: str) -> Number:
    return Number(text) if math.isfinite(float(text)) else _refuse(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    return out if len(out) == len(pairs) else _refuse("")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_float=_fraction, parse_constant=_refuse)


def _examine(value: Any, depth: int) -> None:
    """Depth and surrogates."""
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, (dict, list)):
        if depth == MAX_DEPTH:
            raise Ambiguous
        for part in [*value.keys(), *value.values()] if isinstance(value, dict) else value:
            _examine(part, depth + 1)


def parse(data: bytes) -> Any:
    """RQ-55: objects as dict in document order, arrays as list, numbers as Number. A byte order mark is no value."""
    try:
        value, end = _DECODER.raw_decode(text := data.decode("utf-8").lstrip(" \t\n\r"))
        _examine(value, 0)
    except (ValueError, RecursionError):
        raise Ambiguous from None
    if text[end:].strip(" \t\n\r"):
        raise Ambiguous
    return value


def _number(text: str) -> str:
    """As ECMAScript's Number::toString writes the double."""
    value = float(text)
    if value == 0:
        return "0"
    sign, figures, exponent = Decimal(repr(value)).as_tuple()
    digits = "".join(map(str, figures))
    point = len(digits) + int(exponent)  # value = 0.digits x 10^point
    digits = digits.rstrip("0")
    if not -6 < point <= 21:
        out = digits[0] + ("." + digits[1:] if len(digits) > 1 else "") + f"e{point - 1:+}"
    elif point <= 0:
        out = "0." + "0" * -point + digits
    else:
        out = digits[:point].ljust(point, "0") + ("." + digits[point:] if len(digits) > point else "")
    return "-" * sign + out


def _write(value: Any) -> str:
    match value:
        case Number():
            return _number(value.text)
        case list() | tuple():
            return "[" + ",".join(map(_write, value)) + "]"
        case dict():
            names = sorted(value, key=lambda name: name.encode("utf-16-be"))
            return "{" + ",".join(f"{_write(name)}:{_write(value[name])}" for name in names) + "}"
    return json.dumps(value, ensure_ascii=False)  # null, bools, int, strings


def jcs(value: Any) -> bytes:
    """RFC 8785. Takes what `parse` gives, and int besides."""
    return _write(value).encode()
