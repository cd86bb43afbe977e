"""Media types, and the JSON that is read from a body (RQ-55, RQ-56, CK-28)."""
from __future__ import annotations

import re
from typing import Any

from . import jsontext
from .arguments import Arguments, parameters_of
from .errors import Denial
from .message import Request
from .operation import Operation

MAX_READ = 1 << 20
_T = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_QUOTED = r'"(?:[\t \x21\x23-\x5b\x5d-\x7e]|\\[\t \x21-\x7e])*"'
_PARAMETERS = re.compile(rf"[ \t]*;[ \t]*(?:({_T})=({_T}|{_QUOTED}))?")
_TYPE = re.compile(rf"({_T}/{_T})")


def ambiguous() -> Denial:
    return Denial(11, "body_ambiguous")


def media_type(request: Request) -> tuple[str, list[str]]:
    """RQ-56: the type in lower case, and the values of all parameters `charset`."""
    text = (request.value("content-type") or b"").decode("latin-1")
    match = _TYPE.match(text)
    if not match:
        raise ambiguous()
    charsets, at = [], match.end()
    while at < len(text):
        parameter = _PARAMETERS.match(text, at)
        if not parameter:
            raise ambiguous()
        at = parameter.end()
        name, value = parameter.groups()
        if name and name.lower() == "charset":
            charsets.append(re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value)
    return match.group(1).lower(), charsets


def is_json(media: str) -> bool:
    """CK-28"""
    return media == "application/json" or media.partition("/")[2].endswith("+json")


def read_json(request: Request, charsets: list[str]) -> Any:
    """RQ-55, RQ-56"""
    if any(charset.lower() != "utf-8" for charset in charsets) or request.lines("content-encoding"):
        raise ambiguous()
    try:
        return jsontext.parse(request.body)
    except jsontext.Ambiguous:
        raise ambiguous() from None


def arguments_of(request: Request, operation: Operation) -> tuple[Arguments, dict | None]:
    """The arguments of an HTTP request, and the object that was read from its body."""
    declared = operation.entry.declared
    root: Any = None
    parameters = parameters_of(operation.parameters, request.query)  # refused also where nothing is extracted
    if request.body:
        media, charsets = media_type(request)
        if not operation.entry.read_body or not is_json(media) or len(request.body) > MAX_READ:  # CK-28
            return Arguments.unextracted(declared), None
        root = read_json(request, charsets)
        if not isinstance(root, dict):
            return Arguments.unextracted(declared), None
    return Arguments.extract(declared, parameters, root), root
