"""The evaluation of checks, every unit of work counted ("Evaluation" of spec/checks.md)."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from . import form
from .arguments import PREDICATES, Arguments
from .datalog import REJECT_IF, Check, Op, Predicate, Query, Term
from .errors import Denial

MAX_WORK = 100_000
TRUE, FALSE = Term("bool", True), Term("bool", False)
Row = tuple[Term, ...]


@dataclass
class Facts:
    """What checks can look at: at most one fact of each plain name, and the arguments."""

    plain: dict[str, Row]
    arguments: Arguments
    blocked: bool = False  # whether evaluation reached arguments that are an error

    def offered(self, predicate: Predicate) -> list[Row]:
        """In the order of CK-21; may be an error."""
        if predicate.name in PREDICATES:
            first = predicate.terms[0]
            rows = self.arguments.offered(predicate.name, first.value if first.kind == "string" else None)
            if rows is None:
                self.blocked = True
                raise _error()
            return rows
        return [self.plain[predicate.name]] if predicate.name in self.plain else []


def _error() -> Denial:
    return Denial(11, "check_error")


@dataclass
class Evaluator:
    facts: Facts
    work: int = 0
    _bound: dict[str, Term] = field(default_factory=dict)

    def spend(self, units: int) -> None:
        self.work += units
        if self.work > MAX_WORK:  # CK-31
            raise Denial(11, "limit_exceeded")

    def all(self, checks: list[Check]) -> None:
        """CK-20: the checks of all blocks in their order."""
        for check in checks:
            self.check(check)

    def check(self, check: Check) -> None:
        """CK-22, CK-23. Denies, or passes."""
        succeeded = any(self._query(query) for query in check.queries)
        if succeeded == (check.kind == REJECT_IF):
            raise Denial(11, "check_failed")

    def _query(self, query: Query) -> bool:
        """CK-21, the loops as a stack of what is still to be offered."""
        self._bound = {}
        loops: list[Iterator[Row]] = [iter(self.facts.offered(query.body[0]))]
        while loops:
            predicate = query.body[len(loops) - 1]
            row = self._next(predicate, loops[-1])
            if row is None:
                loops.pop()
                continue
            # a variable stands once among the predicates (CK-8), so a later row takes the place of an earlier one
            self._bound |= {term.value: value for term, value in zip(predicate.terms, row) if term.kind == "variable"}
            if len(loops) < len(query.body):
                loops.append(iter(self.facts.offered(query.body[len(loops)])))
            elif all(self._holds(ops) for ops in query.expressions):
                return True
        return False

    def _next(self, predicate: Predicate, rows: Iterator[Row]) -> Row | None:
        for row in rows:
            self.spend(1)
            if all(term.kind == "variable" or term == value for term, value in zip(predicate.terms, row)):
                return row
        return None

    def _holds(self, ops: tuple[Op, ...]) -> bool:
        result = self._run(ops)
        if result.kind != "bool":  # CK-26
            raise _error()
        return result.value

    def _run(self, ops: tuple[Op, ...]) -> Term:
        """Executes an expression or a closure; as deep as TK-10 lets closures be."""
        stack: list[Term | tuple[Op, ...]] = []
        for op in ops:
            if op.kind == "closure":
                self.spend(1)
                stack.append(op.value)
            elif op.kind == "value":
                self.spend(1)
                stack.append(self._bound[op.value.value] if op.value.kind == "variable" else op.value)
            elif op.kind == "unary":
                self.spend(1)
                stack.append(_unary(op.value, stack.pop()))
            else:
                right, left = stack.pop(), stack.pop()
                stack.append(self._binary(op.value, left, right))
        result = stack.pop()
        assert isinstance(result, Term)  # CK-15
        return result

    def _binary(self, kind: int, left: Term | tuple[Op, ...], right: Term | tuple[Op, ...]) -> Term:
        assert isinstance(left, Term)  # CK-16
        if isinstance(right, tuple):
            self.spend(1)
            if left.kind != "bool":  # CK-25
                raise _error()
            return left if left.value == (kind == form.OR) else self._run(right)
        extra = _extra(kind, left, right)
        self.spend(1 + (extra or 0))
        if extra is None:  # CK-25
            raise _error()
        return TRUE if _outcome(kind, left, right) else FALSE


def _unary(kind: int, operand: Term | tuple[Op, ...]) -> Term:
    assert isinstance(operand, Term)
    if kind == form.PARENS:
        return operand
    if kind == form.NOT and operand.kind == "bool":
        return FALSE if operand.value else TRUE
    if kind == form.LENGTH and operand.kind in ("string", "bytes", "set"):
        return Term("integer", _length(operand))
    raise _error()  # CK-25


def _length(term: Term) -> int:
    """UTF-8 bytes, bytes, or elements."""
    return len(term.value.encode()) if term.kind == "string" else len(term.value)


def _extra(kind: int, left: Term, right: Term) -> int | None:
    """The units of "Work" besides the one of the operation; None where the operands are not in the table (CK-25)."""
    kinds = (left.kind, right.kind)
    same = left.kind == right.kind
    if kind in (form.LESS, form.GREATER, form.AT_MOST, form.AT_LEAST):
        return 0 if kinds in (("integer", "integer"), ("date", "date")) else None
    if kind in (form.STARTS, form.ENDS):
        return min(_length(left), _length(right)) // 64 if kinds == ("string", "string") else None
    if kind == form.CONTAINS:
        if left.kind == "set":
            return _length(left) * (_length(right) if right.kind == "set" else 1)
        return _length(left) // 64 if kinds == ("string", "string") else None
    if not same:
        return None
    if left.kind in ("string", "bytes"):
        return min(_length(left), _length(right)) // 64
    return min(_length(left), _length(right)) if left.kind == "set" else 0


def _outcome(kind: int, left: Term, right: Term) -> bool:
    a, b = left.value, right.value
    match kind:
        case form.LESS:
            return a < b
        case form.GREATER:
            return a > b
        case form.AT_MOST:
            return a <= b
        case form.AT_LEAST:
            return a >= b
        case form.EQUAL:
            return set(a) == set(b) if left.kind == "set" else a == b
        case form.UNEQUAL:
            return set(a) != set(b) if left.kind == "set" else a != b
        case form.STARTS:
            return a.startswith(b)
        case form.ENDS:
            return a.endswith(b)
    if left.kind == "set":
        return set(b) <= set(a) if right.kind == "set" else right in a
    return b in a
