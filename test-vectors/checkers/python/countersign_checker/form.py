"""The form of checks ("Form" of spec/checks.md). Refusals are of stage 4."""

from .datalog import CHECK_IF, REJECT_IF, SCALARS, flat
from .errors import refuse
from .wire import Check, Op, Predicate, Query

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
