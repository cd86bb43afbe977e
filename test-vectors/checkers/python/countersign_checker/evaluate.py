"""The evaluation of checks, every unit of work counted ("Evaluation" of spec/checks.md)."""

import operator
from dataclasses import dataclass, field

from . import form
from .arguments import PREDICATES, Arguments
from .datalog import REJECT_IF
from .errors import Denial, refuse
from .wire import Check, Op, Predicate, Query, Term

MAX_WORK = 100_000
Row = tuple[Term, ...]
_COMPARE = {form.LESS: operator.lt, form.GREATER: operator.gt, form.AT_MOST: operator.le, form.AT_LEAST: operator.ge}


@dataclass
class Facts:
    """What checks can look at: at most one fact of each plain name, and the arguments."""

    plain: dict[str, Row]
    arguments: Arguments
    blocked: bool = False  # whether evaluation reached arguments that are an error

    def offered(self, predicate: Predicate) -> list[Row]:
        """In the order of CK-21; may be an error."""
        if predicate.name not in PREDICATES:
            return [self.plain[predicate.name]] if predicate.name in self.plain else []
        first = predicate.terms[0]
        rows = self.arguments.offered(predicate.name, first.value if first.kind == "string" else None)
        if rows is None:
            self.blocked = True
            raise Denial(11, "check_error")
        return rows


@dataclass
class Evaluator:
    facts: Facts
    work: int = 0
    _bound: dict[str, Term] = field(default_factory=dict)

    def spend(self, units: int) -> None:
        self.work += units
        refuse(self.work > MAX_WORK, 11, "limit_exceeded")  # CK-31

    def all(self, checks: list[Check]) -> None:
        """CK-20, CK-22, CK-23: the checks of all blocks in their order. Denies, or passes."""
        for check in checks:
            succeeded = any(self._query(query) for query in check.queries)
            refuse(succeeded == (check.kind == REJECT_IF), 11, "check_failed")

    def _query(self, query: Query, at: int = 0) -> bool:
        """CK-21: a loop for each predicate. A token has room for some hundreds of them."""
        if at == len(query.body):
            return all(self._holds(ops) for ops in query.expressions)
        predicate = query.body[at]
        for row in self.facts.offered(predicate):
            self.spend(1)
            pairs = list(zip(predicate.terms, row))
            if all(term.kind == "variable" or term == value for term, value in pairs):
                # a variable stands once among the predicates (CK-8), so a later row takes the place of an earlier one
                self._bound |= {term.value: value for term, value in pairs if term.kind == "variable"}
                if self._query(query, at + 1):
                    return True
        return False

    def _holds(self, ops: tuple[Op, ...]) -> bool:
        result = self._run(ops)
        refuse(result.kind != "bool", 11, "check_error")  # CK-26
        return result.value

    def _run(self, ops: tuple[Op, ...]) -> Term:
        """Executes an expression or a closure, which is on the stack as a term of its own kind; as deep as TK-10 lets closures be."""
        stack: list[Term] = []
        for op in ops:
            if op.kind == "binary":
                right, left = stack.pop(), stack.pop()
                stack.append(self._lazy(op.value, left, right) if right.kind == "closure" else self._binary(op.value, left, right))
                continue
            self.spend(1)
            if op.kind == "unary":
                stack.append(_unary(op.value, stack.pop()))
            elif op.kind == "closure":
                stack.append(Term("closure", op.value))
            else:
                stack.append(self._bound[op.value.value] if op.value.kind == "variable" else op.value)
        return stack.pop()

    def _lazy(self, kind: int, left: Term, right: Term) -> Term:
        self.spend(1)
        refuse(left.kind != "bool", 11, "check_error")  # CK-25
        return left if left.value == (kind == form.OR) else self._run(right.value)

    def _binary(self, kind: int, left: Term, right: Term) -> Term:
        extra = _extra(kind, left, right)
        self.spend(1 + (extra or 0))
        refuse(extra is None, 11, "check_error")  # CK-25
        return Term("bool", _outcome(kind, left, right))


def _unary(kind: int, operand: Term) -> Term:
    if kind == form.PARENS:
        return operand
    refuse(operand.kind not in (("bool",) if kind == form.NOT else ("string", "bytes", "set")), 11, "check_error")  # CK-25
    return Term("bool", not operand.value) if kind == form.NOT else Term("integer", _length(operand))


def _length(term: Term) -> int:
    """UTF-8 bytes, bytes, or elements; 0 of what has no length."""
    if term.kind in ("bytes", "set"):
        return len(term.value)
    return len(term.value.encode()) if term.kind == "string" else 0


def _extra(kind: int, left: Term, right: Term) -> int | None:
    """The units of "Work" besides the one of the operation; None where the operands are not in the table (CK-25)."""
    same, texts = left.kind == right.kind, left.kind == right.kind == "string"
    lesser = min(_length(left), _length(right))
    if kind in _COMPARE:
        return 0 if same and left.kind in ("integer", "date") else None
    if kind in (form.STARTS, form.ENDS):
        return lesser // 64 if texts else None
    if kind == form.CONTAINS:
        if left.kind == "set":
            return _length(left) * (_length(right) if right.kind == "set" else 1)
        return _length(left) // 64 if texts else None
    return None if not same else lesser if left.kind == "set" else lesser // 64


def _outcome(kind: int, left: Term, right: Term) -> bool:
    a, b = (set(term.value) if term.kind == "set" else term.value for term in (left, right))
    if kind in _COMPARE:
        return _COMPARE[kind](a, b)
    if kind in (form.EQUAL, form.UNEQUAL):
        return (a == b) == (kind == form.EQUAL)
    if kind in (form.STARTS, form.ENDS):
        return a.startswith(b) if kind == form.STARTS else a.endswith(b)
    if left.kind == "set":
        return b <= a if right.kind == "set" else right in a
    return b in a
