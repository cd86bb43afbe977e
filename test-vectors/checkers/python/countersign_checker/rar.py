"""Authorization details, read into tokens and written from them (spec/rar.md)."""

import ipaddress
import re
from typing import Any, NamedTuple

from . import jsontext
from .encoding import MAX_DATE, digits_to_int
from .operation import covers, good_resource

DETAILS, TARGET = "invalid_authorization_details", "invalid_target"
_MAX_TEXT, _MAX_DETAILS, _MAX_RIGHTS, _MAX_TOKENS, _MAX_BYTES = 1_048_576, 128, 128, 64, 1024
_MEMBERS = ("type", "locations", "actions", "purpose", "max_duration")
_N = "([1-9][0-9]*)"
_DURATION = re.compile(f"P(?!$)(?:{_N}D)?(?:T(?=[0-9])(?:{_N}H)?(?:{_N}M)?(?:{_N}S)?)?|{_N}([smhd])")
_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_ORIGIN = re.compile(r"(https?)://(?:\[([0-9a-f:.]+)\]|((?:[a-z0-9-]+\.)*([a-z0-9-]+)))(?::([1-9][0-9]*))?(?=/|\Z)")
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


def _refuse(fault: object, member: str | None = None, error: str = DETAILS) -> None:
    if fault:
        raise Refused(member, error)


def duration(text: Any) -> int:
    """RA-10, RA-11"""
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    _refuse(not match, "max_duration")
    *iso, short, unit = match.groups("0") if match else ("0",) * 6
    numbers = [digits_to_int(digits, MAX_DATE) for digits in (*iso, short)]
    total = sum((number or 0) * factor for number, factor in zip(numbers, (*_UNITS.values(), _UNITS.get(unit, 0))))
    _refuse(None in numbers or total > MAX_DATE, "max_duration")
    return total


def iso_duration(seconds: int) -> str:
    """RA-25"""
    days, rest = divmod(seconds, 86400)
    time = "".join(f"{count}{unit}" for count, unit in ((rest // 3600, "H"), (rest // 60 % 60, "M"), (rest % 60, "S")) if count)
    return "P" + (f"{days}D" if days else "") + (f"T{time}" if time else "")


def _ipv6(text: str) -> bool:
    """Whether a text is an IPv6 address as RFC 5952 writes it, in the mixed notation where it is a mapped one."""
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return False
    if address.ipv4_mapped:
        return text == f"::ffff:{address.ipv4_mapped}"
    packed = address.packed
    long = ":".join(f"{int.from_bytes(packed[at:at + 2], 'big'):x}" for at in range(0, 16, 2))
    runs = sorted(re.finditer(r"\b0(?::0\b)+", long), key=lambda run: -len(run[0]))  # the first of the longest is to go
    short = long[:runs[0].start()].removesuffix(":") + "::" + long[runs[0].end():].removeprefix(":") if runs else long
    return text == short


def origin(text: str) -> str | None:
    """RA-14: the origin that a text begins with, None where it begins with none."""
    match = _ORIGIN.match(text)
    if not match:
        return None
    scheme, address6, name, last, port = match.groups("")
    good = _ipv6(address6) if address6 else len(name) <= 253
    if re.fullmatch("[0-9]+|0x[0-9a-f]*", last):
        good = bool(re.fullmatch(r"(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}", name, re.ASCII))
    good = good and digits_to_int(port, 65535) is not None and port != ("443" if scheme == "https" else "80")
    return match.group() if good else None


def _text(value: Any, member: str) -> str:
    """RA-8"""
    _refuse(not isinstance(value, str) or not 1 <= len(value.encode()) <= _MAX_BYTES or re.search(r"[\x00-\x1f\x7f-\x9f]", value), member)
    return value


def _texts(detail: dict, member: str) -> list[str]:
    """RA-6, RA-7, RA-9"""
    values = detail.get(member)
    _refuse(not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values), member)
    return list(dict.fromkeys(values or ()))


def _good_location(path: str) -> bool:
    """RA-15, RA-16"""
    return good_resource(path) and len(path.encode()) <= _MAX_BYTES


def _resource(resource: str | None) -> tuple[str, str]:
    """RA-17: origin and path of the resource."""
    found = origin(resource or "")
    path = (resource or "").removeprefix(found or "")
    good = found and len((resource or "").encode()) <= _MAX_BYTES and (not path or good_resource(path))
    _refuse(resource is not None and not good, None, TARGET)
    return found or "", path


def _locate(location: str, resource: str | None, target: tuple[str, str]) -> tuple[str, str]:
    """RA-14 to RA-19: audience and location of the right."""
    found = origin(location)
    path = location.removeprefix(found or "")
    _refuse(location.startswith(("https://", "http://")) and not (found and path.startswith("/")), "locations")  # RA-14
    _refuse(not _good_location(path), "locations")
    if resource is None:
        _refuse(found is None, "locations", TARGET)  # RA-19
        return found or "", path
    _refuse(found is not None and (found != target[0] or not covers(target[1] or "/", path)), "locations")  # RA-18
    return resource, path


def read(text: str, resource: str | None = None, purpose: str | None = None, length: str | None = None) -> list[Grant]:
    """Details to tokens."""
    data = text.encode("utf-8", "surrogatepass")
    _refuse(len(data) > _MAX_TEXT)  # RA-2
    try:
        details = jsontext.parse(data)  # RA-1
    except jsontext.Ambiguous:
        raise Refused from None
    _refuse(not isinstance(details, list) or not 1 <= len(details) <= _MAX_DETAILS)  # RA-3
    _refuse(not all(isinstance(detail, dict) for detail in details))
    target = _resource(resource)
    defaults = {"purpose": _text(purpose, "purpose")} if purpose is not None else {}
    defaults |= {"max_duration": length} if length is not None and duration(length) else {}
    found: dict[tuple[str, str, int], set[Right]] = {}
    for detail in details:
        for key, right in _detail(defaults | detail, resource, target):
            found.setdefault(key, set()).add(right)
            _refuse(len(found[key]) > _MAX_RIGHTS or len(found) > _MAX_TOKENS)  # RA-21, RA-22
    return [Grant(*key, tuple(sorted(rights))) for key, rights in sorted(found.items())]  # RA-23


def _detail(detail: dict, resource: str | None, target: tuple[str, str]) -> list[tuple[tuple[str, str, int], Right]]:
    for member in detail:
        _refuse(member not in _MEMBERS, member)  # RA-4
    type_ = _text(detail.get("type"), "type")  # RA-5
    actions = [_text(action, "actions") for action in _texts(detail, "actions")]
    locations = _texts(detail, "locations")
    purpose = _text(detail.get("purpose"), "purpose")  # RA-12
    length = duration(detail.get("max_duration"))  # RA-13
    placed = [_locate(location, resource, target) for location in locations]
    return [((audience, purpose, length), (type_, path, action)) for audience, path in placed for action in actions]


def details_of(grant: Grant) -> str:
    """RA-25 to RA-27: a token's details in canonical form."""
    _text(grant.purpose, "purpose")
    _refuse(not 1 <= grant.duration <= MAX_DATE, "max_duration")
    actions: dict[tuple[str, str], set[str]] = {}
    for type_, location, action in grant.rights:
        _refuse(not _good_location(location), "locations")
        actions.setdefault((_text(type_, "type"), location), set()).add(_text(action, "actions"))
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (type_, location), names in actions.items():
        groups.setdefault((type_, tuple(sorted(names))), []).append(location)
    urls = origin(grant.audience) == grant.audience and all(location.startswith("/") for _, location, _ in grant.rights)  # RA-26
    prefix = grant.audience if urls else ""
    return jsontext.jcs([
        {"type": type_, "actions": names, "locations": [prefix + location for location in sorted(locations)],
         "purpose": grant.purpose, "max_duration": iso_duration(grant.duration)}
        for (type_, names), locations in sorted(groups.items())]).decode()
