"""Terms, facts and checks, and the way between them and an encoded Block ("Symbols" of spec/token.md)."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from . import wire
from .errors import Denial

FIXED = (  # 0 to 27
    "read", "write", "resource", "operation", "right", "time", "role", "owner", "tenant", "namespace", "user", "team",
    "service", "admin", "email", "group", "member", "ip_address", "client", "client_ip", "domain", "path", "version",
    "cluster", "node", "hostname", "nonce", "query")
FIRST = 1024
CHECK_IF, REJECT_IF = 0, 2
SCALARS = ("integer", "string", "date", "bytes", "bool")


@dataclass(frozen=True, slots=True)
class Term:
    kind: str   # variable, a scalar kind, or set
    value: Any  # str for variables and strings; a tuple of terms for sets


@dataclass(frozen=True, slots=True)
class Predicate:
    name: str
    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Op:
    kind: str   # value, unary, binary, closure
    value: Any  # a term, the number of the operation, a tuple of operations


@dataclass(frozen=True, slots=True)
class Query:
    head: Predicate
    body: tuple[Predicate, ...]
    expressions: tuple[tuple[Op, ...], ...]


@dataclass(frozen=True, slots=True)
class Check:
    kind: int
    queries: tuple[Query, ...]


@dataclass(frozen=True, slots=True)
class Block:
    facts: tuple[Predicate, ...]
    checks: tuple[Check, ...]
    version: int


@dataclass
class Symbols:
    """The strings from 1024 on, as one block sees them."""

    strings: list[str] = field(default_factory=list)

    def lookup(self, index: int) -> str:
        if index < len(FIXED):
            return FIXED[index]
        if index < FIRST or index - FIRST >= len(self.strings):  # TK-17
            raise Denial(4, "token_malformed")
        return self.strings[index - FIRST]


class _Reader:
    """Turns the messages of one block into terms, and notes the first use of each further string (TK-19)."""

    def __init__(self, symbols: Symbols, old: int) -> None:
        self.symbols = symbols
        self.old = FIRST + old
        self.used: dict[int, None] = {}

    def symbol(self, index: int) -> str:
        text = self.symbols.lookup(index)
        if index >= self.old:
            self.used.setdefault(index)
        return text

    def term(self, message: wire.Message) -> Term:
        (kind, value), = message.items()
        if kind in ("variable", "string"):
            return Term(kind, self.symbol(value))
        if kind == "set":
            return self._set(value["set"])
        if kind == "bytes" and len(value) > 1024:  # TK-22
            raise Denial(4, "token_profile")
        if kind == "date" and value > 253402300799:  # TK-23
            raise Denial(4, "token_profile")
        return Term(kind, value)

    def _set(self, messages: list[wire.Message]) -> Term:
        if len(messages) > 128:  # CK-18
            raise Denial(4, "limit_exceeded")
        known = len(self.used)
        terms = tuple(self.term(message) for message in messages)
        kinds = {term.kind for term in terms}
        if len(kinds) > 1 or not kinds <= set(SCALARS):  # CK-17
            raise Denial(4, "token_profile")
        order = [next(iter(message.values())) for message in messages]
        if any(not a < b for a, b in zip(order, order[1:])):  # CK-19
            raise Denial(4, "token_malformed")
        fresh = [self.symbols.lookup(index).encode() for index in list(self.used)[known:]]
        if fresh != sorted(fresh):  # TK-20
            raise Denial(4, "token_malformed")
        return Term("set", terms)

    def predicate(self, message: wire.Message) -> Predicate:
        return Predicate(self.symbol(message["name"]), tuple(self.term(term) for term in message["terms"]))

    def ops(self, messages: list[wire.Message]) -> tuple[Op, ...]:
        out: list[Op] = []
        for message in messages:
            (kind, value), = message.items()
            if kind == "value":
                out.append(Op(kind, self.term(value)))
            elif kind == "closure":  # as deep as TK-10 lets it be
                out.append(Op(kind, self.ops(value["ops"])))
            else:
                out.append(Op(kind, value["kind"]))
        return tuple(out)

    def check(self, message: wire.Message) -> Check:
        queries = tuple(
            Query(self.predicate(rule["head"]), tuple(self.predicate(item) for item in rule["body"]),
                  tuple(self.ops(expression["ops"]) for expression in rule["expressions"]))
            for rule in message["queries"])
        return Check(message.get("kind", CHECK_IF), queries)


def read_block(data: bytes, symbols: Symbols) -> Block:
    """Decodes a block and adds its strings to `symbols`."""
    message = wire.decode("Block", data, depth=1)
    old = len(symbols.strings)
    seen = set(FIXED) | set(symbols.strings)
    for text in message["symbols"]:
        if text in seen:  # TK-18
            raise Denial(4, "token_malformed")
        if len(text.encode()) > 1024:  # TK-22
            raise Denial(4, "token_profile")
        seen.add(text)
        symbols.strings.append(text)
    if len(message["facts"]) > 200 or len(message["checks"]) > 64:  # TK-25
        raise Denial(4, "limit_exceeded")
    reader = _Reader(symbols, old)
    facts = tuple(reader.predicate(fact["predicate"]) for fact in message["facts"])
    checks = tuple(reader.check(check) for check in message["checks"])
    if list(reader.used) != [FIRST + index for index in range(old, len(symbols.strings))]:  # TK-19
        raise Denial(4, "token_malformed")
    if len(set(facts)) != len(facts):  # TK-24
        raise Denial(4, "token_malformed")
    return Block(facts, checks, message.get("version", 0))


class _Writer:
    def __init__(self, symbols: Symbols) -> None:
        self.index = {text: number for number, text in enumerate(FIXED)}
        self.index |= {text: FIRST + number for number, text in enumerate(symbols.strings)}
        self.symbols = symbols
        self.fresh: list[str] = []

    def symbol(self, text: str) -> int:
        if text not in self.index:
            self.index[text] = FIRST + len(self.symbols.strings)
            self.symbols.strings.append(text)
            self.fresh.append(text)
        return self.index[text]

    def term(self, term: Term) -> wire.Message:
        if term.kind in ("variable", "string"):
            return {term.kind: self.symbol(term.value)}
        if term.kind != "set":
            return {term.kind: term.value}
        if term.value and term.value[0].kind == "string":
            texts = sorted({item.value for item in term.value}, key=str.encode)  # TK-20
            return {"set": {"set": [{"string": index} for index in sorted(self.symbol(text) for text in texts)]}}
        values = sorted({(item.kind, item.value) for item in term.value}, key=lambda pair: pair[1])
        return {"set": {"set": [{kind: value} for kind, value in values]}}  # CK-19

    def predicate(self, predicate: Predicate) -> wire.Message:
        return {"name": self.symbol(predicate.name), "terms": [self.term(term) for term in predicate.terms]}

    def ops(self, ops: tuple[Op, ...]) -> list[wire.Message]:
        out: list[wire.Message] = []
        for op in ops:
            if op.kind == "value":
                out.append({"value": self.term(op.value)})
            elif op.kind == "closure":
                out.append({"closure": {"ops": self.ops(op.value)}})
            else:
                out.append({op.kind: {"kind": op.value}})
        return out

    def check(self, check: Check) -> wire.Message:
        rules = [{"head": self.predicate(query.head), "body": [self.predicate(item) for item in query.body],
                  "expressions": [{"ops": self.ops(ops)} for ops in query.expressions]} for query in check.queries]
        return {"queries": rules} | ({"kind": check.kind} if check.kind else {})


def version_of(checks: tuple[Check, ...], external: bool) -> int:
    """TK-26: the version that a block must have."""
    version = 5 if external else 3
    pending = [op for check in checks for query in check.queries for ops in query.expressions for op in ops]
    while pending:
        op = pending.pop()
        if op.kind == "closure":
            version = 6
            pending.extend(op.value)
        elif op == Op("binary", 20):
            version = max(version, 4)
    return 6 if any(check.kind == REJECT_IF for check in checks) else version


def write_block(facts: tuple[Predicate, ...], checks: tuple[Check, ...], symbols: Symbols, external: bool) -> bytes:
    """Encodes a block and adds its strings to `symbols`."""
    writer = _Writer(symbols)
    message: wire.Message = {
        "facts": [{"predicate": writer.predicate(fact)} for fact in facts],
        "checks": [writer.check(check) for check in checks],
    }
    message |= {"symbols": writer.fresh, "version": version_of(checks, external)}
    return wire.encode("Block", message)
