"""The form of checks, whose refusals are of stage 4, and their evaluation, every unit of work counted (spec/checks.md)."""

import operator
from dataclasses import dataclass, field

from .arguments import PREDICATES, Arguments
from .datalog import CHECK_IF, REJECT_IF, SCALARS, Check, Op, Predicate, Query, Term, flat
from .errors import Denial, refuse

# The predicates with one term, and their numbers of terms (CK-6)
_ONE = "time service type resource action method authority path tool binding holder user purpose issuer arg_present".split()
ARITY = dict.fromkeys(_ONE, 1) | {"agent": 2, "arg": 2, "arg_host": 2, "arg_path": 2}
NOT, PARENS, LENGTH = range(3)
LESS, GREATER, AT_MOST, AT_LEAST, EQUAL, CONTAINS, STARTS, ENDS = range(8)
UNEQUAL, AND, OR = 20, 23, 24
_KINDS = {"unary": (NOT, PARENS, LENGTH), "binary": (*range(8), UNEQUAL, AND, OR)}
_MAX_QUERIES, _MAX_OPS = 16, 64


def _refuse(fault: object) -> None:
    refuse(fault, 4, "token_profile")


def examine(check: Check) -> None:
    """CK-1 to CK-17; CK-18 and CK-19 hold since the sets were read."""
    _refuse(check.kind not in (CHECK_IF, REJECT_IF))  # CK-1
    refuse(len(check.queries) > _MAX_QUERIES, 4, "limit_exceeded")  # CK-3
    _refuse(not check.queries or check.kind == REJECT_IF and len(check.queries) > 1)  # CK-2
    for query in check.queries:
        _query(query, check.kind == REJECT_IF)


def _query(query: Query, reject: bool) -> None:
    _refuse(query.head != Predicate("query", ()) or not query.body)  # CK-4, CK-5
    confined = sum(_predicate(predicate) for predicate in query.body)
    _refuse(confined > reject)  # CK-10
    variables = [term.value for predicate in query.body for term in predicate.terms if term.kind == "variable"]
    _refuse(len(set(variables)) < len(variables))  # CK-8
    for ops in query.expressions:
        refuse(len(list(flat(ops))) > _MAX_OPS, 4, "limit_exceeded")  # CK-12
        _expression(ops, variables)


def _predicate(predicate: Predicate) -> bool:
    """Examines a predicate of a body; true where CK-10 confines it to a `reject if`."""
    name, kinds = predicate.name, [term.kind for term in predicate.terms]
    _refuse(ARITY.get(name) != len(kinds))  # CK-6
    _refuse(not {*kinds} <= {"variable", *SCALARS})  # CK-7
    if name == "arg_present":
        _refuse(kinds[0] not in ("string", "variable"))  # CK-11
        return kinds[0] == "variable"
    _refuse(name.startswith("arg") and kinds != ["string", "variable"])  # CK-11
    return name.startswith("arg")


def _expression(ops: tuple[Op, ...], variables: list[str]) -> bool:
    """Walks an expression or a closure. The stack holds whether a value may be an operand of `!`, `&&`, `||`."""
    stack: list[bool] = []

    def pop() -> bool:
        _refuse(not stack)  # CK-14
        return stack.pop()

    for at, op in enumerate(ops):
        _refuse(op.value not in _KINDS.get(op.kind, (op.value,)))  # CK-13
        lazy = [beside.kind == "binary" and beside.value in (AND, OR) for beside in ops[at:at + 2]]
        _refuse((op.kind == "closure") != (lazy[1:] == [True]))  # CK-15
        if op.kind == "value":
            _refuse(op.value.kind == "variable" and op.value.value not in variables)  # CK-9
            stack.append(op.value.kind == "bool")
        elif op.kind == "closure":
            stack.append(_expression(op.value, variables))
        elif op.kind == "unary":
            operand = pop()
            _refuse(op.value == NOT and not operand)  # CK-16
            stack.append(operand and op.value != LENGTH)
        else:
            right, left = pop(), pop()
            _refuse(lazy[0] and not (left and right))  # CK-16
            stack.append(True)
    _refuse(len(stack) != 1)  # CK-14
    return stack[0]


MAX_WORK = 100_000
Row = tuple[Term, ...]
_COMPARE = {LESS: operator.lt, GREATER: operator.gt, AT_MOST: operator.le, AT_LEAST: operator.ge}


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
        return left if left.value == (kind == OR) else self._run(right.value)

    def _binary(self, kind: int, left: Term, right: Term) -> Term:
        extra = _extra(kind, left, right)
        self.spend(1 + (extra or 0))
        refuse(extra is None, 11, "check_error")  # CK-25
        return Term("bool", _outcome(kind, left, right))


def _unary(kind: int, operand: Term) -> Term:
    if kind == PARENS:
        return operand
    refuse(operand.kind not in (("bool",) if kind == NOT else ("string", "bytes", "set")), 11, "check_error")  # CK-25
    return Term("bool", not operand.value) if kind == NOT else Term("integer", _length(operand))


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
    if kind in (STARTS, ENDS):
        return lesser // 64 if texts else None
    if kind == CONTAINS:
        if left.kind == "set":
            return _length(left) * (_length(right) if right.kind == "set" else 1)
        return _length(left) // 64 if texts else None
    return None if not same else lesser if left.kind == "set" else lesser // 64


def _outcome(kind: int, left: Term, right: Term) -> bool:
    a, b = (set(term.value) if term.kind == "set" else term.value for term in (left, right))
    if kind in _COMPARE:
        return _COMPARE[kind](a, b)
    if kind in (EQUAL, UNEQUAL):
        return (a == b) == (kind == EQUAL)
    if kind in (STARTS, ENDS):
        return a.startswith(b) if kind == STARTS else a.endswith(b)
    if left.kind == "set":
        return b <= a if right.kind == "set" else right in a
    return b in a
