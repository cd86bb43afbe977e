"""RFC 9651 structured fields in their exact form alone ("Structured fields" of spec/request.md).

A field is exact when RFC 9651's serialisation of what it parses as is the same bytes. This is the grammar of those
bytes, so there is nothing to serialise: no optional space, no zero in front, no key twice, no `=?1`, canonical base64.
"""
from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

from .encoding import un_b64

_KEY = r"[a-z*][a-z0-9_.*-]*+"
_INTEGER = r"(?:0|-?[1-9][0-9]{0,14})(?![0-9.])"
_KINDS = {  # each begins with other characters
    "decimal": r"(?!-0\.0(?![0-9]))-?(?:0|[1-9][0-9]{0,11})\.(?:0|[0-9]{0,2}[1-9])(?![0-9])",
    "integer": _INTEGER,
    "string": r'"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*+"',
    "token": r"[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*+",
    "bytes": r":[A-Za-z0-9+/=]*+:",
    "bool": r"\?[01]",
    "date": "@" + _INTEGER,
    "display": r'%"(?:[\x20\x21\x23\x24\x26-\x7e]|%[0-9a-f]{2})*+"',
}
_BARE = f"(?:{'|'.join(_KINDS.values())})"
_PARAMS = rf"(?:;{_KEY}(?:=(?!\?1){_BARE})?)*+"  # true is left out
_ITEM = f"({_BARE})({_PARAMS})"
_LIST = rf"\((?:{_BARE}{_PARAMS}(?: {_BARE}{_PARAMS})*+)?\)"
_MEMBER = rf"({_KEY})(?:=(?!\?1)({_LIST}|{_BARE}))?({_PARAMS})"
_DICTIONARY = re.compile(rf"{_MEMBER}(?:, {_MEMBER})*+")
_NEEDLESS = re.compile(r"%(?!22|25|7f)[2-7]")  # escapes of a display string that stand for what needs none


class Inexact(ValueError):
    """Not a structured field, or not in its one form."""


@dataclass
class Item:
    kind: str  # of _KINDS, or list
    value: Any
    params: dict[str, Item] = field(default_factory=dict)
    text: str = ""  # of a member of a dictionary, with its parameters


Dictionary = dict[str, Item]


def _item(text: str, params: str = "") -> Item:
    """A value; without a text it is true."""
    kind = next((kind for kind, pattern in _KINDS.items() if re.fullmatch(pattern, text)), "list") if text else "bool"
    value: Any = text
    if kind == "list":
        value = [_item(*found) for found in re.findall(_ITEM, text)]
    elif kind == "integer":
        value = int(text)
    elif kind == "string":
        value = re.sub(r"\\(.)", r"\1", text[1:-1])
    elif kind == "bytes":
        value = un_b64(text[1:-1])
    elif kind == "bool":
        value = text != "?0"
    elif kind == "display":
        value = None if _NEEDLESS.search(text) else unquote_to_bytes(text[2:-1]).decode("utf-8")
    if value is None:
        raise Inexact
    return Item(kind, value, _keyed([(key, _item(found)) for key, found in re.findall(f";({_KEY})(?:=({_BARE}))?", params)]), text + params)


def _keyed(pairs: list[tuple[str, Item]]) -> Dictionary:
    out = dict(pairs)
    if len(out) < len(pairs):
        raise Inexact
    return out


def exact_dictionary(value: bytes) -> Dictionary:
    """RQ-23 to RQ-25"""
    text = value.decode("ascii")
    if not _DICTIONARY.fullmatch(text):
        raise Inexact
    return _keyed([(key, _item(found, params)) for key, found, params in re.findall(f"(?:^|, ){_MEMBER}", text)])
