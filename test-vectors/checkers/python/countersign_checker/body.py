"""Media types, and the JSON that is read from a body (RQ-55, RQ-56, CK-28)."""

import re
from typing import Any

from . import jsontext
from .arguments import Arguments, parameters_of
from .encoding import sha256
from .errors import Denial, refuse
from .message import Request
from .operation import Asked, Operation

MAX_READ = 1 << 20
_T = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_QUOTED = r'"(?:[\t \x21\x23-\x5b\x5d-\x7e]|\\[\t \x21-\x7e])*"'
_PARAMETER = rf"[ \t]*+;[ \t]*+(?:({_T})=({_T}|{_QUOTED}))?"
_TYPE = re.compile(rf"({_T}/{_T})((?:{_PARAMETER})*)")


def media_type(request: Request) -> tuple[str, bool]:
    """RQ-56: the type in lower case, and whether JSON of this charset and coding can be read."""
    match = _TYPE.fullmatch((request.value("content-type") or b"").decode("latin-1"))
    if not match:
        raise Denial(11, "body_ambiguous")
    charsets = [re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
                for name, value in re.findall(_PARAMETER, match[2]) if name.lower() == "charset"]
    return match[1].lower(), all(charset.lower() == "utf-8" for charset in charsets) and b"content-encoding" not in request.names


def read_body(request: Request, operation: Operation) -> Asked:
    """The arguments of an HTTP request, and the object that was read from its body."""
    entry = operation.entry
    parameters = parameters_of(operation.parameters, request.query)  # refused also where nothing is extracted
    if not request.body:
        return Asked(operation, Arguments.extract(entry.declared, parameters, None))
    media, readable = media_type(request)
    root: Any = None
    if entry.read_body and re.fullmatch(r"application/json|.*\+json", media) and len(request.body) <= MAX_READ:  # CK-28
        refuse(not readable, 11, "body_ambiguous")  # RQ-55, RQ-56
        try:
            root = jsontext.parse(request.body)
        except jsontext.Ambiguous:
            raise Denial(11, "body_ambiguous") from None
    if not isinstance(root, dict):
        return Asked(operation, Arguments.unextracted(entry.declared), None, sha256(request.body).hex())
    return Asked(operation, Arguments.extract(entry.declared, parameters, root), root)
