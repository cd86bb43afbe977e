"""Approvals, budgets, and the stores of a verifier ("Approvals", "Stage 10" and "Stage 12" of spec/verify.md)."""

from typing import Any, NamedTuple

from . import encoding, jsontext
from .arguments import Arguments
from .encoding import SKEW
from .errors import Denial, refuse
from .jsontext import Number
from .operation import Operation
from .token import Token

APPROVAL = b"countersign-approval-v1\0"
Counter = tuple
Charges = dict[Counter, tuple[int, int]]  # counter -> cost, least amount


class Approval(NamedTuple):
    approver: str
    created: int
    digest: bytes
    expires: int
    payload: bytes
    signature: bytes


def approvers(token: Token, operation: Operation) -> list[bytes]:
    """VF-32: the keys whose approval an operation needs, in the order of the block."""
    rows = token.blocks[0].facts("approval")
    return list(dict.fromkeys(key for type_, action, key in rows if (type_, action) == (operation.type, operation.action)))


def _approval(text: str) -> Approval:
    """RQ-57: the form of one approval."""
    payload, signature = (encoding.un_b64u(part) for part in (text.split(".") if text.count(".") == 1 else ("?", "?")))
    if len(text) > 1024 or payload is None or signature is None:
        raise Denial(11, "approval_invalid")
    try:
        value: Any = jsontext.parse(payload)
    except jsontext.Ambiguous:
        raise Denial(11, "approval_invalid") from None
    members = {"approver": str, "created": int, "digest": str, "expires": int, "id": str}
    refuse(jsontext.jcs(value) != payload or not isinstance(value, dict) or value.keys() != members.keys(), 11, "approval_invalid")
    value = {name: member.integer if isinstance(member, Number) else member for name, member in value.items()}
    refuse(any(type(value[name]) is not kind for name, kind in members.items()), 11, "approval_invalid")
    refuse(value["created"] < 0 or value["expires"] < 0, 11, "approval_invalid")
    digest, identifier = encoding.un_b64u(value["digest"]) or b"", encoding.un_b64u(value["id"]) or b""
    refuse(len(digest) != 32 or len(identifier) != 16 or len(signature) != 64, 11, "approval_invalid")
    return Approval(value["approver"], value["created"], digest, value["expires"], payload, signature)


def approved(field: bytes | None, keys: list[bytes], token: Token, digest: bytes, now: int) -> list[bytes]:
    """VF-32: gives the use ids (RQ-59) of good approvals by all keys."""
    parts = [part.strip(" \t") for part in field.decode("latin-1").split(",")] if field is not None else []
    refuse(len(parts) > 16, 11, "approval_invalid")  # RQ-57
    approvals = [_approval(part) for part in parts]
    mine = [[approval for approval in approvals if approval.approver == encoding.key_id(key)] for key in keys]
    refuse(any(len(found) > 1 for found in mine), 11, "approval_invalid")  # RQ-57
    uses = []
    for key, found in zip(keys, mine):
        refuse(not found, 11, "approval_required")
        approval = found[0]
        in_time = approval.created < approval.expires <= approval.created + 600 and approval.created <= now + SKEW and now <= approval.expires
        refuse(key in {holder.key for holder in token.holders} or approval.digest != digest or not in_time, 11, "approval_invalid")  # RQ-58
        refuse(not encoding.verify(key, approval.signature, APPROVAL + approval.payload), 11, "approval_invalid")  # RQ-58
        uses.append(encoding.sha256(key + approval.signature))
    return uses


def costs_of(operation: Operation, arguments: Arguments) -> dict[str, int | None]:
    """The amount of each unit, None where it is not named (VF-34)."""
    return {unit: arguments.amount(cost) if isinstance(cost, str) else cost for unit, cost in operation.entry.cost.items()}


def charges(token: Token, operation: Operation, arguments: Arguments, now: int) -> Charges:
    """The counters that the operation raises; VF-34 where a unit is not named."""
    costs = costs_of(operation, arguments)
    out: Charges = {}
    for number, block in enumerate(token.blocks):
        for account, unit, amount, window in block.facts("budget"):
            named = [(type_, action) for name, type_, action in token.blocks[0].facts("metered") if name == account]
            if number == 0 and named and (operation.type, operation.action) not in named:
                continue
            cost = costs.get(unit)
            if cost is None:  # VF-34
                raise Denial(12, "budget_exceeded")
            owner = ("block", block.id) if number else ("user", token.fact("issuer"), token.fact("user"))
            counter = (*owner, account, unit, window, now // window if window else 0)
            out[counter] = (cost, min(amount, out[counter][1]) if counter in out else amount)
    return out


class Stores:
    """Nonces, counters and used approvals, in memory; they remember everything."""

    def __init__(self) -> None:
        self.nonces: set[tuple[str, str]] = set()
        self.counters: dict[Counter, int] = {}
        self.used: set[bytes] = set()

    def claim(self, key_id: str, nonce: str) -> None:
        """VF-19"""
        refuse((key_id, nonce) in self.nonces, 10, "replayed")
        self.nonces.add((key_id, nonce))

    def take(self, raised: Charges, uses: list[bytes]) -> None:
        """VF-45: all or nothing."""
        sums = {counter: self.counters.get(counter, 0) + cost for counter, (cost, _) in raised.items()}
        refuse(any(cost and sums[counter] > amount for counter, (cost, amount) in raised.items()), 12, "budget_exceeded")  # VF-34
        refuse(self.used & set(uses), 12, "approval_invalid")  # RQ-59
        self.counters |= sums
        self.used |= set(uses)
