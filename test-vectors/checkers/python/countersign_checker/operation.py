"""Operations, resources, rights ("Stage 11" of spec/verify.md)."""
from __future__ import annotations

import re
from dataclasses import dataclass, field

from .arguments import Declared
from .encoding import MAX_SAFE, sha256
from .errors import Denial, Misuse
from .jsontext import jcs

_PLAIN = r"A-Za-z0-9\-._~!$&'()*+,=:@"
_SEGMENT = re.compile(rf"(?:[{_PLAIN}]|%[0-9A-F]{{2}})+\Z")
_ESCAPE = re.compile(r"%([0-9A-F]{2})")
_IS_PLAIN = re.compile(f"[{_PLAIN}]")
_PARAMETER = re.compile(r"\{([a-z0-9_]+)\}")


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
        names = [name for segment in self.path.split("/") if (name := _name(segment)) is not None]
        if not self.path.startswith("/") or len(set(names)) != len(names):
            raise Misuse("a path of the operation table")
        if not set(_PARAMETER.findall(self.resource)) <= set(names):
            raise Misuse("a resource of the operation table")
        if self.declared.urls & self.declared.paths or any(not 0 <= n <= 15 for n in self.declared.scales.values()):
            raise Misuse("declared arguments of the operation table")
        if any(isinstance(amount, int) and not 0 <= amount <= MAX_SAFE for amount in self.cost.values()):
            raise Misuse("a cost of the operation table")

    def match(self, method: str, path: str) -> list[tuple[str, str]] | None:
        """The path parameters in the order of the template, None where it does not match."""
        pattern, segments = self.path.split("/"), path.split("/")
        if method != self.method or len(pattern) != len(segments):
            return None
        out = []
        for expected, segment in zip(pattern, segments):
            name = _name(expected)
            if name is None and expected != segment or name is not None and not segment:
                return None
            if name is not None:
                out.append((name, segment))
        return out


def _name(segment: str) -> str | None:
    match = _PARAMETER.fullmatch(segment)
    return match.group(1) if match else None


@dataclass(frozen=True)
class Operation:
    type: str
    resource: str
    action: str
    tool: str | None
    entry: Entry
    parameters: tuple[tuple[str, str], ...] = ()


_DEFAULT = Entry("", "/", "http", "", "")


def map_request(table: list[Entry] | None, method: str, path: str) -> Operation:
    """VF-23, VF-24"""
    if table is None:
        return Operation("http", path, method, None, _DEFAULT)
    for entry in table:
        parameters = entry.match(method, path)
        if parameters is not None:
            values = dict(parameters)
            resource = _PARAMETER.sub(lambda match: values[match.group(1)], entry.resource)
            return Operation(entry.type, resource, entry.action, entry.tool, entry, tuple(parameters))
    raise Denial(11, "operation_unmapped")


def good_segment(segment: str) -> bool:
    """One segment by VF-25 to VF-28."""
    if not _SEGMENT.match(segment) or segment in (".", ".."):
        return False
    if any(_IS_PLAIN.match(chr(int(digits, 16))) for digits in _ESCAPE.findall(segment)):  # VF-27
        return False
    raw = re.sub(rb"%([0-9A-F]{2})", lambda match: bytes([int(match.group(1), 16)]), segment.encode())
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return not any(char < " " or "\x7f" <= char <= "\x9f" or char in "%/\\;" for char in text)  # VF-28


def good_resource(resource: str) -> bool:
    """VF-25 to VF-28: the resource grammar."""
    if resource == "/":
        return True
    segments = resource.removeprefix("/").split("/")
    if len(segments) > 1 and not segments[-1]:
        segments.pop()
    return all(good_segment(segment) for segment in segments)


def covers(location: str, resource: str) -> bool:
    """ "Right" """
    if not location:
        return False
    if location.endswith("/"):
        return resource.startswith(location)
    return resource == location or resource.startswith(location + "/")


def find_right(rights: list[tuple], operation: Operation) -> str:
    """VF-29, VF-30"""
    for type_, location, action in rights:
        if type_ == operation.type and action == operation.action and covers(location, operation.resource):
            return f"{type_}:{location}:{action}"
    raise Denial(11, "right_missing")


def digest(members: dict) -> bytes:
    """VF-44: the operation digest of an object with the members of the table."""
    return sha256(b"countersign-operation-v1\0" + jcs(members))
