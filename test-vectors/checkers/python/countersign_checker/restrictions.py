"""Typed restrictions, each as exactly the checks of CK-40 to CK-42 ("Typed restrictions" of spec/checks.md)."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import form
from .datalog import CHECK_IF, REJECT_IF, Check, Op, Predicate, Query, Term
from .errors import Misuse

CALLER = {"services": "service", "types": "type", "actions": "action", "methods": "method", "tools": "tool",
           "users": "user", "purposes": "purpose", "bindings": "binding"}
_HEAD = Predicate("query", ())
Ops = tuple[Op, ...]


def _constant(value: Any) -> Term:
    kind = {bool: "bool", int: "integer", str: "string"}.get(type(value))
    if kind is None:
        raise Misuse("a value of a restriction is a string, an integer or a bool")
    return Term(kind, value)


def _push(term: Term) -> Op:
    return Op("value", term)


def _var(name: str) -> Term:
    return Term("variable", name)


def _binary(left: Term, kind: int, right: Term) -> Ops:
    return _push(left), _push(right), Op("binary", kind)


def _set(values: Sequence[Any]) -> Term:
    terms = tuple(dict.fromkeys(_constant(value) for value in values))
    if len({term.kind for term in terms}) > 1:  # CK-17
        raise Misuse("values of two kinds in one set")
    return Term("set", terms)


def _query(body: Predicate, *ops: Op) -> Query:
    return Query(_HEAD, (body,), (ops,) if ops else ())


def _under(variable: Term, location: str) -> list[Ops]:
    """CK-41: equal to the location, or beneath it."""
    bare = location.rstrip("/")
    beneath = _binary(variable, form.STARTS, _constant(bare + "/"))
    return [_binary(variable, form.EQUAL, _constant(bare)), beneath] if bare else [beneath]


def _argument(name: str, args: list[Any]) -> list[Check]:
    """The restrictions that speak of one argument."""
    present = Check(CHECK_IF, (_query(Predicate("arg_present", (_constant(args[0]),))),))
    predicate, variable = "arg", _var("value")
    negated: Ops = (Op("unary", form.NOT),)
    ops: Ops
    if name == "arg_is":
        ops = _binary(variable, form.UNEQUAL, _constant(args[1]))
    elif name == "arg_in":
        ops = _binary(_set(args[1:]), form.CONTAINS, variable) + negated
    elif name in ("arg_starts_with", "arg_ends_with"):
        kind = form.STARTS if name == "arg_starts_with" else form.ENDS
        ops = _binary(variable, kind, _constant(args[1])) + negated
    elif name in ("arg_at_most", "arg_at_least"):
        ops = _binary(variable, form.GREATER if name == "arg_at_most" else form.LESS, _constant(args[1]))
    elif name == "arg_under":
        predicate, variable = "arg_path", _var("path")
        alternatives = _under(variable, args[1])
        ops = alternatives[0] + negated
        if len(alternatives) == 2:
            either = Op("closure", alternatives[1]), Op("binary", form.OR)
            ops = (*alternatives[0], *either, Op("unary", form.PARENS), *negated)
    elif name == "arg_host_in":
        predicate, variable = "arg_host", _var("host")
        ops = _binary(_set(args[1:]), form.CONTAINS, variable) + negated
    else:
        raise Misuse(f"no restriction {name}")
    return [present, Check(REJECT_IF, (_query(Predicate(predicate, (_constant(args[0]), variable)), *ops),))]


def checks(name: str, args: list[Any], when: tuple[str, str] | None = None) -> list[Check]:
    """The checks of a restriction by its name; guarded by CK-42 where `when` is a type and an action."""
    if name in ("expires_by", "not_before"):
        kind = form.AT_MOST if name == "expires_by" else form.AT_LEAST
        ops = _binary(_var("time"), kind, Term("date", args[0]))
        out = [Check(CHECK_IF, (_query(Predicate("time", (_var("time"),)), *ops),))]
    elif name in CALLER or name == "resource_is":
        variable = _var(CALLER.get(name, "resource"))
        several = len(dict.fromkeys(args)) > 1
        ops = _binary(_set(args), form.CONTAINS, variable) if several else _binary(variable, form.EQUAL, _constant(args[0]))
        out = [Check(CHECK_IF, (_query(Predicate(variable.value, (variable,)), *ops),))]
    elif name == "resource_under":
        variable = _var("resource")
        body = Predicate("resource", (variable,))
        out = [Check(CHECK_IF, tuple(_query(body, *ops) for ops in _under(variable, args[0])))]
    elif name == "arg_absent":
        out = [Check(REJECT_IF, (_query(Predicate("arg_present", (_constant(args[0]),))),))]
    elif name == "args_only":
        variable = _var("name")
        ops = (*_binary(_set(args), form.CONTAINS, variable), Op("unary", form.NOT))
        out = [Check(REJECT_IF, (_query(Predicate("arg_present", (variable,)), *ops),))]
    else:
        out = _argument(name, args)
    return [_guard(check, *when) for check in out] if when else out


def _guard(check: Check, type_: str, action: str) -> Check:
    """CK-42"""
    if check.kind == REJECT_IF:
        query = check.queries[0]
        constants = Predicate("type", (_constant(type_),)), Predicate("action", (_constant(action),))
        return Check(REJECT_IF, (Query(query.head, constants + query.body, query.expressions),))
    others = tuple(
        _query(Predicate(name, (_var(name),)), *_binary(_var(name), form.UNEQUAL, _constant(value)))
        for name, value in (("type", type_), ("action", action)))
    return Check(CHECK_IF, others + check.queries)
