"""Operations, resources, rights, the JSON of a body, configuration ("Configuration" and "Stage 11" of spec/verify.md)."""

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from . import jsontext
from .arguments import Arguments, Declared, parameters_of
from .encoding import MAX_SAFE, sha256
from .errors import Denial, Misuse, refuse
from .request import Request
from .token import Token

MAX_READ = 1 << 20
_T = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_QUOTED = r'"(?:[\t \x21\x23-\x5b\x5d-\x7e]|\\[\t \x21-\x7e])*"'
_PARAMETER = rf"[ \t]*+;[ \t]*+(?:({_T})=({_T}|{_QUOTED}))?"
_TYPE = re.compile(rf"({_T}/{_T})((?:{_PARAMETER})*)")
_PLAIN = r"A-Za-z0-9\-._~!$&'()*+,=:@"
_SEGMENT = re.compile(rf"(?:[{_PLAIN}]|%[0-9A-F]{{2}})+")
_IS_PLAIN = re.compile(f"[{_PLAIN}]")
_TEMPLATE = re.compile(r"\{([a-z0-9_]+)\}")


@dataclass(frozen=True)
class Entry:
    """A row of the operation table, or the default mapping."""

    method: str
    path: str
    type: str
    resource: str
    action: str
    tool: str | None = None
    declared: Declared = field(default_factory=Declared)
    cost: dict[str, int | str] = field(default_factory=lambda: {"calls": 1})
    read_body: bool = True

    def __post_init__(self) -> None:
        names = [match[1] for segment in self.path.split("/") if (match := _TEMPLATE.fullmatch(segment))]
        amounts = [amount for amount in self.cost.values() if isinstance(amount, int)]
        if not self.path.startswith("/") or len(set(names)) != len(names) or not set(_TEMPLATE.findall(self.resource)) <= set(names):
            raise Misuse("a path or a resource of the operation table")
        if self.declared.urls & self.declared.paths or any(not 0 <= digits <= 15 for digits in self.declared.scales.values()):
            raise Misuse("declared arguments of the operation table")
        if any(not 0 <= amount <= MAX_SAFE for amount in amounts):
            raise Misuse("a cost of the operation table")

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """The path parameters in the order of the template, None where it does not match."""
        pattern, segments = self.path.split("/"), path.split("/")
        if method != self.method or len(pattern) != len(segments):
            return None
        out = {}
        for expected, segment in zip(pattern, segments):
            if name := _TEMPLATE.fullmatch(expected):
                out[name[1]] = segment
            if not segment if name else segment != expected:
                return None
        return out


@dataclass(frozen=True)
class Operation:
    type: str
    resource: str
    action: str
    tool: str | None = None
    entry: Entry = Entry("", "/", "", "", "")
    parameters: dict[str, str] = field(default_factory=dict)


@dataclass
class Asked:
    """An operation, and what it is asked for with."""

    operation: Operation
    arguments: Arguments
    args: dict | None = None
    content_sha256: str | None = None
    meta: dict | None = None


def map_request(table: list[Entry] | None, method: str, path: str) -> Operation:
    """VF-23, VF-24"""
    if table is None:
        return Operation("http", path, method)
    for entry in table:
        values = entry.match(method, path)
        if values is not None:
            resource = _TEMPLATE.sub(lambda match, values=values: values[match[1]], entry.resource)
            return Operation(entry.type, resource, entry.action, entry.tool, entry, values)
    raise Denial(11, "operation_unmapped")


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


def good_segment(segment: str) -> bool:
    """One segment by VF-25 to VF-28."""
    if not _SEGMENT.fullmatch(segment) or segment in (".", ".."):
        return False
    if any(_IS_PLAIN.match(chr(int(digits, 16))) for digits in re.findall("%(..)", segment)):  # VF-27
        return False
    try:
        text = unquote_to_bytes(segment).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return not re.search(r"[\x00-\x1f\x7f-\x9f%/\\;]", text)  # VF-28


def good_resource(resource: str) -> bool:
    """VF-25 to VF-28: the resource grammar."""
    segments = resource.removeprefix("/").split("/")
    if len(segments) > 1 and not segments[-1]:
        segments.pop()
    return resource == "/" or all(good_segment(segment) for segment in segments)


def covers(location: str, resource: str) -> bool:
    """ "Right" """
    return bool(location) and (resource == location or resource.startswith(location.removesuffix("/") + "/"))


def find_right(rights: list[tuple], operation: Operation) -> str:
    """VF-29, VF-30"""
    for type_, location, action in rights:
        if type_ == operation.type and action == operation.action and covers(location, operation.resource):
            return f"{type_}:{location}:{action}"
    raise Denial(11, "right_missing")


def digest(members: dict[str, Any]) -> bytes:
    """VF-44: the operation digest of an object with the members of the table."""
    return sha256(b"countersign-operation-v1\0" + jsontext.jcs(members))


@dataclass
class View:
    """What one issuer took back."""

    blocks: set[bytes] = field(default_factory=set)  # the first 16 bytes of ids
    holders: set[str] = field(default_factory=set)
    users: dict[str, int] = field(default_factory=dict)  # the last second of issue that is revoked
    grants: set[str] = field(default_factory=set)
    conversations: set[tuple[str, str]] = field(default_factory=set)  # user and conversation
    issuer_keys: set[bytes] = field(default_factory=set)
    fresh: bool = True

    def judge(self, token: Token) -> None:
        """Stage 6, in the order of the text."""
        user, issued_at = str(token.fact("user")), int(token.fact("issued_at") or 0)
        refuse(not self.fresh, 6, "revocation_stale")  # VF-10
        refuse(self.blocks & {block.id[:16] for block in token.blocks}, 6, "token_revoked")  # VF-11
        refuse(self.holders & {holder.key_id for holder in token.holders}, 6, "token_revoked")  # VF-12
        refuse(issued_at <= self.users.get(user, -1), 6, "token_revoked")  # VF-13
        refuse(token.fact("grant") in self.grants, 6, "token_revoked")  # VF-14
        refuse((user, token.fact("conversation")) in self.conversations, 6, "conversation_ended")  # VF-15


class Mcp(NamedTuple):
    """An MCP endpoint: the server's name, its path in HTTP, and whether both proofs are asked for."""

    server: str
    path: str
    envelope: bool = False


@dataclass
class Config:
    audiences: list[str]
    authorities: list[str]
    issuers: dict[str, list[bytes]]
    operations: list[Entry] | None
    max_body: int
    mcp: Mcp | None
    views: dict[str, View]

    def __post_init__(self) -> None:
        matches = [re.fullmatch(r"(https?)://[^/?#]+(/[^?#]*)?", audience) for audience in self.audiences]
        parts = [(match[1], match[2] or "/") for match in matches if match]
        self._paths = {path: audience for (_, path), audience in zip(parts, self.audiences)}
        if len(parts) != len(matches) or len(self._paths) != len(set(self.audiences)) or len({scheme for scheme, _ in parts}) != 1:
            raise Misuse("an audience that is no absolute URL, two audiences with one path, or different schemes")
        self.scheme = parts[0][0]
        if any(len(keys) > 8 for keys in self.issuers.values()):  # VF-43
            raise Misuse("an issuer with more than 8 keys")
        if self.mcp and not good_segment(self.mcp.server):
            raise Misuse("the name of an MCP server")

    def service(self, path: str) -> str:
        """VF-6"""
        fitting = [prefix for prefix in self._paths if covers(prefix, path)]
        refuse(not fitting, 5, "audience_mismatch")
        return self._paths[max(fitting, key=len)]
