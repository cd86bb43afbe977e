"""The form of checks ("Form" of spec/checks.md). Refusals are of stage 4."""
from __future__ import annotations

from .datalog import CHECK_IF, REJECT_IF, SCALARS, Check, Op, Predicate, Query
from .errors import Denial

# The predicates and their numbers of terms (CK-6)
ARITY = {
    "time": 1, "service": 1, "type": 1, "resource": 1, "action": 1, "method": 1, "authority": 1, "path": 1, "tool": 1,
    "binding": 1, "holder": 1, "user": 1, "purpose": 1, "issuer": 1, "agent": 2, "arg": 2, "arg_host": 2,
    "arg_path": 2, "arg_present": 1,
}
VALUED = ("arg", "arg_host", "arg_path")
NOT, PARENS, LENGTH = range(3)
LESS, GREATER, AT_MOST, AT_LEAST, EQUAL, CONTAINS, STARTS, ENDS = range(8)
UNEQUAL, AND, OR = 20, 23, 24
_BINARY = {*range(8), UNEQUAL, AND, OR}
_MAX_QUERIES, _MAX_OPS = 16, 64


def _profile() -> Denial:
    return Denial(4, "token_profile")


def examine(check: Check) -> None:
    """CK-1 to CK-17; CK-18 and CK-19 hold since the sets were read."""
    if check.kind not in (CHECK_IF, REJECT_IF):  # CK-1
        raise _profile()
    if len(check.queries) > _MAX_QUERIES:  # CK-3
        raise Denial(4, "limit_exceeded")
    if not check.queries or (check.kind == REJECT_IF and len(check.queries) > 1):  # CK-2
        raise _profile()
    for query in check.queries:
        _query(query, check.kind == REJECT_IF)


def _query(query: Query, reject: bool) -> None:
    if query.head.name != "query" or query.head.terms or not query.body:  # CK-4, CK-5
        raise _profile()
    variables: set[str] = set()
    free = 0
    for predicate in query.body:
        free += _predicate(predicate)
        for term in predicate.terms:
            if term.kind == "variable":
                if term.value in variables:  # CK-8
                    raise _profile()
                variables.add(term.value)
    if free and (not reject or free > 1):  # CK-10
        raise _profile()
    for ops in query.expressions:
        if _count(ops) > _MAX_OPS:  # CK-12
            raise Denial(4, "limit_exceeded")
        _expression(ops, variables)


def _predicate(predicate: Predicate) -> bool:
    """Examines a predicate of a body; true where CK-10 confines it to a `reject if`."""
    name, terms = predicate.name, predicate.terms
    if ARITY.get(name) != len(terms):  # CK-6
        raise _profile()
    if any(term.kind != "variable" and term.kind not in SCALARS for term in terms):  # CK-7
        raise _profile()
    if name in VALUED:
        if terms[0].kind != "string" or terms[1].kind != "variable":  # CK-11
            raise _profile()
        return True
    if name == "arg_present":
        if terms[0].kind not in ("string", "variable"):  # CK-11
            raise _profile()
        return terms[0].kind == "variable"
    return False


def _count(ops: tuple[Op, ...]) -> int:
    return sum(1 + (_count(op.value) if op.kind == "closure" else 0) for op in ops)


def _expression(ops: tuple[Op, ...], variables: set[str]) -> bool:
    """Walks an expression or a closure. The stack holds whether a value may be an operand of `!`, `&&`, `||`."""
    stack: list[bool] = []

    def pop() -> bool:
        if not stack:  # CK-14
            raise _profile()
        return stack.pop()

    for at, op in enumerate(ops):
        if op.kind == "value":
            term = op.value
            if term.kind == "variable" and term.value not in variables:  # CK-9
                raise _profile()
            stack.append(term.kind == "bool")
        elif op.kind == "closure":
            follows = ops[at + 1] if at + 1 < len(ops) else None
            if follows is None or follows.kind != "binary" or follows.value not in (AND, OR):  # CK-15
                raise _profile()
            stack.append(_expression(op.value, variables))
        elif op.kind == "unary":
            if op.value not in (NOT, PARENS, LENGTH):  # CK-13
                raise _profile()
            operand = pop()
            if op.value == NOT and not operand:  # CK-16
                raise _profile()
            stack.append({NOT: True, PARENS: operand, LENGTH: False}[op.value])
        else:
            if op.value not in _BINARY:  # CK-13
                raise _profile()
            right, left = pop(), pop()
            if op.value in (AND, OR):
                if not at or ops[at - 1].kind != "closure":  # CK-15
                    raise _profile()
                if not (left and right):  # CK-16
                    raise _profile()
            stack.append(True)
    if len(stack) != 1:  # CK-14
        raise _profile()
    return stack[0]
