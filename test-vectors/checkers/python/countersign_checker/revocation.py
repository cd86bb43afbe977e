"""Revocation lists (spec/revocation.md)."""

from typing import Any

from . import encoding, jsontext
from .encoding import MAX_DATE, MAX_SAFE, SKEW
from .jsontext import Number
from .operation import View

_CONTEXT = b"countersign-revocations-v1\0"
_MAX_TEXT, _MAX_ENTRIES, _WEEK = 67_108_864, 1_000_000, 604800
_USERS = {"user": str, "until": int}
_PAIRS = {"user": str, "conversation": str}
_MEMBERS: dict[str, Any] = {  # a kind, or in a list the kind of its entries
    "blocks": [str], "conversations": [_PAIRS], "created": int, "grants": [str], "holders": [str], "issuer": str, "issuer_keys": [str],
    "next": int, "number": int, "users": [_USERS], "v": int}
_ARRAYS = [name for name, kind in _MEMBERS.items() if isinstance(kind, list)]


class Refused(Exception):
    """A list is refused with a word of "Refusals"."""


def _refuse(fault: object, word: str) -> None:
    if fault:
        raise Refused(word)


def _open(text: str, keys: list[bytes]) -> tuple[bytes, bytes]:
    """RV-1 to RV-4: the payload, and the key that signed it."""
    _refuse(len(text) > _MAX_TEXT, "limit_exceeded")  # RV-2
    payload, signature = (encoding.un_b64u(part) for part in (text.split(".") if text.count(".") == 1 else ("?", "?")))
    if payload is None or signature is None or len(signature) != 64:  # RV-1
        raise Refused("malformed")
    signers = [key for key in keys if encoding.verify(key, signature, _CONTEXT + payload)]
    _refuse(not signers, "signature_invalid")  # RV-3
    return payload, signers[0]


def _typed(value: Any, kind: Any) -> Any:
    """RV-7: the value, of that kind, with numbers as int and entries that are objects as tuples."""
    value = value.integer if isinstance(value, Number) else value
    if isinstance(kind, list):
        _refuse(not isinstance(value, list), "member_invalid")
        return [_typed(entry, kind[0]) for entry in value]
    if isinstance(kind, dict):
        _refuse(not isinstance(value, dict) or value.keys() != kind.keys(), "member_invalid")
        return tuple(_typed(value[name], inner) for name, inner in kind.items())
    _refuse(type(value) is not kind, "member_invalid")
    return value


def _read(payload: bytes) -> dict[str, Any]:
    """RV-6, RV-7"""
    try:
        root = jsontext.parse(payload)
    except jsontext.Ambiguous:
        raise Refused("json_invalid") from None
    _refuse(jsontext.jcs(root) != payload, "not_canonical")
    _refuse(not isinstance(root, dict) or root.keys() != _MEMBERS.keys(), "member_invalid")
    members = {name: _typed(root[name], kind) for name, kind in _MEMBERS.items()}
    _refuse(sum(len(members[name]) for name in _ARRAYS) > _MAX_ENTRIES, "limit_exceeded")  # RV-2
    return members


def _examine(m: dict[str, Any], issuer: str) -> None:
    """RV-8 to RV-13"""
    _refuse(m["v"] != 1, "version_unsupported")  # RV-8
    _refuse(m["issuer"] != issuer, "issuer_mismatch")  # RV-9
    _refuse(not 1 <= m["number"] <= MAX_SAFE, "number_invalid")  # RV-10
    _refuse(not 0 <= m["created"] < m["next"] <= min(m["created"] + _WEEK, MAX_DATE), "time_invalid")  # RV-11
    ids = [(entry, size) for name, size in (("blocks", 16), ("holders", 32)) for entry in m[name]]
    texts = m["grants"] + [text for entry in m["conversations"] for text in entry] + [user for user, _ in m["users"]]
    good = all(len(encoding.un_b64u(entry) or b"") == size for entry, size in ids) and all(len(text.encode()) <= 1024 for text in texts)
    good = good and all(map(encoding.is_public_text, m["issuer_keys"])) and all(0 <= until <= MAX_DATE for _, until in m["users"])
    _refuse(not good, "entry_invalid")  # RV-12
    for name in _ARRAYS:
        keys = [entry[0] if name == "users" else entry for entry in m[name]]
        _refuse(keys != sorted(set(keys)), "order_invalid")  # RV-13; by code point, which is by UTF-8 byte


class Keeper:
    """What a verifier has of the lists of one issuer."""

    def __init__(self, issuer: str, keys: list[bytes]) -> None:
        self.issuer = issuer
        self.keys = keys
        self.current: dict[str, Any] | None = None
        self.number, self.hash = 0, b""  # these and what follows outlive a restart (RV-20)
        self.holders: set[str] = set()
        self.issuer_keys: set[str] = set()

    def restart(self) -> None:
        self.current = None

    def take(self, text: str, now: int) -> str | None:
        """ "Taking a list": accepts, or gives the word of the refusal and changes nothing (RV-19)."""
        try:
            payload, signer = _open(text, self.keys)
            members = _read(payload)
            _examine(members, self.issuer)
            _refuse(encoding.public_text(signer) in self.issuer_keys | set(members["issuer_keys"]), "signer_revoked")  # RV-5
            _refuse(members["created"] > now + SKEW, "not_yet_valid")  # RV-14
            _refuse(members["number"] < self.number, "rolled_back")  # RV-15
            _refuse(members["number"] == self.number and encoding.sha256(payload) != self.hash, "number_reused")  # RV-16
        except Refused as refusal:
            return str(refusal)
        self.number, self.hash = members["number"], encoding.sha256(payload)
        self.holders |= set(members["holders"])  # RV-18
        self.issuer_keys |= set(members["issuer_keys"])
        self.current = members  # RV-17
        return None

    def view(self, now: int) -> View:
        """RV-21, RV-22 of an issuer with a source of lists."""
        view = View(holders=self.holders, fresh=False, issuer_keys={encoding.parse_public(key) for key in self.issuer_keys})
        if m := self.current:
            view.blocks = {encoding.un_b64u(entry) or b"" for entry in m["blocks"]}
            view.users, view.grants, view.conversations = dict(m["users"]), set(m["grants"]), set(m["conversations"])
            view.fresh = m["created"] <= now + SKEW and now <= m["next"]
        return view
