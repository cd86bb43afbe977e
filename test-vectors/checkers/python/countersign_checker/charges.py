"""Budgets, and the stores of a verifier ("Stage 10" and "Stage 12" of spec/verify.md)."""

from .arguments import Arguments
from .errors import Denial, refuse
from .operation import Operation
from .token import Token

Counter = tuple
Charges = dict[Counter, tuple[int, int]]  # counter -> cost, least amount


def costs_of(operation: Operation, arguments: Arguments) -> dict[str, int | None]:
    """The amount of each unit, None where it is not named (VF-34)."""
    return {unit: arguments.amount(cost) if isinstance(cost, str) else cost for unit, cost in operation.entry.cost.items()}


def charges(token: Token, operation: Operation, arguments: Arguments, now: int) -> Charges:
    """The counters that the operation raises; VF-34 where a unit is not named."""
    costs, out = costs_of(operation, arguments), {}
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
