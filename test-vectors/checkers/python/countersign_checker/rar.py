"""Authorization details, read into tokens and written from them (spec/rar.md)."""
from __future__ import annotations

import ipaddress
import re
from typing import Any, NamedTuple

from . import jsontext
from .encoding import digits_to_int
from .operation import covers, good_resource

DETAILS, TARGET = "invalid_authorization_details", "invalid_target"
_MAX_TEXT, _MAX_DETAILS, _MAX_RIGHTS, _MAX_TOKENS, _MAX_BYTES = 1_048_576, 128, 128, 64, 1024
_MAX_SECONDS = 253_402_300_799
_MEMBERS = ("type", "locations", "actions", "purpose", "max_duration")
_N = "([1-9][0-9]*)"
_TIME = f"(?:{_N}H)?(?:{_N}M)?(?:{_N}S)?"
_ISO = re.compile(f"P(?:{_N}D)?(?:T(?=[0-9]){_TIME})?\\Z")
_SHORT = re.compile(f"{_N}([smhd])\\Z")
_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_ORIGIN = re.compile(r"(https?)://(\[([0-9a-f:.]+)\]|[a-z0-9.-]+)(?::([1-9][0-9]*))?(?=/|\Z)")
_OCTET = re.compile(r"(?:0|[1-9][0-9]{0,2})\Z")
Right = tuple[str, str, str]


class Refused(Exception):
    """RA-29: an error of OAuth, and the member at fault."""

    def __init__(self, member: str | None = None, error: str = DETAILS) -> None:
        super().__init__(error)
        self.error = error
        self.member = member


class Grant(NamedTuple):
    """What one token is to say."""

    audience: str
    purpose: str
    duration: int
    rights: tuple[Right, ...]


def duration(text: Any) -> int:
    """RA-10, RA-11"""
    short = _SHORT.match(text) if isinstance(text, str) else None
    iso = _ISO.match(text) if isinstance(text, str) and text != "P" else None
    if short:
        parts = {short.group(2): short.group(1)}
    elif iso:
        parts = {unit: digits for unit, digits in zip("dhms", iso.groups()) if digits}
    else:
        raise Refused("max_duration")
    total = 0
    for unit, digits in parts.items():
        number = digits_to_int(digits, _MAX_SECONDS)
        if number is None:
            raise Refused("max_duration")
        total += number * _UNITS[unit]
    if total > _MAX_SECONDS:
        raise Refused("max_duration")
    return total


def iso_duration(seconds: int) -> str:
    """RA-25"""
    days, rest = divmod(seconds, 86400)
    parts = [f"{count}{unit}" for count, unit in ((rest // 3600, "H"), (rest // 60 % 60, "M"), (rest % 60, "S")) if count]
    return "P" + (f"{days}D" if days else "") + ("T" + "".join(parts) if parts else "")


def _ipv6(text: str) -> bool:
    """Whether a text is an IPv6 address as RFC 5952 writes it."""
    try:
        packed = ipaddress.IPv6Address(text).packed
    except ValueError:
        return False
    groups = [f"{int.from_bytes(packed[at:at + 2], 'big'):x}" for at in range(0, 16, 2)]
    best = max(((length, -start) for start in range(8) for length in range(2, 9 - start)
                if groups[start:start + length] == ["0"] * length), default=(0, 0))
    if not best[0]:
        return text == ":".join(groups)
    start = -best[1]
    return text == ":".join(groups[:start]) + "::" + ":".join(groups[start + best[0]:])


def origin(text: str) -> str | None:
    """RA-14: the origin that a text begins with, None where it begins with none."""
    match = _ORIGIN.match(text)
    if not match:
        return None
    scheme, host, address6, port = match.groups()
    if address6 is not None:
        if not _ipv6(address6):
            return None
    else:
        labels = host.split(".")
        if not all(labels) or len(host) > 253:
            return None
        if labels[-1].isdigit() or re.fullmatch("0x[0-9a-f]*", labels[-1]):
            if len(labels) != 4 or not all(_OCTET.match(label) and int(label) < 256 for label in labels):
                return None
    if port is not None and digits_to_int(port, 65535) in (None, 443 if scheme == "https" else 80):
        return None
    return match.group()


def _text(value: Any, member: str) -> str:
    """RA-8"""
    if not isinstance(value, str) or not 1 <= len(value.encode()) <= _MAX_BYTES:
        raise Refused(member)
    if any(char < " " or "\x7f" <= char <= "\x9f" for char in value):
        raise Refused(member)
    return value


def _texts(detail: dict, member: str) -> list[str]:
    """RA-6, RA-7, RA-9"""
    values = detail.get(member)
    if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
        raise Refused(member)
    return list(dict.fromkeys(values))


def _resource(resource: str | None) -> tuple[str, str]:
    """RA-17: origin and path of the resource."""
    if resource is None:
        return "", ""
    found = origin(resource)
    path = resource[len(found):] if found else ""
    if not found or len(resource.encode()) > _MAX_BYTES or (path and not good_resource(path)):
        raise Refused(None, TARGET)
    return found, path


def _locate(location: str, resource: str | None, target: tuple[str, str]) -> tuple[str, str]:
    """RA-14 to RA-19: audience and location of the right."""
    found, path = None, location
    if location.startswith(("https://", "http://")):
        found = origin(location)
        if found is None:  # RA-14
            raise Refused("locations")
        path = location[len(found):]
        if not path.startswith("/"):
            raise Refused("locations")
    if not good_resource(path) or len(path.encode()) > _MAX_BYTES:  # RA-15, RA-16
        raise Refused("locations")
    if resource is None:  # RA-19
        if found is None:
            raise Refused("locations", TARGET)
        return found, path
    if found is not None and (found != target[0] or not covers(target[1] or "/", path)):  # RA-18
        raise Refused("locations")
    return resource, path


def read(text: str, resource: str | None = None, purpose: str | None = None, length: str | None = None) -> list[Grant]:
    """Details to tokens."""
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > _MAX_TEXT:  # RA-2
        raise Refused
    try:
        details = jsontext.parse(data)  # RA-1
    except jsontext.Ambiguous:
        raise Refused from None
    if not isinstance(details, list) or not 1 <= len(details) <= _MAX_DETAILS:  # RA-3
        raise Refused
    if not all(isinstance(detail, dict) for detail in details):
        raise Refused
    target = _resource(resource)
    default_purpose = None if purpose is None else _text(purpose, "purpose")
    default_length = None if length is None else duration(length)
    found: dict[tuple[str, str, int], set[Right]] = {}
    for detail in details:
        for key, right in _detail(detail, resource, target, default_purpose, default_length):
            rights = found.setdefault(key, set())
            rights.add(right)
            if len(rights) > _MAX_RIGHTS or len(found) > _MAX_TOKENS:  # RA-21, RA-22
                raise Refused
    return [Grant(*key, tuple(sorted(rights))) for key, rights in sorted(found.items())]  # RA-23


def _detail(detail: dict, resource: str | None, target: tuple[str, str], purpose: str | None, length: int | None
            ) -> list[tuple[tuple[str, str, int], Right]]:
    unknown = [member for member in detail if member not in _MEMBERS]
    if unknown:  # RA-4
        raise Refused(unknown[0])
    type_ = _text(detail.get("type"), "type")  # RA-5
    actions = [_text(action, "actions") for action in _texts(detail, "actions")]
    locations = _texts(detail, "locations")
    purpose = _text(detail["purpose"], "purpose") if "purpose" in detail else purpose
    length = duration(detail["max_duration"]) if "max_duration" in detail else length
    if purpose is None:  # RA-12
        raise Refused("purpose")
    if length is None:  # RA-13
        raise Refused("max_duration")
    placed = [_locate(location, resource, target) for location in locations]
    return [((audience, purpose, length), (type_, path, action)) for audience, path in placed for action in actions]


def _written(audience: str, rights: tuple[Right, ...]) -> bool:
    """RA-26: whether locations are written as URLs."""
    return origin(audience) == audience and all(location.startswith("/") for _, location, _ in rights)


def details_of(grant: Grant) -> str:
    """RA-25 to RA-27: a token's details in canonical form."""
    _text(grant.purpose, "purpose")
    if not 1 <= grant.duration <= _MAX_SECONDS:
        raise Refused("max_duration")
    actions: dict[tuple[str, str], set[str]] = {}
    for type_, location, action in grant.rights:
        _text(type_, "type"), _text(action, "actions")
        if not good_resource(location) or len(location) > _MAX_BYTES:
            raise Refused("locations")
        actions.setdefault((type_, location), set()).add(action)
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (type_, location), names in actions.items():
        groups.setdefault((type_, tuple(sorted(names))), []).append(location)
    prefix = grant.audience if _written(grant.audience, grant.rights) else ""
    return jsontext.jcs([
        {"type": type_, "actions": names, "locations": [prefix + location for location in sorted(locations)],
         "purpose": grant.purpose, "max_duration": iso_duration(grant.duration)}
        for (type_, names), locations in sorted(groups.items())]).decode()


def enough(service: str, type_: str, resource: str, action: str) -> str:
    """RA-28: the details that would have been enough."""
    prefix = service if _written(service, ((type_, resource, action),)) else ""
    return jsontext.jcs([{"type": type_, "locations": [prefix + resource], "actions": [action]}]).decode()
