"""Typed restrictions, each as exactly the checks of CK-40 to CK-42 ("Typed restrictions" of spec/checks.md)."""

from collections.abc import Sequence
from typing import Any

from . import form
from .datalog import REJECT_IF
from .errors import Misuse
from .wire import Check, Op, Predicate, Query, Term

CALLER = {"services": "service", "types": "type", "actions": "action", "methods": "method", "tools": "tool",
          "users": "user", "purposes": "purpose", "bindings": "binding"}
# name -> predicate and its variable, the operation, whether there are several values, whether it is negated
_ARGUMENT = {
    "arg_is": ("arg", "value", form.UNEQUAL, False, False), "arg_in": ("arg", "value", form.CONTAINS, True, True),
    "arg_starts_with": ("arg", "value", form.STARTS, False, True), "arg_ends_with": ("arg", "value", form.ENDS, False, True),
    "arg_at_most": ("arg", "value", form.GREATER, False, False), "arg_at_least": ("arg", "value", form.LESS, False, False),
    "arg_host_in": ("arg_host", "host", form.CONTAINS, True, True)}
_NOT: tuple[Op, ...] = (Op("unary", form.NOT),)
Ops = tuple[Op, ...]


def _constant(value: Any) -> Term:
    kind = {bool: "bool", int: "integer", str: "string"}.get(type(value))
    if kind is None:
        raise Misuse("a value of a restriction is a string, an integer or a bool")
    return Term(kind, value)


def _set(values: Sequence[Any]) -> Term:
    terms = tuple(dict.fromkeys(_constant(value) for value in values))
    if len({term.kind for term in terms}) > 1:  # CK-17
        raise Misuse("values of two kinds in one set")
    return Term("set", terms)


def _binary(left: Term, kind: int, right: Term) -> Ops:
    """The set stands on the left of `contains`."""
    if kind == form.CONTAINS:
        left, right = right, left
    return Op("value", left), Op("value", right), Op("binary", kind)


def _query(name: str, terms: Sequence[Term], *ops: Op) -> Query:
    return Query(Predicate("query", ()), (Predicate(name, tuple(terms)),), (ops,) if ops else ())


def _under(variable: Term, location: str) -> list[Ops]:
    """CK-41: equal to the location, or beneath it."""
    bare = location.rstrip("/")
    equal = [_binary(variable, form.EQUAL, _constant(bare))] if bare else []
    return [*equal, _binary(variable, form.STARTS, _constant(bare + "/"))]


def _argument(name: str, args: list[Any]) -> list[Check]:
    """The restrictions that speak of the value of one argument."""
    if name == "arg_under":
        predicate, variable = "arg_path", Term("variable", "path")
        ops, *beneath = _under(variable, args[1])
        for inner in beneath:
            ops = (*ops, Op("closure", inner), Op("binary", form.OR), Op("unary", form.PARENS))
        ops += _NOT
    elif name in _ARGUMENT:
        predicate, bound, kind, several, negated = _ARGUMENT[name]
        variable = Term("variable", bound)
        ops = _binary(variable, kind, _set(args[1:]) if several else _constant(args[1])) + (_NOT if negated else ())
    else:
        raise Misuse(f"no restriction {name}")
    return [Check((_query("arg_present", [_constant(args[0])]),)),
            Check((_query(predicate, [_constant(args[0]), variable], *ops),), REJECT_IF)]


def checks(name: str, args: list[Any], when: tuple[str, str] | None = None) -> list[Check]:
    """The checks of a restriction by its name; guarded by CK-42 where `when` is a type and an action."""
    plain = CALLER.get(name, {"expires_by": "time", "not_before": "time", "args_only": "name"}.get(name, "resource"))
    variable = Term("variable", plain)
    if name in ("expires_by", "not_before"):
        kind = form.AT_MOST if name == "expires_by" else form.AT_LEAST
        out = [Check((_query(plain, [variable], *_binary(variable, kind, Term("date", args[0]))),))]
    elif name in CALLER or name == "resource_is":
        several = len(set(args)) > 1
        kind, value = (form.CONTAINS, _set(args)) if several else (form.EQUAL, _constant(args[0]))
        out = [Check((_query(plain, [variable], *_binary(variable, kind, value)),))]
    elif name == "resource_under":
        out = [Check(tuple(_query(plain, [variable], *ops) for ops in _under(variable, args[0])))]
    elif name == "arg_absent":
        out = [Check((_query("arg_present", [_constant(args[0])]),), REJECT_IF)]
    elif name == "args_only":
        out = [Check((_query("arg_present", [variable], *_binary(variable, form.CONTAINS, _set(args)), *_NOT),), REJECT_IF)]
    else:
        out = _argument(name, args)
    return [_guard(check, *when) for check in out] if when else out


def _guard(check: Check, type_: str, action: str) -> Check:
    """CK-42"""
    wanted = {"type": _constant(type_), "action": _constant(action)}
    if check.kind == REJECT_IF:
        query = check.queries[0]
        constants = tuple(Predicate(name, (value,)) for name, value in wanted.items())
        return Check((Query(query.head, constants + query.body, query.expressions),), REJECT_IF)
    variables = {name: Term("variable", name) for name in wanted}
    others = [_query(name, [variables[name]], *_binary(variables[name], form.UNEQUAL, value)) for name, value in wanted.items()]
    return Check((*others, *check.queries))
