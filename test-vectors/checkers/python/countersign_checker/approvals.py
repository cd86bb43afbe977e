"""Approvals ("Approvals" of spec/request.md and spec/verify.md)."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import encoding, jsontext
from .encoding import SKEW
from .errors import Denial
from .jsontext import Number
from .operation import Operation
from .token import Token

CONTEXT = b"countersign-approval-v1\0"
_MEMBERS = {"approver", "created", "digest", "expires", "id"}


@dataclass(frozen=True)
class Approval:
    approver: str
    created: int
    expires: int
    digest: bytes
    payload: bytes
    signature: bytes


def _invalid() -> Denial:
    return Denial(11, "approval_invalid")


def needed(token: Token, operation: Operation) -> list[bytes]:
    """VF-32: the keys whose approval an operation needs, in the order of the block."""
    rows = token.blocks[0].facts("approval")
    return list(dict.fromkeys(key for type_, action, key in rows if (type_, action) == (operation.type, operation.action)))


def _read(text: str) -> Approval:
    """RQ-57: the form of one approval."""
    first, dot, second = text.partition(".")
    payload, signature = encoding.un_b64u(first), encoding.un_b64u(second)
    if len(text) > 1024 or not dot or payload is None or signature is None:
        raise _invalid()
    try:
        value: Any = jsontext.parse(payload)
    except jsontext.Ambiguous:
        raise _invalid() from None
    if jsontext.jcs(value) != payload or not isinstance(value, dict) or value.keys() != _MEMBERS:
        raise _invalid()
    times = [value[name].integer if isinstance(value[name], Number) else None for name in ("created", "expires")]
    texts = [value[name] for name in ("approver", "digest", "id")]
    if any(time is None or time < 0 for time in times) or not all(isinstance(text, str) for text in texts):
        raise _invalid()
    digest, identifier = encoding.un_b64u(value["digest"]), encoding.un_b64u(value["id"])
    if digest is None or len(digest) != 32 or identifier is None or len(identifier) != 16:
        raise _invalid()
    return Approval(value["approver"], times[0] or 0, times[1] or 0, digest, payload, signature)


def judge(field: bytes | None, keys: list[bytes], token: Token, digest: bytes, now: int) -> list[bytes]:
    """VF-32: gives the use ids (RQ-59) of good approvals by all keys."""
    parts = [part.strip(" \t") for part in field.decode("latin-1").split(",")] if field is not None else []
    if len(parts) > 16:  # RQ-57
        raise _invalid()
    approvals = [_read(part) for part in parts]
    ids = {encoding.key_id(key): key for key in keys}
    by_key: dict[bytes, Approval] = {}
    for approval in approvals:
        if approval.approver in ids:
            key = ids[approval.approver]
            if key in by_key:
                raise _invalid()
            by_key[key] = approval
    uses = []
    holders = {holder.key for holder in token.holders}
    for key in keys:
        if key not in by_key:
            raise Denial(11, "approval_required")
        approval = by_key[key]
        in_time = (approval.created < approval.expires and approval.expires - approval.created <= 600
                   and approval.created <= now + SKEW and now <= approval.expires)
        if key in holders or approval.digest != digest or not in_time:  # RQ-58
            raise _invalid()
        if not encoding.verify(key, approval.signature, CONTEXT + approval.payload):  # RQ-58
            raise _invalid()
        uses.append(encoding.sha256(key + approval.signature))
    return uses
