"""Revocation lists (spec/revocation.md)."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from . import encoding, jsontext
from .config import View
from .encoding import MAX_SAFE, SKEW
from .jsontext import Number

_CONTEXT = b"countersign-revocations-v1\0"
_MAX_TEXT, _MAX_ENTRIES, _MAX_DATE, _WEEK = 67_108_864, 1_000_000, 253402300799, 604800
_TEXTS = ("blocks", "grants", "holders", "issuer_keys")
_OBJECTS = {"conversations": ("user", "conversation"), "users": ("user", "until")}
_NUMBERS = ("created", "next", "number", "v")


class Refused(Exception):
    """A list is refused with a word of "Refusals"."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


@dataclass(frozen=True)
class RevocationList:
    payload: bytes
    members: dict[str, Any]  # arrays of str or of tuples, int, str

    @property
    def number(self) -> int:
        return self.members["number"]


@dataclass
class Stored:
    """RV-20: what outlives a restart."""

    number: int = 0
    hash: bytes = b""
    holders: set[str] = field(default_factory=set)
    issuer_keys: set[str] = field(default_factory=set)


def _open(text: str, keys: list[bytes]) -> tuple[bytes, bytes]:
    """RV-1 to RV-4: the payload, and the key that signed it."""
    if len(text) > _MAX_TEXT:  # RV-2
        raise Refused("limit_exceeded")
    parts = [encoding.un_b64u(part) for part in text.split(".")] if text.count(".") == 1 else []
    if len(parts) != 2 or parts[0] is None or parts[1] is None or len(parts[1]) != 64:  # RV-1
        raise Refused("malformed")
    signer = next((key for key in keys if encoding.verify(key, parts[1], _CONTEXT + parts[0])), None)
    if signer is None:  # RV-3
        raise Refused("signature_invalid")
    return parts[0], signer


def _plain(value: Any) -> Any:
    return value.integer if isinstance(value, Number) else value


def _read(payload: bytes) -> RevocationList:
    """RV-6, RV-7"""
    try:
        root = jsontext.parse(payload)
    except jsontext.Ambiguous:
        raise Refused("json_invalid") from None
    if jsontext.jcs(root) != payload:
        raise Refused("not_canonical")
    if not isinstance(root, dict) or root.keys() != {*_TEXTS, *_OBJECTS, *_NUMBERS, "issuer"}:
        raise Refused("member_invalid")
    members: dict[str, Any] = {name: _plain(value) for name, value in root.items()}
    good = all(isinstance(members[name], int) and not isinstance(members[name], bool) for name in _NUMBERS)
    good = good and isinstance(members["issuer"], str)
    good = good and all(isinstance(members[name], list) for name in (*_TEXTS, *_OBJECTS))
    good = good and all(isinstance(entry, str) for name in _TEXTS for entry in members[name])
    if not good:
        raise Refused("member_invalid")
    for name, names in _OBJECTS.items():
        entries = []
        for entry in members[name]:
            if not isinstance(entry, dict) or entry.keys() != set(names):
                raise Refused("member_invalid")
            entry = tuple(_plain(entry[member]) for member in names)
            second = int if names[1] == "until" else str
            if not isinstance(entry[0], str) or not isinstance(entry[1], second) or isinstance(entry[1], bool):
                raise Refused("member_invalid")
            entries.append(entry)
        members[name] = entries
    if sum(len(members[name]) for name in (*_TEXTS, *_OBJECTS)) > _MAX_ENTRIES:  # RV-2
        raise Refused("limit_exceeded")
    return RevocationList(payload, members)


def _short(text: str) -> bool:
    return len(text.encode()) <= 1024


def _id(text: str, size: int) -> bool:
    data = encoding.un_b64u(text)
    return data is not None and len(data) == size


def _examine(read: RevocationList, issuer: str) -> None:
    """RV-8 to RV-13"""
    m = read.members
    if m["v"] != 1:  # RV-8
        raise Refused("version_unsupported")
    if m["issuer"] != issuer:  # RV-9
        raise Refused("issuer_mismatch")
    if not 1 <= m["number"] <= MAX_SAFE:  # RV-10
        raise Refused("number_invalid")
    if not 0 <= m["created"] < m["next"] <= min(m["created"] + _WEEK, _MAX_DATE):  # RV-11
        raise Refused("time_invalid")
    good = all(_id(entry, 16) for entry in m["blocks"]) and all(_id(entry, 32) for entry in m["holders"])
    good = good and all(encoding.is_public_text(entry) for entry in m["issuer_keys"])
    good = good and all(_short(grant) for grant in m["grants"])
    good = good and all(_short(user) and _short(name) for user, name in m["conversations"])
    good = good and all(_short(user) and 0 <= until <= _MAX_DATE for user, until in m["users"])
    if not good:  # RV-12
        raise Refused("entry_invalid")
    for name in (*_TEXTS, *_OBJECTS):  # RV-13
        keys = [entry[0] if name == "users" else entry for entry in m[name]]
        if any(not a < b for a, b in zip(keys, keys[1:])):  # by code point, which is by UTF-8 byte
            raise Refused("order_invalid")


class Keeper:
    """What a verifier has of the lists of one issuer."""

    def __init__(self, issuer: str, keys: list[bytes], stored: Stored | None = None) -> None:
        self.issuer = issuer
        self.keys = keys
        self.stored = stored or Stored()
        self.current: RevocationList | None = None

    def restarted(self) -> Keeper:
        return Keeper(self.issuer, self.keys, self.stored)

    def take(self, text: str, now: int) -> None:
        """ "Taking a list": accepts, or raises Refused and changes nothing (RV-19)."""
        payload, signer = _open(text, self.keys)
        read = _read(payload)
        _examine(read, self.issuer)
        signer_text = encoding.public_text(signer)
        if signer_text in read.members["issuer_keys"] or signer_text in self.stored.issuer_keys:  # RV-5
            raise Refused("signer_revoked")
        if read.members["created"] > now + SKEW:  # RV-14
            raise Refused("not_yet_valid")
        if read.number < self.stored.number:  # RV-15
            raise Refused("rolled_back")
        digest = encoding.sha256(payload)
        if read.number == self.stored.number and digest != self.stored.hash:  # RV-16
            raise Refused("number_reused")
        self.stored = Stored(read.number, digest, self.stored.holders | set(read.members["holders"]),
                             self.stored.issuer_keys | set(read.members["issuer_keys"]))  # RV-18, RV-20
        self.current = read  # RV-17

    def view(self, now: int) -> View:
        """RV-21, RV-22 of an issuer with a source of lists."""
        view = View(holders=set(self.stored.holders), fresh=False,
                    issuer_keys={encoding.parse_public(key) for key in self.stored.issuer_keys})
        if self.current:
            m = self.current.members
            view.blocks = {encoding.un_b64u(entry) or b"" for entry in m["blocks"]}
            view.users = dict(m["users"])
            view.grants = set(m["grants"])
            view.conversations = set(m["conversations"])
            view.fresh = m["created"] <= now + SKEW and now <= m["next"]
        return view
