"""Budgets, and the stores of a verifier ("Stage 10" and "Stage 12" of spec/verify.md)."""
from __future__ import annotations

from dataclasses import dataclass, field

from .arguments import Arguments
from .errors import Denial
from .operation import Operation
from .token import Token

Counter = tuple
Charges = dict[Counter, tuple[int, int]]  # counter -> cost, least amount


def costs_of(operation: Operation, arguments: Arguments) -> dict[str, int | None]:
    """The amount of each unit, None where it is not named (VF-34)."""
    return {unit: arguments.amount(cost) if isinstance(cost, str) else cost for unit, cost in operation.entry.cost.items()}


def charges(token: Token, operation: Operation, arguments: Arguments, now: int) -> Charges:
    """The counters that the operation raises; VF-34 where a unit is not named."""
    authority = token.blocks[0]
    metered = authority.facts("metered")
    out: Charges = {}
    costs = costs_of(operation, arguments)
    for number, block in enumerate(token.blocks):
        for account, unit, amount, window in block.facts("budget"):
            if number == 0:
                named = [(type_, action) for name, type_, action in metered if name == account]
                if named and (operation.type, operation.action) not in named:
                    continue
                owner: tuple = ("user", token.fact("issuer"), token.fact("user"))
            else:
                owner = ("block", block.id)
            cost = costs.get(unit)
            if cost is None:  # VF-34
                raise Denial(12, "budget_exceeded")
            counter = (*owner, account, unit, window, now // window if window else 0)
            least = min(amount, out[counter][1]) if counter in out else amount
            out[counter] = (cost, least)
    return out


@dataclass
class Stores:
    """Nonces, counters and used approvals, in memory; they remember everything."""

    nonces: set[tuple[str, str]] = field(default_factory=set)
    counters: dict[Counter, int] = field(default_factory=dict)
    used: set[bytes] = field(default_factory=set)

    def claim(self, key_id: str, nonce: str) -> None:
        """VF-19"""
        if (key_id, nonce) in self.nonces:
            raise Denial(10, "replayed")
        self.nonces.add((key_id, nonce))

    def take(self, raised: Charges, uses: list[bytes]) -> None:
        """VF-45: all or nothing."""
        for counter, (cost, amount) in raised.items():
            if cost and self.counters.get(counter, 0) + cost > amount:  # VF-34
                raise Denial(12, "budget_exceeded")
        if self.used & set(uses):  # RQ-59
            raise Denial(12, "approval_invalid")
        for counter, (cost, _) in raised.items():
            self.counters[counter] = self.counters.get(counter, 0) + cost
        self.used |= set(uses)
